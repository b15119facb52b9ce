// Cross-origin requests: what an application in a browser may use, and what it may not: everything that reads a cookie.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, registerPublicClient, signInAndRedeem } from './people.mjs';
import { bearer, postForm, send } from './request.mjs';

const ORIGIN = 'https://app.example';
const OPEN = {
  '/oauth/token': 'POST', '/oauth/device_authorization': 'POST', '/oauth/revoke': 'POST', '/oauth/userinfo': 'GET', '/api/whoami': 'GET',
  '/.well-known/oauth-authorization-server': 'GET', '/.well-known/openid-configuration': 'GET',
  '/.well-known/oauth-protected-resource': 'GET', '/.well-known/jwks.json': 'GET',
};
const CLOSED = [
  '/device', '/device/consent', '/oauth/authorize', '/oauth/consent', '/oauth/logout', '/oauth/introspect', '/account', '/account/sign-in', '/account/sign-in/passkey',
  '/account/sign-in/upstream', '/account/sign-up', '/admin/users', '/admin/clients', '/admin/keys', '/health',
];
let server;
let client;
let user;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server);
  user = await createUser(server);
});

after(() => server?.stop());

for (const [path, method] of Object.entries(OPEN)) {
  test(`${path} accepts a preflight of any origin, and its response can be cached`, async () => {
    for (const origin of [ORIGIN, 'http://localhost:5173', 'null', 'com.example.app://']) {
      const { status, headers, text } = await send(server, path, {
        method: 'OPTIONS',
        headers: {
          origin, 'access-control-request-method': method,
          'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
        },
      });
      assert.deepEqual([status, text], [204, '']);
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.ok(headers['access-control-allow-methods'].split(', ').includes(method));
      const allowed = headers['access-control-allow-headers'].toLowerCase().split(', ');
      for (const name of ['authorization', 'content-type', 'mcp-protocol-version']) assert.ok(allowed.includes(name), name);
      // Any other header too, for example those of tracing; `*` does not cover Authorization, which is named.
      assert.ok(allowed.includes('*'));
      assert.equal(headers['access-control-max-age'], '86400');
      // With this header, a browser would send cookies.
      assert.equal(Object.hasOwn(headers, 'access-control-allow-credentials'), false);
    }
  });
}

test('exposes responses and refusals, with the headers that describe the error', async () => {
  const { tokens } = await signInAndRedeem(server, user, client);
  const origin = { origin: ORIGIN };
  const answers = {
    'a token': await postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: client.id }, origin),
    'no token': await postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: 'x', client_id: client.id }, origin),
    'no client': await postForm(server, '/oauth/token', { client_id: 'unknown' }, origin),
    'no form': await send(server, '/oauth/token', { method: 'POST', headers: origin, body: '{}' }),
    userinfo: await send(server, '/oauth/userinfo', { headers: { ...origin, ...bearer(tokens.access_token) } }),
    'userinfo, by POST': await postForm(server, '/oauth/userinfo', { access_token: tokens.access_token }, origin),
    'userinfo without a token': await send(server, '/oauth/userinfo', { headers: origin }),
    'userinfo with a wrong token': await send(server, '/oauth/userinfo', { headers: { ...origin, ...bearer('x') } }),
    whoami: await send(server, '/api/whoami', { headers: { ...origin, ...bearer(tokens.access_token) } }),
    'whoami without a token': await send(server, '/api/whoami', { headers: origin }),
    revoked: await postForm(server, '/oauth/revoke', { token: tokens.access_token, client_id: client.id }, origin),
    'not revoked': await postForm(server, '/oauth/revoke', { client_id: client.id }, origin),
  };
  const statuses = Object.values(answers).map(({ status }) => status);
  assert.deepEqual(statuses, [200, 400, 401, 400, 200, 200, 401, 401, 200, 401, 200, 400]);
  for (const [what, { headers }] of Object.entries(answers)) {
    assert.equal(headers['access-control-allow-origin'], '*', what);
    assert.equal(headers['access-control-expose-headers'], 'WWW-Authenticate, Retry-After', what);
    assert.equal(Object.hasOwn(headers, 'access-control-allow-credentials'), false, what);
  }
});

test('exposes the refusal of an unsupported method, and of a body that is too long or malformed', async () => {
  const headers = { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' };
  for (const [path, method] of Object.entries(OPEN)) {
    const answer = await send(server, path, { method: method === 'POST' ? 'GET' : 'DELETE', headers: { origin: ORIGIN } });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [405, '*'], path);
  }
  for (const [body, status] of [[`token=${'x'.repeat(70_000)}`, 413], ['a=%', 400], [Buffer.from([0x61, 0x3d, 0xff]), 400]]) {
    const answer = await send(server, '/oauth/token', { method: 'POST', headers, body });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [status, '*']);
  }
});

test('exposes the 404 of an unknown path, and metadata accepts any request header', async () => {
  const probes = [
    '/.well-known/oauth-authorization-server/mcp', '/.well-known/oauth-protected-resource/mcp', '/.well-known/openid-configuration/mcp',
  ];
  for (const path of [...probes, '/keys/none.jwk', '/oauth/status/77', '/oauth/par', '/nothing/here']) {
    const answer = await send(server, path, { headers: { origin: ORIGIN } });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [404, '*'], path);
  }
  for (const path of probes) {
    const answer = await send(server, path, {
      method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'GET', 'access-control-request-headers': 'mcp-protocol-version' },
    });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [204, '*'], path);
  }
});

test('exposes the response of a server that is misconfigured', async (t) => {
  const broken = await startWorker({ secrets: { EDGEMINT_KEY_ENCRYPTION_KEY: 'too short' } });
  t.after(() => broken.stop());
  const { status, headers } = await postForm(broken, '/oauth/token', { client_id: 'x' }, { origin: ORIGIN });
  assert.deepEqual([status, headers['access-control-allow-origin'], headers['retry-after']], [503, '*', '5']);
  const preflight = await send(broken, '/oauth/token', {
    method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'traceparent' },
  });
  assert.equal(preflight.status, 204);
});

test('endpoints that read a cookie, and those for servers and operators, accept no other origin', async () => {
  const browser = new Browser(server);
  await browser.signIn(user);
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  for (const path of [...CLOSED, authorizationPath(client, pkce(), { prompt: 'none' })]) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { headers, status } = await send(server, path, { method, headers: { origin: ORIGIN, cookie } });
      for (const name of Object.keys(headers)) assert.ok(!name.startsWith('access-control-'), `${method} ${path}: ${name}`);
      if (method === 'OPTIONS') assert.equal(status, 405, path);
    }
  }
});

test('endpoints that accept every origin ignore cookies', async () => {
  const browser = new Browser(server);
  await browser.signIn(user);
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  assert.equal((await send(server, '/oauth/userinfo', { headers: { cookie } })).status, 401);
  assert.equal((await send(server, '/api/whoami', { headers: { cookie } })).status, 401);
  assert.equal((await postForm(server, '/oauth/token', { grant_type: 'client_credentials' }, { cookie })).status, 401);
});
