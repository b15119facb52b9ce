// Types of the package `edgemint`, written by hand. They use no global type of a browser or of Node.
import type { ChallengeOptions, RequestLike } from './guard.js';
import type { Key } from './keys.js';

export * from './guard.js';
export * from './issuer.js';
export * from './keys.js';

/** Options of {@link createVerifier}. Unknown names are refused: a misspelt check must not go missing. */
export type VerifierOptions = CommonOptions & (
  | (OneIssuer & ((KeyOptions & StatusUnchecked) | (Fetching<KeyOptions> & StatusChecked)))
  | (SeveralIssuers & (StatusUnchecked | StatusChecked))
);

export interface StatusUnchecked {
  /** A token that was revoked passes until it expires. @default false */
  status?: false;
}

/**
 * Looks up in the status list that the token names whether it was revoked or suspended (draft-ietf-oauth-status-list): after all
 * other checks, and at each verification, also where `cache` remembers the token.
 *
 * A list is believed only if it is signed by the issuer's keys as this verifier takes them, has the type `statuslist+jwt`, the `sub`
 * by which the token names it, an `iat` that does not lie in the future nor before that of the one at hand, an `exp` that has not
 * passed, if any, and the `iss` of the token, if any. Its URL must be https, or http on this machine for an issuer that is there too.
 *
 * It is kept for its `ttl`, else the `max-age` of the answer, 5 seconds to 24 hours, one minute if neither is there. Then it is renewed
 * in the background, by its ETag, and used for `maxStale` more while that is tried; past that, and past its `exp` (with `clockTolerance`), it is waited for.
 * So a token is refused at the latest `ttl` and `maxStale` after the list says so. A fetch follows no redirect, takes 5 seconds and
 * 512 KiB at most; a list has 4 MiB at most when inflated, and all lists that are kept together 32 MiB.
 */
export interface StatusChecked {
  status: 'check' | StatusOptions;
  /** Does the fetching, of keys too. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface StatusOptions {
  /** What becomes of a token without a claim `status`. @default 'refuse', as `status_missing` */
  missing?: 'refuse' | 'accept';
  /**
   * What becomes of a token whose list cannot be had, or not be believed. `accept` lets revoked tokens pass while somebody keeps the
   * list away. @default 'refuse', as `status_unavailable`
   */
  unavailable?: 'refuse' | 'accept';
  /** For how long a list that should be renewed goes on being used meanwhile, in whole seconds. @default 30 */
  maxStale?: number;
  /** How many lists are kept; the one that was not needed for longest goes. @default 256 */
  maxLists?: number;
}

/** The same with a `fetch` that is taken whatever the keys are. */
export type Fetching<Options> = Options extends unknown ? Omit<Options, 'fetch'> : never;

export interface OneIssuer {
  /**
   * The issuer of the token: its `iss` must be this text, character by character (RFC 7519 section 4.1.1).
   * With a single text and none of `jwks`, `jwksUri` and `key`, the keys are found through the issuer's metadata.
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
   * (RFC 8725 section 3.8). The `cache` and the bounds of `status` count for each issuer by itself. A token of any other issuer is refused
   * with `issuer_mismatch`.
   */
  issuers: { readonly [issuer: string]: JwkSet | IssuerKeys };
  issuer?: undefined;
  jwks?: undefined;
  jwksUri?: undefined;
  key?: undefined;
  /** The algorithms allowed, for issuers that name none of their own. @default what the keys are for */
  algorithms?: readonly AlgorithmName[];
  /** Does the fetching, for issuers that have none of their own. @default the global `fetch` */
  fetch?: FetchLike;
}

/** The keys of one of several `issuers`, and what else is different for its tokens. */
export type IssuerKeys = IssuerOverrides & (GivenKeySet | FetchedKeySet | SecretKey | SingleKey | Omit<DiscoveredKeySet, 'issuer'>);

/** See {@link CommonOptions}, whose values count where there is none here. */
export type IssuerOverrides = Partial<Pick<CommonOptions, 'audience' | 'clockTolerance' | 'maxKeyAge' | 'maxTokenAge' | 'requiredClaims' | 'type'>>;

