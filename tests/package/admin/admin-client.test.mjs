// `edgemint/admin` against servers that respond as they should, and as they should not. Each call at a real Worker is in
// tests/workerd/openapi.test.mjs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { build } from 'esbuild';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { importFrom, install } from '../shared/consumer.mjs';

const folder = await install();
const { AdminClient, AdminError } = await importFrom(folder, 'edgemint/admin');
const ISSUER = 'https://auth.example';
const SECRET = 'a secret: %/+';

/** A fetch that responds from the list, and keeps the requests. A function of the list is called. */
function answers(...list) {
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ url, ...init });
    const next = list.shift();
    return typeof next === 'function' ? next(init) : next;
  };
  return { fetch, requests };
}

const json = (value, status = 200, headers = {}) => new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
const refusal = (status, error, headers) => json({ error, error_description: `A sentence about ${error}.` }, status, headers);
const busy = (after) => refusal(503, 'temporarily_unavailable', after === undefined ? {} : { 'retry-after': after });
const withToken = (list, options) => {
  const { fetch, requests } = answers(...list);
  return { admin: new AdminClient({ issuer: ISSUER, token: 'x.y.z', fetch, ...options }), requests };
};

test('sends identifiers, query, body and token, and returns what the server sent', async () => {
  const { admin, requests } = withToken([json({ client_id: 'a/b ü' }), json({ id: 'u' }, 201), new Response(null, { status: 204 }), new Response('PEM', { headers: { 'content-type': 'application/x-pem-file' } })]);
  assert.deepEqual(await admin.readClient('a/b ü'), { client_id: 'a/b ü' });
  assert.deepEqual(await admin.createUser({ username: 'ada' }), { id: 'u' });
  assert.equal(await admin.endUserGrant('u', 'g'), undefined);
  assert.equal(await admin.readKey('k.pem'), 'PEM');
  assert.deepEqual(requests.map(({ method, url, body }) => [method, url, body]), [
    ['GET', `${ISSUER}/admin/clients/a%2Fb%20%C3%BC`, undefined],
    ['POST', `${ISSUER}/admin/users`, '{"username":"ada"}'],
    ['DELETE', `${ISSUER}/admin/users/u/grants/g`, undefined],
    ['GET', `${ISSUER}/admin/keys/k.pem`, undefined],
  ]);
  assert.deepEqual(requests[1].headers, { accept: 'application/json', authorization: 'Bearer x.y.z', 'content-type': 'application/json' });
  assert.ok(requests.every(({ redirect }) => redirect === 'manual'));
});

test('a list requests a page when its items are used up, and no earlier', async () => {
  const pages = () => [json({ clients: [1, 2], cursor: 'c d' }), json({ clients: [], cursor: 'e' }), json({ clients: [3] })];
  const all = withToken(pages());
  const items = [];
  for await (const item of all.admin.listClients()) items.push(item);
  assert.deepEqual(items, [1, 2, 3]);
  assert.deepEqual(all.requests.map(({ url }) => url.slice(ISSUER.length)), ['/admin/clients', '/admin/clients?cursor=c+d', '/admin/clients?cursor=e']);

  const some = withToken(pages());
  for await (const item of some.admin.listClients()) if (item === 2) break;
  assert.equal(some.requests.length, 1);

  const one = withToken([json({ events: [], cursor: 'x' })]);
  assert.deepEqual(await one.admin.listEvents({ client: 'a', until: undefined, limit: 5, cursor: 'w' }).page(), { events: [], cursor: 'x' });
  assert.equal(one.requests[0].url, `${ISSUER}/admin/events?client=a&limit=5&cursor=w`);
  assert.equal(withToken([]).requests.length, 0);
});

