// Disabling and enabling users: sign-in by every method, sessions, tokens, grants, status lists, and what guessing reveals.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { storedEvents } from './events.mjs';
import { OFFLINE, ONLINE, assertCounts, assertEnded, assertRefused, introspect, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { addPasskey, signInByPasskey } from './passkeys.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, signInAndRedeem } from './people.mjs';
import { bearer, send, until } from './request.mjs';
import { depart, startProvider } from './stand-in.mjs';
import { statusOf } from './status-lists.mjs';

const SENTENCE = 'You cannot sign in with this account at the moment. Contact the operator of this service.';
let provider;
let server;
let app;

before(async () => {
  provider = await startProvider();
  server = await startWorker({
    vars: { UPSTREAM_ISSUER: provider.issuer, UPSTREAM_CLIENT_ID: 'em', UPSTREAM_NAME: 'Other', UPSTREAM_ACCOUNTS: 'all', SELF_REGISTRATION: 'true' },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: 'a secret, known to two' },
  });
  app = await registerPublicClient(server);
});

after(async () => {
  await server?.stop();
  provider?.stop();
});

/** Sets the member `enabled` of a user. */
async function enable(user, enabled) {
  const path = `/admin/users/${user.id}`;
  const { json: { username } } = await admin(server, 'GET', path);
  const answer = await admin(server, 'PUT', path, { username, enabled });
  assert.deepEqual([answer.status, answer.json.enabled], [200, enabled], answer.text);
  assert.equal((await admin(server, 'GET', path)).json.enabled, enabled);
}

test('enabled is true by default, kept by a change without it, and shown', async () => {
  const user = await createUser(server);
  const path = `/admin/users/${user.id}`;
  assert.equal((await admin(server, 'GET', path)).json.enabled, true);
  await enable(user, false);
  const changed = await admin(server, 'PUT', path, { username: user.username, name: 'Renamed' });
  assert.deepEqual([changed.json.name, changed.json.enabled], ['Renamed', false]);
  const { json: { users } } = await admin(server, 'GET', `/admin/users?username=${user.username}`);
  assert.equal(users[0].enabled, false);
  const other = await createUser(server, { enabled: false });
  assert.equal((await admin(server, 'GET', `/admin/users/${other.id}`)).json.enabled, false);
  await enable(user, true);
  await until(async () => {
    const events = await storedEvents(server, { user: user.id });
    const kinds = events.map(({ event }) => event).filter((event) => /^user_(dis|en)abled$/.test(event));
    return kinds.join() === 'user_disabled,user_enabled';
  }, 'both events, once each');
});

test('ends sessions, makes tokens inactive at once, and marks them in the status list', async () => {
  const user = await createUser(server);
  const { browser, tokens: online } = await signInAndRedeem(server, user, app, ONLINE);
  const offline = await newGrant(server, browser, user, app, OFFLINE);
  const whoami = ({ access_token }) => send(server, '/api/whoami', { headers: bearer(access_token) });
  assert.equal((await whoami(offline)).status, 200);
  await enable(user, false);
  for (const [what, { access_token, refresh_token }] of Object.entries({ online, offline })) {
    await assertEnded(server, access_token, what);
    assert.equal((await whoami({ access_token })).status, 401, what);
    assertRefused(await refresh(server, app, refresh_token), what);
    await until(async () => await statusOf(server, access_token) === 1, `the list marks it: ${what}`);
  }
  assert.match((await browser.open('/account')).url.pathname, /sign-in/);
  assert.match((await browser.open(authorizationPath(app, pkce(), OFFLINE))).url.pathname, /sign-in/);
});

test('enabling restores grants with offline_access, and nothing that was revoked', async () => {
  const user = await createUser(server);
  const { browser, tokens: kept } = await signInAndRedeem(server, user, app, OFFLINE);
  const [ended, single] = [await newGrant(server, browser, user, app, OFFLINE), await newGrant(server, browser, user, app, OFFLINE)];
  const online = await newGrant(server, browser, user, app, ONLINE);
  const unused = await newGrant(server, browser, user, app, OFFLINE);
  assert.equal((await revoke(server, app, single.access_token)).status, 200);
  await enable(user, false);
  assertRefused(await refresh(server, app, kept.refresh_token), 'disabled');
  assert.equal((await revoke(server, app, ended.refresh_token)).status, 200, 'a grant can be revoked meanwhile');
  await until(async () => await statusOf(server, kept.access_token) === 1, 'the list marks the tokens');
  await enable(user, true);
  for (const { access_token } of [kept, unused]) {
    await assertCounts(server, access_token, 'enabled again');
    await until(async () => await statusOf(server, access_token) === 0, 'the list shows it as valid');
  }
  const again = await refresh(server, app, kept.refresh_token);
  assert.equal(again.status, 200, again.text);
  await assertEnded(server, ended.access_token, 'revoked');
  await assertEnded(server, single.access_token, 'revoked alone');
  await assertEnded(server, online.access_token, 'ended with its session');
  for (const { access_token } of [ended, online]) assert.equal(await statusOf(server, access_token), 1);
  assertRefused(await refresh(server, app, ended.refresh_token), 'revoked');
  assert.equal((await browser.open('/account')).url.pathname, '/account/sign-in', 'sessions stay ended');
  assert.equal((await new Browser(server).signIn(user)).url.pathname, '/account');
});

