// The store of events: expiry, requests that do not depend on it, and no secrets.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { askForEvents, left, loggedEvents, storedEvents } from './events.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { OFFLINE, introspect, newCode, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, authorizationPath, createUser, csrfOf, pkce, post, redeem, refresh, registerPublicClient, tokenRequest } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const DAY = 24 * 3600;

test('an hour is checked once a day, kept while it is young, and deleted once it is old', async (t) => {
  const vars = { EVENT_RETENTION_DAYS: '2' };
  let server = await startWorker({ vars });
  t.after(() => server.stop());
  const restart = async (change) => {
    await server.kill();
    const held = hours(server);
    for (const hour of held) change(hour);
    server = await startWorker(server.settings);
    return held.length;
  };
  await left(server, 1, () => registerClient(server));
  const wait = () => until(() => hours(server).every(({ alarm }) => alarm > Date.now() / 1000), 'the next alarm', 60);

  for (const hour of hours(server)) {
    assert.ok(Math.abs(hour.alarm - Date.now() / 1000 - DAY) < 120, `the first check at ${hour.alarm}`);
  }
  const count = await restart((hour) => ring(server, hour));
  await wait();
  assert.equal(hours(server).filter(({ batches }) => batches > 0).length, count, 'all are still stored');
  assert.equal((await storedEvents(server, { event: 'client_registered' })).length, 1);

  // As if they were two days and one minute old.
  await restart((hour) => {
    age(server, hour, 2 * DAY + 60);
    ring(server, hour);
  });
  await until(() => hours(server).filter(({ batches }) => batches > 0).length === 0, 'the old hours are empty', 60);
  assert.deepEqual(await storedEvents(server, { event: 'client_registered' }), []);
});

test('an hour with very many batches is read to its end, in bounded steps', async (t) => {
  let server = await startWorker();
  t.after(() => server.stop());
  await left(server, 1, () => registerClient(server));
  const [{ time }] = await storedEvents(server);
  await server.kill();
  // More than one query reads these, each batch as an isolate would have written it; the rare event is the oldest.
  const event = (number) => ({
    event: number === 0 ? 'key_imported' : 'sign_out', severity: 'info', time, endpoint: '/account', kid: `k${number % 20}`, count: number,
  });
  const rows = Array.from({ length: 2_500 }, (_, number) =>
    `('${1_000_000_000 + number}.made.000', '[${JSON.stringify(event(number))}]')`);
  const [hour] = hours(server).filter(({ batches }) => batches > 0);
  write(server, hour.id, `INSERT INTO batch (key, events) VALUES ${rows.join()}`);
  server = await startWorker({ ...server.settings, vars: { COST_LOG: 'true' } });
  assert.deepEqual((await storedEvents(server, { event: 'key_imported' })).map(({ count }) => count), [0]);
  for (const limit of [1000, 300]) {
    const found = await storedEvents(server, { event: 'sign_out', limit });
    assert.deepEqual(found.map(({ count }) => count), Array.from({ length: 2_499 }, (_, number) => number + 1));
  }
  // Each step is so small that it ends before the page does, and a batch that a step leaves out is missed by one of the queries.
  for (let rest = 0; rest < 20; rest += 1) {
    const found = await storedEvents(server, { kid: `k${rest}` });
    assert.deepEqual(found.map(({ count }) => count), Array.from({ length: 125 }, (_, number) => number * 20 + rest));
  }
  const reads = server.logs.filter((line) => line.includes('"object":"events"')).map((line) => JSON.parse(line).rows_read);
  assert.ok(reads.length > 0 && Math.max(...reads) <= 2_100, `at most ${Math.max(...reads)} rows a call`);
});

test('with a retention of 0, events are logged only, and a query says so', async (t) => {
  const server = await startWorker({ vars: { EVENT_RETENTION_DAYS: '0', COST_LOG: 'true' } });
  t.after(() => server.stop());
  await registerClient(server);
  await until(() => loggedEvents(server).some(({ event }) => event === 'client_registered'), 'the event in the log');
  const { status, json } = await askForEvents(server);
  assert.deepEqual([status, json.error], [404, 'not_found']);
  assert.match(json.error_description, /EVENT_RETENTION_DAYS is 0/);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.ok(!server.logs.some((line) => line.includes('"background":"events"')));
  assert.deepEqual(hours(server), []);
});

