// Types of `createIssuer` in `edgemint`.
import type { AlgorithmName, Claims, CryptoKeyLike, TokenError } from './index.js';
import type { Key, PrivateJwk } from './keys.js';

/** Options of {@link createIssuer}. Unknown names are refused. */
export interface IssuerOptions {
  /** The `iss` of every token (RFC 7519 section 4.1.1). */
  issuer: string;
  /**
   * The signing key: a private or secret {@link Key}, a private JWK or one of a shared secret (`oct`), a WebCrypto `CryptoKey` that may
   * `sign`, or the bytes of a shared secret. It is checked when the issuer is first used: an invalid one is reported then, as
   * `key_unusable`.
   */
  key: Key | PrivateJwk | CryptoKeyLike | Uint8Array;
  /** The algorithm, if the key does not name it: an RSA key fits six. @default that of the key; HS256 for bytes */
  algorithm?: AlgorithmName;
  /** The header's `kid`. @default that of the key */
  kid?: string;
  /** The header's `typ`. @default 'at+jwt', an access token (RFC 9068 section 2.1) */
  type?: string;
  /** The lifetime of a token, in whole seconds, up to 366 days. @default 600 */
  ttl?: number;
  /** The time in seconds since 1970. @default the system's clock */
  now?: () => number;
}

/**
 * Creates an issuer. Cheap: create one for each kind of token and keep it.
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function createIssuer(options: IssuerOptions): Issuer;

export interface Issuer {
  /**
   * Mints a token with these claims, and with `iss`, `iat`, `exp` and `jti` unless the claims have them.
   *
   * It mints no token that a verifier with default options would refuse for its form: an access token needs `sub`, `aud` and `client_id`
   * (RFC 9068 section 2.2), registered claims must have the right types (RFC 7519 section 4.1), and a token has at most 16 KiB.
   * @throws {TokenError} (the promise rejects) with `claim_missing` or `claim_invalid` and the `claim`, with `mint_invalid`,
   * `key_unusable` or `algorithm_unavailable`
   */
  mint(claims: ClaimsToMint): Promise<string>;
  /**
   * The same synchronously: in Node for all algorithms, elsewhere for HMAC.
   * @throws {TokenError} as `mint`; with the code `async_required` if this runtime can only do it asynchronously
   */
  mintSync(claims: ClaimsToMint): string;
}

/** Claims with the `scope` as one text (RFC 9068 section 2.2.3). */
export type ClaimsToMint = Claims & { scope?: string };
