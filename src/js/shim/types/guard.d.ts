// Types of `guard` in `edgemint`, and those that it shares with the guards for Hono and Express.
import type { TokenError, VerifiedToken, VerifierOptions } from './index.js';

/**
 * Guards a Worker: `handler` is called only for requests with a token that passed every check, and receives that token. `scope` names the
 * required scope values.
 *
 * ```js
 * import { guard } from 'edgemint';
 *
 * export default {
 *   fetch: guard({ issuer: 'https://issuer.example', audience: 'https://api.example', scope: 'read' },
 *     (request, env, ctx, token) => Response.json({ hello: token.claims.sub })),
 * };
 * ```
 *
 * Options that come from the environment are a function. It is called once for each `env`, and may be asynchronous:
 *
 * ```js
 * guard((env) => ({ issuer: env.ISSUER, audience: env.AUDIENCE }), handler)
 * ```
 *
 * Several guards with one verifier share its keys:
 *
 * ```js
 * const verifier = createVerifier({ issuer, audience });
 * const read = guard({ verifier, scope: 'read' }, handleRead);
 * const write = guard({ verifier, scope: 'write' }, handleWrite);
 * ```
 *
 * **The token** must be in one header `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). Tokens in the query or in a form are ignored
 * (RFC 9700 section 4.3.2).
 *
 * **The response to all other requests** has a challenge in `WWW-Authenticate` (RFC 6750 section 3), `Cache-Control: no-store`, and a JSON
 * body `{ error, error_description }` with fixed sentences. It is the same for all refused tokens: only `onError` learns which check
 * failed.
 *
 * | cause | status | `error` |
 * |---|---|---|
 * | no `Authorization`, or another scheme | 401 | none |
 * | an `Authorization` that is malformed, or several | 400 | `invalid_request` |
 * | the token was refused | 401 | `invalid_token` |
 * | the user authentication does not satisfy `acr` or `maxAge` | 401 | `insufficient_user_authentication`, and `acr_values`, `max_age` and the required `scope` |
 * | the token lacks a `scope` | 403 | `insufficient_scope`, and the required `scope` |
 * | the keys, or the status list, are unavailable | 503, `Retry-After` | `temporarily_unavailable`; no challenge |
 * | a fault in the options or in this package | 500 | `server_error`; no challenge |
 *
 * The checks run in this order: the token itself, with everything that the verifier requires; `cnf`; `acr`; `maxAge`; `scope`.
 *
 * **Step-up** (RFC 9470): `acr` and `maxAge` demand how and when the user authenticated. The client repeats its authorization request with the
 * `acr_values` and the `max_age` of the challenge:
 *
 * ```js
 * const pay = guard({ verifier, scope: 'pay', acr: ['urn:example:passkey'], maxAge: 300 }, handlePayment);
 * ```
 *
 * **Metadata** (RFC 9728): `protectedResource` in `edgemint/resource` serves the metadata that a client needs to find the issuer. With
 * `resourceMetadata`, every challenge names it.
 *
 * **A token with `cnf`** is bound to a key of its client (DPoP, RFC 9449; mutual TLS, RFC 8705). A bearer request proves no key, so the token
 * is refused, with the code `proof_missing`. Check the proof yourself and use `verifier.verify` for such tokens.
 *
 * **CORS is up to you.** A browser's preflight (`OPTIONS`) carries no token and is refused like every request without one: respond to it
 * before the guard, and add your CORS headers to the responses of the guard.
 *
 * Errors thrown by the handler, and the bodies of requests and responses, pass through unchanged.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid. If the options
 * are a function, each request rejects with it, or with what the function throws: the handler is not called.
 */
export function guard<
  Env = any,
  Incoming extends FetchRequestLike = GlobalRequest,
  Context = GlobalContext,
  Answer = GlobalResponse,
