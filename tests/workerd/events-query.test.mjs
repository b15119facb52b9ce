// Queries for events: every filter and every page is exact, and invalid parameters are refused, with many events and with few.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { askForEvents, loggedEvents, sorted, storedEvents, storedPages } from './events.mjs';
import { OFFLINE, atOnce, grantOf, newGrant } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser, refresh, registerPublicClient, tokenRequest } from './people.mjs';
import { bearer, send, until } from './request.mjs';

// One that has to be escaped in JSON, and one whose name starts with another's.
const AWKWARD = 'say "hi" \\ {there}';
const MANY = 2_000;
let server;
let user;
let app;
let awkward;
let service;
let tokens;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true' } });
  [user, app, service, awkward] = [
    await createUser(server), await registerPublicClient(server), await registerClient(server, { scope: 'read' }),
    await registerClient(server, { client_id: AWKWARD, client_secret: 'a-secret-of-a-test' }),
  ];
  const browser = new Browser(server);
  tokens = await newGrant(server, browser, user, app, OFFLINE);
  await refresh(server, app, tokens.refresh_token);
  await token(server, {}, service);
  await tokenRequest(server, { id: service.id, secret: 'wrong' }, { grant_type: 'client_credentials' });
  await tokenRequest(server, undefinedSecret(awkward), { grant_type: 'client_credentials', client_secret: 'wrong' });
  await settled();
});

after(() => server?.stop());

// Its name is encoded differently in HTTP Basic by different clients.
const undefinedSecret = ({ id }) => ({ id });

test('each filter returns exactly the matching events', async () => {
  const all = await settled();
  const [kid] = all.map((event) => event.kid).filter(Boolean);
  const { jti } = all.find(({ event, client }) => event === 'token_issued' && client === app.id);
  const questions = [
    {}, { event: 'token_issued' }, { event: 'client_authentication_failed' }, { event: 'sign_in' },
    { event: 'refresh_reused' }, { severity: 'notice' }, { severity: 'info' }, { severity: 'alert' },
    { client: app.id }, { client: AWKWARD }, { client: 'root' }, { user: user.id }, { grant: grantOf(tokens) },
    { kid }, { jti }, { event: 'token_issued', client: app.id }, { event: 'token_issued', user: user.id, severity: 'info' },
    { client: service.id, severity: 'notice' }, { client: service.id, user: user.id },
  ];
  for (const question of questions) {
    for (const limit of [1, 2, 1000]) {
      const expected = all.filter((event) => Object.entries(question).every(([name, value]) => event[name] === value));
      const { events, pages } = await storedPages(server, { ...question, limit });
      assert.deepEqual(events, expected, JSON.stringify({ ...question, limit }));
      assert.ok(pages.every((size) => size <= limit));
    }
  }
  assert.ok(all.some(({ client }) => client === AWKWARD));
});

test('since is inclusive, until is exclusive, and the range may be empty', async () => {
  const all = await settled();
  const times = [...new Set(all.map(({ time }) => time))];
  for (const since of times) {
    for (const until of [...times, times.at(-1) + 1].filter((time) => time >= since)) {
      const expected = all.filter(({ time }) => since <= time && time < until);
      assert.deepEqual(await storedEvents(server, { since, until, limit: 3 }), expected, `${since} ${until}`);
    }
  }
  assert.deepEqual((await askForEvents(server, { since: 1, until: 2 })).json, { events: [] });
});

test('without since, pages of one day go back to the retention limit and omit nothing', async () => {
  const expected = await settled();
  const from = server.logs.length;
  let [page, pages, events] = [{}, 0, []];
  while (page) {
    const { json } = await askForEvents(server, page);
    events = [...json.events, ...events];
    pages += 1;
    page = json.cursor === undefined ? undefined : { cursor: json.cursor };
  }
  assert.deepEqual(events.map(sorted).sort(), expected.map(sorted).sort());
  assert.ok(pages >= 30 && pages <= 32, `${pages} pages for 30 days`);
  const lines = () => server.logs.slice(from).filter((line) => line.includes('"object":"events"')).map((line) => JSON.parse(line));
  await until(() => lines().length >= 30 * 24, 'what it cost in the log');
  assert.ok(lines().every(({ rows_written }) => rows_written === 0));
});

test('an invalid query is refused, and the error names the parameter', async () => {
  for (const [query, sentence] of [
    ['username=ada', /This list takes since, until, event,/], ['since=yesterday', /since/], ['since=-1', /since/],
    ['until=1.5', /until/], ['since=2&until=1', /since must not be later/], ['limit=0', /limit/], ['limit=1001', /limit/],
    ['limit=', /limit/], ['event=something', /event must be a word/], ['severity=high', /severity/], ['user=x', /user/],
    ['grant=x', /grant/], ['client=%00', /client/], ['kid=%20', /kid/], ['jti=%0A', /jti/], ['cursor=x', /cursor/],
    ['cursor=1~a~b', /cursor/], ['cursor=99999999', /cursor/], ['event=sign_in&event=sign_in', /repeated/],
    ['event=%', /encoding is malformed/],
  ]) {
    const { access_token } = await token(server);
    const { status, json } = await send(server, `/admin/events?${query}`, { headers: bearer(access_token) });
    assert.deepEqual([status, json.error], [400, 'invalid_request'], query);
    assert.match(json.error_description, sentence, query);
  }
  const { access_token } = await token(server, {}, service);
  assert.equal((await send(server, '/admin/events', { headers: bearer(access_token) })).status, 403);
  assert.equal((await send(server, '/admin/events')).status, 401);
  assert.equal((await send(server, '/admin/events', { method: 'DELETE' })).status, 405);
});

test(`${MANY} concurrent events are stored once each, in few calls, and read page by page`, async (t) => {
  const storm = await registerClient(server, { scope: 'read' });
  const from = server.logs.length;
  const began = Date.now();
  const identifiers = [];
  await atOnce(20, async () => {
    for (let count = 0; count < MANY / 20; count += 1) {
      const { access_token } = await token(server, {}, storm);
      identifiers.push(JSON.parse(atob(access_token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).jti);
    }
  });
  const seconds = (Date.now() - began) / 1_000;
  const issued = { event: 'token_issued', client: storm.id, limit: 1000 };
  const stored = await until(async () => {
    const found = await storedEvents(server, issued);
    return found.length >= MANY && found;
  }, 'all events in the store', 60);
  assert.deepEqual(stored.map(({ jti }) => jti).sort(), identifiers.sort());
  assert.equal(loggedEvents(server, from).filter(({ event }) => event === 'events_dropped').length, 0);
  const small = await storedPages(server, { ...issued, limit: 7 });
  assert.deepEqual(small.events, stored);
  assert.deepEqual(small.pages.slice(0, 285), Array(285).fill(7));

  const calls = server.logs.slice(from).filter((line) => line.includes('"background":"events"')).map((line) => JSON.parse(line));
  t.diagnostic(`${MANY} events in ${seconds} s, ${calls.length} calls`);
  // Another isolate, and a new hour in between, would have a call of their own.
  assert.ok(calls.length <= seconds + 4, `${calls.length} calls in ${seconds} s`);
});

// All events so far, once the log and the store agree; the events of the query itself are left out.
async function settled() {
  await askForEvents(server);
  return until(async () => {
    const stored = await storedEvents(server);
    const logged = loggedEvents(server).map(sorted).sort();
    return logged.length > 0 && JSON.stringify(logged) === JSON.stringify(stored.map(sorted).sort()) && stored;
  }, 'the log and the store agree', 60);
}
