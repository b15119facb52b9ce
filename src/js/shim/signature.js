// Signature checks by WebCrypto, and what it calls the algorithms. A key is imported once for each use and then kept.
import { TokenError } from './errors.js';

const rsa = (name, bits) => ({
  key: { name, hash: `SHA-${bits}` },
  // RFC 7518 section 3.5: the salt is as long as the hash. WebCrypto ignores it for the other scheme.
  check: { name, saltLength: bits / 8 },
});
const ecdsa = (namedCurve, bits) => ({
  key: { name: 'ECDSA', namedCurve },
  check: { name: 'ECDSA', hash: `SHA-${bits}` },
});
const hmac = (bits) => ({ key: { name: 'HMAC', hash: `SHA-${bits}` }, check: { name: 'HMAC' } });

/** The names that RFC 7518 and RFC 8037 give to the algorithms, and what WebCrypto wants to hear instead. */
const ALGORITHMS = {
  EdDSA: { key: { name: 'Ed25519' }, check: { name: 'Ed25519' } },
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

/** Is it an algorithm of this package? `Ed25519` (RFC 9864) is EdDSA by its other name. */
export function isAlgorithm(name) {
  return name === 'Ed25519' || Object.hasOwn(ALGORITHMS, name);
}

/** The one algorithm that a CryptoKey is for, or undefined if it is none of ours. */
export function algorithmOfCryptoKey({ algorithm: { name, namedCurve, hash } }) {
  return Object.keys(ALGORITHMS).find((algorithm) => {
    const { key } = ALGORITHMS[algorithm];
    return key.name === name && key.namedCurve === namedCurve && key.hash === hash?.name;
  });
}

/** The imported keys of one key set. */
export class ImportedKeys {
  #given;
  #bySlot = new Map();

  /** `given` is the CryptoKey that the caller handed in, if that is where the keys come from. */
  constructor(given) {
    this.#given = given;
  }

  /** Asks WebCrypto whether the signature that `verification` waits for is right. */
  async confirm(verification, slot) {
    // Only the finished key is kept, never the promise: workerd lets no request await the promise of another.
    let use = this.#bySlot.get(slot);
    if (use === undefined) {
      use = await this.#import(verification);
      this.#bySlot.set(slot, use);
    }
    try {
      return await crypto.subtle.verify(use.check, use.key, verification.signature, verification.signingInput);
    } catch (cause) {
      throw unusable(cause);
    }
  }

  async #import({ algorithm, jwk }) {
    const { key, check } = ALGORITHMS[algorithm];
    if (jwk === undefined) return { key: this.#given, check };
    try {
      return { key: await crypto.subtle.importKey('jwk', JSON.parse(jwk), key, false, ['verify']), check };
    } catch (cause) {
      throw unusable(cause);
    }
  }
}

function unusable(cause) {
  return cause?.name === 'NotSupportedError'
    ? new TokenError('algorithm_unavailable', 'this runtime cannot check signatures of that kind', { cause })
    : new TokenError('key_unusable', 'the runtime does not take the key: it may be no point on its curve', { cause });
}
