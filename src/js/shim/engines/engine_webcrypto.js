// Signatures by WebCrypto, which every runtime has, always asynchronous.
import { isCryptoKey, subtle, webCrypto } from './algorithms.js';
import { TokenError } from '../base/errors.js';

/** Imports a public key, a JWK or a CryptoKey. Returns `{ check(input, signature) }`, which returns a promise. */
export async function importVerify(key, algorithm) {
  const { use } = webCrypto(algorithm);
  const handle = await importKey(key, algorithm, 'verify');
  return { check: (input, signature) => subtle().verify(use, handle, signature, input).catch(rethrow) };
}

/** Imports a private key, a JWK or a CryptoKey. Returns `{ sign(input) }`, which returns a promise of bytes. */
export async function importSign(key, algorithm) {
  const { use } = webCrypto(algorithm);
  const handle = await importKey(key, algorithm, 'sign');
  return { sign: (input) => subtle().sign(use, handle, input).then((bytes) => new Uint8Array(bytes), rethrow) };
}

async function importKey(key, algorithm, usage) {
  if (isCryptoKey(key)) return key;
  const { kid: _, use: __, alg: ___, key_ops: ____, ...numbers } = key;
  return subtle().importKey('jwk', numbers, webCrypto(algorithm).key, false, [usage]).catch(rethrow);
}

function rethrow(cause) {
  throw cause?.name === 'NotSupportedError'
    ? new TokenError('algorithm_unavailable', 'this runtime does not support the algorithm', { cause })
    : new TokenError('key_unusable', 'the runtime refuses the key; its point may not be on the curve', { cause });
}
