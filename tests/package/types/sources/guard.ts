// Everything in here must compile, with and without the types of a browser.
import { createVerifier, guard, type GuardOptions, type TokenVerifier, type VerifiedToken, type Verifier } from 'edgemint';
import { protectedResource, type ProtectedResource, type ProtectedResourceOptions } from 'edgemint/resource';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
interface Env { ISSUER: string; AUDIENCE: string }
interface Ctx { waitUntil(promise: Promise<unknown>): void }
interface Incoming { method: string; url: string; headers: { get(name: string): string | null; has(name: string): boolean } }
declare class Answer { status: number }
declare const verifier: Verifier;
declare const ownVerifier: { verify(token: string): Promise<VerifiedToken> };

const handler = (request: Incoming, env: Env, ctx: Ctx, token: VerifiedToken): Answer => {
  void [request.url, env.ISSUER, ctx, token.claims.sub];
  return new Answer();
};

/** As the platform declares it, with types of its own. */
interface Handlers { fetch?: (request: Incoming, env: Env, ctx: Ctx) => Answer | Promise<Answer> }

export default { fetch: guard({ issuer, audience, scope: 'read' }, handler) } satisfies Handlers;

export const guards: Required<Handlers>['fetch'][] = [
  guard({ issuer, audience, status: 'check' }, handler),
  guard({ issuer, audience, status: { maxStale: 5 }, realm: 'api' }, handler),
  guard(verifier, handler),
  guard(ownVerifier, handler),
  guard({ verifier, scope: ['read', 'write'], realm: 'api', resourceMetadata: new URL2('https://api.example') }, handler),
  guard({ issuer, audience, key: new Uint8Array(32), algorithms: ['HS256'], realm: 'api' }, handler),
  guard({ verifier, acr: ['gold', 'silver'], maxAge: 300 }, handler),
  guard({ issuer, audience, acr: 'gold', maxAge: 300, maxTokenAge: 60, resourceMetadata: protectedResource({ resource: audience, authorizationServers: issuer }) }, handler),
  guard((env) => ({ issuer: env.ISSUER, audience: env.AUDIENCE }), handler),
  guard((env: Env) => createVerifier({ issuer: env.ISSUER, audience }), handler),
  guard(async ({ ISSUER }) => ({ issuer: ISSUER, audience, scope: 'read' }), handler),
  guard({ verifier, onError: ({ code }, { url }, env, ctx) => ctx.waitUntil(report(code, url, env.ISSUER)) }, handler),
  guard({ verifier, onError: ({ status, wwwAuthenticate }) => [status, wwwAuthenticate] }, async (...args) => handler(...args)),
  guard({ verifier }, (request, env, ctx, token) => handler(request, env, ctx, token)),
];

declare function report(...words: unknown[]): Promise<void>;
declare class URL2 { constructor(text: string); readonly href: string }

export const options: GuardOptions = { issuer, audience, scope: 'read' };
export const given: TokenVerifier = verifier;

export async function check(): Promise<VerifiedToken> {
  await verifier.verifyRequest('Bearer x');
  await verifier.verifyRequest({ headers: { authorization: 'Bearer x' }, rawHeaders: [] });
  return verifier.verifyRequest({ method: 'GET', headers: new Map<string, never>() as never });
}

const described: ProtectedResourceOptions = {
  resource: audience, authorizationServers: [issuer], scopes: ['read'], resource_name: 'Notes', 'resource_name#zh': 'Notes', bearer_methods_supported: [],
};
export const notes: ProtectedResource = protectedResource(described);
export const [path, name]: (string | undefined)[] = [notes.metadataPath, notes.metadata.resource_name];
export const metadata = protectedResource({ ...described, scopes: undefined })({ method: 'GET', url: 'https://api.example' });
export const demanding = verifier.verifyRequest('Bearer x', { acr: 'gold', maxAge: 1, resourceMetadata: notes });

// @ts-expect-error no authorization server
protectedResource({ resource: audience });
// @ts-expect-error a misspelt member
protectedResource({ ...described, resource_title: 'Notes' });
// @ts-expect-error a member that has no languages
protectedResource({ ...described, 'jwks_uri#zh': 'https://api.example' });
// @ts-expect-error a method that does not exist
protectedResource({ ...described, bearer_methods_supported: ['cookie'] });
// @ts-expect-error it cannot be changed
notes.metadata.resource = 'https://other.example';
// @ts-expect-error seconds are a number
guard({ verifier, maxAge: '300' }, handler);
// @ts-expect-error no handler
guard({ issuer, audience });
// @ts-expect-error no audience
guard({ issuer }, handler);
// @ts-expect-error a misspelt option
guard({ issuer, audience, scopes: 'read' }, handler);
// @ts-expect-error a misspelt option beside a verifier
guard({ verifier, scopes: 'read' }, handler);
// @ts-expect-error options of a verifier beside a verifier
guard({ verifier, issuer }, handler);
// @ts-expect-error an option that is for Hono
guard({ verifier, variable: 'token' }, handler);
// @ts-expect-error a handler that gives no answer of the kind that is wanted
export const wrong: Handlers['fetch'] = guard(verifier, () => 'text');
// @ts-expect-error the token may lack a claim
guard(verifier, (request: Incoming, env: Env, ctx: Ctx, token) => token.claims.sub.length);
// @ts-expect-error no URL
guard({ verifier, resourceMetadata: 5 }, handler);
