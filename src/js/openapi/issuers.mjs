// Trusted issuers: `/admin/trusted-issuers`.
import { CURSOR, NOTHING, inPath, list, object, operation, page, reply, schema, text, texts, time, word } from './parts.mjs';

const TAG = 'Trusted issuers';
const ID = inPath('id', 'The id of the record.');
const PRESENCE = ['required', 'optional'];

const MEMBERS = {
  issuer: text('The exact `iss` of its assertions: contains `://`.', { maxLength: 500 }),
  jwks: schema('JwkSet'),
  jwks_uri: text('The address at which it publishes its public keys, in place of `jwks`.', { format: 'uri', maxLength: 500 }),
  algorithms: texts('The algorithms of its assertions: asymmetric ones.', { minItems: 1 }),
  subject: word('Whom the `sub` of an assertion names.', ['client_id', 'mapped_client', 'user_id', 'username', 'upstream']),
  subjects: { type: 'object', description: 'With `mapped_client`: an object from values of `sub` to members of `clients`.', additionalProperties: { type: 'string' }, maxProperties: 100 },
  audience: word('The audience that its assertions may name.', ['issuer', 'token_endpoint']),
  scope: text('The scope that tokens for its assertions may have; by default none.'),
  jti: word('Whether its assertions must have a `jti`.', PRESENCE),
  clients: list({ type: 'string' }, 'The clients that may use its assertions; not `root`.', { minItems: 1, maxItems: 100 }),
  client_authentication: word('Whether a client must authenticate to use its assertions.', PRESENCE),
  assertions: word('The kind of its assertions: `id_jag` for identity assertions alone.', ['jwt', 'id_jag']),
};
const REQUIRED = ['issuer', 'algorithms', 'subject', 'clients'];
/** Members of responses, which a request may repeat: they are ignored there. */
const RECORD = { id: text('The id of the record.'), created_at: time('When the record was created.') };

export const issuers = {
  schemas: {
    TrustedIssuerDescription: object('Another server whose assertions count here. It has either `jwks` or `jwks_uri`. Unknown members are refused.', { ...RECORD, ...MEMBERS }, REQUIRED, { additionalProperties: false }),
    TrustedIssuer: object('A trusted issuer.', { ...RECORD, ...MEMBERS }, ['id', 'created_at', ...REQUIRED, 'audience', 'scope', 'jti', 'client_authentication']),
    TrustedIssuerPage: page('A page of trusted issuers.', 'trusted_issuers', schema('TrustedIssuer')),
  },
  paths: {
    '/admin/trusted-issuers': {
      get: operation('listTrustedIssuers', TAG, 'Lists the trusted issuers, 100 a page.', { parameters: [CURSOR], replies: { 200: reply('A page of trusted issuers.', schema('TrustedIssuerPage')) } }),
      post: operation('createTrustedIssuer', TAG, "Trusts another server's assertions.", {
        body: schema('TrustedIssuerDescription'), replies: { 201: reply('The record.', schema('TrustedIssuer'), { at: true }) }, refusals: [409],
      }),
    },
    '/admin/trusted-issuers/{id}': {
      parameters: [ID],
      get: operation('readTrustedIssuer', TAG, 'Returns a trusted issuer.', { replies: { 200: reply('The record.', schema('TrustedIssuer')) }, refusals: [404] }),
      put: operation('replaceTrustedIssuer', TAG, 'Replaces every member but `issuer`.', { body: schema('TrustedIssuerDescription'), replies: { 200: reply('The record.', schema('TrustedIssuer')) }, refusals: [404] }),
      delete: operation('removeTrustedIssuer', TAG, 'Removes a trusted issuer.', { replies: { 204: NOTHING }, refusals: [404] }),
    },
  },
};
