// Types of the package `edgemint`, written by hand. They use no global type of a browser or of Node.
import type { ChallengeOptions, RequestLike } from './guard.js';
import type { Key } from './keys.js';

export * from './guard.js';
export * from './issuer.js';
export * from './keys.js';

/** Options of {@link createVerifier}. Unknown names are refused, so that a misspelt check is not skipped silently. */
export type VerifierOptions = CommonOptions & (
  | (OneIssuer & ((KeyOptions & StatusUnchecked) | (Fetching<KeyOptions> & StatusChecked)))
  | (SeveralIssuers & (StatusUnchecked | StatusChecked))
);

export interface StatusUnchecked {
  /** A revoked token is accepted until it expires. @default false */
  status?: false;
}

/**
 * Checks in the status list that the token names whether it was revoked or suspended (draft-ietf-oauth-status-list): after all other
 * checks, and at each verification, also of cached tokens.
 *
 * A list is accepted only if it is signed by the keys that this verifier uses, has the type `statuslist+jwt`, the `sub` by which the
 * token names it, an `iat` that is neither in the future nor before that of the current list, an `exp` that has not passed, if any, and
 * the `iss` of the token, if any. Its URL must be https, or http on this machine for an issuer on this machine.
 *
 * It is kept for its `ttl`, else for the `max-age` of the response, 5 seconds to 24 hours, one minute without either. Then it is renewed
 * in the background, by its ETag, and used for up to `maxStale` more seconds; after that, and after its `exp` (with `clockTolerance`),
 * `verify` waits for a new one. So a revoked token is refused at the latest `ttl` plus `maxStale` after the list was changed. A fetch
 * follows no redirect and takes 5 seconds and 512 KiB at most; a list is at most 4 MiB when inflated, all kept lists 32 MiB.
 */
export interface StatusChecked {
  status: 'check' | StatusOptions;
  /** Fetches lists and keys. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface StatusOptions {
  /** Whether a token without a claim `status` is accepted. @default 'refuse', as `status_missing` */
  missing?: 'refuse' | 'accept';
  /**
   * Whether a token is accepted if its list cannot be fetched or is invalid. With `accept`, an attacker who blocks the list can use revoked
   * tokens. @default 'refuse', as `status_unavailable`
   */
  unavailable?: 'refuse' | 'accept';
  /** How long a list is used while it is being renewed, in whole seconds. @default 30 */
  maxStale?: number;
  /** How many lists are kept; the least recently used is removed first. @default 256 */
  maxLists?: number;
}

/** The same options with a `fetch` for any kind of keys. */
export type Fetching<Options> = Options extends unknown ? Omit<Options, 'fetch'> : never;

export interface OneIssuer {
  /**
   * The issuer of the token: its `iss` must be exactly this text (RFC 7519 section 4.1.1). With a single text and none of `jwks`,
   * `jwksUri` and `key`, the keys are found through the issuer's metadata.
   *
   * An array names **one** issuer that spells its name in several ways, as `accounts.google.com` and `https://accounts.google.com`: all
   * its keys sign for each of them. Issuers that do not trust one another belong in `issuers`.
   */
  issuer: string | readonly string[] | typeof anyIssuer;
  issuers?: undefined;
}

export interface SeveralIssuers {
  /**
   * Several issuers by their `iss`, each with its own keys: a JWK Set, or options that say where the keys are (`{}`: in the issuer's
   * metadata). A token is verified by the keys of the issuer that it names and by no others, so that no issuer can sign for another
   * (RFC 8725 section 3.8). The bounds of `cache` and `status` apply to each issuer separately. A token of any other issuer is refused with
   * `issuer_mismatch`.
   */
  issuers: { readonly [issuer: string]: JwkSet | IssuerKeys };
  issuer?: undefined;
  jwks?: undefined;
  jwksUri?: undefined;
  key?: undefined;
  /** The allowed algorithms, for issuers without their own. @default those of the keys */
  algorithms?: readonly AlgorithmName[];
  /** Fetches keys and lists, for issuers without their own. @default the global `fetch` */
  fetch?: FetchLike;
}

/** The keys of one of several `issuers`, and the options that differ for its tokens. */
export type IssuerKeys = IssuerOverrides & (GivenKeySet | FetchedKeySet | SecretKey | SingleKey | Omit<DiscoveredKeySet, 'issuer'>);