test('without its store everything else works, and lost events are reported', async (t) => {
  const server = await startWorker({ without: ['EDGEMINT_EVENTS'] });
  t.after(() => server.stop());
  const client = await registerClient(server, { scope: 'read' });
  for (let count = 0; count < 20; count += 1) {
    const { access_token } = await token(server, {}, client);
    assert.equal((await introspect(server, access_token)).json.active, true);
  }
  assert.equal((await send(server, '/health')).status, 200);
  const sum = (lines) => lines.reduce((total, { count }) => total + count, 0);
  await until(() => {
    const [dropped, noted] = split(loggedEvents(server), ({ event }) => event === 'events_dropped');
    return noted.length > 20 && sum(dropped) === noted.length;
  }, 'all are told as dropped', 60);
  assert.equal(server.logs.filter((line) => line.includes('"object_unavailable"')).length, 1, 'reported once');
  const { status, json } = await admin(server, 'GET', '/admin/events');
  assert.deepEqual([status, json.error], [503, 'temporarily_unavailable']);
});

test('no event holds a secret, a name or an address', async (t) => {
  const server = await startWorker({ vars: { SELF_REGISTRATION: 'true', REFRESH_REPLAY_WINDOW: '1' } });
  t.after(() => server.stop());
  const address = '192.0.2.77';
  const secrets = { address, 'root secret': server.rootSecret, typed: 'typed into the wrong field' };
  const person = { username: 'secretive.person', password: 'an unusual password', name: 'Secretive Name', email: 'secretive@person.example' };
  const user = await createUser(server, person);
  Object.assign(secrets, person);
  const app = await registerPublicClient(server);
  const backend = await registerConfidentialClient(server);
  const key = await newClientKey('ES256');
  const keyed = await registerClient(server, keyMetadata(key));
  secrets['client secret'] = backend.secret;

  const browser = new Browser(server, { 'cf-connecting-ip': address, 'user-agent': 'Secretive/1.0 agent' });
  secrets.agent = 'Secretive/1.0 agent';
  const page = await browser.open('/account/sign-in');
  secrets.csrf = csrfOf(page);
  await browser.submit(page, { username: person.username, password: secrets.typed });
  await browser.submit(page, { username: secrets.typed, password: person.password });
  for (const client of [app, backend]) {
    const { code, proof } = await newCode(browser, person, client, { ...OFFLINE, state: 'a-secretive-state', nonce: 'a-secretive-nonce' });
    const tokens = (await redeem(server, client, code, proof)).json;
    const again = (await refresh(server, client, tokens.refresh_token)).json;
    await refresh(server, client, again.refresh_token);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await refresh(server, client, tokens.refresh_token);
    await redeem(server, client, code, proof);
    await revoke(server, client, again.access_token);
    await revoke(server, client, again.refresh_token);
    await redeem(server, client, `${code}x`, { verifier: pkce().verifier });
    Object.assign(secrets, Object.fromEntries(Object.entries({ code, verifier: proof.verifier, challenge: proof.challenge,
      access: tokens.access_token, refresh: tokens.refresh_token, id: tokens.id_token, next: again.refresh_token })
      .map(([name, value]) => [`${name} of ${client.id}`, value])));
  }
  const assertion = await signAssertion(key, assertionClaims(server, keyed.id));
  for (let times = 0; times < 2; times += 1) await postForm(server, '/oauth/token', { grant_type: 'client_credentials', ...assertionForm(assertion) });
  Object.assign(secrets, { assertion, state: 'a-secretive-state', nonce: 'a-secretive-nonce', redirect: 'app.example' });
  await tokenRequest(server, { id: secrets.typed, secret: secrets.typed }, { grant_type: 'client_credentials' });
  await postForm(server, '/oauth/introspect', { token: secrets.typed }, basic(backend));
  await send(server, `/api/whoami?access_token=${encodeURIComponent(secrets.typed)}`, { headers: bearer(secrets.typed) });
  await send(server, `/admin/users/${encodeURIComponent(secrets.typed)}`, { headers: bearer(secrets.typed) });
  await browser.open(authorizationPath({ id: secrets.typed }, pkce()));
  await browser.open(authorizationPath(app, pkce(), { redirect_uri: 'https://app.example/other' }));
  await post(browser, '/account', { csrf: 'x', action: 'sign_out' });
  await admin(server, 'PUT', `/admin/users/${user.id}`, { ...person, password: 'another unusual password' });
  secrets.cookies = [...browser.cookies.values()];
  await browser.open(`/account`);
  await admin(server, 'DELETE', `/admin/users/${user.id}`);

  await until(async () => (await storedEvents(server, { event: 'user_removed' })).length === 1, 'the last event', 60);
  const stored = await storedEvents(server);
  const words = new Set(stored.map(({ event }) => event));
  for (const word of ['refresh_reused', 'code_reused', 'token_revoked', 'sign_in_failed', 'client_authentication_failed', 'refused', 'admin_refused']) {
    assert.ok(words.has(word), `${word} among ${[...words]}`);
  }
  const texts = { 'the events': JSON.stringify(stored), 'the log': server.logs.join('\n') };
  for (const [name, text] of Object.entries(texts)) {
    for (const [what, value] of Object.entries(secrets)) {
      for (const part of [value].flat()) assert.ok(!text.includes(part), `${what} is in ${name}`);
    }
    // Nor does any contain a whole handle or signed token, or its MAC.
    assert.doesNotMatch(text, /em[crs]_[A-Za-z0-9_-]{10}/, name);
    assert.doesNotMatch(text, /eyJ[A-Za-z0-9_-]+\./, name);
  }
  for (const [what, value] of Object.entries(secrets).filter(([what]) => /^(code|refresh|next) of/.test(what))) {
    const mac = value.split('.').at(-1);
    for (const [name, text] of Object.entries(texts)) assert.ok(!text.includes(mac), `the MAC of ${what} is in ${name}`);
  }
  const members = new Set(stored.flatMap((event) => Object.keys(event)));
  assert.deepEqual([...members].filter((member) => !MEMBERS.includes(member)), []);
});