export interface CommonOptions {
  /** For whom the token must be: its `aud` must name one of these (RFC 7519 section 4.1.3). */
  audience: string | readonly string[] | typeof anyAudience;
  /**
   * The header's `typ`, compared as a media type: no upper or lower case, with or without `application/`
   * (RFC 7515 section 4.1.9, RFC 8725 section 3.11).
   * @default 'at+jwt', an access token (RFC 9068 section 2.1)
   */
  type?: string | readonly string[] | typeof anyType;
  /**
   * How far the clocks of issuer and verifier may differ, in whole seconds. The times of a token and the clock are compared with their
   * fractions of a second. @default 0
   */
  clockTolerance?: number;
  /**
   * At which age fetched keys are no longer used, in whole seconds from 60 on, or `Infinity`. From then on `verify` waits for a fetch and
   * rejects with `keys_unavailable` only if that fails, and `verifySync` throws `async_required`.
   * @default a day longer than they are fresh
   */
  maxKeyAge?: number;
  /**
   * Allows issuers, key sets and status lists on http on other machines, as inside a cluster. An issuer on https still names none on
   * http, and one on another machine none on this one. @default false
   */
  [allowInsecureRequests]?: boolean;
  /** How long ago the token may have been issued at most, in whole seconds. Makes `iat` required. @default no limit */
  maxTokenAge?: number;
  /**
   * Claims that must be there, whatever their value. Takes the place of the default: name `exp` too, or tokens that
   * never end are taken.
   * @default exp, sub, client_id, iat and jti for access tokens (RFC 9068 section 2.2), exp for other types
   */
  requiredClaims?: readonly string[];
  /** Scope values that must all be granted: one text with spaces, or several (RFC 6749 section 3.3). @default none */
  scope?: string | readonly string[];
  /** The time in seconds since 1970, with a fraction or without. @default the system's clock, in milliseconds */
  now?: () => number;
  /** The longest token that is looked at, in bytes, up to 1 MiB. @default 16384 */
  maxTokenBytes?: number;
  /**
   * Keeps up to `max` tokens that were verified, from 2 on, and gives fresh claims when one of them comes again: without its
   * signature being checked, but never outside its time, and never after other keys have been fetched. What is kept are
   * whole tokens, in memory. @default false
   */
  cache?: { max: number } | false;
}

/**
 * Where the keys come from: at most one of `jwks`, `jwksUri` and `key`. With none, they are discovered from the
 * metadata of the one `issuer` (RFC 8414 section 3, else OpenID Connect Discovery 1.0 section 4).
 *
 * A given key is looked at when the verifier is first used: what is wrong with it is told then, as `key_unusable`.
 *
 * Fetched keys are kept for the `max-age` of the answer, 1 minute to 24 hours, 10 minutes if it names none; then they
 * are renewed in the background. A key that is not among them is looked for at once, at most every 30 seconds.
 * A failed fetch never takes away the keys at hand before `maxKeyAge`. Fetches follow no redirect, take 5 seconds and 512 KiB at most.
 *
 * A token without `kid`, or with one that several keys have, is tried with each key that fits its algorithm, four at most.
 */
export type KeyOptions = GivenKeySet | FetchedKeySet | SecretKey | SingleKey | DiscoveredKeySet;

export interface GivenKeySet {
  /**
   * A JWK Set (RFC 7517 section 5), of public keys or of shared secrets. Keys that cannot be used are passed over; a
   * private key is refused, and so are secrets beside public keys.
   */
  jwks: JwkSet;
  jwksUri?: undefined;
  key?: undefined;
  /** The algorithms allowed. @default what the keys are for */
  algorithms?: readonly AlgorithmName[];
  fetch?: undefined;
}

export interface FetchedKeySet {
  jwks?: undefined;
  /** Where the JWK Set is: https, or http on this machine. Shared secrets in it are never used. */
  jwksUri: string | UrlLike;
  key?: undefined;
  /** The algorithms allowed. @default what the keys are for; never an HMAC */
  algorithms?: readonly AlgorithmName[];
  /** Does the fetching. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface DiscoveredKeySet {
  issuer: string | readonly [string];
  jwks?: undefined;
  jwksUri?: undefined;
  key?: undefined;
  /** The algorithms allowed. @default what the keys are for; never an HMAC */
  algorithms?: readonly AlgorithmName[];
  /** Does the fetching. @default the global `fetch` */
  fetch?: FetchLike;
}

export interface SingleKey {
  jwks?: undefined;
  jwksUri?: undefined;
  /** One JWK, public or `oct`, a public or secret {@link Key}, or a WebCrypto `CryptoKey` that may `verify`. */
  key: Jwk | Key | CryptoKeyLike;
  /** The algorithms allowed. @default what the key is for */
  algorithms?: readonly AlgorithmName[];
  fetch?: undefined;
}