/** Options that override those of {@link CommonOptions}. */
export type IssuerOverrides = Partial<Pick<CommonOptions, 'audience' | 'clockTolerance' | 'maxKeyAge' | 'maxTokenAge' | 'requiredClaims' | 'type'>>;

export interface CommonOptions {
  /** The audience: the token's `aud` must contain one of these (RFC 7519 section 4.1.3). */
  audience: string | readonly string[] | typeof anyAudience;
  /**
   * The header's `typ`, compared as a media type: case-insensitive, with or without `application/` (RFC 7515 section 4.1.9, RFC 8725
   * section 3.11).
   * @default 'at+jwt', an access token (RFC 9068 section 2.1)
   */
  type?: string | readonly string[] | typeof anyType;
  /**
   * How far the clocks of issuer and verifier may differ, in whole seconds. Times are compared with their fractions of a second.
   * @default 0
   */
  clockTolerance?: number;
  /**
   * The maximum age of fetched keys, in whole seconds, at least 60, or `Infinity`. After that, `verify` waits for a fetch and rejects with
   * `keys_unavailable` only if it fails, and `verifySync` throws `async_required`.
   * @default a day longer than they are fresh
   */
  maxKeyAge?: number;
  /**
   * Allows issuers, key sets and status lists over http on other machines, as inside a cluster. An issuer on https must still not name
   * http URLs, nor an issuer on another machine URLs on this one. @default false
   */
  [allowInsecureRequests]?: boolean;
  /** The maximum time since the token was issued, in whole seconds. Makes `iat` required. @default no limit */
  maxTokenAge?: number;
  /**
   * Claims that must be present, with any value. Replaces the default: include `exp`, or tokens that never expire are accepted.
   * @default exp, sub, client_id, iat and jti for access tokens (RFC 9068 section 2.2), exp for other types
   */
  requiredClaims?: readonly string[];
  /** Scope values that are all required: a space-separated text or an array (RFC 6749 section 3.3). @default none */
  scope?: string | readonly string[];
  /** The time in seconds since 1970, with or without a fraction. @default the system's clock, to the millisecond */
  now?: () => number;
  /** The maximum length of a token, in bytes, up to 1 MiB. @default 16384 */
  maxTokenBytes?: number;
  /**
   * Keeps up to `max` verified tokens, at least 2, and returns new copies of their claims without checking the signature again. A cached
   * token is never accepted outside its times or after the keys changed. Whole tokens are kept, in memory. @default false
   */
  cache?: { max: number } | false;
}

/**
 * Where the keys come from: at most one of `jwks`, `jwksUri` and `key`. With none, they are discovered from the
 * metadata of the one `issuer` (RFC 8414 section 3, else OpenID Connect Discovery 1.0 section 4).
 *
 * A given key is checked when the verifier is first used: an invalid one is reported then, as `key_unusable`.
 *
 * Fetched keys are kept for the `max-age` of the response, 1 minute to 24 hours, 10 minutes without one; then they are renewed in the
 * background. An unknown key causes a fetch at once, at most every 30 seconds. A failed fetch never discards keys before `maxKeyAge`.
 * Fetches follow no redirect and take 5 seconds and 512 KiB at most.
 *
 * A token without `kid`, or with one that several keys have, is tried with each key of its algorithm, four at most.
 */
export type KeyOptions = GivenKeySet | FetchedKeySet | SecretKey | SingleKey | DiscoveredKeySet;

export interface GivenKeySet {
  /**
   * A JWK Set (RFC 7517 section 5) of public keys or of shared secrets. Unusable keys are ignored; a private key is refused, and so are
   * secrets beside public keys.
   */
  jwks: JwkSet;
  jwksUri?: undefined;
  key?: undefined;
  /** The allowed algorithms. @default those of the keys */
  algorithms?: readonly AlgorithmName[];
  fetch?: undefined;
}

