// Exchange rules: creating, listing, reading, replacing and removing them, and what they refuse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { storedEvents } from './events.mjs';
import { startWorker } from './harness.mjs';
import { send, until } from './request.mjs';

const PATH = '/admin/exchange-rules';

let server;

before(async () => { server = await startWorker(); });

after(() => server?.stop());

const rule = (client, changes) => ({
  client, sources: ['https://api.example'], targets: ['https://backend.example'], scope: 'read', mode: 'delegation', ...changes,
});

test('a rule is created, listed, read, replaced and removed', async () => {
  assert.deepEqual((await admin(server, 'GET', PATH)).json, { exchange_rules: [] });
  const created = await admin(server, 'POST', PATH, rule('one'));
  assert.equal(created.status, 201, created.text);
  const { id, created_at, ...members } = created.json;
  assert.match(id, /^[\w-]{22}$/);
  assert.ok(created_at > 1_700_000_000);
  assert.deepEqual(members, rule('one'));
  const path = `${PATH}/${id}`;
  assert.equal(created.headers.location, `${server.issuer}${path}`);
  assert.deepEqual((await admin(server, 'GET', path)).json, created.json);
  assert.deepEqual((await admin(server, 'GET', PATH)).json, { exchange_rules: [created.json] });

  const again = await admin(server, 'POST', PATH, rule('one', { scope: 'write' }));
  assert.deepEqual([again.status, again.json.error], [409, 'invalid_request']);
  const replaced = await admin(server, 'PUT', path, { ...created.json, scope: 'write', mode: 'impersonation' });
  assert.equal(replaced.status, 200, replaced.text);
  assert.deepEqual(replaced.json, { ...created.json, scope: 'write', mode: 'impersonation' });
  assert.deepEqual((await admin(server, 'GET', path)).json, replaced.json);
  const other = await admin(server, 'PUT', path, rule('two'));
  assert.deepEqual([other.status, other.json.error], [400, 'invalid_request']);

  assert.equal((await admin(server, 'DELETE', path)).status, 204);
  for (const [method, body] of [['GET'], ['DELETE'], ['PUT', rule('one')], ['PUT', rule('two')]]) {
    const { status, json } = await admin(server, method, path, body);
    assert.deepEqual([status, json.error], [404, 'not_found'], method);
  }
  const events = await until(async () => {
    const own = (await storedEvents(server, {})).filter((event) => event.exchange_rule === id).map(({ event, by }) => [event, by]);
    return own.length === 3 && own;
  }, 'the events are stored');
  assert.deepEqual(events, [['exchange_rule_created', 'root'], ['exchange_rule_replaced', 'root'], ['exchange_rule_removed', 'root']]);
});

test('refuses members that are wrong, missing or unknown, and stores nothing', async () => {
  for (const changes of [
    { client: undefined }, { client: 'root' }, { sources: [] }, { sources: undefined }, { sources: 'urn:a' }, { targets: ['backend'] },
    { targets: ['https://b.example/#x'] }, { targets: [] }, { scope: 'edgemint:admin' }, { scope: 'offline_access' }, { scope: ['read'] },
    { mode: undefined }, { mode: 'both' }, { target: 'urn:a' },
  ]) {
    const { status, json } = await admin(server, 'POST', PATH, rule('bad', changes));
    assert.deepEqual([status, json.error], [400, 'invalid_request'], JSON.stringify(changes));
  }
  assert.deepEqual((await admin(server, 'GET', PATH)).json, { exchange_rules: [] });
});

test('refuses requests without the admin scope, and unknown identifiers', async () => {
  for (const [method, path] of [['GET', PATH], ['POST', PATH], ['GET', `${PATH}/x`], ['DELETE', `${PATH}/x`]]) {
    assert.equal((await send(server, path, { method })).status, 401, `${method} ${path}`);
  }
  for (const id of ['x', 'A'.repeat(22), '..%2Fclients']) assert.equal((await admin(server, 'GET', `${PATH}/${id}`)).status, 404, id);
});
