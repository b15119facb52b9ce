// What each operation costs once the isolate is warm: calls of Durable Objects, reads of KV, rows. These are the numbers
// of the manual's page on operations.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { OFFLINE, ONLINE, atOnce, cost, introspect, newCode, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { bearer, send } from './request.mjs';
import { fetchList, placeOf } from './status-lists.mjs';

// Calls of Durable Objects, reads of KV, rows read, rows written. The rows are those of accounts, sign-in names and
// addresses; a client's registry writes one more at the first consent of each person, and at the revocation of a token of
// the client's own.
const COSTS = {
  'client_credentials': [0, 0, 0, 0],
  'authorize, without a session': [0, 0, 0, 0],
  'authorize, session and consent remembered': [1, 0, 3, 1],
  'authorize, to the page that asks for consent': [1, 0, 2, 0],
  'consent, the first of this person to this client': [2, 0, 2, 3],
  'consent, given before': [2, 0, 4, 2],
  'redeem, with offline_access': [1, 0, 2, 1],
  'redeem, until the session ends': [1, 0, 3, 1],
  'redeem, a second time': [1, 0, 2, 0],
  'refresh, with offline_access': [1, 0, 2, 1],
  'refresh, until the session ends': [1, 0, 3, 1],
  'refresh, a client with a secret': [1, 0, 2, 1],
  'refresh, repeated within the window': [1, 0, 2, 0],
  'introspect, access token with offline_access': [1, 0, 2, 0],
  'introspect, access token until the session ends': [1, 0, 3, 0],
  'introspect, refresh token': [1, 0, 2, 0],
  'introspect, access token of a client': [1, 0, 0, 0],
  'userinfo': [1, 0, 2, 0],
  'revoke, refresh token': [2, 0, 8, 4],
  'revoke, access token of a grant': [1, 0, 1, 1],
  'sign in by password, new browser': [5, 0, 6, 5],
  'sign in by password, known browser': [3, 0, 3, 3],
  'a wrong password': [2, 0, 3, 2],
  'sign-in page': [0, 0, 0, 0],
  'JWKS': [0, 0, 0, 0],
  'metadata': [0, 0, 0, 0],
  'status list': [0, 0, 0, 0],
};
// An account with very many grants; each costs an authorization and a redemption to make.
const MANY_GRANTS = 1000;

let server;
let user;
let browser;
let app;
let backend;
let service;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true' } });
  [user, app, backend, service] = await Promise.all([
    createUser(server), registerPublicClient(server), registerConfidentialClient(server), registerClient(server),
  ]);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

const grant = (parameters, client = app) => newGrant(server, browser, user, client, parameters);

// Each prepares, and gives what is to be measured.
const OPERATIONS = {
  'client_credentials': async () => () => token(server, {}, service),
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
  'consent, the first of this person to this client': async () => {
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
  'revoke, refresh token': async () => {
    const { refresh_token } = await grant(OFFLINE);
    // The first mark in a list makes its table.
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
  'sign-in page': async () => () => new Browser(server).open('/account/sign-in'),
  'JWKS': async () => () => send(server, '/.well-known/jwks.json'),
  'metadata': async () => () => send(server, '/.well-known/openid-configuration'),
  'status list': async () => {
    const { uri } = placeOf((await grant(OFFLINE)).access_token);
    // Once it is in memory, for a few seconds.
    await fetchList(server, uri);
    return () => fetchList(server, uri);
  },
};

for (const [what, expected] of Object.entries(COSTS)) {
  test(`${what}: ${expected.join(', ')}`, async () => assert.deepEqual(await warmCost(what), expected));
}

test('what an account has in grants costs its next operation nothing', async (t) => {
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

// An isolate that is cold, or looks for news as it does once a minute, reads KV: then it is measured again.
async function warmCost(what) {
  let measured;
  for (let tries = 0; tries < 3 && measured?.kv_reads !== 0; tries += 1) {
    const work = await OPERATIONS[what]();
    measured = await cost(server, 1, work);
  }
  return Object.values(measured);
}