export interface FetchedKeySet {
  jwks?: undefined;
  /** The URL of the JWK Set: https, or http on this machine. Shared secrets in it are never used. */
  jwksUri: string | UrlLike;
  key?: undefined;
  /** The allowed algorithms. @default those of the keys; never an HMAC */
  algorithms?: readonly AlgorithmName[];
  /** Fetches the keys. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface DiscoveredKeySet {
  issuer: string | readonly [string];
  jwks?: undefined;
  jwksUri?: undefined;
  key?: undefined;
  /** The allowed algorithms. @default those of the keys; never an HMAC */
  algorithms?: readonly AlgorithmName[];
  /** Fetches the keys. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface SingleKey {
  jwks?: undefined;
  jwksUri?: undefined;
  /** One JWK, public or `oct`, a public or secret {@link Key}, or a WebCrypto `CryptoKey` that may `verify`. */
  key: Jwk | Key | CryptoKeyLike;
  /** The allowed algorithms. @default that of the key */
  algorithms?: readonly AlgorithmName[];
  fetch?: undefined;
}

export interface SecretKey {
  jwks?: undefined;
  jwksUri?: undefined;
  /** The bytes of a shared secret, at least as long as the hash (RFC 7518 section 3.2). */
  key: Uint8Array;
  /** The one HMAC algorithm that the secret is for. @default HS256 */
  algorithms?: readonly [HmacName];
  fetch?: undefined;
}

/**
 * Creates a verifier. Cheap: create one for each kind of token and keep it.
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function createVerifier(options: VerifierOptions): Verifier;

export interface Verifier {
  /**
   * Verifies a compact JWS: form, type, algorithm, key and signature, and only then the claims.
   * @throws {TokenError} (the promise rejects) with the first reason to refuse it
   */
  verify(token: string): Promise<VerifiedToken>;
  /**
   * The same synchronously: in Node for all algorithms, elsewhere for HMAC and Ed25519; with `status` only if the list has been fetched.
   *
   * In Node it blocks the thread while the signature is checked, some 20 to 80 microseconds; `verify` uses other threads when many tokens
   * come at once.
   * @throws {TokenError} as `verify`; with the code `async_required` if keys or the status list must be fetched, or if this runtime checks
   * such signatures only asynchronously. Then call `verify`.
   */
  verifySync(token: string): VerifiedToken;
  /** Verifies many tokens. Returns the results in order; never rejects because of one token. */
  verifyAll(tokens: readonly string[]): Promise<VerifyResult[]>;
  /**
   * Verifies the token that a request bears, `Authorization: Bearer` (RFC 6750 section 2.1): of a Fetch `Request`, of a message
   * of node:http, or the header's value. `challenge` adds a required authentication, required scope values and parameters of the challenge.
   * To respond to such requests, see `guard`.
   * @throws {TokenError} (the promise rejects) with `status`, and `wwwAuthenticate` if the response has a challenge. A token with `cnf` is
   * bound to a key, which a bearer request does not prove: `proof_missing`
   */
  verifyRequest(request: RequestLike, challenge?: ChallengeOptions): Promise<VerifiedToken>;
  /**
   * The state of fetched keys: `age` in seconds; `maxAge`, the age in seconds after which they are not used, see `maxKeyAge`; and `error`,
   * why the last attempt to renew them failed. With several `issuers`, the state of one whose keys could not be renewed, else of the one
   * with the oldest keys.
   */
  readonly keys: { readonly age: number | undefined; readonly maxAge: number | undefined; readonly error: TokenError | undefined };
  /**
   * The state of status lists: how many are usable, the `age` of the oldest in seconds, and `error`, why the last attempt to fetch one
   * failed, until a later one succeeds.
   */
  readonly status: { readonly lists: number; readonly age: number | undefined; readonly error: TokenError | undefined };
  /**
   * Runs every check and returns the result of each, for display. Never use it for access control: it shows the content of forged tokens
   * too.
   * @throws {TokenError} (the promise rejects) only if no check can be run at all: an unusable given key, an invalid clock, no WebAssembly
   */
  explain(token: string): Promise<Explanation>;
}

/** The result of `verifyAll` for each token. */
export type VerifyResult =
  | { ok: true; value: VerifiedToken; error?: undefined }
  | { ok: false; value?: undefined; error: TokenError };

/** A token that passed every check. All parts are new plain objects. */
export interface VerifiedToken {
  claims: Claims;
  header: Header;
  /** The key that signed it. */
  key: { kid?: string; alg: AlgorithmName };
}

