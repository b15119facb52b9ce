// Types of `edgemint/resource`, and those that it shares with `edgemint/hono` and `edgemint/express`.
import type { GlobalResponse } from './guard.js';

/**
 * Describes a protected resource and returns the handler that serves its metadata (RFC 9728), from which a client learns where to request a
 * token and for which scope. It is the handler for Workers; `edgemint/hono` and `edgemint/express` have the same function, which returns
 * middleware.
 *
 * ```js
 * import { guard } from 'edgemint';
 * import { protectedResource } from 'edgemint/resource';
 *
 * const notes = protectedResource({
 *   resource: 'https://api.example/notes',
 *   authorizationServers: 'https://issuer.example',
 *   scopes: ['read', 'write'],
 *   resource_name: 'Notes',
 * });
 * const api = guard({ issuer: 'https://issuer.example', audience: notes.resource, resourceMetadata: notes }, handle);
 *
 * export default { fetch: (request, env, ctx) => notes(request) ?? api(request, env, ctx) };
 * ```
 *
 * The handler returns `undefined` for a request that is not for the metadata. It compares the path and the query, never the host, with or
 * without a slash at the end of the path. It responds to `GET` and `HEAD` with the metadata, which may be cached for an hour, to `OPTIONS`
 * with 204, and to any other method with 405. Pages of every origin may read the responses (CORS).
 *
 * @throws {TokenError} at once, with the code `invalid_option`, if an option is missing, unknown or invalid
 */
export function protectedResource(options: ProtectedResourceOptions): ProtectedResource & MetadataHandler;

/** Returns the response to a request for the metadata, and `undefined` to any other. */
export type MetadataHandler<Answer = GlobalResponse> = (request: { readonly method: string; readonly url: string }) => Answer | undefined;

/** Options of {@link protectedResource}. Unknown names are refused. */
export interface ProtectedResourceOptions extends ResourceMembers {
  /**
   * The identifier of the resource (RFC 9728 section 1.2): https, or http on this machine, without fragment, in the normal form of a URL.
   * Clients compare it as text, and pass it as `resource` to the issuer (RFC 8707), which puts it into `aud`. Issuers may drop the slash of
   * `https://api.example/`: leave it out.
   */
  resource: string;
  /** The issuers of the tokens that the resource accepts: one, or an array. https, or http on this machine. */
  authorizationServers: string | readonly string[];
  /** The scope values of the resource: a space-separated text or an array (RFC 6749 section 3.3). @default not published */
  scopes?: string | readonly string[] | undefined;
}

/** The other members of the metadata, by the names of RFC 9728 section 2. All are optional and published as given. */
export interface ResourceMembers {
  /**
   * How a bearer token may be sent. The guards accept it in the header alone. `[]`: not at all. @default ['header']
   */
  bearer_methods_supported?: readonly ('header' | 'body' | 'query')[] | undefined;
  /** The URL of the public keys of the resource itself. The keys of tokens are those of their issuer. */
  jwks_uri?: string | undefined;
  /** The algorithms by which the resource signs its responses; never `none`. */
  resource_signing_alg_values_supported?: readonly string[] | undefined;
  /** The name that clients show to users. */
  resource_name?: string | undefined;
  /** The URL of a page for developers. */
  resource_documentation?: string | undefined;
  /** The URL of a page about the use of data. */
  resource_policy_uri?: string | undefined;
  /** The URL of the terms of service. */
  resource_tos_uri?: string | undefined;
  /** Whether tokens are bound to the client's certificate (RFC 8705). */
  tls_client_certificate_bound_access_tokens?: boolean | undefined;
  /** The types of `authorization_details` (RFC 9396). */
  authorization_details_types_supported?: readonly string[] | undefined;
  /** The algorithms of DPoP proofs (RFC 9449); never `none`. */
  dpop_signing_alg_values_supported?: readonly string[] | undefined;
  /** Whether every token must be bound by DPoP (RFC 9449). */
  dpop_bound_access_tokens_required?: boolean | undefined;
  /** The metadata as a signed JWT (RFC 9728 section 2.2). */
  signed_metadata?: string | undefined;
  /** A member for another language (RFC 9728 section 2.1), such as `'resource_name#zh'`. */
  [member: `${'resource_name' | 'resource_documentation' | 'resource_policy_uri' | 'resource_tos_uri'}#${string}`]: string | undefined;
}

/** A described resource. Pass it to guards as `resourceMetadata`. */
export interface ProtectedResource {
  /** The identifier, as given: the `audience` of its tokens. */
  readonly resource: string;
  /** The path and the query of the metadata: `/.well-known/oauth-protected-resource` before those of the resource (RFC 9728 section 3.1). */
  readonly metadataPath: string;
  /** The URL of the metadata. */
  readonly metadataUrl: string;
  /** The metadata, frozen. */
  readonly metadata: ProtectedResourceMetadata;
}

/** The published metadata (RFC 9728 section 2). */
export interface ProtectedResourceMetadata extends Readonly<ResourceMembers> {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ('header' | 'body' | 'query')[];
}