>(
  options: GuardInput<GuardOptions<[request: Incoming, env: Env, ctx: Context]>, Env>,
  handler: (request: Incoming, env: Env, ctx: Context, token: VerifiedToken) => Answer | Promise<Answer>,
): (request: Incoming, env: Env, ctx: Context) => Promise<Answer>;

/** Options, a verifier, or a function that returns either for an environment. */
export type GuardInput<Options, Env> =
  | Options
  | TokenVerifier
  | ((env: Env) => Options | TokenVerifier | Promise<Options | TokenVerifier>);

/** Options of a guard: those of a verifier, or a `verifier`, and those of the guard itself. */
export type GuardOptions<Place extends unknown[] = []> =
  & ((VerifierOptions & { verifier?: undefined }) | GivenVerifier)
  & ChallengeOptions
  & ReportOptions<Place>;

export type GivenVerifier = { [option in Exclude<OptionOf<VerifierOptions>, 'scope'>]?: undefined } & {
  /** A verifier of `createVerifier`. `scope` is required in addition to its own. */
  verifier: TokenVerifier;
};

export interface ChallengeOptions {
  /**
   * Authentication context classes, in order of preference: a space-separated text or an array. The token's `acr` must be one of them; a token
   * without `acr` is refused. The challenge names them as `acr_values` (RFC 9470 section 3). @default none
   */
  acr?: string | readonly string[];
  /**
   * The maximum time since the user authenticated, in whole seconds, at least 1. The token's `auth_time` is compared by the clock and with the
   * `clockTolerance` of the verifier (of a verifier that is not from `createVerifier`: by the system's clock, with 0); a token without
   * `auth_time`, or with one in the future, is refused. The challenge names it as `max_age` (RFC 9470 section 3). @default no limit
   */
  maxAge?: number;
  /**
   * Scope values that are all required: a space-separated text or an array (RFC 6749 section 3.3). The challenge names them to clients
   * without a token, with one that lacks them, or whose user has to authenticate again. @default none
   */
  scope?: string | readonly string[];
  /**
   * Names the protected area in the challenge, in printable ASCII (RFC 9110 section 11.5).
   * @default none; `api` where the challenge would have no parameter, which RFC 6750 section 3 does not allow
   */
  realm?: string;
  /**
   * The metadata of the protected resource (RFC 9728 section 5.1): what `protectedResource` returned, or a URL, https or http on this machine.
   * It tells a client which issuer to request a token from. @default none
   */
  resourceMetadata?: string | { readonly href: string } | { readonly metadataUrl: string };
}

export interface ReportOptions<Place extends unknown[] = []> {
  /**
   * Called with every error before the response is sent: for your log. It is awaited. An error that it throws passes through, and the
   * handler is not called. The package logs nothing itself, and no error contains any part of a token.
   */
  onError?: (error: TokenError, ...place: Place) => unknown;
}

/** The members of a verifier that a guard uses. */
export interface TokenVerifier {
  verify(token: string): Promise<VerifiedToken>;
  verifySync?(token: string): VerifiedToken;
}

/** The members of a Fetch `Request` that are used. */
export interface FetchRequestLike {
  readonly method: string;
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
}

/** The members of an `IncomingMessage` of node:http that are used. */
export interface NodeRequestLike {
  readonly headers: { readonly authorization?: string | undefined };
  readonly rawHeaders?: readonly string[];
}

/** A request, or the value of its `Authorization` header. */
export type RequestLike = FetchRequestLike | NodeRequestLike | string | null | undefined;

type OptionOf<Options> = Options extends unknown ? keyof Options : never;

// The global types, if there are any, so that a handler needs no annotations.
type GlobalRequest = Global<'Request', FetchRequestLike>;
export type GlobalResponse = Global<'Response', unknown>;
type GlobalContext = Global<'ExecutionContext', any>;
type Global<Name extends string, Otherwise> =
  typeof globalThis extends { [name in Name]: { prototype: infer Type } } ? Type : Otherwise;
