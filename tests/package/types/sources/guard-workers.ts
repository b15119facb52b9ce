// The guard in a Worker, with the platform's own types.
import { createVerifier, guard } from 'edgemint';
import { protectedResource } from 'edgemint/resource';

interface Env { ISSUER: string; NOTES: KVNamespace }
const audience = 'https://api.example';

export default {
  fetch: guard((env) => ({ issuer: env.ISSUER, audience, scope: 'read' }), async (request, env, ctx, token) => {
    ctx.waitUntil(env.NOTES.put('last', token.claims.sub ?? ''));
    return new Response(request.body, { headers: { colo: request.cf?.colo as string } });
  }),
} satisfies ExportedHandler<Env>;

const read = guard({ issuer: 'https://issuer.example', audience }, () => new Response());
export const byHand: ExportedHandler<Env> = {
  async fetch(request, env, ctx) {
    if (request.method === 'OPTIONS') return new Response(null, { status: 204 });
    return read(request, env, ctx);
  },
};
export const reported = guard(
  { verifier: createVerifier({ issuer: 'https://issuer.example', audience }), onError: (error) => console.warn(error.code) },
  (request: Request, env: Env, ctx: ExecutionContext) => env.NOTES.get(request.url).then((text) => new Response(text)),
) satisfies ExportedHandlerFetchHandler<Env>;
const notes = protectedResource({ resource: audience, authorizationServers: 'https://issuer.example' });
export const served = { fetch: (request, env, ctx) => notes(request) ?? read(request, env, ctx) } satisfies ExportedHandler<Env>;
