// Clients: `/admin/clients`.
import { CURSOR, NOTHING, count, flag, inPath, list, object, operation, page, reply, schema, text, texts, time, word } from './parts.mjs';

const TAG = 'Clients';
const ID = inPath('id', 'The `client_id`, percent-encoded.');
const SIGNING = ['RS256', 'ES256', 'EdDSA'];
const ASYMMETRIC = ['EdDSA', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
export const GRANT_TYPES = [
  'authorization_code', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code', 'refresh_token',
  'urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:token-exchange',
];
const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];

/** The metadata that requests and responses share (RFC 7591 section 2). */
const METADATA = {
  client_name: text('The name that users see.', { maxLength: 500 }),
  client_uri: text('A page about the client.', { maxLength: 500 }),
  contacts: texts('Contact addresses.', { maxItems: 20 }),
  grant_types: list({ type: 'string', enum: GRANT_TYPES }, 'The grant types that the client may use. The default is `authorization_code` and `refresh_token` for a client with `redirect_uris`, and `client_credentials` for any other.', { minItems: 1 }),
  redirect_uris: texts('The redirect URIs: https, http on a loopback address, or the scheme of an application.', { maxItems: 50 }),
  post_logout_redirect_uris: texts('The redirect URIs after sign-out.', { maxItems: 50 }),
  access_token_signed_response_alg: word('The signing algorithm of its access tokens (extension), one of `SIGNING_ALGORITHMS`.', SIGNING),
  id_token_signed_response_alg: word('The signing algorithm of its ID tokens, one of `SIGNING_ALGORITHMS`.', SIGNING),
  id_token_claims: word('With `profile`, ID tokens carry all claims that the granted scope discloses at userinfo (extension).', ['profile']),
  token_endpoint_auth_method: word('How the client authenticates. Without it, the client may send its secret by Basic or in the body. `none` makes it a public client.', AUTH_METHODS),
  token_endpoint_auth_signing_alg: word('The only algorithm of its assertions.', ASYMMETRIC),
  assertion_audience: word('The audiences that its assertions may name (extension).', ['issuer', 'token_endpoint']),
  jwks: schema('JwkSet'),
  jwks_uri: text('The address at which the client publishes its public keys, in place of `jwks`.', { format: 'uri', maxLength: 500 }),
  service_account: schema('ServiceAccount'),
  scope: text('The scope that the client may request, and its default: values separated by spaces.', { maxLength: 4000 }),
  resources: texts('The resource indicators (RFC 8707) that the client may request, besides the issuer and the default resource.', { maxItems: 50 }),
  software_id: text('The identifier of its software.', { maxLength: 500 }),
  software_version: text('The version of that software.', { maxLength: 500 }),
};
const ENABLED = flag('Whether the client is enabled.');
/** Members of a response. */
const RECORD = {
  client_id: text('The identifier.'),
  client_id_issued_at: time('When the client was registered.'),
  ...METADATA,
  enabled: ENABLED,
};
const ALWAYS = ['client_id', 'client_id_issued_at', 'grant_types', 'scope', 'token_endpoint_auth_method', 'enabled'];

