// The removal of a registered resource, beyond what the tests of resources show: which tokens stay active, what status lists and consents say,
// changes of clients at the same time, and a Worker that dies meanwhile.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { storedEvents } from './events.mjs';
import { atOnce, introspect, registerConfidentialClient, standing } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh } from './people.mjs';
import { bearer, send, until } from './request.mjs';
import { statusOf, untilRevoked } from './status-lists.mjs';

const KEPT = 'https://kept.example';
const SCOPE = 'openid read offline_access';
const PLAIN = { scope: 'read offline_access' };

let server;
let user;
let browser;
let names = 0;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

/** Registers a resource whose tokens may name other audiences too. */
async function register() {
  names += 1;
  const resource = { identifier: `https://gone-${names}.example`, name: 'Gone', other_audiences: true, scopes: [{ value: 'read', description: { en: 'Read' } }] };
  const { status, text, json } = await admin(server, 'POST', '/admin/resources', resource);
  assert.equal(status, 201, text);
  return json;
}

/** The path of a request for a code for these resources. */
function requestFor(client, resources, proof, parameters = {}) {
  const url = new URL(authorizationPath(client, proof, { scope: SCOPE, ...parameters }), server.url);
  for (const resource of resources) url.searchParams.append('resource', resource);
  return `${url.pathname}${url.search}`;
}

/** The tokens of a new grant for these resources. Without `openid` it is not for the issuer. */
async function grantFor(client, resources, { by = browser, ...parameters } = {}) {
  const proof = pkce();
  let page = await by.open(requestFor(client, resources, proof, parameters));
  if (page.location === null) page = await by.submit(page, { decision: 'allow' });
  const { status, text, json } = await redeem(server, client, new URL(page.location).searchParams.get('code'), proof);
  assert.equal(status, 200, text);
  return json;
}

/** The response to a request without a page: `code`, or the error. */
async function silently(client, resources) {
  const { location } = await browser.open(requestFor(client, resources, pkce(), { prompt: 'none' }));
  const { searchParams } = new URL(location);
  return searchParams.get('error') ?? (searchParams.has('code') ? 'code' : location);
}

const remove = ({ id }) => admin(server, 'DELETE', `/admin/resources/${id}`);
const isActive = async (token) => (await introspect(server, token)).json.active;

function finished(id) {
  return until(async () => {
    const { json } = await admin(server, 'GET', `/admin/revocations/${id}`);
    return json.done && json;
  }, 'the first pass', 60);
}

/** Restarts the Worker, for whose objects two minutes have passed: the second pass is due. `each` may change their storage. */
async function restartLater(each = () => {}) {
  await server.kill();
  const folder = join(server.persist, 'do');
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'))) {
    const database = new DatabaseSync(join(folder, file));
    try {
      // A registry has a table of this name too, with other columns.
      if (database.prepare("SELECT count(*) AS count FROM pragma_table_info('record') WHERE name = 'state'").get().count === 0) continue;
      database.exec(`UPDATE record SET state = json_set(state, '$.not_before', 0) WHERE kind = 'job' AND json_type(state, '$.finished_at') = 'null'`);
      each(database);
    } finally {
      database.close();
    }
  }
  await restart();
  // Wakes the object, whose alarm was set for later.
  await admin(server, 'POST', '/admin/revocations', { client: 'none' });
}

async function restart() {
  server = await startWorker(server.settings);
  browser.server = server;
}

test('grants lose the resource alone: tokens, status lists, consents, events', async () => {
  const gone = await register();
  const app = await registerConfidentialClient(server, { resources: [gone.identifier, KEPT], scope: SCOPE });
  const both = await grantFor(app, [gone.identifier, KEPT]);
  const only = await grantFor(app, [gone.identifier]);
  const kept = await grantFor(app, [KEPT]);
  const narrow = (await refresh(server, app, both.refresh_token, { resource: KEPT })).json.access_token;
  for (const token of [both.access_token, only.access_token, kept.access_token, narrow]) assert.equal(await isActive(token), true);

  const { status, headers, json } = await remove(gone);
  assert.deepEqual([status, headers.location], [202, `${server.issuer}/admin/revocations/${json.id}`]);
  const { started_at, finished_at, accounts, ...progress } = await finished(json.id);
  // With `openid`, every grant is also for the issuer: none of them is revoked.
  assert.deepEqual(progress, { id: json.id, ended: 2, done: true, unanswered: 0, resource: gone.identifier, removed: true });
  assert.ok(accounts >= 1 && finished_at >= started_at);

  for (const token of [both.access_token, only.access_token]) {
    assert.deepEqual(await standing(server, token), { userinfo: 401, active: false });
    assert.equal((await send(server, '/api/whoami', { headers: bearer(token) })).status, 401);
  }
  for (const token of [kept.access_token, narrow]) assert.equal(await isActive(token), true, 'it names what the grant still covers');
  const next = await refresh(server, app, both.refresh_token);
  assert.equal(next.status, 200, next.text);
  assert.equal((await standing(server, next.json.access_token)).active, true);
  const rest = await refresh(server, app, only.refresh_token);
  assert.deepEqual(await standing(server, rest.json.access_token), { userinfo: 200, active: true }, 'the issuer is left');

  const alone = await registerConfidentialClient(server, { resources: [KEPT], ...PLAIN });
  const later = await register();
  assert.equal((await admin(server, 'PUT', clientPath(alone.id), { ...alone.information, resources: [KEPT, later.identifier] })).status, 200);
  const [revoked, beside] = [await grantFor(alone, [later.identifier], PLAIN), await grantFor(alone, [later.identifier, KEPT], PLAIN)];
  const second = await finished((await remove(later)).json.id);
  assert.equal(second.ended, 2);
  assert.equal((await refresh(server, alone, revoked.refresh_token)).json.error, 'invalid_grant', 'nothing of it is left');
  assert.equal((await refresh(server, alone, beside.refresh_token)).status, 200);
  await untilRevoked(server, revoked.access_token, 'a grant that had no other resource');
  for (const token of [both.access_token, beside.access_token]) {
    assert.equal(await statusOf(server, token), 0, 'a list cannot tell: the grant is active, and the token expires');
  }

  await until(async () => {
    const ofJob = (await storedEvents(server)).filter(({ revocation }) => revocation === json.id);
    const seen = ofJob.map(({ event, client, count }) => [event, client, count].join(' ').trim()).sort();
    return seen.join() === ['bulk_revocation_started', 'bulk_revoked  2', `client_replaced ${app.id}`].join();
  }, 'one event for the start, one for the client, one for the end');
});

