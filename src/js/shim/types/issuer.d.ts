// Types of `createIssuer` in `edgemint`.
import type { AlgorithmName, Claims, CryptoKeyLike, TokenError } from './index.js';
import type { Key, PrivateJwk } from './keys.js';

/** Options of {@link createIssuer}. Unknown names are refused. */
export interface IssuerOptions {
  /** The `iss` of every token (RFC 7519 section 4.1.1). */
  issuer: string;
  /**
   * What signs: a private or secret {@link Key}, a private JWK or one of a shared secret (`oct`), a WebCrypto `CryptoKey` that may
   * `sign`, or the bytes of a shared secret. It is looked at when the issuer is first used: what is wrong with it is told
   * then, as `key_unusable`.
   */
  key: Key | PrivateJwk | CryptoKeyLike | Uint8Array;
  /** The algorithm, where the key does not say: RSA keys fit six. @default what the key is for; HS256 for bytes */
  algorithm?: AlgorithmName;
  /** The header's `kid`. @default that of the key */
  kid?: string;
  /** The header's `typ`. @default 'at+jwt', an access token (RFC 9068 section 2.1) */
  type?: string;
  /** How long a token lasts, in whole seconds, up to 366 days. @default 600 */
  ttl?: number;
  /** The time in seconds since 1970. @default the system's clock */
  now?: () => number;
}

/**
 * Makes an issuer. Cheap: make one for each kind of token and keep it.
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or wrong
 */
export function createIssuer(options: IssuerOptions): Issuer;

export interface Issuer {
  /**
   * Mints a token of these claims and of `iss`, `iat`, `exp` and `jti`, the last three only where the claims do not have them.
   *
   * It mints nothing that a verifier with default options would refuse for its form: an access token needs `sub`, `aud` and
   * `client_id` (RFC 9068 section 2.2), registered claims must have the right types (RFC 7519 section 4.1), and a token takes
   * 16 KiB at most.
   * @throws {TokenError} (the promise rejects) with `claim_missing` or `claim_invalid` and the `claim`, with `mint_invalid`,
   * `key_unusable` or `algorithm_unavailable`
   */
  mint(claims: ClaimsToMint): Promise<string>;
  /**
   * The same at once: in Node for all algorithms, elsewhere for HMAC.
   * @throws {TokenError} as `mint`; with the code `async_required` where this runtime can only do it asynchronously
   */
  mintSync(claims: ClaimsToMint): string;
}

/** Claims with the `scope` in one text (RFC 9068 section 2.2.3). */
export type ClaimsToMint = Claims & { scope?: string };
