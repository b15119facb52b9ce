// Keys that clients authenticate with, and the assertions that they sign (RFC 7523 section 2.2), made by jose.
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A new key pair; `jwk` is its public half as a client registers it. `options` are those of jose. */
export async function newClientKey(alg, options) {
  const { publicKey, privateKey } = await generateKeyPair(alg, options);
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, jwk: { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) } };
}

/** The metadata of a client that has this key and no secret. */
export function keyMetadata(key, metadata = {}) {
  return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, ...metadata };
}

/** The metadata of a client that publishes its keys at this address and has no secret. */
export function publishedKeyMetadata(jwks_uri, metadata = {}) {
  return { token_endpoint_auth_method: 'private_key_jwt', jwks_uri, ...metadata };
}

/** The claims of a valid assertion; `changes` replace some, and `undefined` removes one. */
export function assertionClaims(server, id, changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return { iss: id, sub: id, aud: server.issuer, iat: now, exp: now + 60, jti: crypto.randomUUID(), ...changes };
}

/** An assertion with these claims, signed with the key; `header` adds members to its header. */
export function signAssertion(key, claims, header = {}) {
  return new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.jwk.kid, ...header }).sign(key.privateKey);
}

/** The form of a token request with this assertion. */
export function assertionForm(assertion, params = {}) {
  return {
    grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion: assertion, ...params,
  };
}
