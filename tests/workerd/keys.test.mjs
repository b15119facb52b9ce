// The signing keys: concurrent first requests create one key, rotation announces the next one, and a restart changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { admin, registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';
import { newSecret } from '../../src/js/hosting/secrets.mjs';

const JWKS = '/.well-known/jwks.json';
let server;

before(async () => {
  server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
});

after(() => server?.stop());

test('64 concurrent first requests find one key', async () => {
  const answers = await Promise.all(Array.from({ length: 64 }, (_, index) =>
    index % 2 === 0 ? token(server) : send(server, JWKS)));
  const keys = await describedKeys();
  assert.deepEqual(keys.map(({ alg, stage }) => [alg, stage]), [['ES256', 'active']]);
  for (const answer of answers) {
    if (answer.access_token) await verifies(answer.access_token, { keys: [keys[0].jwk] });
    else assert.deepEqual([answer.status, answer.json], [200, { keys: [keys[0].jwk] }]);
  }
});

test('the first key signs and is published at once, also at the very end of a second', async (t) => {
  const fresh = await startWorker();
  t.after(() => fresh.stop());
  // Warms up the isolate with a request that needs no key.
  assert.equal((await send(fresh, '/nothing')).status, 404);
  // The object that creates the key may already be in the next second.
  await until(() => Date.now() % 1000 > 970, 'the end of a second');
  const { access_token } = await token(fresh);
  assert.equal((await send(fresh, '/api/whoami', { headers: bearer(access_token) })).status, 200);
  await verifies(access_token, (await send(fresh, JWKS)).json, fresh);
});

test('a rotation publishes a next key that does not sign yet; another rotation changes nothing', async () => {
  const before = (await token(server)).access_token;
  const { status, json } = await admin(server, 'POST', '/admin/keys/rotate');
  assert.equal(status, 200);
  assert.deepEqual(json.keys.map(({ stage }) => stage), ['active', 'next']);
  const [active, next] = json.keys;
  assert.notEqual(active.kid, next.kid);
  assert.equal(active.kid, decode(before).header.kid);

  // Caches keep the key set for 300 s; the old key outlives every token that it may have signed.
  assert.ok(next.sign_from - next.publish_at > 300);
  assert.equal(active.sign_until, next.sign_from);
  assert.ok(active.drop_at - active.sign_until >= 24 * 3600);

  const published = (await send(server, JWKS)).json;
  assert.deepEqual(published.keys, [active.jwk, next.jwk]);
  const after = (await token(server)).access_token;
  assert.equal(decode(after).header.kid, active.kid);
  for (const text of [before, after]) await verifies(text, published);

  assert.deepEqual((await admin(server, 'POST', '/admin/keys/rotate')).json.keys, json.keys);
  assert.deepEqual(await describedKeys(), json.keys);
});

test('8 concurrent rotations create one next key', async (t) => {
  const fresh = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 EdDSA' } });
  t.after(() => fresh.stop());
  await token(fresh);
  const answers = await Promise.all(Array.from({ length: 8 }, () => admin(fresh, 'POST', '/admin/keys/rotate')));
  for (const { json } of answers) assert.deepEqual(json, answers[0].json);
  const stages = answers[0].json.keys.map(({ alg, stage }) => `${alg} ${stage}`);
  assert.deepEqual(stages.sort(), ['ES256 active', 'ES256 next', 'EdDSA active', 'EdDSA next']);
});

test('a key of an algorithm that is configured later is published before it signs', async (t) => {
  const first = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  const { access_token } = await token(first);
  await first.kill();
  const second = await startWorker({ ...first.settings, vars: { SIGNING_ALGORITHMS: 'EdDSA' } });
  t.after(() => second.stop());
  const later = (await token(second)).access_token;
  assert.equal(decode(later).header.kid, decode(access_token).header.kid);
  const { keys } = (await admin(second, 'GET', '/admin/keys')).json;
  assert.deepEqual(keys.map(({ alg, stage }) => `${alg} ${stage}`), ['ES256 active', 'EdDSA next']);
  assert.equal((await send(second, '/api/whoami', { headers: bearer(access_token) })).status, 200);
});

test('keys, and tokens signed with them, survive a restart', async () => {
  const [keys, text] = [await describedKeys(), (await token(server)).access_token];
  await server.kill();
  server = await startWorker(server.settings);
  assert.equal((await send(server, '/api/whoami', { headers: bearer(text) })).status, 200);
  assert.deepEqual(await describedKeys(), keys);
  assert.equal(decode((await token(server)).access_token).header.kid, decode(text).header.kid);
});

test('with a wrong key-encryption key everything fails, no record is lost, and no key is created', async () => {
  const client = await registerClient(server, { scope: 'read' });
  const [keys, text] = [await describedKeys(), (await token(server)).access_token];
  await server.kill();
  const right = server.settings;
  const wrong = await startWorker({ ...right, secrets: { ...right.secrets, EDGEMINT_KEY_ENCRYPTION_KEY: newSecret() } });
  try {
    const root = { id: 'root', secret: wrong.rootSecret };
    const grant = { grant_type: 'client_credentials' };
    for (const [what, answer] of Object.entries({
      token: await postForm(wrong, '/oauth/token', grant, basic(root)),
      'token for a registered client': await postForm(wrong, '/oauth/token', grant, basic(client)),
      jwks: await send(wrong, JWKS),
      introspect: await postForm(wrong, '/oauth/introspect', { token: text }, basic(root)),
      revoke: await postForm(wrong, '/oauth/revoke', { token: text }, basic(root)),
      whoami: await send(wrong, '/api/whoami', { headers: bearer(text) }),
      keys: await send(wrong, '/admin/keys', { headers: bearer(text) }),
      rotate: await send(wrong, '/admin/keys/rotate', { method: 'POST', headers: bearer(text) }),
      clients: await send(wrong, '/admin/clients', { headers: bearer(text) }),
    })) {
      assert.deepEqual([answer.status, answer.json.error], [503, 'temporarily_unavailable'], what);
      assert.equal(answer.headers['retry-after'], '5', what);
    }
    const health = await send(wrong, '/health');
    assert.deepEqual([health.status, health.json.reason], [503, 'key_encryption_key_mismatch']);
    assert.ok(wrong.logs.some((line) => line.includes('"reason":"key_encryption_key_mismatch"')));
  } finally {
    await wrong.kill();
    server = await startWorker(right);
  }
  assert.deepEqual(await describedKeys(), keys);
  assert.equal((await send(server, '/api/whoami', { headers: bearer(text) })).status, 200);
  assert.equal((await token(server, {}, client)).scope, 'read');
});

async function describedKeys() {
  const { status, json } = await admin(server, 'GET', '/admin/keys');
  assert.equal(status, 200);
  return json.keys;
}

function verifies(text, jwks, by = server) {
  return jwtVerify(text, createLocalJWKSet(jwks), { issuer: by.issuer, audience: by.issuer, typ: 'at+jwt' });
}
