// Generates and imports keys, computes thumbprints, and makes the key set that an issuer publishes. The core parses keys, the platform
// calculates with them.
import { RSA_BITS, algorithmOfCryptoKey, isAlgorithm, isCryptoKey, isHmac, isStrong, plainName, subtle, webCrypto } from '../engines/algorithms.js';
import { fromBase64url, toBase64url } from '../base/base64.js';
import { fromPkcs8, generate, mismatched, prove } from './convert.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { readKey } from '../wasm/glue.js';
import { makeKey, openKey } from './key.js';
import { invalidOption, isBytes, refuseUnknown } from '../base/readers.js';

export { Key } from './key.js';

/** The most characters of a JWK or a PEM text, and bytes of a raw key: the largest private RSA key has 6400. */
const LONGEST = 64 * 1024;

/** Returns the functions for keys of a platform, of which they need `load()`: see verifier.js. */
export function bindKeys(platform) {
  const whenLoaded = (act) => async (...args) => {
    try {
      const waiting = platform.load();
      if (waiting !== undefined) await waiting;
      return await act(...args);
    } catch (thrown) {
      throw toTokenError(thrown);
    }
  };
  return {
    generateKey: whenLoaded(generateKey),
    importKey: whenLoaded(importKey),
    thumbprint: whenLoaded(thumbprint),
    createJwks,
  };
}

async function generateKey(alg, options = {}) {
  const algorithm = readAlgorithm(alg, 'the algorithm');
  const { kid, modulusLength } = readOptions(options, ['kid', 'modulusLength']);
  const isRsa = /^[RP]S/.test(algorithm);
  if (modulusLength !== undefined && !isRsa) throw invalidOption('modulusLength is for RSA algorithms');
  const bits = modulusLength === undefined ? RSA_BITS.least : modulusLength;
  if (!(Number.isInteger(bits) && bits % 8 === 0 && bits >= RSA_BITS.least && bits <= RSA_BITS.most)) {
    throw invalidOption(`modulusLength must be ${RSA_BITS.least} to ${RSA_BITS.most} bits, in whole bytes`);
  }
  if (isHmac(algorithm)) {
    // As long as the hash: more adds nothing (RFC 2104 section 3).
    const secret = crypto.getRandomValues(new Uint8Array(Number(algorithm.slice(2)) / 8));
    return fromAnswer(readKey(toText(fromRaw(secret, algorithm)), algorithm), kid);
  }
  const jwk = await generate(algorithm, isRsa ? bits : undefined);
  return fromAnswer(readKey(JSON.stringify(jwk), algorithm), kid);
}

async function importKey(input, options = {}) {
  const { alg, kid } = readOptions(options, ['alg', 'kid']);
  const algorithm = alg === undefined ? '' : readAlgorithm(alg, 'alg');
  if (typeof input === 'string') return fromText(input, algorithm, kid);
  if (isBytes(input)) return fromBytes(input, algorithm, kid);
  if (isCryptoKey(input)) return fromCryptoKey(input, algorithm, kid);
  return fromJwk(toText(input), algorithm, kid);
}

async function thumbprint(input) {
  const inside = openKey(input);
  if (inside?.thumbprint !== undefined) return inside.thumbprint;
  const text = toText(inside === undefined ? input : input.toJwk());
  // The algorithm does not change the thumbprint, but the core requires one.
  const { kty, alg = null } = JSON.parse(text);
  const any = { RSA: 'RS256', oct: 'HS256' };
  return JSON.parse(readKey(text, alg === null && Object.hasOwn(any, kty) ? any[kty] : '')).thumbprint;
}

function createJwks(keys) {
  if (!Array.isArray(keys)) throw invalidOption('keys must be an array of Keys');
  const jwks = keys.map((key) => {
    if (openKey(key) === undefined) throw invalidOption('each of the keys must be a Key; use importKey');
    return key.toPublic().toJwk();
  });
  const twice = jwks.find(({ kid }, place) => jwks.findIndex((other) => other.kid === kid) !== place);
  if (twice !== undefined) throw invalidOption('two of the keys have the same kid; importKey can set another');
  return { keys: jwks };
}

