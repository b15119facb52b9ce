// Revoking many grants in one call: exactly the matching ones, however many, also during crashes and concurrent calls.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { OFFLINE, assertCounts, assertEnded, atOnce, grantOf, introspect, newGrant } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser, refresh, registerPublicClient } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const PATH = '/admin/revocations';
const API = 'https://api.example/v1';
// Four grants each: a user costs two runs of Argon2, a grant none.
const MANY = 110;
const EACH = 4;
let server = await startWorker();
const [one, two] = [await registerPublicClient(server, { resources: [API] }), await registerPublicClient(server)];
const crowd = [one, two, await registerPublicClient(server), await registerPublicClient(server)];
const people = [];

after(() => server?.kill());

test('refuses a body without a filter, and an invalid one', async () => {
  for (const [body, member] of [
    [{}, 'Describe'],
    [{ users: 'x' }, 'Only'],
    [{ client: one.id, after: 1 }, 'Only'],
    [{ user: 'x' }, 'user'],
    [{ user: null }, 'user'],
    [{ client: '' }, 'client'],
    [{ resource: 'api' }, 'resource'],
    [{ before: '1' }, 'before'],
    [{ before: Math.floor(Date.now() / 1000) + 3600 }, 'before'],
  ]) {
    const { status, json } = await revoke(body);
    assert.deepEqual([status, json.error], [400, 'invalid_request'], JSON.stringify(body));
    assert.ok(json.error_description.startsWith(`${member} `), json.error_description);
  }
  assert.deepEqual((await revoke({ user: 'A'.repeat(22) })).status, 404);
  for (const id of ['A'.repeat(22), 'reseal', 'x']) {
    const { status, json } = await admin(server, 'GET', `${PATH}/${id}`);
    assert.deepEqual([status, json.error], [404, 'not_found'], id);
  }
  assert.equal((await send(server, PATH, { method: 'POST' })).status, 401);
  assert.equal((await send(server, PATH)).status, 405);
});

test('revokes by user, by client, by resource, and by combinations, which must all match', async () => {
  const [first, second] = [await newSeat(), await newSeat()];
  const grants = {
    first_one: await newGrant(server, first.browser, first.user, one, { ...OFFLINE, resource: API }),
    first_two: await newGrant(server, first.browser, first.user, two),
    second_one: await newGrant(server, second.browser, second.user, one),
  };
  const living = async () => {
    const all = await Promise.all(Object.entries(grants).map(async ([name, { access_token }]) =>
      [name, (await introspect(server, access_token)).json.active]));
    return all.filter(([, active]) => active).map(([name]) => name);
  };
  const ends = async (body, ended, left) => {
    const { status, json } = await revoke(body);
    assert.deepEqual([status, json.ended, json.done], [200, ended, true], JSON.stringify(body));
    assert.deepEqual((await admin(server, 'GET', `${PATH}/${json.id}`)).json, json);
    assert.deepEqual(await living(), left, JSON.stringify(body));
    return json;
  };
  const all = Object.keys(grants);
  await ends({ user: second.user.id, client: two.id }, 0, all);
  await ends({ user: second.user.id, resource: API }, 0, all);
  await ends({ client: two.id, resource: API }, 0, all);
  await ends({ user: first.user.id, before: 1000 }, 0, all);
  await ends({ before: 1000 }, 0, all);
  await ends({ resource: 'https://unknown.example' }, 0, all);
  await ends({ client: 'unknown' }, 0, all);
  const { accounts, ...rest } = await ends({ resource: API }, 1, ['first_two', 'second_one']);
  assert.deepEqual([rest.resource, rest.unanswered, accounts], [API, 0, 3], 'each account of each client was visited');
  await ends({ user: first.user.id }, 1, ['second_one']);
  await ends({ client: one.id }, 1, []);
  await ends({ client: one.id }, 0, []);
  assert.equal((await refresh(server, one, grants.second_one.refresh_token)).status, 400);
  assert.equal((await first.browser.open('/account')).url.pathname, '/account', 'a session is no grant');
});

test('`before` keeps grants that were created later', async () => {
  const { browser, user } = await newSeat();
  const old = await newGrant(server, browser, user, two);
  const moment = await nextSecond();
  const young = await newGrant(server, browser, user, two);
  const { json } = await revoke({ before: moment });
  assert.deepEqual([json.ended, json.done, json.before], [1, true, moment]);
  await assertEnded(server, old.access_token);
  await assertCounts(server, young.access_token);
  assert.equal((await revoke({ client: two.id })).json.ended, 1);
});

