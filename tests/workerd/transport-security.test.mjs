// Strict-Transport-Security (RFC 6797): every response of an https issuer has it, no response of one on localhost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorker } from './harness.mjs';
import { send } from './request.mjs';

const ANSWERS = [
  ['GET', '/health', 200], ['GET', '/.well-known/jwks.json', 200], ['GET', '/.well-known/openid-configuration', 200],
  ['POST', '/oauth/token', 400], ['OPTIONS', '/oauth/token', 204], ['PATCH', '/oauth/token', 405], ['GET', '/api/whoami', 401],
  ['GET', '/admin/clients', 401], ['GET', '/account', 303], ['GET', '/account/sign-in', 200], ['HEAD', '/account/sign-in', 200],
  ['GET', '/oauth/authorize', 400], ['GET', '/oauth/logout', 200], ['GET', '/oauth/nothing', 404],
];

for (const [issuer, expected] of [['https://as.example', 'max-age=31536000'], [undefined, undefined]]) {
  test(`every response of ${issuer ?? 'an issuer on localhost'} ${expected ? 'has' : 'lacks'} the header`, async (t) => {
    const server = await startWorker({ issuer });
    t.after(() => server.stop());
    for (const [method, path, status] of ANSWERS) {
      const answer = await send(server, path, { method });
      assert.deepEqual([answer.status, answer.headers['strict-transport-security']], [status, expected], `${method} ${path}`);
    }
  });
}

test('a misconfigured https issuer sends the header too', async (t) => {
  const server = await startWorker({ issuer: 'https://as.example', secrets: { EDGEMINT_KEY_ENCRYPTION_KEY: 'too short' } });
  t.after(() => server.stop());
  for (const path of ['/health', '/oauth/authorize', '/.well-known/jwks.json']) {
    const { status, headers } = await send(server, path);
    assert.deepEqual([status, headers['strict-transport-security']], [503, 'max-age=31536000'], path);
  }
});

// Browsers ignore the header over http, so it has no effect on localhost.
test('static files have the header', async (t) => {
  const server = await startWorker();
  t.after(() => server.stop());
  for (const path of ['/', '/account/account.css', '/demo/']) {
    const { status, headers } = await send(server, path);
    assert.deepEqual([status, headers['strict-transport-security']], [200, 'max-age=31536000'], path);
  }
});