/** The claims (RFC 7519 section 4.1, RFC 9068 section 2.2). Times are seconds since 1970. */
export interface Claims {
  iss?: string;
  sub?: string;
  aud?: string | string[];
  exp?: number;
  nbf?: number;
  iat?: number;
  jti?: string;
  client_id?: string;
  /** Space-separated scope values (RFC 6749 section 3.3); some issuers send an array. */
  scope?: string | string[];
  /** When the user authenticated (RFC 9470 section 6.1). */
  auth_time?: number;
  /** The authentication context class (RFC 9470 section 6.1): a text, unless the issuer violates the specification. */
  acr?: unknown;
  [claim: string]: unknown;
}

/** The JOSE header (RFC 7515 section 4.1). */
export interface Header {
  alg: string;
  kid?: string;
  typ?: string;
  [parameter: string]: unknown;
}

export interface Explanation {
  /** `null` if it could not be read. */
  header: Header | null;
  /** `null` if they could not be read. Unverified unless every check passed. */
  claims: Claims | null;
  /** In the order in which `verify` runs them. */
  checks: Check[];
}

/** One check. `ok` is `null` if it was not run because an earlier check failed. */
export type Check =
  | { name: CheckName; ok: true | null }
  | {
      name: CheckName;
      ok: false;
      code: ErrorCode;
      /** The claim that the check is about. */
      claim?: string;
      /** A sentence for a developer. */
      sentence: string;
    };

export type CheckName =
  | 'format'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expiry'
  | 'not_before'
  | 'age'
  | 'required_claims'
  | 'scope'
  /** Only with the option `status`. */
  | 'status';

/**
 * Reads header and claims of a compact JWS without checking it, for display. Never use it for access control.
 * @throws {TokenError} with the code `malformed`, `too_large` or `unsupported`
 */
export function decodeUnverified(token: string): { header: Partial<Header>; claims: Claims };

/** Why a token was refused, or could not be checked. `code` is stable; the message is for developers and is not. */
export class TokenError extends Error {
  constructor(code: ErrorCode, message?: string, details?: TokenErrorDetails);
  readonly name: 'TokenError';
  readonly code: ErrorCode;
  /** The claim that caused the error, if it was caused by one. */
  readonly claim?: string;
  /** With the code `key_unusable`: the reason as a stable word, if it is known. */
  readonly reason?: string;
  /** From `verifyRequest`: the status of the response. */
  readonly status?: number;
  /** From `verifyRequest`: the value of `WWW-Authenticate`, if the response has a challenge (RFC 6750 section 3). */
  readonly wwwAuthenticate?: string;
  /** The underlying error, if any. */
  readonly cause?: unknown;
}

export interface TokenErrorDetails {
  claim?: string;
  reason?: string;
  cause?: unknown;
  status?: number;
  wwwAuthenticate?: string;
}

/** Every `code` of a {@link TokenError}. `edgemint/errors` exports them as lists. */
export type ErrorCode = RefusalCode | RequestCode | TroubleCode;

/** The token was refused. Clients see the same error for all of these: `invalid_token` (RFC 6750 section 3.1). */
export type RefusalCode =
  /** The header names an algorithm that is unknown, `none`, or not allowed. */
  | 'algorithm_not_allowed'
  /** `aud` names none of the audiences. */
  | 'audience_mismatch'
  /** The signature is not this key's signature of this token. */
  | 'bad_signature'
  /** A claim has a value of the wrong type or out of range. */
  | 'claim_invalid'
  /** A required claim is missing. */
  | 'claim_missing'
  /** `exp` has passed. */
  | 'expired'
  /** `iss` is none of the issuers. */
  | 'issuer_mismatch'
  /** The token does not name its key, and more than four keys match. */
  | 'key_ambiguous'
  /** The key with this `kid` is for another algorithm. */
  | 'key_mismatch'
  /** No key matches. */
  | 'key_not_found'
  /** Not a text of three parts of canonical base64url with JSON objects in them. */
  | 'malformed'
  /** `nbf` lies in the future, or `iat` does where there is a `maxTokenAge`. */
  | 'not_yet_valid'
  /** Revoked, according to its status list. */
  | 'revoked'
  /** `scope` lacks a required value (RFC 6750 section 3.1: `insufficient_scope`). */
  | 'scope_insufficient'
  /** It names no status list, but the option `status` requires one. */
  | 'status_missing'
  /** Suspended, or any other status but valid or revoked, according to its status list. */
  | 'suspended'
  /** Longer than `maxTokenBytes`. */
  | 'too_large'
  /** Issued longer ago than `maxTokenAge`. */
  | 'too_old'
  /** `typ` differs. */
  | 'type_mismatch'
  /** An encrypted token, a JSON serialisation, or an extension (`crit`, `b64`, `zip`). */
  | 'unsupported';

