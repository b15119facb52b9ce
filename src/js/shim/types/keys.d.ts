// Types of the keys of `edgemint`: `generateKey`, `importKey`, `thumbprint`, `createJwks` and `Key`.
import type { AlgorithmName, CryptoKeyLike, Jwk, RsaName } from './index.js';

/**
 * Makes a new key: a pair for an asymmetric algorithm, a shared secret as long as the hash for an HMAC.
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
  /** The key's identifier. @default its thumbprint (RFC 7638); none for a secret, of which that would tell something */
  kid?: string;
}

export interface RsaOptions {
  /** Bits of the modulus, 2048 to 8192 in whole bytes (RFC 7518 section 3.3). @default 2048 */
  modulusLength?: number;
}

/**
 * Takes a key of somebody else's making, in any of these forms:
 *
 * - a JWK, as an object or as JSON text (RFC 7517): public, private, or of a shared secret (`oct`)
 * - PEM text with one block, `PUBLIC KEY` or `PRIVATE KEY` (RFC 7468 sections 13 and 10)
 * - bytes: a shared secret, the 32 bytes of a public Ed25519 key, or a point on a curve that is not compressed
 * - a `CryptoKey`; one that is not extractable stays a handle, which signs and verifies, but has no other form
 *
 * It is strict. RSA has 2048 to 8192 bits and an odd exponent from 3; a secret is at least as long as the hash, and is not
 * the text or the DER of another key; an Ed25519 key is no point of small order and no second spelling of a point; base64url
 * is canonical, JSON names no member twice; `use`, `key_ops` and `alg` must allow what the key is for, and nothing but
 * signatures. The platform sees to it that a point lies on its curve and that the private half belongs to the public one.
 *
 * PEM of other labels (certificates, `RSA PRIVATE KEY`, `EC PRIVATE KEY`, encrypted or OpenSSH keys) is refused, with advice.
 *
 * ```js
 * const key = await importKey(process.env.PRIVATE_KEY_PEM, { alg: 'RS256' });
 * const secret = await importKey(new TextEncoder().encode(process.env.SECRET), { alg: 'HS256' });
 * ```
 *
 * @throws {TokenError} (the promise rejects) `key_unusable` with a sentence and a `reason` about what is wrong, which never
 * repeat the key; `invalid_option`; or `algorithm_unavailable` where the runtime lacks the algorithm
 */
export function importKey(key: Jwk | PrivateJwk | CryptoKeyLike | Uint8Array | string, options?: ImportKeyOptions): Promise<Key>;

export interface ImportKeyOptions {
  /**
   * The one algorithm that the key is for. Required for RSA and for secrets, unless the JWK or the CryptoKey says it; must
   * agree with what they say.
   */
  alg?: AlgorithmName;
  /** The key's identifier, in place of the JWK's own. @default the JWK's, else as for a new key */
  kid?: string;
}

/**
 * The JWK thumbprint with SHA-256 in base64url (RFC 7638), of a Key or of a JWK of any kind. That of a pair is that of its
 * public half. That of a secret tells something about the secret (section 7): keep it.
 *
 * @throws {TokenError} (the promise rejects) `key_unusable` for what is no key, and for a `CryptoKey` that is not extractable
 */
export function thumbprint(key: Key | Jwk | PrivateJwk): Promise<string>;

/**
 * The JWK Set to publish (RFC 7517 section 5): of each key its public half with `kid`, `alg` and `use`. Serve it as JSON.
 *
 * @throws {TokenError} `key_unusable` for a shared secret or a key that is not extractable; `invalid_option` for two keys of
 * one `kid`, and for what is no Key
 */
export function createJwks(keys: readonly Key[]): PublishedJwkSet;

/**
 * A key for one algorithm, frozen. It shows its numbers to nobody who does not ask for them by name: not in logs, not as
 * JSON, not in a clone.
 */
export class Key {
  private constructor();
  /** Who may have it: everybody, its owner, or both sides. */
  readonly type: 'public' | 'private' | 'secret';
  /** `EdDSA` also where it was called `Ed25519`. */
  readonly alg: Exclude<AlgorithmName, 'Ed25519'>;
  /** What tokens call it. A secret has none unless it was given one, and so has a key that is not extractable. */
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
   * What WebCrypto calls `raw`: the bytes of a secret, the 32 bytes of a public Ed25519 key, or a point on a curve, not
   * compressed.
   * @throws {TokenError} `key_unusable` for RSA and for private keys, which have no such form
   */
  toRaw(): Uint8Array;
  /**
   * The public half, of the same name.
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

/** What {@link createJwks} gives. */
export interface PublishedJwkSet {
  keys: (Jwk & { kty: string; kid: string; alg: string; use: 'sig' })[];
}

/**
 * The `reason` of a {@link TokenError} with the code `key_unusable`, where the key was looked at. The list may grow.
 */
export type KeyReason =
  /** It serves several algorithms and nothing says which. */
  | 'algorithm_missing'
  /** What is given as a shared secret is the text or the DER of a key. */
  | 'disguised'
  /** A part is missing, of the wrong type or length, or not canonical. */
  | 'malformed'
  /** The private half does not belong to the public one. */
  | 'mismatched'
  /** A JWK Set has shared secrets beside public keys. */
  | 'mixed'
  /** It does not have the form that was asked for. */
  | 'no_such_form'
  /** The runtime does not take it: a point is not on its curve, or a number out of range. */
  | 'not_taken'
  /** The text is not PEM as it should be; the message has advice. */
  | 'pem'
  /** It is private where a public key belongs. */
  | 'private'
  /** It is public where a private key belongs. */
  | 'public'
  /** Its kind, curve and algorithm are unknown or contradict each other. */
  | 'unsupported'
  /** RSA bits or exponent, the length of a secret, or a degenerate Ed25519 point. */
  | 'weak'
  /** `use`, `key_ops` or the usages of a CryptoKey allow too little, or more than signatures. */
  | 'wrong_use';
