// The Rust crate openidconnect, unmodified, uses a grant from its creation to its revocation: tests/clients/openidconnect.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { run } from '../../.scripts/steps.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { startWorker } from './harness.mjs';
import { Browser, REDIRECT_URI, createUser, registerPublicClient } from './people.mjs';

// An https issuer, because the crate revokes at no other; the test connects behind TLS.
const ISSUER = 'https://as.example';
const target = join(root, 'target');
const program = join(target, 'debug', 'openidconnect-client');
let server;
let user;

before(async () => {
  const manifest = join(root, 'tests', 'clients', 'openidconnect', 'Cargo.toml');
  await run('cargo', ['build', '--locked', '--manifest-path', manifest, '--target-dir', target]);
  server = await startWorker({ issuer: ISSUER, vars: { SIGNING_ALGORITHMS: 'ES256 RS256 EdDSA' } });
  user = await createUser(server, { name: 'Demo', email: 'demo@example.com' });
});

after(() => server?.stop());

for (const [kind, method] of [['public', 'none'], ['confidential', 'client_secret_basic']]) {
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    test(`a ${kind} client and ${alg}: code, ID token, userinfo, refresh, revocation`, async () => {
      const client = await registerPublicClient(server, {
        token_endpoint_auth_method: method, id_token_signed_response_alg: alg,
      });
      const { code, result, errors } = await life(client);
      assert.equal(code, 0, errors);
      const { claims, userinfo, scope, ...rest } = result;
      assert.deepEqual(rest, {
        algorithm: alg,
        expires_in: 600,
        rotated: method === 'none',
        code_again: 'invalid_grant',
        refresh_after_revocation: 'invalid_grant',
        userinfo_after_revocation: false,
      });
      assert.deepEqual(scope.sort(), ['email', 'offline_access', 'openid', 'profile']);
      assert.deepEqual([claims.iss, claims.aud, claims.sub], [ISSUER, [client.id], user.id]);
      assert.ok(claims.at_hash && claims.nonce && claims.auth_time, JSON.stringify(claims));
      assert.deepEqual(
        [userinfo.sub, userinfo.name, userinfo.preferred_username, userinfo.email],
        [user.id, 'Demo', user.username, 'demo@example.com'],
      );
    });
  }
}

test('refuses a response of another issuer, and one to another request', async () => {
  const client = await registerPublicClient(server);
  for (const [name, value, complaint] of [['iss', 'https://other.example', /another issuer/], ['state', 'x', /another state/]]) {
    const { code, result, errors } = await life(client, (answer) => answer.searchParams.set(name, value));
    assert.notEqual(code, 0);
    assert.equal(result, undefined);
    assert.match(errors, complaint);
  }
});

test('refuses an ID token with another nonce', async () => {
  const client = await registerPublicClient(server);
  const { code, errors } = await life(client, () => {}, (request) => request.searchParams.set('nonce', 'x'));
  assert.notEqual(code, 0);
  assert.match(errors, /InvalidNonce/);
});

/** Runs the program with a browser in which `user` signs in; returns its exit code, its result and its error output. */
async function life(client, changeAnswer = () => {}, changeRequest = () => {}) {
  const env = { ...process.env, CLIENT_SECRET: client.secret };
  if (client.secret === undefined) delete env.CLIENT_SECRET;
  const child = spawn(program, [ISSUER, server.url, client.id, REDIRECT_URI], { env, timeout: 60_000 });
  const closed = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value: line } = await lines.next();
  if (line !== undefined) {
    const request = new URL(line);
    assert.equal(request.origin, ISSUER);
    changeRequest(request);
    const answer = await decided(`${request.pathname}${request.search}`);
    changeAnswer(answer);
    child.stdin.end(`${answer}\n`);
  }
  const { value: last } = await lines.next();
  const [code] = await closed;
  return { code, result: last && JSON.parse(last), errors };
}

/** Signs in and consents; returns the URL that the browser is redirected to. */
async function decided(path) {
  const browser = new Browser(server);
  let page = await browser.signIn(user, path);
  if (page.location === null) page = await browser.submit(page, { decision: 'allow' });
  return new URL(page.location);
}
