// Assertions that are exchanged for access tokens (RFC 7523 section 2.1): trusted issuers, service accounts and their requests. Contains no
// assertions of tests.
import { admin, registerClient } from './admin.mjs';
import { newClientKey, signAssertion } from './client-key.mjs';
import { postForm } from './request.mjs';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Registers a client that asserts for itself with this key. */
export function registerServiceAccount(server, key, metadata = {}) {
  return registerClient(server, {
    grant_types: [JWT_BEARER], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, scope: 'read write', ...metadata,
  });
}

/** Registers a client that uses the assertions of trusted issuers, by default with a secret. */
export function registerAssertionClient(server, metadata = {}) {
  return registerClient(server, { grant_types: [JWT_BEARER], scope: 'openid profile read write', ...metadata });
}

let issuers = 0;

/** Creates a trusted issuer with a key of its own; returns `{ issuer, key, id, information }`, or throws. */
export async function trustIssuer(server, members) {
  issuers += 1;
  const issuer = `https://idp-${issuers}.example`;
  const key = await newClientKey('ES256');
  const description = {
    issuer, algorithms: ['ES256'], subject: 'user_id', scope: 'openid profile read', ...members.jwks_uri ? {} : { jwks: { keys: [key.jwk] } }, ...members,
  };
  const { status, text, json } = await admin(server, 'POST', '/admin/trusted-issuers', description);
  if (status !== 201) throw new Error(`no trusted issuer: ${status} ${text}`);
  return { issuer: description.issuer, key, id: json.id, information: json };
}

/** The claims of a valid assertion; `changes` replace some, and `undefined` removes one. */
export function grantClaims(server, iss, sub, changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return { iss, sub, aud: server.issuer, iat: now, exp: now + 60, jti: crypto.randomUUID(), ...changes };
}

/** Signs an assertion. */
export function signGrant(server, { issuer, key }, sub, changes, header) {
  return signAssertion(key, grantClaims(server, issuer, sub, changes), header);
}

/** Presents an assertion to the token endpoint. */
export function present(server, assertion, params = {}, headers = {}) {
  return postForm(server, '/oauth/token', { grant_type: JWT_BEARER, assertion, ...params }, headers);
}
