// Types of the keys of `edgemint`: `generateKey`, `importKey`, `thumbprint`, `createJwks` and `Key`.
import type { AlgorithmName, CryptoKeyLike, Jwk, RsaName } from './index.js';

/**
 * Generates a key: a pair for an asymmetric algorithm, a shared secret as long as the hash for an HMAC.
 *
 * ```js
 * import { createIssuer, createJwks, generateKey } from 'edgemint';
 *
 * const key = await generateKey('ES256');
 * const issuer = createIssuer({ issuer: 'https://issuer.example', key });
 * const published = createJwks([key]);
 * ```
 *
 * @throws {TokenError} (the promise rejects) `invalid_option`, or `algorithm_unavailable` where the runtime lacks the
 * algorithm
 */
export function generateKey(alg: RsaName, options?: GenerateKeyOptions & RsaOptions): Promise<Key>;
export function generateKey(alg: AlgorithmName, options?: GenerateKeyOptions): Promise<Key>;

export interface GenerateKeyOptions {
  /** The key's identifier. @default its thumbprint (RFC 7638); none for a secret, about which it would reveal something */
  kid?: string;
}

export interface RsaOptions {
  /** Bits of the modulus, 2048 to 8192 in whole bytes (RFC 7518 section 3.3). @default 2048 */
  modulusLength?: number;
}

/**
 * Imports a key in any of these forms:
 *
 * - a JWK, as an object or as JSON text (RFC 7517): public, private, or of a shared secret (`oct`)
 * - PEM text with one block, `PUBLIC KEY` or `PRIVATE KEY` (RFC 7468 sections 13 and 10)
 * - bytes: a shared secret, the 32 bytes of a public Ed25519 key, or an uncompressed point on a curve
 * - a `CryptoKey`; one that is not extractable can sign and verify, but not be converted
 *
 * Checks are strict. RSA has 2048 to 8192 bits and an odd exponent of at least 3; a secret is at least as long as the hash, and is not the
 * text or the DER of another key; an Ed25519 key is no point of small order and canonically encoded; base64url is canonical; JSON has
 * no duplicate members; `use`, `key_ops` and `alg` allow the key's use, and only signatures; a point lies on its curve, and the private
 * half belongs to the public one.
 *
 * PEM of other labels (certificates, `RSA PRIVATE KEY`, `EC PRIVATE KEY`, encrypted or OpenSSH keys) is refused, with advice.
 *
 * ```js
 * const key = await importKey(process.env.PRIVATE_KEY_PEM, { alg: 'RS256' });
 * const secret = await importKey(new TextEncoder().encode(process.env.SECRET), { alg: 'HS256' });
 * ```
 *
 * @throws {TokenError} (the promise rejects) `key_unusable` with a message and a `reason`, which never contain any part of the key;
 * `invalid_option`; or `algorithm_unavailable` if the runtime lacks the algorithm
 */
export function importKey(key: Jwk | PrivateJwk | CryptoKeyLike | Uint8Array | string, options?: ImportKeyOptions): Promise<Key>;

export interface ImportKeyOptions {
  /**
   * The algorithm of the key. Required for RSA and for secrets, unless the JWK or the CryptoKey names it; must agree with them.
   */
  alg?: AlgorithmName;
  /** The key's identifier, instead of that of the JWK. @default that of the JWK, else as for a new key */
  kid?: string;
}

/**
 * Returns the JWK thumbprint with SHA-256 in base64url (RFC 7638) of a Key or of a JWK of any kind. A pair and its public half have the
 * same. That of a secret reveals something about the secret (section 7): do not publish it.
 *
 * @throws {TokenError} (the promise rejects) `key_unusable` for an invalid key and for a `CryptoKey` that is not extractable
 */
export function thumbprint(key: Key | Jwk | PrivateJwk): Promise<string>;

/**
 * Returns the JWK Set to publish (RFC 7517 section 5): the public half of each key with `kid`, `alg` and `use`. Serve it as JSON.
 *
 * @throws {TokenError} `key_unusable` for a shared secret or a key that is not extractable; `invalid_option` for two keys with the same
 * `kid`, and for values other than Keys
 */
export function createJwks(keys: readonly Key[]): PublishedJwkSet;

/**
 * A key for one algorithm, frozen. Only the methods `toJwk`, `toPem` and `toRaw` return its numbers: they do not appear in logs, in JSON or
 * in a clone.
 */
export class Key {
  private constructor();
  /** Whether everyone may have the key, its owner alone, or both parties. */
  readonly type: 'public' | 'private' | 'secret';
  /** `EdDSA` also if it was named `Ed25519`. */
  readonly alg: Exclude<AlgorithmName, 'Ed25519'>;
  /** The identifier in tokens. Secrets and keys that are not extractable have one only if it was given. */
  readonly kid?: string;
  /**
   * The JWK, private members included, with `kid`, `alg` and `use`.
   * @throws {TokenError} `key_unusable` if the key is not extractable
   */
  toJwk(): PrivateJwk & { kty: string; alg: string; use: 'sig' };
  /**
   * PEM text: `PUBLIC KEY` (SPKI) or `PRIVATE KEY` (PKCS#8).
   * @throws {TokenError} (the promise rejects) `key_unusable` for a shared secret, or if the key is not extractable
   */
  toPem(): Promise<string>;
  /**
   * The `raw` form of WebCrypto: the bytes of a secret, the 32 bytes of a public Ed25519 key, or an uncompressed point on a curve.
   * @throws {TokenError} `key_unusable` for RSA and for private keys, which have no such form
   */
  toRaw(): Uint8Array;
  /**
   * The public half, with the same `kid`.
   * @throws {TokenError} `key_unusable` for a shared secret, which has none, or if the key is not extractable
   */
  toPublic(): Key;
}

/** A JWK with the members that only its owner may see (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2). */
export interface PrivateJwk extends Jwk {
  d?: string;
  p?: string;
  q?: string;
  dp?: string;
  dq?: string;
  qi?: string;
}

/** The result of {@link createJwks}. */
export interface PublishedJwkSet {
  keys: (Jwk & { kty: string; kid: string; alg: string; use: 'sig' })[];
}

/**
 * The `reason` of a {@link TokenError} with the code `key_unusable`. The list may grow.
 */
export type KeyReason =
  /** It fits several algorithms, and none is named. */
  | 'algorithm_missing'
  /** The shared secret is the text or the DER of a key. */
  | 'disguised'
  /** A part is missing, of the wrong type or length, or not canonical. */
  | 'malformed'
  /** The private half does not belong to the public one. */
  | 'mismatched'
  /** A JWK Set has shared secrets beside public keys. */
  | 'mixed'
  /** It has no such form. */
  | 'no_such_form'
  /** The runtime rejects it: a point is not on its curve, or a number is out of range. */
  | 'not_taken'
  /** The text is not valid PEM; the message has advice. */
  | 'pem'
  /** It is private, but must be public. */
  | 'private'
  /** It is public, but must be private. */
  | 'public'
  /** Its kind, curve and algorithm are unknown or contradict each other. */
  | 'unsupported'
  /** RSA bits or exponent, the length of a secret, or a degenerate Ed25519 point. */
  | 'weak'
  /** `use`, `key_ops` or the usages of a CryptoKey allow too little, or more than signatures. */
  | 'wrong_use';