export interface SecretKey {
  jwks?: undefined;
  jwksUri?: undefined;
  /** The bytes of a shared secret, at least as many as the hash has (RFC 7518 section 3.2). */
  key: Uint8Array;
  /** The one HMAC algorithm that the secret is for. @default HS256 */
  algorithms?: readonly [HmacName];
  fetch?: undefined;
}

/**
 * Makes a verifier. Cheap: make one for each kind of token and keep it.
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or wrong
 */
export function createVerifier(options: VerifierOptions): Verifier;

export interface Verifier {
  /**
   * Checks a compact JWS: form, type, algorithm, key and signature, and only then the claims.
   * @throws {TokenError} (the promise rejects) with the first reason to refuse it
   */
  verify(token: string): Promise<VerifiedToken>;
  /**
   * The same at once: in Node for all algorithms; elsewhere for HMAC and Ed25519; with `status` only while the list is at hand.
   *
   * In Node it blocks the thread for as long as the signature takes, some 20 to 80 microseconds, where `verify` uses other
   * threads when many tokens come at once.
   * @throws {TokenError} as `verify`; with the code `async_required` where the keys or the status list are not at hand, do not fit, or this
   * runtime has no such signatures without waiting. Then ask `verify`.
   */
  verifySync(token: string): VerifiedToken;
  /** Verifies many. Gives their results in order, and never rejects for the sake of one. */
  verifyAll(tokens: readonly string[]): Promise<VerifyResult[]>;
  /**
   * Verifies the token that a request bears, `Authorization: Bearer` (RFC 6750 section 2.1): of a Fetch `Request`, of a message
   * of node:http, or the header's value. `challenge` adds to what is asked for and told. For answering such requests see `guard`.
   * @throws {TokenError} (the promise rejects) with `status`, and `wwwAuthenticate` where the answer has a challenge. A token
   * with `cnf` is bound to a key that a bearer does not prove: `proof_missing`
   */
  verifyRequest(request: RequestLike, challenge?: ChallengeOptions): Promise<VerifiedToken>;
  /**
   * Of keys that are fetched: `age`, for how many seconds they have been at hand; `maxAge`, at which age they are no longer used, see
   * `maxKeyAge`; and `error`, why the last attempt to renew them failed, if it did. Of several `issuers`, that is told of one whose keys
   * could not be renewed, else of the one whose keys are oldest.
   */
  readonly keys: { readonly age: number | undefined; readonly maxAge: number | undefined; readonly error: TokenError | undefined };
  /**
   * Of status lists: how many may be used now, the `age` of the oldest of them in seconds, and `error`, why the last attempt to fetch one
   * failed, if that was not made good since.
   */
  readonly status: { readonly lists: number; readonly age: number | undefined; readonly error: TokenError | undefined };
  /**
   * Runs every check and tells how each went, for people to read. Never decide about access by it: it tells all,
   * of forged tokens too.
   * @throws {TokenError} (the promise rejects) only where no check can be run at all: a given key that cannot be used,
   * a clock that tells no time, no WebAssembly
   */
  explain(token: string): Promise<Explanation>;
}

/** What `verifyAll` gives for each token. */
export type VerifyResult =
  | { ok: true; value: VerifiedToken; error?: undefined }
  | { ok: false; value?: undefined; error: TokenError };

/** A token that passed every check. Plain objects of their own. */
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
  /** Scope values with spaces between them (RFC 6749 section 3.3); some issuers have an array of them. */
  scope?: string | string[];
  auth_time?: number;
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
  /** Absent, as `null`, if it could not be read. */
  header: Header | null;
  /** Absent, as `null`, if they could not be read. Nobody vouches for them unless every check passed. */
  claims: Claims | null;
  /** In the order in which `verify` runs them. */
  checks: Check[];
}

/** One check. `ok` is `null` if it could not be run, because something before it failed. */
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
  /** Only where the option `status` asks for it. */
  | 'status';

/**
 * Reads header and claims of a compact JWS and checks nothing: for looking at it. Never use it for access.
 * @throws {TokenError} with the code `malformed`, `too_large` or `unsupported`
 */
export function decodeUnverified(token: string): { header: Partial<Header>; claims: Claims };