test('gets a token for the server itself, keeps it until it expires, and replaces one that is refused', async () => {
  let now = 1000;
  const token = (text) => json({ access_token: text, expires_in: 600, token_type: 'Bearer' });
  const { fetch, requests } = answers(
    token('one'), json({ keys: [] }), json({ keys: [] }), token('two'), json({ keys: [] }),
    refusal(401, 'invalid_token'), token('three'), json({ keys: [1] }), refusal(401, 'invalid_token'), token('four'), refusal(401, 'invalid_token'),
  );
  const admin = new AdminClient({ issuer: ISSUER, client: { id: 'op', secret: SECRET }, fetch, now: () => now });
  await admin.listKeys();
  now += 569;
  await admin.listKeys();
  now += 2;
  await admin.listKeys();
  assert.deepEqual(await admin.listKeys(), { keys: [1] });
  await assert.rejects(admin.listKeys(), { code: 'invalid_token', status: 401 });
  assert.deepEqual(requests.map(({ headers: { authorization } }) => authorization.replace(/^Basic .*/, 'Basic').replace('Bearer ', '')), [
    'Basic', 'one', 'one', 'Basic', 'two', 'two', 'Basic', 'three', 'three', 'Basic', 'four',
  ]);
  assert.equal(requests[0].headers.authorization, `Basic ${btoa(`op:${encodeURIComponent(SECRET)}`)}`);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(requests[0].body)), { grant_type: 'client_credentials', scope: 'edgemint:admin', resource: ISSUER });
});

test('a source of tokens is asked once more after 401, and may have no other', async () => {
  const asked = [];
  const { admin } = withToken([refusal(401, 'invalid_token')], { token: async ({ renew }) => { asked.push(renew); return renew ? undefined : 'x'; } });
  await assert.rejects(admin.listKeys(), { code: 'invalid_token' });
  assert.deepEqual(asked, [false, true]);
});

test('repeats what is safe to repeat after 503 with Retry-After, and nothing else', async () => {
  const attempts = async (call, list, options) => {
    const { admin, requests } = withToken(list, options);
    const result = await call(admin).then(() => 'done', (error) => `${error.code} ${error.retryAfter}`);
    return [result, requests.length];
  };
  const read = (admin) => admin.readClient('a');
  assert.deepEqual(await attempts(read, [busy('0'), busy('0'), json({})]), ['done', 3]);
  assert.deepEqual(await attempts((admin) => admin.replaceClient('a', {}), [busy('0'), json({})]), ['done', 2]);
  assert.deepEqual(await attempts(read, [busy('0'), busy('0'), busy('7')]), ['temporarily_unavailable 7', 3]);
  assert.deepEqual(await attempts(read, [busy('0')], { retries: 0 }), ['temporarily_unavailable 0', 1]);
  for (const header of ['31', undefined, 'Mon, 30 Nov 2026 18:00:00 GMT', '-1']) assert.equal((await attempts(read, [busy(header)]))[1], 1, header);
  for (const call of [(admin) => admin.createClient({}), (admin) => admin.removeClient('a'), (admin) => admin.rotateKeys()]) {
    assert.deepEqual(await attempts(call, [busy('0')]), ['temporarily_unavailable 0', 1]);
  }
  assert.deepEqual(await attempts(read, [refusal(500, 'x', { 'retry-after': '0' })]), ['x 0', 1]);
});

test('errors have the code and the sentence of the server, the status and the call, and no secret', async () => {
  const { admin } = withToken([refusal(404, 'not_found')]);
  const error = await admin.readUser('ada').catch((caught) => caught);
  assert.ok(error instanceof AdminError && error instanceof Error);
  assert.deepEqual({ ...error }, { code: 'not_found', status: 404, call: 'GET /admin/users/ada' });
  assert.deepEqual([error.name, error.message], ['AdminError', 'A sentence about not_found.']);
  for (const response of [new Response('<html>', { status: 502 }), json(null, 500), json({ error: 5 }, 400), new Response(null, { status: 302, headers: { location: 'https://evil.example' } })]) {
    await assert.rejects(withToken([response]).admin.listKeys(), { code: 'invalid_response', status: response.status });
  }
  await assert.rejects(withToken([new Response('{', { headers: { 'content-type': 'application/json' } })]).admin.listKeys(), { code: 'invalid_response' });
  const { fetch } = answers(refusal(401, 'invalid_client'), json({ no: 'token' }), new Response('nothing'));
  const client = new AdminClient({ issuer: ISSUER, client: { id: 'op', secret: SECRET }, fetch });
  for (const code of ['invalid_client', 'invalid_response', 'invalid_response']) {
    const caught = await client.listKeys().catch((reason) => reason);
    assert.deepEqual([caught.code, caught.call], [code, 'POST /oauth/token']);
    assert.ok(!inspect(caught, { depth: 9 }).includes(SECRET) && !inspect(client, { depth: 9, showHidden: true }).includes(SECRET));
  }
});

