// The algorithm names of RFC 7518, RFC 8037 and RFC 9864, and the parameters of WebCrypto for each.
import { TokenError } from '../base/errors.js';
import { subtleCrypto } from '../base/globals.js';

const rsa = (name, bits) => ({
  key: { name, hash: `SHA-${bits}` },
  // RFC 7518 section 3.5: the salt is as long as the hash. WebCrypto ignores it for the other scheme.
  use: { name, saltLength: bits / 8 },
});
const ecdsa = (namedCurve, bits) => ({
  key: { name: 'ECDSA', namedCurve },
  use: { name: 'ECDSA', hash: `SHA-${bits}` },
});
const hmac = (bits) => ({ key: { name: 'HMAC', hash: `SHA-${bits}` }, use: { name: 'HMAC' } });

const WEB_CRYPTO = {
  EdDSA: { key: { name: 'Ed25519' }, use: { name: 'Ed25519' } },
  ES256: ecdsa('P-256', 256),
  ES384: ecdsa('P-384', 384),
  ES512: ecdsa('P-521', 512),
  HS256: hmac(256),
  HS384: hmac(384),
  HS512: hmac(512),
  PS256: rsa('RSA-PSS', 256),
  PS384: rsa('RSA-PSS', 384),
  PS512: rsa('RSA-PSS', 512),
  RS256: rsa('RSASSA-PKCS1-v1_5', 256),
  RS384: rsa('RSASSA-PKCS1-v1_5', 384),
  RS512: rsa('RSASSA-PKCS1-v1_5', 512),
};

/** Returns whether the package has an algorithm of this name. */
export function isAlgorithm(name) {
  return name === 'Ed25519' || Object.hasOwn(WEB_CRYPTO, name);
}

/** Returns the parameters of WebCrypto: `key` to import a key, `use` to sign or verify. */
export function webCrypto(algorithm) {
  return WEB_CRYPTO[plainName(algorithm)];
}

/** Returns EdDSA for Ed25519, its other name (RFC 9864 section 2.2). */
export function plainName(algorithm) {
  return algorithm === 'Ed25519' ? 'EdDSA' : algorithm;
}

export function isHmac(algorithm) {
  return algorithm.startsWith('HS');
}

/** WebCrypto, which browsers have in secure contexts only. */
export function subtle() {
  const found = subtleCrypto();
  if (found === undefined) {
    throw new TokenError('algorithm_unavailable', 'WebCrypto is missing: browsers have it on secure pages only');
  }
  return found;
}

/** Returns the algorithm of a CryptoKey, or undefined if the package does not have it. */
export function algorithmOfCryptoKey({ algorithm: { name, namedCurve, hash } }) {
  return Object.keys(WEB_CRYPTO).find((algorithm) => {
    const { key } = WEB_CRYPTO[algorithm];
    return key.name === name && key.namedCurve === namedCurve && key.hash === hash?.name;
  });
}

/** Returns whether a CryptoKey meets the length requirements that the core has for a JWK (RFC 7518 sections 3.2 and 3.3). */
export function isStrong({ algorithm: { name, modulusLength, publicExponent, length, hash } }) {
  if (name === 'HMAC') return length >= Number(hash.name.slice('SHA-'.length));
  if (modulusLength === undefined) return true;
  const exponent = [...publicExponent].reduce((sum, byte) => sum * 256 + byte, 0);
  return modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most
    && exponent % 2 === 1 && exponent >= 3 && exponent < 2 ** 32;
}

/** Bits of an RSA modulus: the minimum of RFC 7518 section 3.3, and the maximum that every runtime supports. */
export const RSA_BITS = { least: 2048, most: 8192 };

export function isCryptoKey(value) {
  return value?.[Symbol.toStringTag] === 'CryptoKey';
}