test('a code and a refresh token of a disabled user are refused, and work again afterwards', async () => {
  const user = await createUser(server);
  const service = await registerConfidentialClient(server);
  const { browser, tokens } = await signInAndRedeem(server, user, service, OFFLINE);
  const proof = pkce();
  const page = await browser.open(authorizationPath(service, proof, OFFLINE), { stop: true });
  const code = new URL(page.location).searchParams.get('code');
  await enable(user, false);
  assertRefused(await redeem(server, service, code, proof), 'the code');
  assertRefused(await refresh(server, service, tokens.refresh_token), 'the refresh token');
  assert.deepEqual((await introspect(server, tokens.refresh_token, service)).json, { active: false });
  await enable(user, true);
  assert.equal((await redeem(server, service, code, proof)).status, 200);
  assert.equal((await refresh(server, service, tokens.refresh_token)).status, 200);
  assert.equal((await introspect(server, tokens.refresh_token, service)).json.active, true);
});

test('a sign-in by password says so after the right password only', async () => {
  const [disabled, enabled] = [await createUser(server), await createUser(server)];
  await enable(disabled, false);
  const attempt = (user, password) => new Browser(server).signIn({ ...user, password });
  const generic = async (user) => {
    const page = await attempt(user, 'a wrong password');
    const alert = page.html.match(/<[^>]*role="alert"[\s\S]*?<\/\w+>/)?.[0];
    return { status: page.status, alert };
  };
  assert.deepEqual(await generic(disabled), await generic(enabled));
  const page = await attempt(disabled, disabled.password);
  assert.equal(page.status, 403);
  assert.ok(page.html.includes(SENTENCE));
  const again = new Browser(server, { 'accept-language': 'zh' });
  assert.match((await again.signIn(disabled)).html, /\u76ee\u524d\u65e0\u6cd5/);
  assert.match((await again.open('/account')).url.pathname, /sign-in/, 'no session was opened');
  await until(async () => (await storedEvents(server, { user: disabled.id })).some(({ reason }) => reason === 'sign_in_disabled'), 'the event');
});

test('a sign-in by passkey is refused, and opens no session', async () => {
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  const { passkey } = await addPasskey(browser);
  await enable(user, false);
  const page = await signInByPasskey(browser, passkey, 2);
  assert.deepEqual([page.status, page.html.includes(SENTENCE)], [403, true]);
  assert.match((await browser.open('/account')).url.pathname, /sign-in/);
  await enable(user, true);
  assert.equal((await signInByPasskey(browser, passkey, 3)).url.pathname, '/account');
});

test('a sign-in at the upstream provider is refused, and makes no second account', async () => {
  const signIn = async () => {
    const browser = new Browser(server);
    const location = await depart(browser, await browser.open('/account/sign-in'));
    return browser.open(provider.back(location, { claims: { sub: 'disabled-one', name: 'Up' } }));
  };
  assert.equal((await signIn()).url.pathname, '/account');
  const find = async () => {
    const { json: { users } } = await admin(server, 'GET', '/admin/users');
    return users.filter(({ upstream }) => upstream?.sub === 'disabled-one');
  };
  await until(async () => (await find()).length === 1, 'the account is listed');
  const [{ id }] = await find();
  assert.equal((await admin(server, 'PUT', `/admin/users/${id}`, { enabled: false })).status, 200);
  const refused = await signIn();
  assert.deepEqual([refused.status, refused.html.includes(SENTENCE)], [403, true]);
  assert.equal((await find()).length, 1);
  assert.equal((await admin(server, 'PUT', `/admin/users/${id}`, { enabled: true })).status, 200);
  assert.equal((await signIn()).url.pathname, '/account');
});

test('the name of a disabled user cannot be taken by a sign-up', async () => {
  const user = await createUser(server);
  await enable(user, false);
  const browser = new Browser(server);
  const page = await browser.submit(await browser.open('/account/sign-up'), { username: user.username, password: 'another long password' });
  assert.equal(page.status, 409);
});