export const clients = {
  schemas: {
    ClientMetadata: object('The metadata of a client (RFC 7591 section 2), as an operator sends it. Unknown members are ignored; `null` counts as omitted.', {
      client_id: text('The identifier of a client that is imported: 1 to 200 visible ASCII characters and spaces. By default a random one.', { minLength: 1, maxLength: 200 }),
      client_secret: text('The secret of a client that is imported, or a new one.', { minLength: 1 }),
      ...METADATA,
      response_types: list({ type: 'string', const: 'code' }, 'Only `code` is supported.'),
      enabled: ENABLED,
    }),
    Client: object('A client.', RECORD, ALWAYS),
    ClientWithSecret: object('A client, with its secret if the request set one. No other response shows it.', {
      ...RECORD,
      client_secret: text('The secret, if it was just set.'),
      client_secret_expires_at: { type: 'integer', const: 0, description: 'Always 0: the secret does not expire.' },
    }, ALWAYS),
    ServiceAccount: object('What a client that asserts for itself may do beyond its own tokens (extension). Unknown members are refused.', {
      jti: word('Whether its assertions must have a `jti`.', ['required', 'optional']),
      users: texts('The ids of the users in whose names it may obtain tokens.', { maxItems: 200 }),
      scope: text('The scope of those tokens; by default none.'),
    }, [], { additionalProperties: false }),
    ClientPage: page('A page of clients.', 'clients', schema('Client')),
    GrantPage: page('The grants of a page of accounts. A page may be empty although more follow.', 'grants', schema('Grant')),
    Grant: object('A grant: what a user, or an operator for the user, allowed a client.', {
      id: text('The identifier.'),
      user: text('The id of the user.'),
      client_id: text('The client.'),
      scope: text('The granted scope.'),
      resources: texts('The granted resources.'),
      offline: flag('Whether it outlives the session in which it was allowed (`offline_access`).'),
      issued_at: time('When it was allowed.'),
      last_used: time('When it was last used.'),
      ends_at: time('When it expires, unless it is used before.'),
    }, ['id', 'user', 'client_id', 'scope', 'resources', 'offline', 'issued_at', 'last_used', 'ends_at']),
    EndedGrants: object('How many grants were revoked.', {
      ended: count('The number of revoked grants.'),
      cursor: text('Present if the client has grants in more accounts: continue with it.'),
    }, ['ended']),
    EndedTokens: object('Up to when issued tokens of the client were revoked.', {
      issued_until: time('Tokens that were issued up to and including this second are revoked.'),
    }, ['issued_until']),
  },
  paths: {
    '/admin/clients': {
      get: operation('listClients', TAG, 'Lists the clients, 100 a page.', { parameters: [CURSOR], replies: { 200: reply('A page of clients.', schema('ClientPage')) } }),
      post: operation('createClient', TAG, 'Registers a client (RFC 7591).', {
        body: schema('ClientMetadata'), replies: { 201: reply('The client. Only this response shows the secret.', schema('ClientWithSecret'), { at: true }) },
      }),
    },
    '/admin/clients/{id}': {
      parameters: [ID],
      get: operation('readClient', TAG, 'Returns a client.', { replies: { 200: reply('The client.', schema('Client')) }, refusals: [404] }),
      put: operation('replaceClient', TAG, 'Replaces the metadata of a client (RFC 7592).', {
        description: 'Members that the body lacks are removed, except the secret and `enabled`, which are kept.',
        body: schema('ClientMetadata'), replies: { 200: reply('The client, with the secret if it was just set.', schema('ClientWithSecret')) }, refusals: [404],
      }),
      delete: operation('removeClient', TAG, 'Removes a client. Its tokens are inactive at once.', {
        replies: { 200: reply('The client is removed, and has grants in more accounts: continue with `endClientGrants` and the cursor.', schema('EndedGrants')), 204: NOTHING },
        refusals: [404],
      }),
    },
    '/admin/clients/{id}/grants': {
      parameters: [ID],
      get: operation('listClientGrants', TAG, 'Lists the grants of a client, those of 50 accounts a page.', { parameters: [CURSOR], replies: { 200: reply('A page of grants.', schema('GrantPage')) }, refusals: [404] }),
      delete: operation('endClientGrants', TAG, 'Revokes the grants of a client, those of 500 accounts a call.', {
        parameters: [CURSOR], replies: { 200: reply('The number, and the cursor if there are more.', schema('EndedGrants')) }, refusals: [404],
      }),
    },
    '/admin/clients/{id}/tokens': {
      parameters: [ID],
      delete: operation('endClientTokens', TAG, 'Revokes the tokens that the client has for itself (`client_credentials`). Works for `root` too.', {
        replies: { 200: reply('The last second of the revoked tokens.', schema('EndedTokens')) }, refusals: [404],
      }),
    },
  },
};
