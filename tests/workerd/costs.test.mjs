// What each operation costs once the isolate is warm: calls of Durable Objects, reads of KV, rows. These are the numbers
// of the manual's page on operations.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OFFLINE, ONLINE, atOnce, cost, introspect, newCode, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { bearer, send } from './request.mjs';

// object_calls, kv_reads, rows_read, rows_written
const COSTS = {
};

let server;
let user;
let browser;
let app;
let backend;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true' } });
  [user, app, backend] = await Promise.all([
    createUser(server), registerPublicClient(server), registerConfidentialClient(server),
  ]);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

const grant = (parameters, client = app) => newGrant(server, browser, user, client, parameters);

// Each prepares, and gives what is to be measured; twice, since the first time may find the isolate cold.
const OPERATIONS = {
  client_credentials: async () => () => token(server, {}, backend),
  'authorize, session and consent remembered': async () => {
    await grant(ONLINE);
    return () => browser.open(authorizationPath(app, pkce(), ONLINE));
  },
  'authorize, without a session': async () => () => new Browser(server).open(authorizationPath(app, pkce()), { stop: true }),
  'authorize, to the page that asks for consent': async () => {
    const newcomer = await registerPublicClient(server);
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
  'introspect, access token of a grant': async () => {
    const { access_token } = await grant(OFFLINE);
    return () => introspect(server, access_token);
  },
  'introspect, refresh token': async () => {
    const { refresh_token } = await grant(OFFLINE, backend);
    return () => introspect(server, refresh_token, backend);
  },
  'introspect, access token of a client': async () => {
    const { access_token } = await token(server, {}, backend);
    return () => introspect(server, access_token);
  },
  userinfo: async () => {
    const { access_token } = await grant(OFFLINE);
    return () => send(server, '/oauth/userinfo', { headers: bearer(access_token) });
  },
  'revoke, refresh token': async () => {
    const { refresh_token } = await grant(OFFLINE);
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
  'JWKS': async () => () => send(server, '/.well-known/jwks.json'),
  'metadata': async () => () => send(server, '/.well-known/openid-configuration'),
};

for (const [what, prepare] of Object.entries(OPERATIONS)) {
  test(what, async () => {
    const measured = [];
    for (const _ of ['cold', 'warm']) {
      const work = await prepare();
      measured.push(Object.values(await cost(server, 1, work)));
    }
    console.log(JSON.stringify(what), JSON.stringify(measured));
  });
}
