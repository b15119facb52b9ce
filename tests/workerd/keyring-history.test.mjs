// What the keyring must not adopt from its past: a cached key handle after another key was imported under its kid, the wrong
// creation time of its first key, and an older ring in a restored object.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SignJWT, createLocalJWKSet, jwtVerify } from 'jose';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { older, openRing, restartWithRing } from './keyring.mjs';
import { bearer, send, until } from './request.mjs';

const JWKS = '/.well-known/jwks.json';
const VARS = { SIGNING_ALGORITHMS: 'ES256' };
const KEYRING_OBJECTS = ['do', '-KeyringObject'];
const now = () => Math.floor(Date.now() / 1000);
const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key) => key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' });

test('refuses a token of an expired key after another key was imported under its kid', async (t) => {
  const server = await startWorker({ vars: VARS });
  t.after(() => server.stop());
  const { claims } = decode((await token(server)).access_token);
  const signedBy = (key, kid, jti) =>
    new SignJWT({ ...claims, jti }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(key);
  // The isolate caches a handle of the old key before that key expires. A slow machine gets more seconds for it.
  const cached = async (seconds) => {
    const [kid, old, expires] = [`shared-${seconds}`, newPair(), now() + seconds];
    const { status } = await admin(server, 'POST', '/admin/keys', { key: pem(old.publicKey), kid, use: 'verify', until: expires });
    const used = await send(server, '/api/whoami', { headers: bearer(await signedBy(old.privateKey, kid, 'one')) });
    return status === 201 && used.status === 200 ? { kid, old, expires } : undefined;
  };
  const { kid, old, expires } = await cached(2) ?? await cached(8) ?? await cached(32);
  const signed = (jti) => signedBy(old.privateKey, kid, jti);
  await until(() => now() >= expires, 'the end of the key');
  assert.equal((await send(server, '/api/whoami', { headers: bearer(await signed('two')) })).status, 401, 'at once');
  const other = newPair();
  const sign = await admin(server, 'POST', '/admin/keys', { key: pem(other.privateKey), kid, use: 'sign' });
  assert.equal(sign.status, 201, sign.text);
  for (const path of ['/api/whoami', '/admin/users']) {
    assert.equal((await send(server, path, { headers: bearer(await signed(`at ${path}`)) })).status, 401, path);
  }
  // The new key has the same kid.
  const own = await signedBy(other.privateKey, kid, 'of-the-other');
  assert.equal((await send(server, '/api/whoami', { headers: bearer(own) })).status, 200);
});

for (const ahead of [70, 300, 600, 40_000_000]) {
  test(`a first key that was created by a clock ${ahead} s ahead signs and is published once the clock is right`, async (t) => {
    const first = await startWorker({ vars: VARS });
    const { kid } = decode((await token(first)).access_token).header;
    const second = await restartWithRing(first, older(-ahead));
    t.after(() => second.stop());
    assert.equal((await send(second, '/health')).status, 200);
    const { access_token } = await token(second);
    assert.equal(decode(access_token).header.kid, kid);
    const { json } = await send(second, JWKS);
    await jwtVerify(access_token, createLocalJWKSet(json), { issuer: second.issuer, typ: 'at+jwt' });
    assert.equal((await send(second, '/api/whoami', { headers: bearer(access_token) })).status, 200);
  });
}

test('a key that an earlier version stored as signing before its publication is published', async (t) => {
  const first = await startWorker({ vars: VARS });
  await token(first);
  const second = await restartWithRing(first, (ring) => {
    for (const key of ring.keys) key.publish_at += 500;
  });
  t.after(() => second.stop());
  const { access_token } = await token(second);
  await jwtVerify(access_token, createLocalJWKSet((await send(second, JWKS)).json), { issuer: second.issuer, typ: 'at+jwt' });
});

test('a keyring object that is older than KV adopts the ring in KV, and reactivates no revoked key', async (t) => {
  const first = await startWorker({ vars: VARS });
  const { access_token } = await token(first);
  const { kid } = decode(access_token).header;
  await first.kill();
  const [objects, backup] = [join(first.persist, ...KEYRING_OBJECTS), `${join(first.persist, ...KEYRING_OBJECTS)}.backup`];
  cpSync(objects, backup, { recursive: true });
  const second = await startWorker(first.settings);
  await admin(second, 'POST', '/admin/keys/rotate');
  assert.equal((await admin(second, 'POST', `/admin/keys/${kid}/revoke`)).status, 200);
  const before = await openRing(second);
  await second.kill();
  rmSync(objects, { recursive: true });
  renameSync(backup, objects);
  const third = await startWorker(first.settings);
  t.after(() => third.stop());
  await third.cron();
  const rotated = (await admin(third, 'POST', '/admin/keys/rotate')).json;
  assert.deepEqual(rotated.revoked.map((key) => key.kid), [kid]);
  const after = await openRing(third);
  assert.ok(after.version >= before.version, `${after.version} changes replace ${before.version}`);
  assert.ok(after.keys.every((key) => key.kid !== kid));
  assert.equal((await send(third, '/api/whoami', { headers: bearer(access_token) })).status, 401);
});

test('cron updates a KV that is older than the keyring object', async (t) => {
  const server = await startWorker({ vars: VARS });
  t.after(() => server.stop());
  await token(server);
  const name = `keyring|${server.issuer}|`;
  const store = await server.store();
  const backup = await store.get(name);
  await admin(server, 'POST', '/admin/keys/rotate');
  const newer = await openRing(server);
  await store.put(name, backup);
  await server.cron();
  assert.equal((await openRing(server)).version, newer.version);
});
