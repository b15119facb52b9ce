// Types of `edgemint/hono`.
import type { Context, MiddlewareHandler } from 'hono';
import type { GuardInput, GuardOptions } from './guard.js';
import type { VerifiedToken } from './index.js';
import type { ProtectedResource, ProtectedResourceOptions } from './resource.js';

export type { ProtectedResource, ProtectedResourceMetadata, ProtectedResourceOptions, ResourceMembers } from './resource.js';

/**
 * The guard of `edgemint` as middleware for Hono: handlers after it run only for requests with a token that passed every check. The token
 * is `c.get('token')`, or has a name of your choice.
 *
 * ```js
 * import { Hono } from 'hono';
 * import { guard } from 'edgemint/hono';
 *
 * const app = new Hono();
 * app.use('/api/*', guard({ issuer: 'https://issuer.example', audience: 'https://api.example' }));
 * app.get('/api/me', (c) => c.json(c.get('token').claims));
 * ```
 *
 * In TypeScript, handlers after the guard in the same call or chain know the type of `token`. Elsewhere, name it: `new Hono<{ Variables:
 * GuardVariables }>()`.
 *
 * Options that come from the environment are a function: `guard((env) => ({ issuer: env.ISSUER, audience: env.AUDIENCE }))`.
 * It is called once for each `c.env`. With `@hono/node-server` each request has its own `c.env`: pass options there.
 *
 * **CORS:** `app.use(cors())` goes before the guard, where it answers preflights, which carry no token.
 *
 * For the response to refused requests, see `guard` in `edgemint`.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid. If the options
 * are a function, it reaches `app.onError`.
 */
export function guard<const Name extends string = 'token'>(
  options: Exclude<GuardInput<HonoGuardOptions<Name>, never>, (...args: any[]) => unknown>,
): MiddlewareHandler<{ Variables: GuardVariables<Name> }>;
export function guard<Bindings extends object = any, const Name extends string = 'token'>(
  options: Extract<GuardInput<HonoGuardOptions<Name>, Bindings>, (...args: any[]) => unknown>,
): MiddlewareHandler<{ Bindings: Bindings; Variables: GuardVariables<Name> }>;

/**
 * The same as `protectedResource` in `edgemint/resource`, as middleware:
 *
 * ```js
 * const notes = protectedResource({ resource: 'https://api.example/notes', authorizationServers: 'https://issuer.example', scopes: 'read' });
 * app.use(notes);
 * app.use('/notes/*', guard({ issuer: 'https://issuer.example', audience: notes.resource, resourceMetadata: notes }));
 * ```
 *
 * It goes before the guards, and not below a path of its own.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function protectedResource(options: ProtectedResourceOptions): ProtectedResource & MiddlewareHandler;

/** Options of the guard for Hono. `onError` gets the context too. */
export type HonoGuardOptions<Name extends string = 'token'> = GuardOptions<[c: Context]> & {
  /** The name of the token: `c.get(variable)`. @default 'token' */
  variable?: Name;
};

/** The variables that the guard adds to an app. */
export type GuardVariables<Name extends string = 'token'> = { [name in Name]: VerifiedToken };
