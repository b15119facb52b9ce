// Status lists: which tokens have an index, what the lists say, and that every revocation appears there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { admin, clientPath, registerClient } from './admin.mjs';
import { OFFLINE, ONLINE, atOnce, grantOf, newCode, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, authorizationPath, createUser, csrfOf, pkce, post, redeem, refresh, registerPublicClient } from './people.mjs';
import { send } from './request.mjs';
import { fetchList, entryOf, readList, statusOf, untilRevoked } from './status-lists.mjs';

let server;
let user;
let browser;
let app;
let service;

before(async () => {
  // No replay window, so that a second use is reuse at once.
  server = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '0' } });
  [user, app, service] = await Promise.all([createUser(server), registerPublicClient(server), registerClient(server)]);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

const grant = (parameters = OFFLINE, client = app) => newGrant(server, browser, user, client, parameters);

test('the access tokens of a grant all have the same index', async () => {
  const first = await grant();
  const entry = entryOf(first.access_token);
  assert.deepEqual(Object.keys(entry).sort(), ['idx', 'uri']);
  assert.ok(Number.isInteger(entry.idx) && entry.idx >= 0 && entry.idx < 131_072);
  assert.match(entry.uri, new RegExp(`^${server.issuer}/oauth/status/\\d+$`));
  const { json } = await refresh(server, app, first.refresh_token);
  assert.deepEqual(entryOf(json.access_token), entry);
  assert.equal(decodeJwt(first.id_token).status, undefined);
});

test('every grant has an index of its own, and so has a service client', async () => {
  const tokens = await atOnce(60, () => grant());
  const other = await registerClient(server);
  const own = await token(server, {}, service);
  const again = await token(server, {}, service);
  assert.deepEqual(entryOf(again.access_token), entryOf(own.access_token));
  const entries = [...tokens, own, await token(server, {}, other)].map(({ access_token }) => entryOf(access_token));
  assert.equal(new Set(entries.map(({ uri, idx }) => `${uri} ${idx}`)).size, 62);
});

test('a client without tokens of its own takes no index; it gets one with the grant type client_credentials', async () => {
  const client = await registerConfidentialClient(server);
  const { json } = await admin(server, 'GET', clientPath(client.id));
  const grant_types = [...json.grant_types, 'client_credentials'];
  const { status } = await admin(server, 'PUT', clientPath(client.id), { ...json, grant_types });
  assert.equal(status, 200);
  const { access_token } = await token(server, {}, client);
  assert.equal(await statusOf(server, access_token), 0);
});

test('the root client has no index: its tokens are for this server only, which checks them itself', async () => {
  assert.equal(entryOf((await token(server)).access_token), undefined);
});

test('the list is a signed token with its own type', async () => {
  const { access_token } = await grant();
  const { uri } = entryOf(access_token);
  const answer = await fetchList(server, uri);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/statuslist+jwt');
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.equal(answer.headers['cache-control'], 'public, no-cache');
  assert.equal(decodeProtectedHeader(answer.text).typ, 'statuslist+jwt');
  const { payload, statuses } = await readList(server, uri);
  assert.equal(payload.ttl, 20);
  assert.equal(payload.exp - payload.iat, 600);
  assert.ok(payload.iat <= Date.now() / 1000 && payload.exp > Date.now() / 1000 + 300);
  assert.equal(payload.status_list.bits, 1);
  assert.equal(statuses.statusList.length, 131_072);
  assert.ok(answer.text.length < 2_000, `${answer.text.length} characters for a list in which all are good`);
});

