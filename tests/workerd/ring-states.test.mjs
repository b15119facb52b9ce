// Invalid keyrings: without a key, with expired ones, of another version, or unreadable. The server signs with the right key or
// with none, and reports which record is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { openRing, older, restartWithRing } from './keyring.mjs';
import { basic, postForm, send, until } from './request.mjs';

const JWKS = '/.well-known/jwks.json';
const DAY = 24 * 3600;

for (const [what, change] of Object.entries({
  'no key at all': (ring) => { ring.keys = []; },
  'keys that have all retired': older(91 * DAY),
  'keys that are all gone': older(200 * DAY),
  'a key of an algorithm of a later version': (ring) => { for (const key of ring.keys) key.alg = 'ML-DSA-44'; },
  'keys that only verify': (ring) => { for (const key of ring.keys) delete key.private_jwk; },
})) {
  test(`replaces a ring with ${what}: only a new key signs`, async (t) => {
    const first = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
    const { kid } = decode((await token(first)).access_token).header;
    const second = await restartWithRing(first, change);
    t.after(() => second.stop());
    const { access_token } = await token(second);
    assert.notEqual(decode(access_token).header.kid, kid);
    const { keys } = (await send(second, JWKS)).json;
    await jwtVerify(access_token, createLocalJWKSet({ keys }), { issuer: second.issuer, typ: 'at+jwt' });
    assert.equal((await send(second, '/health')).status, 200);
  });
}

for (const [what, sealed, reason] of [
  ['that was overwritten', 'c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlciwgbm90IHNlYWxlZA', 'key_encryption_key_mismatch'],
  ['that is no base64url', '{"keys":[]}', 'key_encryption_key_mismatch'],
  ['of another shape', { keys: 'none' }, 'record_unreadable'],
]) {
  test(`a ring ${what} is not used and not changed, and the log names it`, async (t) => {
    const first = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
    await token(first);
    const second = await restartWithRing(first, () => sealed);
    t.after(() => second.stop());
    const name = `keyring|${second.issuer}|`;
    const before = await (await second.store()).get(name);
    const root = basic({ id: 'root', secret: second.rootSecret });
    for (const answer of [
      await postForm(second, '/oauth/token', { grant_type: 'client_credentials' }, root),
      await send(second, JWKS),
      await send(second, '/keys/some-key.jwk'),
    ]) assert.deepEqual([answer.status, answer.json.error], [503, 'temporarily_unavailable']);
    const health = await send(second, '/health');
    assert.deepEqual([health.status, health.json.reason], [503, reason]);
    await second.cron();
    assert.equal(await (await second.store()).get(name), before);
    const line = await until(() => second.logs.find((text) => text.includes('keyring object')), 'a line in the log');
    assert.ok(line.includes(name) && line.includes(reason), line);
  });
}

test('restores a lost ring in KV from the keyring object', async (t) => {
  const server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  const { kid } = decode((await token(server)).access_token).header;
  await (await server.store()).delete(`keyring|${server.issuer}|`);
  await server.kill();
  const restarted = await startWorker(server.settings);
  t.after(() => restarted.stop());
  assert.equal(decode((await token(restarted)).access_token).header.kid, kid);
});

test('a key that is long due for rotation is replaced, also without cron', async (t) => {
  const first = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  await token(first);
  const second = await restartWithRing(first, older(32 * DAY));
  t.after(() => second.stop());
  await token(second);
  const { keys } = (await admin(second, 'GET', '/admin/keys')).json;
  assert.deepEqual(keys.map(({ stage }) => stage), ['active', 'next']);
  assert.equal((await openRing(second)).keys.length, 2);
});
