// Signatures by node:crypto, without a hop to another thread, which for most keys costs as much as the signature.
//
// Fastest with a bare KeyObject and, for ECDSA, the DER form of a signature: the `dsaEncoding` option costs more than converting here.
import { Buffer } from 'node:buffer';
import {
  KeyObject, constants, createHmac, createPrivateKey, createPublicKey, createSecretKey, sign, timingSafeEqual, verify,
} from 'node:crypto';
import { isCryptoKey, isHmac, plainName } from './algorithms.js';
import { TokenError } from '../base/errors.js';

/** Bytes of one number in a signature. */
const WIDTHS = { ES256: 32, ES384: 48, ES512: 66 };

/**
 * Imports a public key or a shared secret, a JWK or a CryptoKey. Returns `{ check, checkSync }`, which take the input and the signature.
 * `check` returns a promise only if other threads make it faster: see `isBusy`.
 */
export function importVerify(key, algorithm) {
  const name = plainName(algorithm);
  const handle = importKey(key, name, createPublicKey);
  if (isHmac(name)) {
    const tag = hmac(handle, name);
    const checkSync = (input, signature) => {
      const expected = tag(input);
      return signature.length === expected.length && timingSafeEqual(expected, signature);
    };
    return { check: checkSync, checkSync };
  }
  const digest = digestOf(name);
  const options = optionsFor(handle, name);
  const width = WIDTHS[name];
  const native = width === undefined ? (signature) => signature : (signature) => toDer(signature, width);
  const checkSync = (input, signature) => verify(digest, input, options, native(signature));
  const check = (input, signature) => {
    if (!isBusy()) return checkSync(input, signature);
    return onThread((done) => verify(digest, input, options, native(signature), done));
  };
  return { check, checkSync };
}

/** Imports a private key or a shared secret. Returns `{ sign, signSync }`, which take the input. */
export function importSign(key, algorithm) {
  const name = plainName(algorithm);
  const handle = importKey(key, name, createPrivateKey);
  if (isHmac(name)) {
    const signSync = hmac(handle, name);
    return { sign: signSync, signSync };
  }
  const digest = digestOf(name);
  const options = optionsFor(handle, name);
  const width = WIDTHS[name];
  const plain = width === undefined ? (signature) => signature : (signature) => fromDer(signature, width);
  const signSync = (input) => plain(sign(digest, input, options));
  const signLater = (input) => {
    if (!isBusy()) return signSync(input);
    return onThread((done) => sign(digest, input, options, done)).then(plain);
  };
  return { sign: signLater, signSync };
}

function importKey(key, algorithm, create) {
  try {
    if (isCryptoKey(key)) return KeyObject.from(key);
    if (isHmac(algorithm)) return createSecretKey(Buffer.from(key.k, 'base64url'));
    return create({ key, format: 'jwk' });
  } catch (cause) {
    throw new TokenError('key_unusable', 'the runtime refuses the key; its point may not be on the curve', { cause });
  }
}

function digestOf(algorithm) {
  return algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
}

function optionsFor(handle, algorithm) {
  if (!algorithm.startsWith('PS')) return handle;
  // RFC 7518 section 3.5: the salt is as long as the hash.
  return { key: handle, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

function hmac(handle, algorithm) {
  const digest = digestOf(algorithm);
  return (input) => createHmac(digest, handle).update(input).digest();
}

// A single call is faster on this thread. Several in one turn of the event loop, or while others run, are faster on the thread pool,
// which uses the other cores.
let out = 0;
let inTheSameGo = false;

function isBusy() {
  if (out > 0 || inTheSameGo) return true;
  inTheSameGo = true;
  queueMicrotask(() => { inTheSameGo = false; });
  return false;
}

function onThread(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      out -= 1;
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
    // Not before: `start` may throw.
    out += 1;
  });
}

/** r || s as a DER sequence of two integers (RFC 3279 section 2.2.3). */
function toDer(signature, width) {
  const r = toInteger(signature.subarray(0, width));
  const s = toInteger(signature.subarray(width));
  const length = r.length + s.length;
  // Only P-521 needs the long form of a length.
  const head = length < 128 ? [0x30, length] : [0x30, 0x81, length];
  const der = Buffer.allocUnsafe(head.length + length);
  der.set(head);
  der.set(r, head.length);
  der.set(s, head.length + r.length);
  return der;
}

function toInteger(number) {
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start += 1;
  const sign = number[start] > 0x7f ? 1 : 0;
  const integer = Buffer.alloc(2 + sign + number.length - start);
  integer[0] = 0x02;
  integer[1] = integer.length - 2;
  integer.set(number.subarray(start), 2 + sign);
  return integer;
}

/** Converts a DER signature by OpenSSL to r || s. */
function fromDer(der, width) {
  const signature = Buffer.alloc(2 * width);
  let at = der[1] > 0x80 ? 3 : 2;
  for (const end of [width, 2 * width]) {
    const length = der[at + 1];
    let number = der.subarray(at + 2, at + 2 + length);
    if (number.length > width) number = number.subarray(number.length - width);
    signature.set(number, end - number.length);
    at += 2 + length;
  }
  return signature;
}
