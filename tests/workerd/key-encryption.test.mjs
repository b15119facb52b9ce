// The key-encryption key is rotated: no record is lost at any moment, and in the end no record needs the old key. The tests share
// one state.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { KEY_ENCRYPTION_KEY, newSecret } from '../../src/js/hosting/secrets.mjs';
import { admin, clientPath, registerClient } from './admin.mjs';
import {
  OFFLINE, ONLINE, assertCounts, atOnce, newCode, newGrant, registerConfidentialClient,
} from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { faults } from './logs.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { bearer, send, until } from './request.mjs';

const PREVIOUS_KEY = 'EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY';
const PATH = '/admin/key-encryption';
const [FIRST, SECOND, THIRD] = [newSecret(), newSecret(), newSecret()];
const MANY = 250;
const CROWD = 120;
let server;
let last;
let state;

after(() => kill());

test('records of the first key are readable while both keys are configured', async () => {
  server = await startWorker({ secrets: { [KEY_ENCRYPTION_KEY]: FIRST } });
  const none = await admin(server, 'GET', PATH);
  assert.deepEqual([none.status, none.json.previous, none.json.done], [200, null, false]);
  const [user, other] = [await createUser(server, { name: 'First' }), await createUser(server)];
  const [app, secretApp] = [await registerPublicClient(server), await registerConfidentialClient(server)];
  const browser = new Browser(server);
  state = {
    user, other, app, secretApp, browser, kids: await kids(), key: none.json.key,
    service: await registerClient(server, { scope: 'read' }),
    clients: await atOnce(CROWD, () => registerClient(server, { scope: 'read' })),
    people: await atOnce(CROWD, () => createUser(server, { password: undefined })),
    tokens: await newGrant(server, browser, user, app, OFFLINE),
    secretTokens: await newGrant(server, browser, user, secretApp, ONLINE),
    own: (await token(server)).access_token,
    trusted: (await admin(server, 'POST', '/admin/trusted-issuers', {
      issuer: 'https://idp.example', jwks_uri: 'https://idp.example/jwks', algorithms: ['ES256'], subject: 'user_id', clients: ['app'],
    })).json,
    resource: (await admin(server, 'POST', '/admin/resources', { identifier: 'https://api.example', name: 'API' })).json,
  };
  const form = await new Browser(server).open('/account/sign-in');
  const signingIn = new Browser(server);
  const page = await signingIn.open('/account/sign-in');
  assert.equal(form.status, 200);
  const code = await newCode(browser, user, app, OFFLINE);

  await restart(SECOND, FIRST);
  signingIn.server = server;
  const redeemed = await redeem(server, app, code.code, code.proof);
  assert.equal(redeemed.status, 200, redeemed.text);
  state.another = redeemed.json;
  await everythingWorks();
  const signedIn = await signingIn.submit(page, { username: other.username, password: other.password });
  assert.equal(signedIn.url.pathname, '/account', 'a form that was opened before');
  const { json } = await admin(server, 'GET', PATH);
  assert.deepEqual([json.previous, json.done, json.records], [state.key, false, 0]);
  assert.match(json.state, /POST \/admin\/key-encryption\/reseal/);
});

test('re-encrypts every record while users and operators go on', async () => {
  const traffic = { running: true, names: 0, scope: 'read', password: 'another password 0' };
  // A new password ends the sessions of its user: not of the user whose session and grants are watched.
  const { other: user, service } = state;
  await beginInACrowd();
  const lanes = [
    lane(traffic, async (number) => {
      const scope = `read write-${number}`;
      const { status } = await admin(server, 'PUT', clientPath(service.id), { scope });
      assert.equal(status, 200);
      traffic.scope = scope;
    }),
    lane(traffic, async (number) => {
      const [password, name] = [`another password ${number}`, `Name ${number}`];
      const username = number % 3 === 0 ? `renamed-${number}` : user.username;
      const { status, text } = await admin(server, 'PUT', `/admin/users/${user.id}`, { username, name, ...(number % 2 ? { password } : {}) });
      assert.equal(status, 200, text);
      user.username = username;
      if (number % 2) user.password = password;
      user.name = name;
    }),
    lane(traffic, async () => {
      const answer = await refresh(server, state.app, state.tokens.refresh_token);
      assert.equal(answer.status, 200, answer.text);
      state.tokens = answer.json;
      await assertCounts(server, answer.json.access_token);
    }),
  ];
  const json = await done();
  traffic.running = false;
  await Promise.all(lanes);
  assert.deepEqual(json.failed, []);
  assert.deepEqual([json.failures, json.done], [0, true]);
  assert.match(json.state, /may be removed/);
  // The keyring, the catalogue, clients, and of users list entry, profile and password; some were written by their changes.
  assert.ok(json.records >= 2 + 3 + 2 * 3 + 3 * CROWD && json.resealed >= 2 + 2 + 3, JSON.stringify(json));
  assert.ok(json.previous_handles_until >= json.started_at + 7776000);
  assert.equal((await admin(server, 'GET', clientPath(service.id))).json.scope, traffic.scope);
  for (const { path, body, member } of [...state.clients, ...state.people].map(changeOf)) {
    const { json: now } = await admin(server, 'GET', path);
    assert.equal(now[member], body[member], `${path}: no change is lost`);
  }
  assert.equal((await admin(server, 'GET', `/admin/users/${user.id}`)).json.name, user.name);
  await everythingWorks();
  assert.equal((await admin(server, 'POST', `${PATH}/reseal`)).status, 202);
  const again = await done();
  assert.deepEqual([again.resealed, again.failures, again.pass], [0, 0, 1], 'no record was left');
});

