// Chooses the engine for a key: the first of the platform's engines that supports the algorithm.
import { isCryptoKey } from './algorithms.js';
import { TokenError } from '../base/errors.js';

/** Imports a public key or a shared secret; returns its use, or a promise of it. */
export function importVerify({ engines }, key, algorithm) {
  const use = firstAble(engines, (engine) => engine.importVerify(key, algorithm));
  const bits = isCryptoKey(key) ? key.algorithm.modulusLength : undefined;
  if (bits === undefined) return use;
  return typeof use.then === 'function' ? use.then((later) => whole(later, bits)) : whole(use, bits);
}

/** Imports a private key or a shared secret; returns its use, or a promise of it. */
export function importSign({ engines }, key, algorithm) {
  return firstAble(engines, (engine) => engine.importSign(key, algorithm));
}

/**
 * Requires an RSA signature as long as the modulus, leading zeros included (RFC 8017 section 8.1.2), which no platform does. The core
 * does, except for a CryptoKey, whose modulus it does not know.
 */
function whole({ check, checkSync }, bits) {
  const isWhole = (signature) => signature.length === Math.ceil(bits / 8);
  return {
    check: (input, signature) => isWhole(signature) && check(input, signature),
    ...(checkSync && { checkSync: (input, signature) => isWhole(signature) && checkSync(input, signature) }),
  };
}

/** Returns the key of a token as an engine takes it: the JWK from the core, or the CryptoKey that only the shim holds. */
export function keyOf({ jwk }, { handle }) {
  return jwk ?? handle;
}

function firstAble([engine, ...others], ask) {
  const next = (error) => {
    if (others.length === 0 || error.code !== 'algorithm_unavailable') throw error;
    return firstAble(others, ask);
  };
  if (engine === undefined) throw new TokenError('algorithm_unavailable');
  try {
    const use = ask(engine);
    return typeof use.then === 'function' ? use.catch(next) : use;
  } catch (error) {
    return next(error);
  }
}
