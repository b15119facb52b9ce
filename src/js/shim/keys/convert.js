// Operations on keys by WebCrypto: generation, conversion, and the check that the parts of a key belong together. The only module that
// calculates with private keys.
import { subtle, webCrypto } from '../engines/algorithms.js';
import { fromBase64url } from '../base/base64.js';
import { TokenError } from '../base/errors.js';

/** Generates a key pair and returns the private JWK. `modulusLength` is in bits, for RSA. */
export async function generate(algorithm, modulusLength) {
  const { key } = webCrypto(algorithm);
  const options = { ...key, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) };
  const { privateKey } = await asking(() => subtle().generateKey(options, true, ['sign', 'verify']));
  return subtle().exportKey('jwk', privateKey);
}

/** Converts a PKCS#8 structure to a private JWK. */
export async function fromPkcs8(der, algorithm) {
  const key = await asking(() => subtle().importKey('pkcs8', der, webCrypto(algorithm).key, true, ['sign']));
  return subtle().exportKey('jwk', key);
}

/** Converts a JWK to DER: PKCS#8 if it is private, SPKI if it is public. */
export async function toDer(jwk, algorithm) {
  const isPrivate = jwk.d !== undefined;
  const key = await asking(() => importJwk(jwk, algorithm, true, isPrivate ? 'sign' : 'verify'));
  return new Uint8Array(await subtle().exportKey(isPrivate ? 'pkcs8' : 'spki', key));
}

/** Rejects unless the runtime accepts the key and the private half, if any, belongs to the public one. */
export async function prove(jwk, algorithm) {
  const { d, p: _, q: __, dp: ___, dq: ____, qi: _____, ...publicHalf } = jwk;
  // The core has checked public keys, except that a point lies on its curve.
  if (d === undefined && jwk.kty !== 'EC') return;
  const verifying = await asking(() => importJwk(publicHalf, algorithm, false, 'verify'));
  if (d === undefined) return;
  // First: signing with some wrong numbers could reveal the others.
  if (jwk.kty === 'RSA' && !areRsaNumbers(jwk)) throw mismatched();
  const signing = await asking(() => importJwk(jwk, algorithm, false, 'sign'));
  const { use } = webCrypto(algorithm);
  const message = new Uint8Array(32);
  const isValid = await asking(async () => {
    const signature = await subtle().sign(use, signing, message);
    return subtle().verify(use, verifying, signature, message);
  });
  if (!isValid) throw mismatched();
}

export function mismatched() {
  return new TokenError('key_unusable', 'the private key does not belong to the public key', { reason: 'mismatched' });
}

function importJwk(jwk, algorithm, isExtractable, usage) {
  return subtle().importKey('jwk', jwk, webCrypto(algorithm).key, isExtractable, [usage]);
}

/**
 * Returns whether the numbers of a private RSA key fit together (RFC 8017 section 3.2). A test signature is not enough: runtimes accept
 * wrong numbers and use only the correct ones. Not constant-time, but runs once for each key, and never at the request of another party.
 */
export function areRsaNumbers(jwk) {
  const [n, d, p, q, dp, dq, qi] = ['n', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => toNumber(jwk[name]));
  return p * q === n && dp === d % (p - 1n) && dq === d % (q - 1n) && (qi * q) % p === 1n;
}

function toNumber(text) {
  return BigInt(`0x${Array.from(fromBase64url(text), (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
}

async function asking(ask) {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof TokenError) throw thrown;
    // The cause is dropped: it could contain parts of the key.
    if (thrown?.name === 'NotSupportedError') throw new TokenError('algorithm_unavailable');
    const message = 'the runtime refuses the key; its numbers are not valid';
    throw new TokenError('key_unusable', message, { reason: 'not_taken' });
  }
}