test('with the new key alone everything works, and cookies of the old key have been replaced', async () => {
  await restart(SECOND);
  await everythingWorks();
  const { json } = await admin(server, 'GET', PATH);
  assert.deepEqual([json.previous, json.done, json.state], [null, true, 'No record needs another secret.']);
  assert.deepEqual(faults(server), []);
});

test('with the old key alone health reports the fault, and no record is changed', async () => {
  await restart(FIRST);
  const health = await send(server, '/health');
  assert.deepEqual([health.status, health.json.reason], [503, 'key_encryption_key_mismatch']);
  assert.equal((await send(server, '/.well-known/jwks.json')).status, 503);
  await assert.rejects(admin(server, 'GET', PATH), { status: 503, call: 'POST /oauth/token' });
  await until(() => faults(server).length >= 3, 'faults in the log');
  assert.deepEqual([...new Set(faults(server))], ['key_encryption_key_mismatch']);
  await restart(SECOND);
  assert.deepEqual(await kids(), state.kids);
  await everythingWorks();
});

test('a crash during the rotation to a third key resumes by itself', async () => {
  for (let made = 0; made < MANY; made += 25) {
    await Promise.all(Array.from({ length: 25 }, () => createUser(server, { password: undefined })));
  }
  await restart(THIRD, SECOND);
  await admin(server, 'POST', `${PATH}/reseal`);
  const { access_token } = await token(server);
  const progress = async () => (await send(server, PATH, { headers: bearer(access_token) })).json;
  const before = await until(async () => {
    const now = await progress();
    return now.records > 40 && now;
  }, 'some records', 60);
  await kill();
  assert.ok(!before.done && before.records < 2 * MANY + 3 * CROWD, `it was killed during the work: ${JSON.stringify(before)}`);
  await restart(THIRD, SECOND);
  const first = (await admin(server, 'GET', PATH)).json;
  assert.ok(first.records >= before.records || first.pass > 1, 'the position of the pass is kept');
  const json = await done();
  assert.deepEqual([json.failures, json.pass], [0, 2]);
  assert.ok(json.records >= 1 + 3 + 2 * 3 + 3 * CROWD + 2 * MANY, JSON.stringify(json));
  await everythingWorks();
  await restart(THIRD);
  await everythingWorks();
  assert.deepEqual([...new Set(await Promise.all((await usersOf(2)).map(async ({ id }) =>
    (await admin(server, 'GET', `/admin/users/${id}`)).status)))], [200]);
  assert.deepEqual(faults(server), []);
});

test('a record that opens with neither key is reported and left alone; the others are re-encrypted', async () => {
  const odd = await registerClient(server, { client_id: 'odd one' });
  const name = `client|${server.issuer}|odd one`;
  await kill();
  const changed = change('-RegistryObject', `UPDATE record SET sealed = 'AAAA' || substr(sealed, 5) WHERE name = '${name}'`);
  assert.equal(changed, 1);
  // One of the users who have never signed in.
  const profile = change('-AccountObject', `UPDATE record SET state = replace(state, '"profile":"', '"profile":"AAAA')
    WHERE kind = 'account' AND NOT EXISTS (SELECT 1 FROM record WHERE kind = 'session')`, 1);
  assert.equal(profile, 1);
  await restart(FIRST, THIRD);
  const from = server.logs.length;
  await admin(server, 'POST', `${PATH}/reseal`);
  const json = await done();
  assert.deepEqual([json.failures, json.done], [2, true]);
  assert.match(json.state, /open with neither/);
  const [client, account] = json.failed;
  assert.deepEqual(client, { record: name, cause: 'key_encryption_key_mismatch' });
  assert.match(account.record, /^profile\|http:\/\/localhost:\d+\|[A-Za-z0-9_-]{22}$/);
  const logged = await until(() => {
    const lines = server.logs.slice(from).filter((line) => line.includes('"reseal_failed"')).map((line) => JSON.parse(line));
    return lines.length >= 2 && lines;
  }, 'both in the log');
  assert.deepEqual(logged[0], { event: 'reseal_failed', record: name, cause: 'key_encryption_key_mismatch' });
  assert.equal((await admin(server, 'GET', clientPath(odd.id))).status, 503);
  await everythingWorks();
  await kill();
  const sql = `UPDATE record SET sealed = sealed WHERE name = '${name}' AND sealed LIKE 'AAAA%'`;
  assert.equal(change('-RegistryObject', sql), 1, 'as it was');
  await restart(FIRST);
  await everythingWorks();
});

