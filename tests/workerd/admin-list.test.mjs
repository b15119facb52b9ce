// The list of clients: paged, complete, without secrets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { startWorker, token } from './harness.mjs';
import { bearer, send } from './request.mjs';

let server;

before(async () => {
  server = await startWorker();
});

after(() => server?.stop());

test('is empty at first', async () => {
  const { status, json } = await admin(server, 'GET', '/admin/clients');
  assert.deepEqual([status, json], [200, { clients: [] }]);
});

test('lists 105 clients in two pages, as registered, without their secrets', async () => {
  const registered = [];
  for (let index = 0; index < 105; index += 15) {
    registered.push(...await Promise.all(Array.from({ length: 15 }, (_, offset) =>
      registerClient(server, { client_name: `client ${index + offset}`, scope: 'read' }))));
  }
  const first = await list();
  assert.equal(first.clients.length, 100);
  assert.equal(typeof first.cursor, 'string');
  const second = await list(first.cursor);
  assert.equal(second.clients.length, 5);
  assert.equal(Object.hasOwn(second, 'cursor'), false);

  const listed = [...first.clients, ...second.clients].map((client) => [client.client_id, client]);
  const expected = registered.map(({ id, information: { client_secret, client_secret_expires_at, ...rest } }) => [id, rest]);
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(expected));
  const text = JSON.stringify([first, second]);
  for (const { secret } of registered) assert.ok(!text.includes(secret));

  assert.equal((await admin(server, 'DELETE', clientPath(registered[0].id))).status, 204);
  const ids = [...(await list()).clients, ...(await list(first.cursor)).clients].map((client) => client.client_id);
  assert.ok(!ids.includes(registered[0].id));
});

test('refuses a repeated cursor and a cursor that does not decode', async () => {
  const headers = bearer((await token(server)).access_token);
  for (const query of ['cursor=a&cursor=b', 'cursor=%']) {
    const answer = await send(server, `/admin/clients?${query}`, { headers });
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], query);
  }
});

async function list(cursor) {
  const query = cursor === undefined ? '' : `?${new URLSearchParams({ cursor })}`;
  const { status, json } = await admin(server, 'GET', `/admin/clients${query}`);
  assert.equal(status, 200);
  return json;
}
