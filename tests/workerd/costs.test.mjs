// The cost of each operation once the isolate is warm: calls of Durable Objects, reads of KV, rows. These are the numbers
// of the manual's page on architecture, and the input of `npm run scale`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { grantClaims, present, registerAssertionClient, registerServiceAccount, signGrant, trustIssuer } from './assertion-grants.mjs';
import { newClientKey, signAssertion } from './client-key.mjs';
import { decideDevice, enterCode, poll, registerDeviceClient, startDevice } from './devices.mjs';
import { askForEvents } from './events.mjs';
import { BACKEND, allowExchange, exchange, registerGateway } from './exchanges.mjs';
import { OFFLINE, ONLINE, atOnce, cost, introspect, newCode, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { REFRESH_TOKEN, permitAssertions, registerWiki, requestAssertion } from './identity-assertions.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, tokenRequest } from './people.mjs';
import { bearer, send, until } from './request.mjs';
import { fetchList, entryOf } from './status-lists.mjs';

// Calls of Durable Objects, reads of KV, rows read, rows written: of each operation, as in the manual. The rows are those of
// accounts, sign-in names and addresses; a client's registry writes one more at the first consent of each user, and at the
// revocation of a token of the client's own.
const { operations: COSTS } = JSON.parse(readFileSync(new URL('costs.json', import.meta.url), 'utf8'));
// An account with very many grants; each takes one authorization and one redemption to create.
const MANY_GRANTS = 1000;

let server;
let user;
let browser;
let app;
let backend;
let service;
let devices;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true' } });
  [user, app, backend, service, devices] = await Promise.all([
    createUser(server), registerPublicClient(server), registerConfidentialClient(server), registerClient(server), registerDeviceClient(server),
  ]);
  browser = new Browser(server);
  await browser.signIn(user);
  // Every client may ask for them, so their rules travel with each request.
  for (const identifier of ['https://api.example', 'https://files.example']) {
    const scopes = [{ value: 'read', description: { en: 'Read' } }];
    const { status } = await admin(server, 'POST', '/admin/resources', { identifier, name: 'API', scopes, clients: 'all' });
    assert.equal(status, 201);
  }
});

after(() => server?.stop());

// A signed-in browser and its user: an account may try ten user codes.
async function newcomer() {
  const [own, itsUser] = [new Browser(server), await createUser(server)];
  await own.signIn(itsUser);
  return [own, itsUser];
}

const grant = (parameters, client = app) => newGrant(server, browser, user, client, parameters);

/** A service account that may also obtain tokens about the user. */
async function assertingClient() {
  const key = await newClientKey('ES256');
  const { id } = await registerServiceAccount(server, key, { service_account: { users: [user.id], scope: 'read' } });
  return { key, id };
}

/** A client that exchanges tokens for this server. */
async function exchangingClient() {
  const client = await registerGateway(server);
  await allowExchange(server, client, { sources: [server.issuer] });
  return client;
}

/** A request for an identity assertion, with the subject token that `choose` takes from the tokens of a client. */
async function identityAssertion(choose) {
  const [client, other] = [await registerWiki(server), { issuer: 'https://chat.example' }];
  await permitAssertions(server, client, other, { id: 'wiki-at-chat' });
  const [subject_token, parameters] = choose(await newGrant(server, browser, user, client, OFFLINE));
  return warm(async () => granted(await requestAssertion(server, client, other, subject_token, parameters)));
}

/** Runs an operation once, so that the isolate has the records that it needs. */
async function warm(operation) {
  await operation();
  return operation;
}

function granted({ status, text }) {
  assert.equal(status, 200, text);
}

