// Types of `edgemint/express`. They need those of Express only where an application has them.
import type { GuardOptions, NodeRequestLike, TokenVerifier } from './guard.js';
import type { VerifiedToken } from './index.js';

/**
 * The guard of `edgemint` as middleware for Express 5 and 4, and for whatever else calls `(request, response, next)` with
 * the messages of node:http: what is behind it runs only for requests that bear a token which passed every check. The token
 * is `request.token`.
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
 * Where the keys are at hand the token is checked at once, without a promise.
 *
 * **CORS:** `app.use(cors())` goes before the guard, where it answers preflights, which carry no token.
 *
 * The answer to everybody else, and what else is refused: see `guard` in `edgemint`. The guard answers by itself; error
 * handlers of the application only see what `onError` throws.
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or wrong
 */
export function guard<Request extends NodeRequestLike = NodeRequestLike>(
  options: ExpressGuardOptions<Request> | TokenVerifier,
): (request: Request, response: ServerResponseLike, next: (error?: any) => void) => void | Promise<void>;

/** Options of the guard for Express. `onError` gets the request too. */
export type ExpressGuardOptions<Request = NodeRequestLike> = GuardOptions<[request: Request]>;

/** What is needed of a `ServerResponse` of node:http. */
export interface ServerResponseLike {
  readonly headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown };
}

declare global {
  namespace Express {
    interface Request {
      /** The token of a request that a guard of `edgemint/express` has let pass. */
      token?: VerifiedToken;
    }
  }
}
