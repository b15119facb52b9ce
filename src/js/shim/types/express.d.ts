// Types of `edgemint/express`. They work without the types of Express.
import type { GuardOptions, NodeRequestLike, TokenVerifier } from './guard.js';
import type { VerifiedToken } from './index.js';
import type { ProtectedResource, ProtectedResourceOptions } from './resource.js';

export type { ProtectedResource, ProtectedResourceMetadata, ProtectedResourceOptions, ResourceMembers } from './resource.js';

/**
 * The guard of `edgemint` as middleware for Express 5 and 4, and for other frameworks that call `(request, response, next)` with messages of
 * node:http: handlers after it run only for requests with a token that passed every check. The token is `request.token`.
 *
 * ```js
 * import express from 'express';
 * import { guard } from 'edgemint/express';
 *
 * const app = express();
 * app.use('/api', guard({ issuer: 'https://issuer.example', audience: 'https://api.example' }));
 * app.get('/api/me', (request, response) => response.json(request.token.claims));
 * ```
 *
 * If the keys have been fetched, the token is checked synchronously, without a promise.
 *
 * **CORS:** `app.use(cors())` goes before the guard, where it answers preflights, which carry no token.
 *
 * For the response to refused requests, see `guard` in `edgemint`. The guard sends it itself; error handlers of the application receive only
 * errors that `onError` throws.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function guard<Request extends NodeRequestLike = NodeRequestLike>(
  options: ExpressGuardOptions<Request> | TokenVerifier,
): (request: Request, response: ServerResponseLike, next: (error?: any) => void) => void | Promise<void>;

/**
 * The same as `protectedResource` in `edgemint/resource`, as middleware for Express and for servers of node:http:
 *
 * ```js
 * const notes = protectedResource({ resource: 'https://api.example/notes', authorizationServers: 'https://issuer.example', scopes: 'read' });
 * app.use(notes);
 * app.use('/notes', guard({ issuer: 'https://issuer.example', audience: notes.resource, resourceMetadata: notes }));
 * ```
 *
 * It goes before the guards. `next` is called for every request that is not for the metadata.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function protectedResource(options: ProtectedResourceOptions): ProtectedResource & (
  (request: NodeTargetLike, response: ServerResponseLike, next: (error?: any) => void) => void
);

/** The members of an `IncomingMessage` of node:http, or of a request of Express, that say what is requested. */
export interface NodeTargetLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
}

/** Options of the guard for Express. `onError` gets the request too. */
export type ExpressGuardOptions<Request = NodeRequestLike> = GuardOptions<[request: Request]>;

/** The members of a `ServerResponse` of node:http that are used. */
export interface ServerResponseLike {
  readonly headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): { end(body?: string): unknown };
}

declare global {
  namespace Express {
    interface Request {
      /** The verified token, set by a guard of `edgemint/express`. */
      token?: VerifiedToken;
    }
  }
}
