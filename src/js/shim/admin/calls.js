// The calls of the admin API: one row a method of `AdminClient`, by its operation in the OpenAPI document. The arguments of a method are the
// identifiers in its path, then those that `takes` lists, then the options. `page` is the member with the items of a page.
const QUERY = ['query'];
const BODY = ['body'];

export const CALLS = {
  // Clients.
  listClients: { method: 'GET', path: '/admin/clients', takes: QUERY, page: 'clients' },
  createClient: { method: 'POST', path: '/admin/clients', takes: BODY },
  readClient: { method: 'GET', path: '/admin/clients/{id}' },
  replaceClient: { method: 'PUT', path: '/admin/clients/{id}', takes: BODY },
  removeClient: { method: 'DELETE', path: '/admin/clients/{id}' },
  listClientGrants: { method: 'GET', path: '/admin/clients/{id}/grants', takes: QUERY, page: 'grants' },
  endClientGrants: { method: 'DELETE', path: '/admin/clients/{id}/grants', takes: QUERY },
  endClientTokens: { method: 'DELETE', path: '/admin/clients/{id}/tokens' },
  // Users.
  listUsers: { method: 'GET', path: '/admin/users', takes: QUERY, page: 'users' },
  createUser: { method: 'POST', path: '/admin/users', takes: BODY },
  readUser: { method: 'GET', path: '/admin/users/{id}' },
  replaceUser: { method: 'PUT', path: '/admin/users/{id}', takes: BODY },
  removeUser: { method: 'DELETE', path: '/admin/users/{id}' },
  listSessions: { method: 'GET', path: '/admin/users/{id}/sessions' },
  endSessions: { method: 'DELETE', path: '/admin/users/{id}/sessions' },
  listUserGrants: { method: 'GET', path: '/admin/users/{id}/grants' },
  endUserGrants: { method: 'DELETE', path: '/admin/users/{id}/grants' },
  endUserGrant: { method: 'DELETE', path: '/admin/users/{id}/grants/{grant}' },
  listPasskeys: { method: 'GET', path: '/admin/users/{id}/passkeys' },
  removePasskeys: { method: 'DELETE', path: '/admin/users/{id}/passkeys' },
  removePasskey: { method: 'DELETE', path: '/admin/users/{id}/passkeys/{passkey}' },
  // Keys.
  listKeys: { method: 'GET', path: '/admin/keys' },
  importKey: { method: 'POST', path: '/admin/keys', takes: BODY },
  rotateKeys: { method: 'POST', path: '/admin/keys/rotate' },
  readKey: { method: 'GET', path: '/admin/keys/{kid}' },
  revokeKey: { method: 'POST', path: '/admin/keys/{kid}/revoke' },
  readKeyEncryption: { method: 'GET', path: '/admin/key-encryption' },
  reseal: { method: 'POST', path: '/admin/key-encryption/reseal' },
  // Trusted issuers.
  listTrustedIssuers: { method: 'GET', path: '/admin/trusted-issuers', takes: QUERY, page: 'trusted_issuers' },
  createTrustedIssuer: { method: 'POST', path: '/admin/trusted-issuers', takes: BODY },
  readTrustedIssuer: { method: 'GET', path: '/admin/trusted-issuers/{id}' },
  replaceTrustedIssuer: { method: 'PUT', path: '/admin/trusted-issuers/{id}', takes: BODY },
  removeTrustedIssuer: { method: 'DELETE', path: '/admin/trusted-issuers/{id}' },
  // Resources.
  listResources: { method: 'GET', path: '/admin/resources' },
  createResource: { method: 'POST', path: '/admin/resources', takes: BODY },
  readResource: { method: 'GET', path: '/admin/resources/{id}' },
  replaceResource: { method: 'PUT', path: '/admin/resources/{id}', takes: BODY },
  removeResource: { method: 'DELETE', path: '/admin/resources/{id}' },
  // Exchange rules.
  listExchangeRules: { method: 'GET', path: '/admin/exchange-rules' },
  createExchangeRule: { method: 'POST', path: '/admin/exchange-rules', takes: BODY },
  readExchangeRule: { method: 'GET', path: '/admin/exchange-rules/{id}' },
  replaceExchangeRule: { method: 'PUT', path: '/admin/exchange-rules/{id}', takes: BODY },
  removeExchangeRule: { method: 'DELETE', path: '/admin/exchange-rules/{id}' },
  // Revocation.
  startRevocation: { method: 'POST', path: '/admin/revocations', takes: BODY },
  readRevocation: { method: 'GET', path: '/admin/revocations/{id}' },
  restored: { method: 'POST', path: '/admin/restored' },
  // Events.
  listEvents: { method: 'GET', path: '/admin/events', takes: QUERY, page: 'events' },
};