test('says that a server is unreachable or late, and lets a caller abort', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  const silent = { issuer: `http://127.0.0.1:${port}`, token: 'x' };
  await assert.rejects(new AdminClient({ ...silent, timeout: 0.05 }).listKeys(), { code: 'timeout' });
  const reason = new Error('enough');
  await assert.rejects(new AdminClient(silent).listKeys({ signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const calling = new AdminClient(silent).listKeys({ signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(calling, reason);
  const { admin } = withToken([busy('20')]);
  const waiting = new AbortController();
  setTimeout(() => waiting.abort(reason), 20);
  await assert.rejects(admin.listKeys({ signal: waiting.signal }), reason);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await assert.rejects(new AdminClient(silent).listKeys(), { code: 'unreachable' });
});

test('refuses options and arguments that cannot be meant', async () => {
  const valid = { issuer: ISSUER, token: 'x' };
  for (const options of [
    undefined, {}, { issuer: ISSUER }, { token: 'x' }, { ...valid, issuer: `${ISSUER}/` }, { ...valid, issuer: 'http://auth.example' }, { ...valid, issuer: 'auth.example' },
    { ...valid, issuer: 'ftp://localhost' }, { ...valid, client: { id: 'a', secret: 'b' } }, { issuer: ISSUER, client: { id: 'a' } }, { ...valid, token: '' }, { ...valid, token: 'a\nb' },
    { ...valid, timeout: 0 }, { ...valid, retries: 1.5 }, { ...valid, secret: 'x' },
  ]) {
    assert.throws(() => new AdminClient(options), { code: 'invalid_option' }, JSON.stringify(options));
  }
  assert.equal(new AdminClient({ ...valid, issuer: 'http://localhost:8787' }).issuer, 'http://localhost:8787');
  const { admin, requests } = withToken([]);
  for (const id of ['', '.', '..', undefined, 5]) assert.throws(() => admin.removeUser(id), { code: 'invalid_option' });
  assert.throws(() => admin.endUserGrant('u'), { code: 'invalid_option' });
  assert.throws(() => admin.createUser(), { code: 'invalid_option' });
  for (const path of ['admin/keys', '//evil.example/admin', 'https://evil.example/']) await assert.rejects(admin.fetch(path), { code: 'invalid_option' });
  assert.equal(requests.length, 0);
});

test('runs in a Worker', async (t) => {
  const { outputFiles: [{ text }] } = await build({
    stdin: {
      contents: `import { AdminClient } from 'edgemint/admin';
        export default { async fetch() {
          const fetch = async (url) => Response.json(url.endsWith('/oauth/token') ? { access_token: 'x', expires_in: 600 } : { users: [url] });
          const admin = new AdminClient({ issuer: '${ISSUER}', client: { id: 'op', secret: 's' }, fetch });
          const users = [];
          for await (const user of admin.listUsers()) users.push(user);
          const unreachable = await new AdminClient({ issuer: 'http://localhost:1', token: 'x' }).listKeys().catch((error) => error.code);
          return Response.json([users, unreachable]);
        } };`,
      resolveDir: folder,
    },
    bundle: true, write: false, format: 'esm', target: 'es2022', conditions: ['workerd', 'worker'],
  });
  const miniflare = new Miniflare(convertV4MiniflareOptions({ modules: true, script: text, compatibilityDate: '2026-11-01', cf: false, logRequests: false }));
  t.after(() => miniflare.dispose());
  const response = await miniflare.dispatchFetch('http://worker.example/');
  assert.deepEqual(await response.json(), [[`${ISSUER}/admin/users`], 'unreachable']);
});