const MEMBERS = ['by', 'by_user', 'client', 'count', 'endpoint', 'event', 'grant', 'jti', 'kid', 'reason', 'revocation', 'severity', 'time', 'user'];

// The hours on disk: how many batches each holds, and its alarm time. workerd keeps the alarm twice, in nanoseconds: with the
// object, and with those of all objects of the class.
function hours(server) {
  const folder = join(server.persist, 'do', '-EventsObject');
  let names;
  try {
    names = readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name));
  } catch {
    return [];
  }
  return names.map((name) => {
    const id = name.replace('.sqlite', '');
    const has = read(join(folder, name), `SELECT count(*) AS n FROM sqlite_master WHERE name = 'batch'`).n > 0;
    const batches = has ? read(join(folder, name), 'SELECT count(*) AS n FROM batch').n : 0;
    const query = `SELECT scheduled_time / 1000000000 AS alarm FROM _cf_ALARM WHERE actor_id = '${id}'`;
    return { id, batches, alarm: read(join(folder, 'metadata.sqlite'), query)?.alarm };
  }).filter(({ batches, alarm }) => batches > 0 || alarm !== undefined);
}

// Sets the alarm of an hour to fire as soon as workerd starts.
function ring(server, { id }) {
  const time = `${Math.floor(Date.now() / 1000) - 10}000000000`;
  write(server, 'metadata', `UPDATE _cf_ALARM SET scheduled_time = ${time} WHERE actor_id = '${id}'`);
  write(server, id, `UPDATE _cf_METADATA SET value = ${time} WHERE typeof(value) = 'integer' AND value > 1000000000000000000`);
}

// Makes an hour older by this many seconds: the key of a batch starts with its time.
function age(server, { id }, seconds) {
  write(server, id, `UPDATE batch SET key = (substr(key, 1, 10) - ${seconds}) || substr(key, 11)`);
}

function read(file, query) {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    return database.prepare(query).get();
  } finally {
    database.close();
  }
}

function write(server, name, statement) {
  const database = new DatabaseSync(join(server.persist, 'do', '-EventsObject', `${name}.sqlite`));
  try {
    database.exec(statement);
  } finally {
    database.close();
  }
}

function split(all, which) {
  return [all.filter(which), all.filter((one) => !which(one))];
}
