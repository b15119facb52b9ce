// Signatures that wasm checks at once and sooner than the platform: HMAC and Ed25519. It signs nothing by itself: private
// keys stay with the platform, and secrets sign in the core's issuer.
import { isCryptoKey, isHmac, plainName } from './algorithms.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { checkSignature } from '../wasm/glue.js';

const NOTHING = new Uint8Array();

/** Readies a JWK to check signatures: `{ check, checkSync }`, neither of which makes anybody wait. */
export function importVerify(key, algorithm) {
  const name = plainName(algorithm);
  if (isCryptoKey(key) || !(isHmac(name) || name === 'EdDSA')) throw new TokenError('algorithm_unavailable');
  // With the algorithm, which has its own idea of how long a secret must be.
  const jwk = JSON.stringify({ ...key, alg: name });
  try {
    // A key that is none is told when it comes.
    checkSignature(jwk, name, NOTHING, NOTHING);
  } catch (thrown) {
    throw toTokenError(thrown);
  }
  const checkSync = (input, signature) => checkSignature(jwk, name, input, signature);
  return { check: checkSync, checkSync };
}

/** There is none. */
export function importSign() {
  throw new TokenError('algorithm_unavailable');
}
