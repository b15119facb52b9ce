// Registered resources: creating, listing, reading, replacing and removing them, and what their records refuse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { storedEvents } from './events.mjs';
import { atOnce } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { tokenRequest } from './people.mjs';
import { send, until } from './request.mjs';

const PATH = '/admin/resources';

let server;

before(async () => { server = await startWorker(); });

after(() => server?.stop());

const described = (value) => ({ value, description: { en: `Use ${value}`, zh: `使用 ${value}` } });
const description = (identifier, changes) => ({ identifier, name: 'Files', ...changes });

test('a resource is registered, read, replaced and removed', async () => {
  const identifier = 'https://files.example/v1';
  const created = await admin(server, 'POST', PATH, description(`${identifier}`, { scopes: [described('read')] }));
  assert.equal(created.status, 201, created.text);
  const { id, created_at, ...members } = created.json;
  assert.match(id, /^[\w-]{22}$/);
  assert.ok(created_at > 1_700_000_000);
  assert.deepEqual(members, {
    identifier, name: 'Files', scopes: [described('read')], clients: [], other_audiences: false,
  });
  assert.equal(created.headers.location, `${server.issuer}${PATH}/${id}`);
  const path = `${PATH}/${id}`;
  assert.deepEqual((await admin(server, 'GET', path)).json, created.json);

  const changes = {
    name: '文件', scopes: [described('read'), described('write')], access_token_lifetime: 120, signing_algorithm: 'RS256', clients: 'all', acr: 'phr',
    max_age: 3600, other_audiences: true, introspection_client: 'files-api',
  };
  const replaced = await admin(server, 'PUT', path, { ...created.json, ...changes });
  assert.equal(replaced.status, 200, replaced.text);
  assert.deepEqual(replaced.json, { ...created.json, ...changes });
  assert.deepEqual((await admin(server, 'GET', path)).json, replaced.json);

  const removed = await admin(server, 'DELETE', path);
  assert.equal(removed.status, 202, removed.text);
  assert.equal(removed.json.resource, identifier);
  assert.equal(removed.headers.location, `${server.issuer}/admin/revocations/${removed.json.id}`);
  for (const [method, body] of [['GET'], ['PUT', description(identifier)]]) {
    const { status, json } = await admin(server, method, path, body);
    assert.deepEqual([status, json.error], [404, 'not_found'], method);
  }
  const again = await admin(server, 'POST', PATH, description(identifier));
  assert.equal(again.status, 409, 'it is being taken from clients and grants');
  assert.match(again.json.error_description, /being taken/);
  assert.equal((await admin(server, 'DELETE', path)).status, 202, 'an interrupted request can be repeated');
  const events = await until(async () => {
    const all = await storedEvents(server, {});
    const own = all.filter((event) => event.resource === id && event.event.startsWith('resource')).map(({ event, by }) => [event, by]);
    return own.length === 3 && own;
  }, 'the events are stored');
  assert.deepEqual(events.toSorted(), [['resource_created', 'root'], ['resource_removed', 'root'], ['resource_replaced', 'root']]);
});

test('resources that are registered at the same time are all kept, each once', async () => {
  const identifiers = Array.from({ length: 20 }, (_, number) => `https://api-${number}.example`);
  const statuses = await atOnce(40, async (index) => (await admin(server, 'POST', PATH, description(identifiers[index % 20]))).status);
  assert.deepEqual(statuses.toSorted(), [...Array(20).fill(201), ...Array(20).fill(409)]);
  const listed = (await admin(server, 'GET', PATH)).json.resources.map(({ identifier }) => identifier);
  for (const identifier of identifiers) assert.equal(listed.filter((other) => other === identifier).length, 1, identifier);
});

test('a record keeps its identifier, and an origin with and without a slash is one resource', async () => {
  const { json } = await admin(server, 'POST', PATH, description('https://only.example/'));
  assert.equal(json.identifier, 'https://only.example');
  const again = await admin(server, 'POST', PATH, description('https://only.example'));
  assert.deepEqual([again.status, again.json.error], [409, 'invalid_request']);
  const other = await admin(server, 'PUT', `${PATH}/${json.id}`, description('https://other.example'));
  assert.deepEqual([other.status, other.json.error], [400, 'invalid_request']);
  assert.match(other.json.error_description, /identifier/);
  assert.deepEqual((await admin(server, 'GET', `${PATH}/${json.id}`)).json, json);
});