// Each prepares, and returns the operation to measure.
const OPERATIONS = {
  'client_credentials': async () => () => token(server, {}, service),
  'client_credentials, for a registered resource': async () => {
    const reader = await registerClient(server, { scope: 'read' });
    return warm(async () => granted(await tokenRequest(server, reader, { grant_type: 'client_credentials', resource: 'https://api.example' })));
  },
  'JWT bearer, a service account': async () => {
    const { key, id } = await assertingClient();
    return warm(async () => granted(await present(server, await signAssertion(key, grantClaims(server, id, id)))));
  },
  'JWT bearer, a service account about a user': async () => {
    const { key, id } = await assertingClient();
    return warm(async () => granted(await present(server, await signAssertion(key, grantClaims(server, id, user.id)))));
  },
  'JWT bearer, a trusted issuer about a user': async () => {
    const client = await registerAssertionClient(server);
    const idp = await trustIssuer(server, { clients: [client.id] });
    return warm(async () => granted(await present(server, await signGrant(server, idp, user.id))));
  },
  'token exchange, the token of a user': async () => {
    const [gateway, { access_token }] = [await exchangingClient(), await grant(OFFLINE)];
    return warm(async () => granted(await exchange(server, gateway, access_token, { resource: BACKEND })));
  },
  'token exchange, the token of a client': async () => {
    const [gateway, { access_token }] = [await exchangingClient(), await token(server, {}, service)];
    return warm(async () => granted(await exchange(server, gateway, access_token, { resource: BACKEND })));
  },
  'identity assertion, for an ID token': async () => identityAssertion(({ id_token }) => [id_token, {}]),
  'identity assertion, for a refresh token': async () => (
    identityAssertion(({ refresh_token }) => [refresh_token, { subject_token_type: REFRESH_TOKEN }])
  ),
  'authorize, session and consent remembered': async () => {
    await grant(ONLINE);
    return () => browser.open(authorizationPath(app, pkce(), ONLINE));
  },
  'authorize, without a session': async () => () => new Browser(server).open(authorizationPath(app, pkce()), { stop: true }),
  'authorize, to the page that asks for consent': async () => {
    const newcomer = await registerPublicClient(server);
    await browser.open(authorizationPath(newcomer, pkce()));
    return () => browser.open(authorizationPath(newcomer, pkce()));
  },
  'consent, the first of this user to this client': async () => {
    const newcomer = await registerPublicClient(server);
    const page = await browser.open(authorizationPath(newcomer, pkce()));
    return () => browser.submit(page, { decision: 'allow' });
  },
  'consent, given before': async () => {
    await grant(ONLINE);
    const page = await browser.open(authorizationPath(app, pkce(), { ...ONLINE, prompt: 'consent' }));
    return () => browser.submit(page, { decision: 'allow' });
  },
  'redeem, with offline_access': async () => {
    const { code, proof } = await newCode(browser, user, app, OFFLINE);
    return () => redeem(server, app, code, proof);
  },
  'redeem, until the session ends': async () => {
    const { code, proof } = await newCode(browser, user, app, ONLINE);
    return () => redeem(server, app, code, proof);
  },
  'redeem, a second time': async () => {
    const { code, proof } = await newCode(browser, user, app, OFFLINE);
    await redeem(server, app, code, proof);
    return () => redeem(server, app, code, proof);
  },
  'refresh, with offline_access': async () => {
    const { refresh_token } = await grant(OFFLINE);
    return () => refresh(server, app, refresh_token);
  },
  'refresh, until the session ends': async () => {
    const { refresh_token } = await grant(ONLINE);
    return () => refresh(server, app, refresh_token);
  },
  'refresh, a client with a secret': async () => {
    const { refresh_token } = await grant(OFFLINE, backend);
    return () => refresh(server, backend, refresh_token);
  },
  'refresh, repeated within the window': async () => {
    const { refresh_token } = await grant(OFFLINE);
    await refresh(server, app, refresh_token);
    return () => refresh(server, app, refresh_token);
  },
  'introspect, access token with offline_access': async () => {
    const { access_token } = await grant(OFFLINE);
    return () => introspect(server, access_token);
  },
  'introspect, access token until the session ends': async () => {
    const { access_token } = await grant(ONLINE);
    return () => introspect(server, access_token);
  },
  'introspect, exchanged token': async () => {
    const { access_token } = await grant(OFFLINE);
    const exchanged = await exchange(server, await exchangingClient(), access_token, { resource: BACKEND });
    return () => introspect(server, exchanged.json.access_token);
  },
  'introspect, refresh token': async () => {
    const { refresh_token } = await grant(OFFLINE, backend);
    return () => introspect(server, refresh_token, backend);
  },
  'introspect, access token of a client': async () => {
    const { access_token } = await token(server, {}, service);
    return () => introspect(server, access_token);
  },
  'userinfo': async () => {
    const { access_token } = await grant(OFFLINE);
    return () => send(server, '/oauth/userinfo', { headers: bearer(access_token) });
  },
  'whoami': async () => {
    const { access_token } = await grant(OFFLINE);
    return () => send(server, '/api/whoami', { headers: bearer(access_token) });
  },
  'revoke, refresh token': async () => {
    const { refresh_token } = await grant(OFFLINE);
    // The first mark in a list creates its table.
    await revoke(server, app, (await grant(OFFLINE)).refresh_token);
    return () => revoke(server, app, refresh_token);
  },
  'revoke, access token of a grant': async () => {
    const { access_token } = await grant(OFFLINE);
    return () => revoke(server, app, access_token);
  },
  'sign in by password, new browser': async () => {
    const stranger = new Browser(server);
    const page = await stranger.open('/account/sign-in');
    return () => stranger.submit(page, { username: user.username, password: user.password }, { stop: true });
  },
  'sign in by password, known browser': async () => {
    const known = new Browser(server);
    await known.signIn(user);
    known.cookies.delete('edgemint-session');
    const page = await known.open('/account/sign-in');
    return () => known.submit(page, { username: user.username, password: user.password }, { stop: true });
  },
  'a wrong password': async () => {
    const stranger = new Browser(server);
    const page = await stranger.open('/account/sign-in');
    return () => stranger.submit(page, { username: user.username, password: 'not the password' });
  },
  'device, started': async () => () => startDevice(server, devices, OFFLINE),
  'device, a code is entered': async () => {
    const { user_code } = await startDevice(server, devices, OFFLINE);
    const [own] = await newcomer();
    const page = await own.open('/device');
    return () => own.submit(page, { user_code });
  },
  'device, allowed': async () => {
    const { user_code } = await startDevice(server, devices, OFFLINE);
    const [own, itsUser] = await newcomer();
    const page = await enterCode(own, itsUser, user_code);
    return () => own.submit(page, { decision: 'allow' });
  },
  'device, a poll that has to wait': async () => {
    const { device_code } = await startDevice(server, devices, OFFLINE);
    return () => poll(server, devices, device_code);
  },
  'device, a poll that comes too early': async () => {
    const { device_code } = await startDevice(server, devices, OFFLINE);
    await poll(server, devices, device_code);
    return () => poll(server, devices, device_code);
  },
  'device, redeemed with offline_access': async () => {
    const { device_code, user_code } = await startDevice(server, devices, OFFLINE);
    await decideDevice(...await newcomer(), user_code);
    return () => poll(server, devices, device_code);
  },
  'sign-in page': async () => () => new Browser(server).open('/account/sign-in'),
  'JWKS': async () => () => send(server, '/.well-known/jwks.json'),
  'metadata': async () => () => send(server, '/.well-known/openid-configuration'),
  'status list': async () => {
    const { uri } = entryOf((await grant(OFFLINE)).access_token);
    // In memory for a few seconds from here on.
    await fetchList(server, uri);
    return () => fetchList(server, uri);
  },
};

