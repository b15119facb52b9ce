// Exchange rules (RFC 8693): `/admin/exchange-rules`.
import { NOTHING, inPath, list, object, operation, reply, schema, text, texts, time, word } from './parts.mjs';

const TAG = 'Exchange rules';
const MEMBERS = {
  client: text('The client that may exchange tokens; not `root`.'),
  sources: texts('The audiences of the tokens that it may exchange: resources, or clients of ID tokens.', { minItems: 1, maxItems: 20 }),
  targets: texts('The resources that it may obtain tokens for.', { minItems: 1, maxItems: 20 }),
  scope: text('The scope that those tokens may have; by default none.'),
  mode: word('Whether the new tokens name the client as actor; `id_jag`: identity assertions for another authorization server.', ['delegation', 'impersonation', 'id_jag']),
  client_id: text('With `id_jag`, required: the `client_id` of the client at the other server.', { maxLength: 500 }),
  resources: texts('With `id_jag`: the resources there that an assertion may name; by default any.', { maxItems: 20 }),
};
/** Members of responses, which a request may repeat: they are ignored there. */
const RECORD = { id: text('The id of the rule.'), created_at: time('When the rule was created.') };
const REQUIRED = ['client', 'sources', 'targets', 'mode'];
const ROW = { replies: { 200: reply('The rule.', schema('ExchangeRule')) } };

export const exchangeRules = {
  schemas: {
    ExchangeRuleDescription: object('A rule for token exchange, as an operator describes it. Unknown members are refused; `null` counts as omitted.', { ...RECORD, ...MEMBERS }, REQUIRED, { additionalProperties: false }),
    ExchangeRule: object('A rule for token exchange.', { ...RECORD, ...MEMBERS }, ['id', 'created_at', ...REQUIRED, 'scope']),
    ExchangeRules: object('The exchange rules.', { exchange_rules: list(schema('ExchangeRule'), 'All of them.') }, ['exchange_rules']),
  },
  paths: {
    '/admin/exchange-rules': {
      get: operation('listExchangeRules', TAG, 'Lists the exchange rules.', { replies: { 200: reply('The rules.', schema('ExchangeRules')) } }),
      post: operation('createExchangeRule', TAG, 'Allows a client to exchange tokens.', {
        body: schema('ExchangeRuleDescription'), replies: { 201: reply('The rule.', schema('ExchangeRule'), { at: true }) }, refusals: [409],
      }),
    },
    '/admin/exchange-rules/{id}': {
      parameters: [inPath('id', 'The id of the rule.')],
      get: operation('readExchangeRule', TAG, 'Returns an exchange rule.', { ...ROW, refusals: [404] }),
      put: operation('replaceExchangeRule', TAG, 'Replaces all but `client`, `sources` and `targets`.', { ...ROW, body: schema('ExchangeRuleDescription'), refusals: [404, 409] }),
      delete: operation('removeExchangeRule', TAG, 'Removes an exchange rule. Tokens that it yielded stay active until they expire.', { replies: { 204: NOTHING }, refusals: [404] }),
    },
  },
};