test('an unchanged list is not sent again', async () => {
  const { uri } = entryOf((await grant()).access_token);
  const { headers: { etag } } = await fetchList(server, uri);
  assert.match(etag, /^W\/"/);
  const again = await fetchList(server, uri, { 'if-none-match': etag });
  // Unless a new span has just begun, or another test's revocation has arrived.
  if (again.status !== 304) assert.notEqual(again.headers.etag, etag);
  const third = await fetchList(server, uri, { 'if-none-match': again.headers.etag });
  assert.equal(third.status, 304);
  assert.equal(third.text, '');
  const head = await send(server, new URL(uri).pathname, { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('responds to every other path of a list with 404', async () => {
  const paths = ['999999', '4294967295', '4294967296', '-1', '00', '1x', '', '1/2', '%30', '1e3'];
  for (const path of paths) {
    const { status, json } = await send(server, `/oauth/status/${path}`);
    assert.deepEqual([status, json.error], [404, 'not_found'], path);
  }
  const { status, json } = await send(server, '/oauth/status/0?time=1686925000');
  assert.deepEqual([status, json.error], [501, 'invalid_request']);
  assert.equal((await send(server, '/oauth/status/0', { method: 'POST' })).status, 405);
});

test('the directory names all lists', async () => {
  const { uri } = entryOf((await grant()).access_token);
  const own = entryOf((await token(server, {}, service)).access_token);
  const { json: metadata } = await send(server, '/.well-known/oauth-authorization-server');
  assert.equal(metadata.status_list_aggregation_endpoint, `${server.issuer}/oauth/status`);
  const { status, headers, json } = await send(server, '/oauth/status');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.ok(json.status_lists.includes(uri) && json.status_lists.includes(own.uri));
  for (const address of json.status_lists) await readList(server, address);
});

// Each revokes the grant of these tokens in its way.
const ENDINGS = {
  'the client revokes the refresh token': ({ refresh_token }) => revoke(server, app, refresh_token),
  'the refresh token is used twice': async ({ refresh_token }) => {
    await refresh(server, app, refresh_token);
    const { status } = await refresh(server, app, refresh_token);
    assert.equal(status, 400);
  },
  'an operator revokes the grant': (tokens) => admin(server, 'DELETE', `/admin/users/${user.id}/grants/${grantOf(tokens)}`),
  'an operator ends all grants of the user': () => admin(server, 'DELETE', `/admin/users/${user.id}/grants`),
  'an operator ends all grants of the client': () => admin(server, 'DELETE', `${clientPath(app.id)}/grants`),
  'the user revokes the grant': async (tokens) => {
    const csrf = csrfOf(await browser.open('/account'));
    await post(browser, '/account', { csrf, action: 'end_grant', grant: grantOf(tokens) });
  },
  'the user withdraws the consent': async () => {
    const csrf = csrfOf(await browser.open('/account'));
    await post(browser, '/account', { csrf, action: 'withdraw', client: app.id });
  },
  'the user may allow less': async () => {
    const { json } = await admin(server, 'GET', `/admin/users/${user.id}`);
    await admin(server, 'PUT', `/admin/users/${user.id}`, { username: json.username, scope: 'openid' });
    await admin(server, 'PUT', `/admin/users/${user.id}`, { username: json.username, scope: 'openid read write' });
  },
};

// A list is read again every few seconds: they wait for it together.
describe('revocations', { concurrency: true }, () => {
  const revoked = {};

  before(async () => {
    // One after another: some end more than their own grant.
    for (const [what, end] of Object.entries(ENDINGS)) {
      const tokens = await grant();
      assert.equal(await statusOf(server, tokens.access_token), 0, what);
      await end(tokens);
      revoked[what] = tokens.access_token;
    }
  });

  for (const what of Object.keys(ENDINGS)) {
    test(`appears in the list: ${what}`, () => untilRevoked(server, revoked[what], what));
  }

  test('appears in the list: reuse of a code after the replay window', async () => {
    const { code, proof } = await newCode(browser, user, app);
    const { json } = await redeem(server, app, code, proof);
    assert.equal((await redeem(server, app, code, proof)).status, 400);
    await untilRevoked(server, json.access_token, 'code reuse');
  });

  test('appears in the list: the session ends, and the grants that end with it', async () => {
    const person = await createUser(server);
    const own = new Browser(server);
    await own.signIn(person);
    const [online, offline] = [await newGrant(server, own, person, app, ONLINE), await newGrant(server, own, person, app, OFFLINE)];
    await admin(server, 'DELETE', `/admin/users/${person.id}/sessions`);
    await untilRevoked(server, online.access_token, 'session');
    assert.equal(await statusOf(server, offline.access_token), 0);
  });

  test('appears in the list: the user is deleted', async () => {
    const person = await createUser(server);
    const own = new Browser(server);
    await own.signIn(person);
    const tokens = await newGrant(server, own, person, app);
    assert.equal((await admin(server, 'DELETE', `/admin/users/${person.id}`)).status, 204);
    await untilRevoked(server, tokens.access_token, 'deleted');
  });

  test('appears in the list: a service client is deleted; its index is not reused', async () => {
    const client = await registerClient(server);
    const { access_token } = await token(server, {}, client);
    assert.equal((await admin(server, 'DELETE', clientPath(client.id))).status, 204);
    await untilRevoked(server, access_token, 'client');
    const next = await registerClient(server);
    assert.notDeepEqual(entryOf((await token(server, {}, next)).access_token), entryOf(access_token));
  });

  test('appears in the list: all tokens of a service client are revoked; those that it gets then are valid', async () => {
    const client = await registerClient(server);
    const { access_token } = await token(server, {}, client);
    const { status } = await admin(server, 'DELETE', `${clientPath(client.id)}/tokens`);
    assert.equal(status, 200);
    await untilRevoked(server, access_token, 'tokens of a client');
    // Other isolates may cache its record for a while; here, it is read again.
    const later = await token(server, {}, client);
    assert.notDeepEqual(entryOf(later.access_token), entryOf(access_token));
    assert.equal(await statusOf(server, later.access_token), 0);
    await admin(server, 'DELETE', clientPath(client.id));
    await untilRevoked(server, later.access_token, 'and that one too');
  });

  test('changing a client while its tokens are revoked loses neither change', async () => {
    await atOnce(5, async (round) => {
      const client = await registerClient(server);
      const { access_token } = await token(server, {}, client);
      const changes = Array.from({ length: 4 }, (_, number) =>
        admin(server, 'PUT', clientPath(client.id), { client_name: `round ${round}.${number}` }));
      const answers = await Promise.all([admin(server, 'DELETE', `${clientPath(client.id)}/tokens`), ...changes]);
      assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
      const later = await token(server, {}, client);
      assert.notDeepEqual(entryOf(later.access_token), entryOf(access_token));
      await untilRevoked(server, access_token, 'the earlier token');
      assert.equal(await statusOf(server, later.access_token), 0, 'the index in use is not marked as revoked');
    });
  });

  test('revoking a grant does not affect another one\'s index', async () => {
    const [ended, kept] = [await grant(), await grant()];
    await revoke(server, app, ended.refresh_token);
    await untilRevoked(server, ended.access_token, 'one of two');
    assert.equal(await statusOf(server, kept.access_token), 0);
  });
});

test('a code that was not redeemed marks no index', async () => {
  const before = await marks();
  const other = await registerPublicClient(server);
  await browser.open(authorizationPath(other, pkce()));
  await newCode(browser, user, other);
  await admin(server, 'DELETE', `${clientPath(other.id)}/grants`);
  const { access_token, refresh_token } = await grant();
  await revoke(server, app, refresh_token);
  await untilRevoked(server, access_token, 'something that does leave one');
  assert.equal(await marks(), before + 1);
});

async function marks() {
  const { json } = await send(server, '/oauth/status');
  const lists = await Promise.all(json.status_lists.map((uri) => readList(server, uri)));
  return lists.flatMap(({ statuses }) => statuses.statusList).filter((status) => status !== 0).length;
}