for (const [what, expected] of Object.entries(COSTS)) {
  test(`${what}: ${expected.join(', ')}`, async () => assert.deepEqual(await warmCost(what), expected));
}

test('the number of grants of an account does not change the cost of an operation', async (t) => {
  const flat = ['authorize, session and consent remembered', 'redeem, with offline_access', 'refresh, with offline_access',
    'refresh, until the session ends', 'introspect, access token with offline_access', 'userinfo', 'revoke, refresh token',
    'sign in by password, new browser'];
  await atOnce(20, async () => {
    for (let count = 0; count < MANY_GRANTS / 20; count += 1) await grant(OFFLINE);
  });
  const { json } = await admin(server, 'GET', `/admin/users/${user.id}/grants`);
  assert.ok(json.grants.length >= MANY_GRANTS, `${json.grants.length} grants`);
  t.diagnostic(`an account with ${json.grants.length} grants`);
  for (const what of flat) assert.deepEqual(await warmCost(what), COSTS[what], what);
});

// The table above counts what happens before the response. Work after the response is counted separately.
test('events delay no response: one call per isolate and second, and one row', async () => {
  await token(server, {}, service);
  await quiet();
  const from = server.logs.length;
  const began = Date.now();
  const COUNT = 200;
  await atOnce(10, async () => {
    for (let count = 0; count < COUNT / 10; count += 1) await token(server, {}, service);
  });
  const seconds = (Date.now() - began) / 1_000;
  const batches = () => costLines(from).filter(({ background }) => background === 'events');
  await until(() => batches().reduce((sum, { events }) => sum + events, 0) >= COUNT, 'all events on their way', 60);
  assert.equal(batches().reduce((sum, { events }) => sum + events, 0), COUNT);
  assert.ok(batches().length <= seconds + 2, `${batches().length} calls in ${seconds} s`);
  // If each of twenty consecutive responses waited for its event, there would be as many batches.
  assert.ok(batches().length <= 10, `${batches().length} calls`);
  for (const { object_calls, events } of batches()) assert.ok(object_calls === 1 && events > 0);
  const writes = () => costLines(from).filter(({ object }) => object === 'events');
  await until(() => writes().length >= batches().length, 'what the store wrote');
  // The first write of an hour also creates its table.
  for (const { rows_written } of writes()) assert.ok(rows_written >= 1 && rows_written <= 3, `${rows_written} rows`);
  assert.ok(writes().some(({ rows_written }) => rows_written === 1));
  const requests = costLines(from).filter(({ endpoint }) => endpoint === '/oauth/token');
  assert.equal(requests.length, COUNT);
  for (const { object_calls } of requests) assert.equal(object_calls, 0);
});

test('a query for the events of the last hours costs one call an hour', async () => {
  await quiet();
  const since = Math.floor(Date.now() / 1000) - 5 * 3600;
  const { object_calls, kv_reads } = await cost(server, 1, () => askForEvents(server, { since, severity: 'alert' }));
  // One more for the token of the request: its registry confirms that it is active.
  assert.deepEqual([object_calls, kv_reads], [7, 0]);
});

function costLines(from) {
  return server.logs.slice(from).filter((line) => line.includes('"event":"cost"')).map((line) => JSON.parse(line));
}

// Waits until everything that earlier work left has been stored.
async function quiet() {
  await askForEvents(server);
  await until(async () => {
    const seen = server.logs.length;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return server.logs.length === seen;
  }, 'a quiet log', 60);
}

// A cold isolate, or one that reloads its records as it does once a minute, reads KV: then the measurement is repeated.
async function warmCost(what) {
  let measured;
  for (let tries = 0; tries < 3 && measured?.kv_reads !== 0; tries += 1) {
    const work = await OPERATIONS[what]();
    measured = await cost(server, 1, work);
  }
  return Object.values(measured);
}