test('a client that is changed meanwhile keeps the change, and loses the resource', async () => {
  const gone = await register();
  const clients = await atOnce(6, () => registerConfidentialClient(server, { resources: [gone.identifier, KEPT] }));
  const rename = async ({ id, information }) => {
    const { client_id_issued_at: _, ...metadata } = information;
    const answers = [];
    for (let at = 0; at < 4; at += 1) {
      answers.push(await admin(server, 'PUT', clientPath(id), { ...metadata, resources: [KEPT, 'urn:new'], client_name: `Renamed ${at}` }));
    }
    return answers.map(({ status }) => status);
  };
  const [answer, ...renamed] = await Promise.all([remove(gone), ...clients.map(rename)]);
  assert.equal(answer.status, 202, answer.text);
  assert.deepEqual(new Set(renamed.flat()), new Set([200]));
  await finished(answer.json.id);
  for (const { id } of clients) {
    const { json } = await admin(server, 'GET', clientPath(id));
    assert.deepEqual([json.client_name, json.resources], ['Renamed 3', [KEPT, 'urn:new']]);
  }
});

test('the second pass takes what an old copy of a client\'s record allowed, and then the resource is new to users', async () => {
  const gone = await register();
  const app = await registerConfidentialClient(server, { resources: [gone.identifier, KEPT], scope: SCOPE });
  const tokens = await grantFor(app, [gone.identifier, KEPT]);
  assert.equal(await silently(app, [gone.identifier]), 'code');
  const { json: { id } } = await remove(gone);
  assert.equal((await finished(id)).ended, 2);
  assert.equal(await isActive(tokens.access_token), false);
  // As if an isolate had allowed it after the first pass.
  await restartLater((database) => {
    database.exec(`UPDATE record SET state = json_set(json_remove(state, '$.lost'), '$.resources', json_array('${gone.identifier}', '${KEPT}'))
      WHERE kind = 'grant' AND json_extract(state, '$.client') = '${app.id}'`);
  });
  await until(async () => await isActive(tokens.access_token) === false, 'the second pass');
  assert.equal((await finished(id)).ended, 2, 'the counts are those of the first pass');
  await until(async () => (await admin(server, 'POST', '/admin/resources', { ...gone, id: undefined, created_at: undefined })).status === 201, 'the end of the removal');
  const { client_id_issued_at, ...metadata } = (await admin(server, 'GET', clientPath(app.id))).json;
  assert.equal((await admin(server, 'PUT', clientPath(app.id), { ...metadata, resources: [gone.identifier, KEPT] })).status, 200);
  assert.equal(await silently(app, [gone.identifier]), 'consent_required');
  assert.equal(await silently(app, [KEPT]), 'code');
  const again = await grantFor(app, [gone.identifier]);
  assert.equal(await isActive(again.access_token), true, 'a grant that the user allows again may have it');
});

test('workerd is killed meanwhile: a repeated request completes the removal', async () => {
  const gone = await register();
  const app = await registerConfidentialClient(server, { resources: [gone.identifier, KEPT], ...PLAIN });
  // More accounts than one chunk has.
  const people = await atOnce(34, async () => {
    const person = new Browser(server);
    await person.signIn(await createUser(server));
    return { person, tokens: await grantFor(app, [gone.identifier, KEPT], { by: person, ...PLAIN }) };
  });
  for (const wait of [0, 40]) {
    const from = server.logs.length;
    const asked = remove(gone).catch(() => undefined);
    await until(() => server.logs.slice(from).some((line) => line.includes('"bulk_revocation_started"')), 'the beginning in the log');
    await new Promise((resolve) => setTimeout(resolve, wait));
    await server.kill();
    await asked;
    await restart();
  }
  const { status, json } = await remove(gone);
  assert.equal(status, 202);
  assert.equal((await finished(json.id)).unanswered, 0);
  assert.deepEqual((await admin(server, 'GET', clientPath(app.id))).json.resources, [KEPT]);
  for (const { tokens } of people) {
    assert.equal(await isActive(tokens.access_token), false);
  }
  const next = await refresh(server, app, people[0].tokens.refresh_token);
  assert.equal(next.status, 200, next.text);
});
