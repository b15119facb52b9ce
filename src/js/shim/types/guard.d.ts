// Types of `guard` in `edgemint`, and of what the guards for Hono and Express share with it.
import type { TokenError, VerifiedToken, VerifierOptions } from './index.js';

/**
 * Guards a Worker: `handler` is called only for requests that bear a token which passed every check, and is handed that
 * token. `scope` names what the token must be good for.
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
 * **Where the token must be.** In one `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). One in the query or in a form
 * is not looked at (RFC 9700 section 4.3.2).
 *
 * **The answer to everybody else** has a challenge in `WWW-Authenticate` (RFC 6750 section 3), `Cache-Control: no-store`,
 * and a JSON body `{ error, error_description }` with fixed sentences. All refused tokens get the same: which check failed
 * is told to `onError` alone.
 *
 * | what happened | status | `error` |
 * |---|---|---|
 * | no `Authorization`, or another scheme | 401 | none |
 * | an `Authorization` that is malformed, or several | 400 | `invalid_request` |
 * | the token was refused | 401 | `invalid_token` |
 * | the token lacks a `scope` | 403 | `insufficient_scope`, and the `scope` wanted |
 * | the keys, or the status list, cannot be had now | 503, `Retry-After` | `temporarily_unavailable`; no challenge |
 * | a fault in the options or in this package | 500 | `server_error`; no challenge |
 *
 * **A token with `cnf`** is bound to a key of its client (DPoP, RFC 9449; mutual TLS, RFC 8705). Whoever bears it proves no
 * key, so it is refused like any other wrong token; the code is `proof_missing`. Check the proof yourself and use
 * `verifier.verify` for such tokens.
 *
 * **CORS is yours.** A browser's preflight (`OPTIONS`) carries no token and is refused like every request without one:
 * answer it before the guard, and add your CORS headers to what the guard answers.
 *
 * What the handler throws, and the bodies of requests and responses, pass through untouched.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or wrong. If the options
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

/** Options, or just a verifier, or a function that gives either for an environment. */
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
  /** What `createVerifier` gave. `scope` beside it is asked for in addition to its own. */
  verifier: TokenVerifier;
};

export interface ChallengeOptions {
  /**
   * Scope values that must all be granted: one text with spaces, or several (RFC 6749 section 3.3). They are told to whoever
   * has no token, or one that lacks them. @default none
   */
  scope?: string | readonly string[];
  /**
   * Names the protected area in the challenge, in printable ASCII (RFC 9110 section 11.5).
   * @default none; `api` where the challenge would have no parameter, which RFC 6750 section 3 does not allow
   */
  realm?: string;
  /**
   * Where the metadata of the protected resource is (RFC 9728 section 5.1): https, or http on this machine. From there
   * a client learns which issuer to ask for a token. @default none
   */
  resourceMetadata?: string | { readonly href: string };
}

export interface ReportOptions<Place extends unknown[] = []> {
  /**
   * Is told of every refusal and every trouble, before the answer is sent: for your log. It is awaited. What it throws
   * passes through, and the handler is not called. Nothing else is ever logged, and no error holds any part of a token.
   */
  onError?: (error: TokenError, ...place: Place) => unknown;
}

/** What a guard needs of a verifier. */
export interface TokenVerifier {
  verify(token: string): Promise<VerifiedToken>;
  verifySync?(token: string): VerifiedToken;
}

/** What is needed of a Fetch `Request`. */
export interface FetchRequestLike {
  readonly method: string;
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
}

/** What is needed of an `IncomingMessage` of node:http. */
export interface NodeRequestLike {
  readonly headers: { readonly authorization?: string | undefined };
  readonly rawHeaders?: readonly string[];
}

/** What `verifyRequest` takes: a request, or the value of its `Authorization` header. */
export type RequestLike = FetchRequestLike | NodeRequestLike | string | null | undefined;

type OptionOf<Options> = Options extends unknown ? keyof Options : never;

// The global types where there are any, so that a handler needs no annotations.
type GlobalRequest = Global<'Request', FetchRequestLike>;
type GlobalResponse = Global<'Response', unknown>;
type GlobalContext = Global<'ExecutionContext', any>;
type Global<Name extends string, Otherwise> =
  typeof globalThis extends { [name in Name]: { prototype: infer Type } } ? Type : Otherwise;
