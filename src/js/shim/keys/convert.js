// What keys need of the platform, by WebCrypto: new ones, other forms, and whether their numbers are those of a key.
// Here alone is arithmetic with private keys.
import { subtle, webCrypto } from '../engines/algorithms.js';
import { fromBase64url } from '../base/base64.js';
import { TokenError } from '../base/errors.js';

/** A new pair for that algorithm, as a private JWK. `modulusLength` is bits, for RSA. */
export async function generate(algorithm, modulusLength) {
  const { key } = webCrypto(algorithm);
  const options = { ...key, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) };
  const { privateKey } = await asking(() => subtle().generateKey(options, true, ['sign', 'verify']));
  return subtle().exportKey('jwk', privateKey);
}

/** The private JWK of a PKCS#8 structure. */
export async function fromPkcs8(der, algorithm) {
  const key = await asking(() => subtle().importKey('pkcs8', der, webCrypto(algorithm).key, true, ['sign']));
  return subtle().exportKey('jwk', key);
}

/** The DER of a JWK: PKCS#8 if it is private, SPKI if it is public. */
export async function toDer(jwk, algorithm) {
  const isPrivate = jwk.d !== undefined;
  const key = await asking(() => importJwk(jwk, algorithm, true, isPrivate ? 'sign' : 'verify'));
  return new Uint8Array(await subtle().exportKey(isPrivate ? 'pkcs8' : 'spki', key));
}

/** Settles if the runtime takes the key, and the private half, where there is one, belongs to the public one. */
export async function prove(jwk, algorithm) {
  const { d, p: _, q: __, dp: ___, dq: ____, qi: _____, ...publicHalf } = jwk;
  // Of the public keys, only for points on a curve there is something left to find out.
  if (d === undefined && jwk.kty !== 'EC') return;
  const verifying = await asking(() => importJwk(publicHalf, algorithm, false, 'verify'));
  if (d === undefined) return;
  // First, so that nothing is signed with numbers of which some are wrong.
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
  return new TokenError('key_unusable', 'the private key is not that of the public key beside it', { reason: 'mismatched' });
}

function importJwk(jwk, algorithm, isExtractable, usage) {
  return subtle().importKey('jwk', jwk, webCrypto(algorithm).key, isExtractable, [usage]);
}

/**
 * Do the numbers fit as RFC 8017 section 3.2 has it? A signature alone does not tell: runtimes take wrong ones, and use those
 * that happen to be right. It takes as long as it takes, but once a key, and not at anybody's bidding.
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
    // What was thrown may tell of the key, so it goes no further.
    if (thrown?.name === 'NotSupportedError') throw new TokenError('algorithm_unavailable');
    const message = 'the runtime does not take the key: its numbers are not those of a key';
    throw new TokenError('key_unusable', message, { reason: 'not_taken' });
  }
}