/** The request was refused because of the request itself. */
export type RequestCode =
  /** `acr` or `auth_time` does not satisfy the guard's `acr` or `maxAge` (RFC 9470 section 3: `insufficient_user_authentication`). */
  | 'authentication_insufficient'
  /** The token is bound to a key (`cnf`), and the request proves nothing about it (RFC 9449 section 7, RFC 8705 section 3). */
  | 'proof_missing'
  /** The `Authorization` header is malformed, or there are several. */
  | 'request_invalid'
  /** No `Authorization` header, or another scheme. */
  | 'token_missing';

/** The token was not checked: the cause is in the options, the issuer or the runtime. */
export type TroubleCode =
  /** The runtime does not support the algorithm. */
  | 'algorithm_unavailable'
  /** Only possible asynchronously: call `verify` or `mint`. */
  | 'async_required'
  /** The issuer's metadata could not be fetched or is invalid. */
  | 'discovery_failed'
  /** A fault in this package. */
  | 'internal_error'
  /** An option is missing, unknown or invalid. */
  | 'invalid_option'
  /** The key cannot be used: malformed, private, too weak, or not on its curve. */
  | 'key_unusable'
  /** The key set could not be fetched or is invalid, and there are no keys younger than `maxKeyAge`. */
  | 'keys_unavailable'
  /** The claims cannot become a token: not an object, too large, or not JSON. */
  | 'mint_invalid'
  /** The status list of the token could not be fetched or is invalid. */
  | 'status_unavailable'
  /**
   * The WebAssembly module could not be loaded; the message says why. The next call tries again. With a Content Security Policy, a
   * page needs `'wasm-unsafe-eval'` in `script-src`.
   */
  | 'wasm_unavailable';

/**
 * The name of an option that allows http on other machines.
 * @deprecated Dangerous: an attacker on the network path can replace the keys.
 */
export declare const allowInsecureRequests: unique symbol;
/**
 * Accepts tokens of every issuer.
 * @deprecated Dangerous: only where something else, such as the key, says who issued the token.
 */
export declare const anyIssuer: unique symbol;
/**
 * Accepts tokens for every audience.
 * @deprecated Dangerous: a token meant for another service opens this one.
 */
export declare const anyAudience: unique symbol;
/**
 * Accepts tokens of every type.
 * @deprecated Dangerous: an ID token or a logout token passes for an access token.
 */
export declare const anyType: unique symbol;

/** The HMAC algorithms (RFC 7518 section 3.2). */
export type HmacName = 'HS256' | 'HS384' | 'HS512';

/** The RSA algorithms (RFC 7518 sections 3.3 and 3.5). */
export type RsaName = 'PS256' | 'PS384' | 'PS512' | 'RS256' | 'RS384' | 'RS512';

/** The signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1). `Ed25519` is EdDSA by its name in RFC 9864. */
export type AlgorithmName = HmacName | RsaName | 'EdDSA' | 'Ed25519' | 'ES256' | 'ES384' | 'ES512';

/** A public JWK, or one of a shared secret (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). */
export interface Jwk {
  kty?: string;
  kid?: string;
  alg?: string;
  use?: string;
  key_ops?: readonly string[];
  ext?: boolean;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  k?: string;
  x5u?: string;
  x5c?: readonly string[];
  x5t?: string;
  'x5t#S256'?: string;
}

/** A JWK Set (RFC 7517 section 5). */
export interface JwkSet {
  keys: readonly Jwk[];
}

/** The members of a WebCrypto `CryptoKey` that are used. */
export interface CryptoKeyLike {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** The members of a `URL` that are used. */
export interface UrlLike {
  readonly href: string;
  toString(): string;
}

/** The `fetch` that is used: `init` has `headers`, `redirect: 'manual'` and a `signal`. */
export type FetchLike = (url: string, init: any) => Promise<ResponseLike>;

/** The members of a `Response` that are used. */
export interface ResponseLike {
  readonly status: number;
  readonly type: string;
  readonly headers: { get(name: string): string | null };
  readonly body: unknown;
}
