// Signatures that wasm verifies synchronously and faster than the platform: HMAC and Ed25519. It does not sign: private keys are used by
// the platform, and shared secrets by the core's issuer.
import { isCryptoKey, isHmac, plainName } from './algorithms.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { checkSignature } from '../wasm/glue.js';

const NOTHING = new Uint8Array();

/** Imports a JWK. Returns `{ check, checkSync }`, both synchronous. */
export function importVerify(key, algorithm) {
  const name = plainName(algorithm);
  if (isCryptoKey(key) || !(isHmac(name) || name === 'EdDSA')) throw new TokenError('algorithm_unavailable');
  // With the algorithm, which determines the least length of a secret.
  const jwk = JSON.stringify({ ...key, alg: name });
  try {
    // Reports an unusable key at import.
    checkSignature(jwk, name, NOTHING, NOTHING);
  } catch (thrown) {
    throw toTokenError(thrown);
  }
  const checkSync = (input, signature) => checkSignature(jwk, name, input, signature);
  return { check: checkSync, checkSync };
}

/** Not supported. */
export function importSign() {
  throw new TokenError('algorithm_unavailable');
}
