// Registered resources: `/admin/resources`.
import { flag, inPath, list, object, operation, reply, schema, text, texts, time, word } from './parts.mjs';

const TAG = 'Resources';
const ID = inPath('id', 'The id of the record.');

const MEMBERS = {
  identifier: text('The resource indicator (RFC 8707): an absolute URI without a fragment. It cannot be changed.', { maxLength: 512 }),
  name: text('The name on the consent page.', { minLength: 1, maxLength: 100 }),
  scopes: list(schema('ScopeDescription'), 'The scope values of its tokens; none by default.', { maxItems: 100 }),
  clients: {
    description: 'The clients that may ask for its tokens: a class, or a list of values of `client_id`; by default none.',
    anyOf: [word('A class of clients.', ['all', 'self_registered']), texts('Values of `client_id`.', { maxItems: 200 })],
  },
  access_token_lifetime: { type: 'integer', minimum: 1, maximum: 86_400, description: 'The lifetime of its tokens, in seconds.' },
  signing_algorithm: text('The algorithm of its tokens, one of `SIGNING_ALGORITHMS`.'),
  other_audiences: flag('Whether its tokens may name other audiences, too.'),
  acr: word('The lowest class of the sign-in that its tokens require (RFC 9470).', ['1', 'phr']),
  max_age: { type: 'integer', minimum: 60, maximum: 34_560_000, description: 'The maximum age of that sign-in, in seconds.' },
  introspection_client: text('The `client_id` as which its server authenticates at introspection.'),
};
/** Members of responses, which a request may repeat: they are ignored there. */
const RECORD = { id: text('The id of the record.'), created_at: time('When the record was created.') };
const ROW = { replies: { 200: reply('The record.', schema('Resource')) } };

export const resources = {
  schemas: {
    ResourceDescription: object('A resource, as an operator describes it. Unknown members are refused; `null` counts as omitted.', { ...RECORD, ...MEMBERS }, ['identifier', 'name'], { additionalProperties: false }),
    Resource: object('A registered resource.', { ...RECORD, ...MEMBERS }, ['id', 'created_at', 'identifier', 'name', 'scopes', 'clients', 'other_audiences']),
    ScopeDescription: object('A scope value, and what users read about it.', {
      value: text('The scope value.'),
      description: object('The texts.', { en: text('In English.', { maxLength: 100 }), zh: text('In Chinese.', { maxLength: 100 }) }, ['en'], { additionalProperties: false }),
    }, ['value', 'description'], { additionalProperties: false }),
    Resources: object('The registered resources.', { resources: list(schema('Resource'), 'All of them.') }, ['resources']),
  },
  paths: {
    '/admin/resources': {
      get: operation('listResources', TAG, 'Lists the registered resources.', { replies: { 200: reply('The resources.', schema('Resources')) } }),
      post: operation('createResource', TAG, 'Registers a resource.', {
        body: schema('ResourceDescription'), replies: { 201: reply('The record.', schema('Resource'), { at: true }) }, refusals: [409],
      }),
    },
    '/admin/resources/{id}': {
      parameters: [ID],
      get: operation('readResource', TAG, 'Returns a resource.', { ...ROW, refusals: [404] }),
      put: operation('replaceResource', TAG, 'Replaces every member but `identifier`.', { ...ROW, body: schema('ResourceDescription'), refusals: [404, 409] }),
      delete: operation('removeResource', TAG, 'Removes a resource. Clients, grants and consents lose it in the background.', {
        replies: { 202: reply('The bulk revocation that takes it from them.', schema('Revocation'), { at: true }) }, refusals: [404],
      }),
    },
  },
};