function fromText(text, algorithm, kid) {
  if (text.length > LONGEST) throw unusable('malformed', 'the text is too long for a key');
  if (/^\s*\{/.test(text)) return fromJwk(text, algorithm, kid);
  if (!text.includes('-----BEGIN')) {
    throw unusable('malformed', 'the text is neither PEM nor a JWK; pass a secret as bytes');
  }
  return fromPem(text, algorithm, kid);
}

async function fromJwk(text, algorithm, kid) {
  const answer = readKey(text, algorithm);
  const { jwk, alg } = JSON.parse(answer);
  await prove(jwk, alg);
  // The core has checked that it is strict JSON, and its `kid` a string.
  const members = JSON.parse(text);
  return fromAnswer(answer, kid ?? (Object.hasOwn(members, 'kid') ? members.kid ?? undefined : undefined));
}

async function fromPem(text, algorithm, kid) {
  const answer = readKey(text, algorithm, true);
  const { alg, pkcs8, public: publicKey, jwk } = JSON.parse(answer);
  if (pkcs8 === undefined) {
    await prove(jwk, alg);
    return fromAnswer(answer, kid);
  }
  const { kid: _, ...pair } = await fromPkcs8(fromBase64url(pkcs8), alg);
  if (publicKey !== '' && publicKey !== pair.x) throw mismatched();
  return fromJwk(JSON.stringify(pair), alg, kid);
}

async function fromBytes(bytes, algorithm, kid) {
  if (algorithm === '') throw invalidOption('alg is required for a key of bytes');
  if (bytes.length > LONGEST) throw unusable('malformed', 'the bytes are too long for a key');
  return fromJwk(toText(fromRaw(bytes, algorithm)), algorithm, kid);
}

/** Returns the JWK of a raw key. */
function fromRaw(bytes, algorithm) {
  if (isHmac(algorithm)) return { kty: 'oct', k: toBase64url(bytes) };
  if (algorithm === 'EdDSA') return { kty: 'OKP', crv: 'Ed25519', x: toBase64url(bytes) };
  if (!algorithm.startsWith('ES')) throw unusable('unsupported', 'an RSA key has no raw form; use a JWK or PEM text');
  // SEC 1 section 2.3.4: an uncompressed point.
  if (bytes[0] !== 4) throw unusable('malformed', 'the bytes must be an uncompressed point');
  const middle = (bytes.length + 1) >> 1;
  const [x, y] = [bytes.subarray(1, middle), bytes.subarray(middle)];
  return { kty: 'EC', crv: webCrypto(algorithm).key.namedCurve, x: toBase64url(x), y: toBase64url(y) };
}

async function fromCryptoKey(handle, algorithm, kid) {
  const alg = algorithmOfCryptoKey(handle);
  if (alg === undefined) throw unusable('unsupported', 'the CryptoKey has an unsupported algorithm');
  if (algorithm !== '' && algorithm !== alg) throw unusable('unsupported', 'the CryptoKey is for another algorithm');
  const { type, extractable, usages } = handle;
  const needed = { public: ['verify'], private: ['sign'], secret: ['sign', 'verify'] }[type];
  if (needed === undefined || !needed.every((usage) => usages.includes(usage))) {
    throw unusable('wrong_use', 'the CryptoKey needs the usage verify if it is public, sign if it is private, both if it is secret');
  }
  if (extractable) return fromJwk(JSON.stringify(await subtle().exportKey('jwk', handle)), alg, kid);
  if (!isStrong(handle)) throw unusable('weak', 'the CryptoKey is too weak');
  return makeKey({ type, alg, kid, handle, isNamed: kid !== undefined });
}

/** Returns the key that the core has described. A secret gets no `kid` by default: its thumbprint would reveal something about it. */
function fromAnswer(answer, kid) {
  const { type, alg, thumbprint: own, jwk } = JSON.parse(answer);
  const name = kid ?? (type === 'secret' ? undefined : own);
  return makeKey({ type, alg, kid: name, jwk, isNamed: kid !== undefined, thumbprint: own });
}

function toText(jwk) {
  if (jwk === null || typeof jwk !== 'object' || typeof jwk.kty !== 'string') {
    throw invalidOption('the key must be a JWK, PEM text, a Uint8Array or a CryptoKey');
  }
  let text;
  try {
    text = JSON.stringify(jwk);
  } catch {
    throw unusable('malformed', 'the JWK does not serialise to JSON');
  }
  if (typeof text !== 'string' || text.length > LONGEST) throw unusable('malformed', 'the JWK is too long');
  return text;
}

function readAlgorithm(alg, what) {
  if (typeof alg !== 'string' || !isAlgorithm(alg)) throw invalidOption(`${what} must be a supported algorithm`);
  return plainName(alg);
}

function readOptions(options, names) {
  if (options === null || typeof options !== 'object') throw invalidOption('the options must be an object');
  refuseUnknown(options, names);
  const { kid } = options;
  // A lone surrogate would become another text in the header of a token.
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256 || /\p{Surrogate}/u.test(kid))) {
    throw invalidOption('kid must be text of 1 to 256 characters');
  }
  return options;
}

/** `reason` is one of the core's words: see `KeyReason`. */
function unusable(reason, message) {
  return new TokenError('key_unusable', message, { reason });
}
