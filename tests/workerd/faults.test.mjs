// KV or a Durable Object fails: 503 with one fixed text, a line in the log, and no partial change.
import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { startWorker, token } from './harness.mjs';
import { faults, withFaults } from './logs.mjs';
import { basic, bearer, postForm, send } from './request.mjs';

const GRANT = { grant_type: 'client_credentials' };
// The paths of Miniflare's state.
const KV_DATABASES = ['kv', 'miniflare-KVNamespaceObject'];
const KV_VALUES = ['kv', 'EDGEMINT_STORE', 'blobs'];
const REGISTRY_DATABASES = ['do', '-RegistryObject'];
const KEYRING_DATABASES = ['do', '-KeyringObject'];
const ACCOUNT_DATABASES = ['do', '-AccountObject'];

test('KV refuses writes: changes are undone or finished later, everything else works', async (t) => {
  const server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  t.after(() => server.stop());
  const client = await registerClient(server, { scope: 'read' });
  const door = bearer((await token(server)).access_token);
  const keys = (await admin(server, 'GET', '/admin/keys')).json;
  await token(server, {}, client);

  const values = join(server.persist, ...KV_VALUES);
  renameSync(values, `${values}.aside`);
  writeFileSync(values, 'a file where a folder should be');
  const change = (method, path, metadata) => send(server, path, {
    method, headers: { ...door, 'content-type': 'application/json' }, body: JSON.stringify(metadata),
  });
  for (const [method, path, metadata] of [
    ['POST', '/admin/clients', { client_id: 'half-done', client_secret: 'half-done-secret' }],
    ['PUT', clientPath(client.id), { client_secret: 'another-long-secret', scope: 'write' }],
    ['POST', '/admin/keys/rotate', {}],
  ]) {
    const [answer, reasons] = await withFaults(server, 1, () => change(method, path, metadata));
    unavailable(answer, path);
    assert.deepEqual(reasons, ['store_unavailable'], path);
  }
  const late = { identifier: 'urn:late', name: 'Late' };
  const [registered, reasons] = await withFaults(server, 1, () => change('POST', '/admin/resources', late));
  assert.deepEqual([registered.status, reasons], [201, ['store_unavailable']], 'the object has it, and copies it to KV later');
  assert.equal((await token(server, {}, client)).scope, 'read', 'a warm client');
  assert.equal((await token(server)).scope, 'edgemint:admin', 'root');
  assert.equal((await send(server, '/.well-known/jwks.json')).status, 200);
  assert.equal((await send(server, '/api/whoami', { headers: door })).status, 200);
  assert.equal((await send(server, '/health')).status, 200);

  rmSync(values);
  renameSync(`${values}.aside`, values);
  assert.equal((await admin(server, 'GET', clientPath('half-done'))).status, 404);
  assert.equal((await admin(server, 'POST', '/admin/resources', late)).status, 409);
  await refused(server, { id: 'half-done', secret: 'half-done-secret' });
  assert.equal((await token(server, {}, client)).scope, 'read');
  await refused(server, { id: client.id, secret: 'another-long-secret' });
  // A change of keys is not undone, since the store may have written it. It is planned again.
  const later = (await admin(server, 'GET', '/admin/keys')).json.keys;
  assert.deepEqual(later.map(({ stage }) => stage), ['active', 'next']);
  assert.equal(later[0].kid, keys.keys[0].kid);
  assert.ok(later[1].sign_from - later[1].publish_at >= 1500);
  await registerClient(server, { client_id: 'half-done', client_secret: 'half-done-secret' });
  assert.equal((await admin(server, 'POST', '/admin/keys/rotate')).json.keys.length, 2);
});

test('a user whose creation failed can be created again, and no name is reserved for a missing account', async (t) => {
  const server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  t.after(() => server.stop());
  const door = { ...bearer((await token(server)).access_token), 'content-type': 'application/json' };
  const create = (username) => send(server, '/admin/users', { method: 'POST', headers: door, body: JSON.stringify({ username }) });
  const found = async (username) => (await send(server, `/admin/users?username=${username}`, { headers: door })).json.users;
  const values = join(server.persist, ...KV_VALUES);
  await registerClient(server);
  renameSync(values, `${values}.aside`);
  writeFileSync(values, 'a file where a folder should be');
  unavailable(await create('failed'), 'KV refuses');
  rmSync(values);
  renameSync(`${values}.aside`, values);
  assert.deepEqual(await found('failed'), []);
  assert.equal((await create('failed')).status, 201, 'the same request again');
  assert.equal((await found('failed')).length, 1);
  assert.equal((await create('failed')).status, 409);
});

test('a name whose account is missing after a crash is reported as free in a minute', async (t) => {
  const before = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  assert.equal((await admin(before, 'POST', '/admin/users', { username: 'stuck' })).status, 201);
  await before.kill();
  // The only account that exists.
  const accounts = join(before.persist, ...ACCOUNT_DATABASES);
  for (const name of readdirSync(accounts).filter((file) => !file.startsWith('metadata.'))) rmSync(join(accounts, name));
  const server = await startWorker(before.settings);
  t.after(() => server.stop());
  assert.deepEqual((await admin(server, 'GET', '/admin/users?username=stuck')).json.users, []);
  const answer = await admin(server, 'POST', '/admin/users', { username: 'stuck' });
  assert.deepEqual([answer.status, answer.json.error], [503, 'temporarily_unavailable'], answer.text);
  const wait = Number(answer.headers['retry-after']);
  assert.ok(wait > 5 && wait <= 60, `${wait} s`);
});