// Restarts the Worker with these keys, on the same state.
async function restart(key, previous) {
  await kill();
  const secrets = { ...last.settings.secrets, [KEY_ENCRYPTION_KEY]: key, [PREVIOUS_KEY]: previous };
  server = await startWorker({ ...last.settings, secrets });
  state.browser.server = server;
}

// Kills workerd, if it is running.
async function kill() {
  const running = server;
  server = undefined;
  if (running === undefined) return;
  last = running;
  await running.kill();
}

// All credentials of a user, a client and an operator; one that is redeemed is replaced by its successor.
async function everythingWorks() {
  const { user, other, app, secretApp, browser, service, trusted, resource } = state;
  assert.deepEqual(await kids(), state.kids);
  assert.equal((await send(server, '/health')).status, 200);
  for (const name of ['tokens', 'another', 'secretTokens']) {
    await assertCounts(server, state[name].access_token, name);
    const answer = await refresh(server, name === 'secretTokens' ? secretApp : app, state[name].refresh_token);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    state[name] = answer.json;
  }
  assert.equal((await send(server, '/admin/keys', { headers: bearer(state.own) })).status, 200);
  assert.equal((await token(server, {}, service)).token_type, 'Bearer');
  assert.deepEqual((await admin(server, 'GET', '/admin/trusted-issuers')).json, { trusted_issuers: [trusted] });
  assert.deepEqual((await admin(server, 'GET', '/admin/resources')).json, { resources: [resource] });
  assert.equal((await browser.open('/account')).url.pathname, '/account', 'the session');
  const { location } = await browser.open(authorizationPath(app, pkce(), { ...OFFLINE, prompt: 'none' }));
  assert.ok(new URL(location).searchParams.has('code'), location);
  for (const person of [user, other]) {
    const page = await new Browser(server).signIn(person);
    assert.equal(page.url.pathname, '/account', `${person.username}: ${page.html.slice(0, 300)}`);
    assert.equal((await admin(server, 'GET', `/admin/users/${person.id}`)).json.username, person.username);
  }
}

// Starts the re-encryption and changes clients and users meanwhile, each once: some after it has read them and before it writes
// them back. Few at a time, or all changes would be done before the re-encryption gets its turn.
async function beginInACrowd() {
  const headers = { ...bearer((await token(server)).access_token), 'content-type': 'application/json' };
  const begun = await send(server, `${PATH}/reseal`, { method: 'POST', headers });
  assert.equal(begun.status, 202);
  await changeAll(state.clients, headers);
  await until(async () => {
    const { json } = await send(server, PATH, { headers });
    return json.done || json.pass > 1 || json.records >= CROWD;
  }, 'the work at the users', 60);
  await changeAll(state.people, headers);
}

async function changeAll(members, headers) {
  const left = [...members];
  await atOnce(6, async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const { path, body } = changeOf(next);
      const { status, text } = await send(server, path, { method: 'PUT', headers, body: JSON.stringify(body) });
      assert.equal(status, 200, text);
    }
  });
}

function changeOf({ id, username }) {
  if (username === undefined) return { path: clientPath(id), body: { scope: 'changed' }, member: 'scope' };
  return { path: `/admin/users/${id}`, body: { username, name: 'Changed' }, member: 'name' };
}

// One request after another until the work is done; at least a few.
async function lane(traffic, work) {
  for (let number = 1; traffic.running || number < 4; number += 1) await work(number);
}

function done() {
  return until(async () => {
    const { json } = await admin(server, 'GET', PATH);
    return json.done && json;
  }, 'the end of the work', 180);
}

async function kids() {
  return (await admin(server, 'GET', '/admin/keys')).json.keys.map(({ kid }) => kid);
}

async function usersOf(pages) {
  const all = [];
  for (let cursor, page = 0; page < pages; page += 1) {
    const { json } = await admin(server, 'GET', `/admin/users${cursor ? `?${new URLSearchParams({ cursor })}` : ''}`);
    all.push(...json.users);
    ({ cursor } = json);
  }
  return all;
}

// Changes stored values of objects of a class, at most this many; returns the number of rows.
function change(suffix, sql, most = Infinity) {
  const folder = join(last.persist, 'do', suffix);
  let changed = 0;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.sqlite') && !name.startsWith('metadata'))) {
    if (changed >= most) break;
    const database = new DatabaseSync(join(folder, file));
    try {
      const there = database.prepare("SELECT count(*) AS count FROM sqlite_master WHERE name = 'record'").get();
      if (there.count > 0) changed += Number(database.prepare(sql).run().changes);
    } finally {
      database.close();
    }
  }
  return changed;
}
