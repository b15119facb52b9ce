// A Worker with guarded routes, as a user writes it. The first part of the path names the guard.
import { env as imported } from 'cloudflare:workers';
import { createVerifier, guard } from 'edgemint';
import { guard as honoGuard, protectedResource as honoResource } from 'edgemint/hono';
import { protectedResource } from 'edgemint/resource';
import { Hono } from 'hono';

const verifier = createVerifier({ issuer: imported.ISSUER, audience: imported.AUDIENCE });
const optionsOf = ({ ISSUER, AUDIENCE }) => ({ issuer: ISSUER, audience: AUDIENCE });
const told = [];
let calls = 0;
let visits = 0;

async function handle(request, env, ctx, token) {
  visits += 1;
  if (request.method === 'POST') return new Response(request.body);
  if (request.url.endsWith('/throws')) throw new Error('mine');
  ctx.waitUntil(Promise.resolve());
  return Response.json({ sub: token.claims.sub, audience: env.AUDIENCE });
}

const described = { resource: 'https://api.example/notes', authorizationServers: imported.ISSUER, scopes: 'read' };
const notes = protectedResource(described);

const app = new Hono();
app.use(honoResource({ ...described, resource: 'https://api.example/hono' }));
app.use('/hono/read', honoGuard((env) => ({ ...optionsOf(env), scope: 'read' })));
app.use('/hono/admin', honoGuard({ verifier, scope: 'admin', realm: 'admins' }));
app.all('/hono/*', (c) => handle(c.req.raw, c.env, c.executionCtx, c.get('token')));

const places = {
  static: guard({ ...optionsOf(imported), scope: 'read' }, handle),
  shared: guard({ verifier, scope: 'admin', onError: ({ code, status }) => told.push([code, status]) }, handle),
  env: guard((env) => {
    calls += 1;
    return optionsOf(env);
  }, handle),
  later: guard(async (env) => {
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    return optionsOf(env);
  }, handle),
  broken: guard(() => ({ audience: 'a' }), handle),
  down: guard({ ...optionsOf(imported), jwksUri: `${imported.ISSUER}/none` }, handle),
  stepUp: guard({ verifier, acr: 'gold', maxAge: 300, resourceMetadata: notes }, handle),
  hono: app.fetch,
  counts: () => Response.json({ calls, visits, told }),
};

export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith('/hono')) return app.fetch(request, env, ctx);
    return notes(request) ?? places[pathname.split('/')[1]](request, env, ctx);
  },
};