test('KV fails: requests that need only Durable Objects work', async (t) => {
  const { server, client } = await restartedWith(t, [KV_DATABASES]);
  const { access_token } = await token(server);
  const door = bearer(access_token);
  assert.equal((await send(server, '/api/whoami', { headers: door })).status, 200);
  assert.equal((await send(server, '/health')).status, 200);
  assert.equal((await send(server, '/.well-known/jwks.json')).json.keys.length, 1);
  const change = (method, path, metadata) => send(server, path, {
    method, headers: { ...door, 'content-type': 'application/json' }, body: JSON.stringify(metadata),
  });
  for (const [what, ask] of Object.entries({
    'a known client': () => postForm(server, '/oauth/token', GRANT, basic(client)),
    'an unknown client': () => postForm(server, '/oauth/token', GRANT, basic({ id: 'unknown', secret: 'x' })),
    'a list': () => send(server, '/admin/clients', { headers: door }),
    'a new client': () => change('POST', '/admin/clients', { client_id: 'half-done' }),
    'a new record': () => change('PUT', clientPath(client.id), {}),
    'no client any more': () => send(server, clientPath(client.id), { method: 'DELETE', headers: door }),
    'a new key': () => send(server, '/admin/keys/rotate', { method: 'POST', headers: door }),
  })) {
    const [answer, reasons] = await withFaults(server, 1, ask);
    unavailable(answer, what);
    assert.deepEqual(reasons, ['store_unavailable'], what);
  }
  assert.equal((await send(server, clientPath('half-done'), { headers: door })).status, 404);
  assert.equal((await send(server, clientPath(client.id), { headers: door })).json.scope, 'read');
  assert.equal((await send(server, '/admin/keys', { headers: door })).json.keys.length, 1);
});

test('the registry objects fail: no token is accepted, and tokens are still issued', async (t) => {
  const key = await newClientKey('ES256');
  const { server, client, keyed, text } = await restartedWith(t, [REGISTRY_DATABASES], key);
  assert.equal((await token(server, {}, client)).scope, 'read');
  const assertion = async () => postForm(
    server, '/oauth/token', assertionForm(await signAssertion(key, assertionClaims(server, keyed.id))),
  );
  for (const [what, ask] of Object.entries({
    whoami: () => send(server, '/api/whoami', { headers: bearer(text) }),
    introspection: () => postForm(server, '/oauth/introspect', { token: text }, basic(client)),
    revocation: () => postForm(server, '/oauth/revoke', { token: text }, basic(client)),
    'an admin endpoint': async () => send(server, '/admin/keys', { headers: bearer((await token(server)).access_token) }),
    'an assertion of a client that is read': assertion,
    'an assertion of a client that is remembered': assertion,
  })) {
    const [answer, reasons] = await withFaults(server, 1, ask);
    unavailable(answer, what);
    assert.deepEqual(reasons, ['object_unavailable'], what);
  }
});

test('the keyring object fails: the keys in KV are used', async (t) => {
  const { server, client, text } = await restartedWith(t, [KEYRING_DATABASES]);
  assert.equal((await token(server, {}, client)).scope, 'read');
  assert.equal((await send(server, '/api/whoami', { headers: bearer(text) })).status, 200);
  const door = bearer((await token(server)).access_token);
  for (const [method, path] of [['GET', '/admin/keys'], ['POST', '/admin/keys/rotate']]) {
    const [answer, reasons] = await withFaults(server, 1, () => send(server, path, { method, headers: door }));
    unavailable(answer, path);
    assert.deepEqual(reasons, ['object_unavailable'], path);
  }
});

test('everything fails: every endpoint that needs a key reports it, and health says why', async (t) => {
  const { server, client, text } = await restartedWith(t, [KV_DATABASES, KEYRING_DATABASES, REGISTRY_DATABASES]);
  for (const answer of [
    await postForm(server, '/oauth/token', GRANT, basic({ id: 'root', secret: server.rootSecret })),
    await postForm(server, '/oauth/token', GRANT, basic(client)),
    await send(server, '/.well-known/jwks.json'),
    await send(server, '/api/whoami', { headers: bearer(text) }),
    await send(server, '/admin/clients', { headers: bearer(text) }),
  ]) unavailable(answer);
  const health = await send(server, '/health');
  assert.deepEqual([health.status, health.json], [503, { status: 'unavailable', reason: 'object_unavailable' }]);
  assert.equal((await send(server, '/.well-known/oauth-authorization-server')).status, 200);
  assert.deepEqual([...new Set(faults(server))].sort(), ['object_unavailable', 'store_unavailable']);
});

// A Worker with clients and a token, restarted after these databases have been overwritten.
async function restartedWith(t, databases, key) {
  const before = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  const client = await registerClient(before, { scope: 'read' });
  const keyed = key && await registerClient(before, keyMetadata(key));
  const text = (await token(before, {}, client)).access_token;
  await before.kill();
  for (const folder of databases.map((names) => join(before.persist, ...names))) {
    for (const name of readdirSync(folder).filter((file) => !file.startsWith('metadata.'))) {
      const path = join(folder, name);
      writeFileSync(path, Buffer.alloc(statSync(path).size, 'this is no database. '));
    }
  }
  const server = await startWorker(before.settings);
  t.after(() => server.stop());
  return { server, client, keyed, text };
}

function unavailable(answer, what) {
  assert.equal(answer.status, 503, what);
  assert.equal(answer.text, JSON.stringify({
    error: 'temporarily_unavailable',
    error_description: 'The authorization server cannot answer now. Try again later.',
  }), what);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['retry-after'], '5');
}

async function refused(server, client) {
  const answer = await postForm(server, '/oauth/token', GRANT, basic(client));
  assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_client']);
}