test('revokes clients\' own tokens', async () => {
  const service = await registerClient(server, { scope: 'read', resources: [API] });
  const other = await registerClient(server, { scope: 'read' });
  const asker = await registerClient(server);
  const active = async ({ access_token }) =>
    (await postForm(server, '/oauth/introspect', { token: access_token }, basic(asker))).json.active;
  for (const end of [
    () => admin(server, 'DELETE', `${clientPath(service.id)}/tokens`),
    () => revoke({ client: service.id }),
    () => revoke({ client: service.id, resource: API }),
    () => revoke({ resource: API }),
  ]) {
    const [own, others] = [await token(server, {}, service), await token(server, {}, other)];
    assert.deepEqual([await active(own), await active(others)], [true, true]);
    assert.equal((await end()).status, 200);
    assert.deepEqual([await active(own), await active(others)], [false, true], `${end}`);
    await nextSecond();
    assert.equal(await active(await token(server, {}, service)), true, 'a new token is active');
  }
  const { browser, user } = await newSeat();
  const granted = await newGrant(server, browser, user, one);
  const own = await token(server, {}, service);
  assert.equal((await revoke({ user: user.id, client: service.id })).status, 200);
  assert.equal(await active(own), true, 'a token of the client\'s own has no user');
  assert.equal((await admin(server, 'DELETE', `${clientPath(one.id)}/tokens`)).status, 200);
  await assertCounts(server, granted.access_token, 'a grant is another thing');

  const root = await token(server);
  const moment = await nextSecond();
  const later = await token(server, {}, service);
  assert.equal((await revoke({ before: moment })).status, 200);
  assert.deepEqual([await active(own), await active(later)], [false, true]);
  assert.equal((await send(server, '/admin/keys', { headers: bearer(root.access_token) })).status, 401, 'root\'s too');
  for (const id of ['unknown', 'x'.repeat(201)]) {
    assert.equal((await admin(server, 'DELETE', `${clientPath(id)}/tokens`)).status, 404);
  }
  assert.equal((await admin(server, 'DELETE', `${clientPath('root')}/tokens`)).status, 200);
  await nextSecond();
  assert.equal((await admin(server, 'GET', '/admin/keys')).status, 200);
});

test(`${EACH * MANY} grants of ${MANY} accounts: more than one call revokes`, async (t) => {
  for (let made = 0; made < MANY; made += 10) people.push(...await atOnce(10, newSeat));
  const all = await regrant();
  const moment = await nextSecond();
  const begun = Date.now();
  const { status, headers, json } = await revoke({ before: moment });
  assert.deepEqual([status, json.done], [202, false], JSON.stringify(json));
  assert.equal(headers.location, `${server.issuer}${PATH}/${json.id}`);
  assert.ok(json.ended > 0 && json.ended < all.length);
  const end = await finished(json.id);
  t.diagnostic(`${end.accounts} accounts in ${Date.now() - begun} ms`);
  assert.equal(end.ended, all.length);
  await allEnded(all);
});

test('several concurrent calls revoke each grant once', async () => {
  const all = await regrant();
  const moment = await nextSecond();
  const answers = await Promise.all([
    revoke({ before: moment }), revoke({ client: one.id }), revoke({ client: two.id }), revoke({ before: moment }),
  ]);
  const ends = [];
  for (const { json } of answers) ends.push(await finished(json.id));
  assert.equal(ends.reduce((sum, { ended }) => sum + ended, 0), all.length, JSON.stringify(ends));
  await allEnded(all);
});

for (const [when, wait] of [
  ['before any response', async () => {}],
  ['while the work continues after the response', (answer) => answer],
]) {
  test(`workerd is killed ${when}: the rest is revoked, and the count is exact`, async () => {
    const all = await regrant();
    const moment = await nextSecond();
    const { access_token } = await token(server);
    const from = server.logs.length;
    const answer = send(server, PATH, {
      method: 'POST', headers: { ...bearer(access_token), 'content-type': 'application/json' }, body: JSON.stringify({ before: moment }),
    }).catch(() => undefined);
    const id = await until(() => {
      const line = server.logs.slice(from).find((text) => text.includes('"bulk_revocation_started"'));
      return line && JSON.parse(line).revocation;
    }, 'the beginning in the log');
    await wait(answer);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await server.kill();
    assert.ok(!server.logs.slice(from).some((line) => line.includes('"bulk_revoked"')), 'it was killed during the work');
    server = await startWorker(server.settings);
    for (const { browser } of people) browser.server = server;
    const end = await finished(id);
    assert.deepEqual([end.ended, end.unanswered], [all.length, 0]);
    await allEnded(all);
  });
}

async function newSeat() {
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  return { user, browser };
}

// A grant for each user and client.
async function regrant() {
  const all = [];
  for (let at = 0; at < people.length; at += 20) {
    all.push(...await Promise.all(people.slice(at, at + 20).flatMap(({ browser, user }) =>
      crowd.map((client) => newGrant(server, browser, user, client)))));
  }
  assert.equal(new Set(all.map(grantOf)).size, EACH * MANY);
  return all;
}

// No user has a grant left, and no client can refresh.
async function allEnded(all) {
  for (const tokens of [all[0], all.at(-1), all[Math.floor(all.length / 2)]]) await assertEnded(server, tokens.access_token);
  const { access_token } = await token(server);
  for (const { user } of people) {
    const { json } = await send(server, `/admin/users/${user.id}/grants`, { headers: bearer(access_token) });
    assert.deepEqual(json.grants, []);
  }
}

function revoke(body) {
  return admin(server, 'POST', PATH, body);
}

function finished(id) {
  return until(async () => {
    const { json } = await admin(server, 'GET', `${PATH}/${id}`);
    return json.done && json;
  }, 'the end of the revocation', 60);
}

// Waits for the next second, and returns it: times in grants and tokens are whole seconds.
async function nextSecond() {
  const next = Math.floor(Date.now() / 1000) + 1;
  await until(() => Date.now() >= next * 1000 + 5, 'the next second');
  return next;
}
