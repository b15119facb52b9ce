// The guard in real Hono, in Node: by app.request, and behind a real server on loopback.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import {
  HEADERS, MALFORMED, MISSING, PREFLIGHT, REFUSED, TokenError, assertRefused, createVerifier, expected, honoGuard as guard,
  lacking, startIssuerWithKey, withBearer,
} from '../shared/guarded.mjs';
import { JWKS } from '../shared/issuer.mjs';
import { tampered } from '../shared/signer.mjs';

const { issuer, token, options } = await startIssuerWithKey();
after(() => issuer.stop());

/** An app with one guarded route that counts its requests. */
function appWith(...guards) {
  const app = new Hono();
  app.use('/api/*', ...guards);
  app.visits = 0;
  app.all('/api/me', (c) => {
    app.visits += 1;
    return c.json(c.get('token').claims.sub);
  });
  return app;
}

test('guarded handlers get the token, and other handlers run without one', async () => {
  const app = appWith(guard({ ...options, scope: 'read' }));
  app.get('/open', (c) => c.text(String(c.get('token'))));
  const response = await app.request('/api/me', withBearer(await token({ sub: 'alice' })));
  assert.deepEqual([response.status, await response.json()], [200, 'alice']);
  assert.equal(await (await app.request('/open')).text(), 'undefined');
});

test('every refusal has its response, and no guarded handler runs', async () => {
  const codes = [];
  const app = appWith(guard({ ...options, scope: 'write', onError: ({ code }, c) => codes.push([code, c.req.path]) }));
  const missing = { ...MISSING, challenge: 'Bearer scope="write"' };
  await assertRefused(await app.request('/api/me'), missing);
  const form = new URLSearchParams({ access_token: await token() });
  await assertRefused(await app.request('/api/me', { method: 'POST', body: form }), missing);
  await assertRefused(await app.request('/api/me', withBearer(tampered(await token()))), REFUSED);
  await assertRefused(await app.request('/api/me', withBearer(await token({ cnf: { jkt: 'x' } }))), REFUSED);
  await assertRefused(await app.request('/api/me', withBearer(await token({ scope: 'read' }))), lacking('write'));
  for (const [what, authorization, reading, sending] of HEADERS) {
    if (sending !== undefined) continue;
    const answer = reading === 'missing' ? missing : MALFORMED;
    await assertRefused(await app.request('/api/me', { headers: { authorization } }), answer, what);
  }
  assert.equal(app.visits, 0);
  assert.deepEqual(codes.slice(0, 5).map(([code]) => code), [
    'token_missing', 'token_missing', 'bad_signature', 'proof_missing', 'scope_insufficient',
  ]);
  assert.ok(codes.every(([, path]) => path === '/api/me'));
});

test('accepts a verifier, several guards with it, and another variable name for the token', async () => {
  const before = issuer.count(JWKS);
  const verifier = createVerifier(options);
  const app = appWith(guard(verifier));
  const subjects = (c) => c.json([c.get('user').claims.sub, c.get('token').claims.sub]);
  app.get('/api/user', guard({ verifier, scope: 'read', variable: 'user' }), subjects);
  app.get('/api/admin', guard({ verifier, scope: 'admin' }), () => assert.fail('the handler was called'));
  const text = await token({ sub: 'alice' });
  assert.deepEqual(await (await app.request('/api/user', withBearer(text))).json(), ['alice', 'alice']);
  assert.equal((await app.request('/api/admin', withBearer(text))).status, 403);
  assert.equal(issuer.count(JWKS), before + 1);
});

test('options from the environment are requested once per environment', async () => {
  const seen = [];
  const app = appWith(guard((env) => {
    seen.push(env);
    return { issuer: env.ISSUER, audience: env.AUDIENCE };
  }));
  const env = { ISSUER: options.issuer, AUDIENCE: options.audience };
  const init = withBearer(await token());
  for (const each of [env, env, { ...env, AUDIENCE: 'https://other.example' }]) await app.request('/api/me', init, each);
  assert.equal(app.visits, 2);
  assert.deepEqual(seen.map(({ AUDIENCE }) => AUDIENCE), [options.audience, 'https://other.example']);
  const broken = appWith(guard(() => ({ audience: 'a' })));
  broken.onError((error, c) => c.text(error.code, 500));
  const response = await broken.request('/api/me', init, env);
  assert.deepEqual([response.status, await response.text(), broken.visits], [500, 'invalid_option', 0]);
});

test('with cors() before it, preflights are answered and pages can read the refusals; without it, they are refused', async () => {
  const app = new Hono();
  app.use(cors({ origin: 'https://app.example', exposeHeaders: ['WWW-Authenticate'] }));
  app.use(guard(options));
  const preflight = await app.request('/', PREFLIGHT);
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-headers')], [204, 'authorization']);
  const refused = await app.request('/', { headers: { origin: 'https://app.example' } });
  assert.deepEqual(
    [refused.headers.get('access-control-allow-origin'), refused.headers.get('access-control-expose-headers')],
    ['https://app.example', 'WWW-Authenticate'],
  );
  await assertRefused(refused, MISSING);
  await assertRefused(await appWith(guard(options)).request('/api/me', PREFLIGHT), MISSING);
});

test('what a handler throws reaches app.onError unchanged, also a TokenError of its own', async () => {
  const thrown = [new Error('mine'), new TokenError('expired', 'another token')];
  const app = appWith(guard(options));
  let caught;
  app.onError((error, c) => {
    caught = error;
    return c.text('caught', 500);
  });
  app.get('/api/throws/:index', (c) => { throw thrown[c.req.param('index')]; });
  for (const index of [0, 1]) {
    assert.equal(await (await app.request(`/api/throws/${index}`, withBearer(await token()))).text(), 'caught');
    assert.equal(caught, thrown[index]);
  }
});

test('an error of onError reaches app.onError, and no guarded handler runs', async () => {
  const thrown = new Error('the log is full');
  const app = appWith(guard({ ...options, onError: async () => { throw thrown; } }));
  let caught;
  app.onError((error, c) => {
    caught = error;
    return c.text('caught', 500);
  });
  assert.equal((await app.request('/api/me')).status, 500);
  assert.deepEqual([caught === thrown, app.visits], [true, 0]);
});

test('responds 503 while the issuer is unavailable', async () => {
  const app = appWith(guard({ ...options, jwksUri: `${issuer.origin}/none` }));
  await assertRefused(await app.request('/api/me', withBearer(await token())), expected(503, 'temporarily_unavailable'));
});

test('behind a real server: HEAD, a body both ways, and two headers', async () => {
  const app = appWith(guard(options));
  app.post('/api/echo', (c) => c.body(c.req.raw.body));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  try {
    const origin = `http://127.0.0.1:${server.address().port}`;
    const text = await token();
    assert.equal(await (await fetch(`${origin}/api/echo`, withBearer(text, { method: 'POST', body: 'hello' }))).text(), 'hello');
    const head = await fetch(`${origin}/api/me`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('www-authenticate'), await head.text()], [401, 'Bearer realm="api"', '']);
    const headers = [['authorization', `Bearer ${text}`], ['authorization', 'Bearer x']];
    await assertRefused(await fetch(`${origin}/api/me`, { headers }), MALFORMED);
    assert.equal(app.visits, 0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('refuses invalid options when the guard is created', () => {
  const wrong = [{ variables: 'a' }, { variable: '' }, { variable: 5 }].map((more) => ({ ...options, ...more }));
  for (const given of [undefined, null, {}, ...wrong]) {
    assert.throws(() => guard(given), { name: 'TokenError', code: 'invalid_option' });
  }
});
