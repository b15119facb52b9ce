// Types of `edgemint/admin`. The calls and the records are in `admin_calls.d.ts`, which the build writes from the OpenAPI document.
import type { AdminCalls } from './admin_calls.js';

export * from './admin_calls.js';

/**
 * The client of the admin API: one method for each operation of `ISSUER/admin/openapi.json`, under the name of its `operationId`.
 *
 * ```js
 * import { AdminClient } from 'edgemint/admin';
 *
 * const admin = new AdminClient({ issuer: 'https://auth.example.com', client: { id: 'operator', secret: process.env.SECRET } });
 * const { client_id, client_secret } = await admin.createClient({ client_name: 'Reports', scope: 'read' });
 * for await (const client of admin.listClients()) console.log(client.client_id);
 * ```
 *
 * A method rejects with an {@link AdminError}. A request is repeated by itself in two cases: with another token after 401, and, for `GET` and
 * `PUT`, after 503 with a `Retry-After` of at most 30 seconds. In a browser it works on pages of the issuer's own origin.
 */
export class AdminClient {
  /** @throws {AdminError} `invalid_option` */
  constructor(options: AdminClientOptions);
  /** The issuer, as given. */
  readonly issuer: string;
  /**
   * Sends any request of the admin API and returns the body of its response, parsed if it is JSON, or undefined. `path` is below the
   * issuer; its identifiers are percent-encoded.
   * @throws {AdminError} (the promise rejects) for every status but 2xx
   */
  request(method: string, path: string, request?: CallOptions & { query?: object | undefined; body?: unknown }): Promise<any>;
  /** The same for any status, with the response as it is. */
  fetch(path: string, init?: CallOptions & { method?: string | undefined; headers?: Record<string, string> | undefined; body?: string | undefined }): Promise<AdminResponse>;
}
export interface AdminClient extends AdminCalls {}

/** Options of {@link AdminClient}. Unknown names are refused. */
export type AdminClientOptions = {
  /** The issuer: an origin, https, or http on this machine. */
  issuer: string;
  /** Sends the requests. @default the global `fetch` */
  fetch?: ((url: string, init: any) => Promise<AdminResponse>) | undefined;
  /** The limit for each request, in seconds. @default 30 */
  timeout?: number | undefined;
  /** How often a request is repeated after 503. @default 2 */
  retries?: number | undefined;
  /** The time in seconds since 1970. @default the system's clock */
  now?: (() => number) | undefined;
} & (
  | {
      /** An access token of an operator, or a function that resolves to one; see {@link TokenSource}. */
      token: string | TokenSource;
      client?: undefined;
      scope?: undefined;
    }
  | {
      /** A client with the scope, which gets tokens by its secret (`client_credentials`). They are kept until they expire. */
      client: { readonly id: string; readonly secret: string };
      /** The requested scope. @default 'edgemint:admin' */
      scope?: string | undefined;
      token?: undefined;
    }
);

/**
 * Resolves to an access token. It is called before each request, and once more with `renew` after the server refused the token: then it
 * resolves to another one, or to undefined if there is none.
 */
export type TokenSource = (request: { readonly renew: boolean; readonly signal: SignalLike | undefined }) => Promise<string | undefined>;

/** The last argument of each call. */
export interface CallOptions {
  /** Aborts the request; the promise rejects with the signal's reason. */
  signal?: SignalLike | undefined;
}

/** The members of an `AbortSignal` that tell it from other objects. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: any;
}

/** The members of a `Response` that are used. */
export interface AdminResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** A list. It requests a page when it is iterated, and the next one when its items are used up. */
export interface Pages<Item, Page> {
  /** The items of all pages. */
  [Symbol.asyncIterator](): AsyncIterator<Item>;
  /** All pages, each as the server sent it. */
  pages(): AsyncGenerator<Page, void, undefined>;
  /** Requests the first page alone; its `cursor` is that of the next one. */
  page(): Promise<Page>;
}

/** Why a call failed. */
export class AdminError extends Error {
  constructor(code: string, message: string, details?: { status?: number; retryAfter?: number; call?: string; cause?: unknown });
  name: 'AdminError';
  /**
   * The server's error code (`invalid_request`, `not_found`, `invalid_token`, `insufficient_scope`, `temporarily_unavailable` and others), or
   * one of `unreachable`, `timeout`, `invalid_response` and `invalid_option`.
   */
  readonly code: string;
  /** The status of the response, if there was one. */
  readonly status?: number;
  /** Seconds to wait before the request is repeated, if the response says so. */
  readonly retryAfter?: number;
  /** The method and the path of the request. */
  readonly call?: string;
}