test('refuses identifiers that are none, unknown members and values out of range, and stores nothing', async () => {
  const before = (await admin(server, 'GET', PATH)).json;
  const bad = 'https://bad.example';
  for (const [changes, named] of [
    [{ identifier: `${bad}/#part` }, /identifier/], [{ identifier: 'files' }, /identifier/], [{ identifier: undefined }, /identifier/],
    [{ identifier: server.issuer }, /identifier/], [{ identifier: 7 }, /identifier/], [{ name: '' }, /name/], [{ name: 'a\u202eb' }, /name/],
    [{ scope: 'read' }, /members/], [{ scopes: ['read'] }, /scopes/], [{ scopes: [described('edgemint:admin')] }, /scopes/],
    [{ scopes: [described('openid')] }, /scopes/], [{ scopes: [described('a b')] }, /scopes/],
    [{ scopes: [{ value: 'a', description: { en: 'line\nbreak' } }] }, /scopes/], [{ access_token_lifetime: 0 }, /access_token_lifetime/],
    [{ access_token_lifetime: 86_401 }, /access_token_lifetime/], [{ signing_algorithm: 'HS256' }, /signing_algorithm/],
    [{ signing_algorithm: 'EdDSA' }, /signing_algorithm/], [{ clients: 'some' }, /clients/], [{ clients: ['root'] }, /clients/],
    [{ acr: 'gold' }, /acr/], [{ max_age: 1 }, /max_age/], [{ other_audiences: 1 }, /other_audiences/],
    [{ introspection_client: 'root' }, /introspection_client/],
  ]) {
    const { status, json } = await admin(server, 'POST', PATH, description(bad, changes));
    assert.deepEqual([status, json.error], [400, 'invalid_request'], JSON.stringify(changes));
    assert.match(json.error_description, named, JSON.stringify(changes));
  }
  for (const body of ['[]', '', '{', 'null', '{"name":"a","name":"b"}']) {
    const headers = { authorization: `Bearer ${(await token(server)).access_token}`, 'content-type': 'application/json' };
    assert.equal((await send(server, PATH, { method: 'POST', headers, body })).status, 400, body);
  }
  assert.deepEqual((await admin(server, 'GET', PATH)).json, before);
});

test('a catalogue that is full refuses entries, and keeps those that it has', async () => {
  const scopes = Array.from({ length: 100 }, (_, number) => ({
    value: `s${number}`, description: { en: '文'.repeat(100), zh: '文'.repeat(100) },
  }));
  const full = await startWorker();
  try {
    const statuses = [];
    for (let number = 0; number < 6; number += 1) {
      statuses.push((await admin(full, 'POST', PATH, description(`urn:large:${number}`, { scopes }))).status);
    }
    assert.deepEqual(statuses.toSorted((a, b) => a - b), statuses, 'once it is full, it stays so');
    assert.deepEqual([...new Set(statuses)], [201, 409]);
    const last = await admin(full, 'POST', PATH, description('urn:large:last', { scopes }));
    assert.match(last.json.error_description, /full/);
    const { resources } = (await admin(full, 'GET', PATH)).json;
    assert.equal(resources.length, statuses.filter((status) => status === 201).length);
    assert.equal((await admin(full, 'DELETE', `${PATH}/${resources[0].id}`)).status, 202, 'and it can be emptied');
    assert.equal((await admin(full, 'POST', PATH, description('urn:large:last', { scopes }))).status, 201);
  } finally {
    await full.stop();
  }
});

test('refuses requests without the admin scope, and unknown identifiers', async () => {
  for (const [method, path] of [['GET', PATH], ['POST', PATH], ['GET', `${PATH}/x`], ['PUT', `${PATH}/x`], ['DELETE', `${PATH}/x`]]) {
    assert.equal((await send(server, path, { method })).status, 401, `${method} ${path}`);
  }
  const client = await registerClient(server, { scope: 'read' });
  const { json } = await tokenRequest(server, client, { grant_type: 'client_credentials' });
  const refused = await send(server, PATH, { headers: { authorization: `Bearer ${json.access_token}` } });
  assert.deepEqual([refused.status, refused.json.error], [403, 'insufficient_scope']);
  for (const id of ['x', 'A'.repeat(22), '..%2Fclients']) {
    for (const [method, body] of [['GET'], ['DELETE'], ['PUT', description('https://none.example')]]) {
      assert.equal((await admin(server, method, `${PATH}/${id}`, body)).status, 404, `${method} ${id}`);
    }
  }
});
