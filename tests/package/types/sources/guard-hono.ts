// The guard in an app of real Hono.
import { createVerifier, type VerifiedToken } from 'edgemint';
import { guard, protectedResource, type GuardVariables, type ProtectedResource } from 'edgemint/hono';
import { Hono } from 'hono';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
type Env = { Bindings: { ISSUER: string }; Variables: GuardVariables & { other: number } };
const verifier = createVerifier({ issuer, audience });

// An app that names the variable, and one that infers it.
const app = new Hono<Env>();
app.use(guard({ issuer, audience, scope: 'read' }));
app.use('/api/*', guard(verifier));
app.use('/api/*', guard((env: Env['Bindings']) => ({ issuer: env.ISSUER, audience, scope: 'read' })));
app.get('/api/me', (c) => {
  const token: VerifiedToken = c.get('token');
  return c.json({ sub: token.claims.sub, other: c.get('other') });
});
export default app;

new Hono().get('/me', guard({ verifier, scope: 'read' }), (c) => c.json(c.get('token').claims));
new Hono().get('/me', guard({ verifier, variable: 'user' }), (c) => c.json(c.get('user').claims.sub ?? c.var.user.key.alg));
new Hono().use(guard(verifier)).get('/me', (c) => c.json(c.get('token').claims));
const byEnv = guard((env: { ISSUER: string }) => ({ issuer: env.ISSUER, audience }));
new Hono().get('/me', byEnv, (c) => c.text(c.env.ISSUER + c.get('token').claims.sub));
new Hono().use(guard({ verifier, onError: (error, c) => console.warn(error.code, c.req.path) }));
export const own = (c: import('hono').Context) => verifier.verifyRequest(c.req.raw);

const notes = protectedResource({ resource: audience, authorizationServers: issuer });
app.use(notes).get(notes.metadataPath, notes).use('/notes/*', guard({ verifier, resourceMetadata: notes, acr: 'gold' }));
export const described: ProtectedResource = notes;

// @ts-expect-error another name than the one that was given
new Hono().get('/me', guard({ verifier, variable: 'user' }), (c) => c.json(c.get('token').claims));
// @ts-expect-error no guard, no token
new Hono().get('/me', (c) => c.json(c.get('token').claims));
// @ts-expect-error a misspelt option
guard({ verifier, variables: 'user' });
// @ts-expect-error no audience
guard({ issuer });
// @ts-expect-error no handler is taken
guard(verifier, () => new Response());