/** Why a token was refused, or could not be checked. `code` is stable; the message is for developers and is not. */
export class TokenError extends Error {
  constructor(code: ErrorCode, message?: string, details?: TokenErrorDetails);
  readonly name: 'TokenError';
  readonly code: ErrorCode;
  /** The claim that the reason is about, where it is about one. */
  readonly claim?: string;
  /** What exactly is wrong with a key, as a stable word, where the code is `key_unusable` and it is known. */
  readonly reason?: string;
  /** From `verifyRequest`: the status to answer with. */
  readonly status?: number;
  /** From `verifyRequest`: the value of the header `WWW-Authenticate`, where the answer has a challenge (RFC 6750 section 3). */
  readonly wwwAuthenticate?: string;
  /** What was thrown underneath, where something was. */
  readonly cause?: unknown;
}

export interface TokenErrorDetails {
  claim?: string;
  reason?: string;
  cause?: unknown;
  status?: number;
  wwwAuthenticate?: string;
}

/** Every `code` that a {@link TokenError} can have. `edgemint/errors` has them as lists. */
export type ErrorCode = RefusalCode | RequestCode | TroubleCode;

/** The token was refused. To whoever presented it, all of them are the same: `invalid_token` (RFC 6750 section 3.1). */
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
  /** The token does not say which key signed it, and more than four fit. */
  | 'key_ambiguous'
  /** The key with this `kid` is for another algorithm. */
  | 'key_mismatch'
  /** No key fits. */
  | 'key_not_found'
  /** Not a text of three parts of canonical base64url with JSON objects in them. */
  | 'malformed'
  /** `nbf` lies in the future, or `iat` does where there is a `maxTokenAge`. */
  | 'not_yet_valid'
  /** Its status list says that it was revoked. */
  | 'revoked'
  /** `scope` lacks a required value (RFC 6750 section 3.1: `insufficient_scope`). */
  | 'scope_insufficient'
  /** It names no status list, and the option `status` asks for one. */
  | 'status_missing'
  /** Its status list says that it is suspended, or anything else but valid. */
  | 'suspended'
  /** Longer than `maxTokenBytes`. */
  | 'too_large'
  /** Issued longer ago than `maxTokenAge`. */
  | 'too_old'
  /** `typ` is another. */
  | 'type_mismatch'
  /** An encrypted token, a JSON serialisation, or an extension (`crit`, `b64`, `zip`). */
  | 'unsupported';

/** A request was refused before its token was looked at, or for a reason that lies in the request. */
export type RequestCode =
  /** The token is bound to a key (`cnf`), and the request proves nothing about it (RFC 9449 section 7, RFC 8705 section 3). */
  | 'proof_missing'
  /** The `Authorization` header is malformed, or there are several. */
  | 'request_invalid'
  /** No `Authorization` header, or another scheme. */
  | 'token_missing';

/** Nothing is known about the token: the fault lies with the options, the issuer or the runtime. */
export type TroubleCode =
  /** The runtime does not have the algorithm. */
  | 'algorithm_unavailable'
  /** It can only be done asynchronously: call `verify` or `mint`. */
  | 'async_required'
  /** The issuer's metadata could not be fetched, or is wrong. */
  | 'discovery_failed'
  /** A fault in this package. */
  | 'internal_error'
  /** An option is missing, unknown or wrong. */
  | 'invalid_option'
  /** The key given, or chosen, cannot be used: malformed, private, too weak, or no point on its curve. */
  | 'key_unusable'
  /** The key set could not be fetched, or is none; or the keys at hand are older than `maxKeyAge`, and that failed. */
  | 'keys_unavailable'
  /** No token can be made of these claims: no object, too large, or not JSON. */
  | 'mint_invalid'
  /** The status list of the token could not be fetched, or cannot be believed. */
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
 * Takes tokens of every issuer.
 * @deprecated Dangerous: only where something else, such as the key, says who issued the token.
 */
export declare const anyIssuer: unique symbol;
/**
 * Takes tokens for every audience.
 * @deprecated Dangerous: a token meant for another service opens this one.
 */
export declare const anyAudience: unique symbol;
/**
 * Takes tokens of every type.
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

/** What is needed of a WebCrypto `CryptoKey`. */
export interface CryptoKeyLike {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** What is needed of a `URL`. */
export interface UrlLike {
  readonly href: string;
  toString(): string;
}

/** What is needed of `fetch`: `init` has `headers`, `redirect: 'manual'` and a `signal`. */
export type FetchLike = (url: string, init: any) => Promise<ResponseLike>;

/** What is needed of a `Response`. */
export interface ResponseLike {
  readonly status: number;
  readonly type: string;
  readonly headers: { get(name: string): string | null };
  readonly body: unknown;
}
