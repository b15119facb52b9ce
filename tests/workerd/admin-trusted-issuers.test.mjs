// Trusted issuers: creating, listing, reading, replacing and removing them, and what their records refuse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { newClientKey } from './client-key.mjs';
import { startWorker } from './harness.mjs';
import { storedEvents } from './events.mjs';
import { send, until } from './request.mjs';

const PATH = '/admin/trusted-issuers';

let server;

before(async () => { server = await startWorker(); });

after(() => server?.stop());

const description = (issuer, changes) => ({
  issuer, jwks_uri: `${issuer}/jwks`, algorithms: ['RS256'], subject: 'user_id', clients: ['app'], scope: 'read', ...changes,
});

test('a trusted issuer is created, read, replaced and removed', async () => {
  const issuer = 'https://one.example';
  const created = await admin(server, 'POST', PATH, description(issuer));
  assert.equal(created.status, 201, created.text);
  const { id, created_at, ...members } = created.json;
  assert.match(id, /^[\w-]{22}$/);
  assert.ok(created_at > 1_700_000_000);
  assert.deepEqual(members, {
    ...description(issuer), audience: 'issuer', jti: 'required', client_authentication: 'optional',
  });
  assert.equal(created.headers.location, `${server.issuer}${PATH}/${id}`);
  const path = `${PATH}/${id}`;
  assert.deepEqual((await admin(server, 'GET', path)).json, created.json);

  const { jwk } = await newClientKey('ES256');
  const replaced = await admin(server, 'PUT', path, {
    ...created.json, jwks_uri: null, jwks: { keys: [jwk] }, algorithms: ['ES256'], jti: 'optional',
  });
  assert.equal(replaced.status, 200, replaced.text);
  assert.deepEqual([replaced.json.jwks_uri, replaced.json.jwks, replaced.json.jti], [undefined, { keys: [jwk] }, 'optional']);
  assert.equal(replaced.json.created_at, created_at);
  assert.deepEqual((await admin(server, 'GET', path)).json, replaced.json);

  assert.equal((await admin(server, 'DELETE', path)).status, 204);
  for (const [method, body] of [['GET'], ['DELETE'], ['PUT', description(issuer)]]) {
    const { status, json } = await admin(server, method, path, body);
    assert.deepEqual([status, json.error], [404, 'not_found'], method);
  }
  const events = await until(async () => {
    const all = await storedEvents(server, {});
    const own = all.filter((event) => event.trusted_issuer === id).map(({ event, by }) => [event, by]);
    return own.length === 3 && own;
  }, 'the events are stored');
  assert.deepEqual(events.toSorted(), [
    ['trusted_issuer_created', 'root'], ['trusted_issuer_removed', 'root'], ['trusted_issuer_replaced', 'root'],
  ]);
});

test('the list has every trusted issuer', async () => {
  const issuers = ['https://a.example', 'https://b.example'];
  for (const issuer of issuers) assert.equal((await admin(server, 'POST', PATH, description(issuer))).status, 201);
  const listed = (await admin(server, 'GET', PATH)).json.trusted_issuers.map(({ issuer }) => issuer);
  for (const issuer of issuers) assert.ok(listed.includes(issuer), issuer);
});

test('there is one record for each issuer, and it keeps its issuer', async () => {
  const issuer = 'https://only.example';
  const { json } = await admin(server, 'POST', PATH, description(issuer));
  const again = await admin(server, 'POST', PATH, description(issuer));
  assert.deepEqual([again.status, again.json.error], [409, 'invalid_request']);
  const other = await admin(server, 'PUT', `${PATH}/${json.id}`, description('https://other.example'));
  assert.equal(other.status, 400);
  assert.equal((await admin(server, 'GET', `${PATH}/${json.id}`)).json.issuer, issuer);
});

test('refuses symmetric algorithms, forbidden addresses, unknown members and scopes that no assertion gives', async () => {
  for (const changes of [
    { algorithms: ['HS256'] }, { algorithms: ['none'] }, { algorithms: undefined }, { jwks_uri: 'https://10.0.0.1/jwks' },
    { jwks_uri: undefined }, { require_jti: true }, { scope: 'edgemint:admin' }, { scope: 'offline_access' }, { clients: ['root'] },
    { clients: [] }, { subject: 'email' }, { issuer: server.issuer }, { issuer: 'app' },
  ]) {
    const { status, json } = await admin(server, 'POST', PATH, description('https://bad.example', changes));
    assert.deepEqual([status, json.error], [400, 'invalid_request'], JSON.stringify(changes));
  }
});

test('refuses requests without the admin scope, and unknown identifiers', async () => {
  for (const [method, path] of [['GET', PATH], ['POST', PATH], ['GET', `${PATH}/x`], ['DELETE', `${PATH}/x`]]) {
    assert.equal((await send(server, path, { method })).status, 401, `${method} ${path}`);
  }
  for (const id of ['x', 'A'.repeat(22), '..%2Fclients']) assert.equal((await admin(server, 'GET', `${PATH}/${id}`)).status, 404, id);
});
