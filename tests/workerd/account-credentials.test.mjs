// Credentials: changing them requires a recent sign-in; which sessions and grants a changed or reset password revokes; and the
// limit of passkeys. The ceremonies in a real browser are in tests/browser/passkeys.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { restartLater } from './ageing.mjs';
import { loggedEvents } from './events.mjs';
import { startWorker } from './harness.mjs';
import { addPasskey, createPasskey, optionsOf, signInByPasskey } from './passkeys.mjs';
import {
  Browser, PASSWORD, createUser, csrfOf, post, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { until } from './request.mjs';

const NEW = 'a new and unusual password';
const ONLINE = { scope: 'openid read' };
const OFFLINE = { scope: 'openid offline_access' };
const SIGN_IN_AGAIN = 'href="/account/sign-in?continue=prompt%3Dlogin"';
let server;
let client;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server);
});

after(() => server?.kill());

test('adds one passkey for 30 responses to one challenge', async () => {
  const { user, browser } = await signedIn();
  const page = await browser.open('/account');
  const options = optionsOf(page);
  const pages = await Promise.all(Array.from({ length: 30 }, (_, index) => add(browser, page, options, `${index}`)));
  assert.deepEqual(pages.map(outcome).sort(), ['added', ...Array(29).fill('refused')]);
  assert.equal((await passkeysOf(user)).length, 1);
  assert.match((await add(browser, page, options, 'later')).html, /The passkey could not be added/);
});

test('adds no more than 20 passkeys, however many are registered at the same time', async () => {
  const { user, browser } = await signedIn();
  const asked = await Promise.all(Array.from({ length: 30 }, () => browser.open('/account')));
  const pages = await Promise.all(asked.map((page, index) => add(browser, page, optionsOf(page), `${index}`)));
  assert.equal(pages.filter((page) => outcome(page) === 'added').length, 20);
  assert.ok(pages.some(({ html }) => html.includes('as many passkeys as an account can hold')));
  assert.equal((await passkeysOf(user)).length, 20);
});

test('accepts a lower counter of a synced passkey, with a notice', async () => {
  const { user, browser } = await signedIn();
  const { passkey } = await addPasskey(browser, { synced: true, count: 7 });
  const from = server.logs.length;
  for (const count of [8, 3, 4]) {
    assert.equal((await signInByPasskey(new Browser(server), passkey, count)).url.pathname, '/account', `${count}`);
  }
  const events = await eventsOf(user, from, 4);
  assert.deepEqual(events.map(({ event, severity }) => [event, severity]), [
    ['sign_in', 'info'], ['passkey_counter_restarted', 'notice'], ['sign_in', 'info'], ['sign_in', 'info'],
  ]);
});

test('refuses a lower counter of a device-bound passkey, with an alert', async () => {
  const { user, browser } = await signedIn();
  const { passkey } = await addPasskey(browser, { count: 7 });
  const from = server.logs.length;
  assert.equal((await signInByPasskey(new Browser(server), passkey, 8)).url.pathname, '/account');
  for (const count of [8, 3]) {
    const page = await signInByPasskey(new Browser(server), passkey, count);
    assert.deepEqual([page.status, page.url.pathname], [400, '/account/sign-in/passkey'], `${count}`);
  }
  assert.equal((await signInByPasskey(new Browser(server), passkey, 9)).url.pathname, '/account');
  const events = await eventsOf(user, from, 6);
  assert.deepEqual(events.map(({ event, severity }) => [event, severity]), [
    ['sign_in', 'info'], ['passkey_counter', 'alert'], ['sign_in_failed', 'notice'],
    ['passkey_counter', 'alert'], ['sign_in_failed', 'notice'], ['sign_in', 'info'],
  ]);
});

test('changing the password keeps passkeys and offline grants that are not ticked', async () => {
  const { user, browser } = await signedIn();
  await addPasskey(browser);
  const { browser: elsewhere, tokens } = await signInAndRedeem(server, user, client, OFFLINE);
  const page = await act(browser, { action: 'change_password', current_password: PASSWORD, new_password: NEW });
  assert.match(page.html, /Sessions ended: 1\. Passkeys removed: 0\. Access of applications ended: 0\./);
  assert.equal((await elsewhere.open('/account')).url.pathname, '/account/sign-in');
  assert.equal((await passkeysOf(user)).length, 1);
  assert.equal((await refresh(server, client, tokens.refresh_token)).status, 200);
});

test('changing the password removes ticked passkeys, revokes ticked offline grants, and counts both', async () => {
  const { user, browser } = await signedIn();
  const { passkey } = await addPasskey(browser);
  await addPasskey(browser);
  const { tokens } = await signInAndRedeem(server, user, client, OFFLINE);
  const byPasskey = new Browser(server);
  await signInByPasskey(byPasskey, passkey, 2);
  const before = await byPasskey.open('/account');
  assert.match(before.html, /name="remove_passkeys"[\s\S]*Also remove my passkeys \(1\)[\s\S]*name="end_grants"[\s\S]*\(1\)/);
  const from = server.logs.length;
  const ticked = { remove_passkeys: 'yes', end_grants: 'yes' };
  const page = await act(byPasskey, { action: 'change_password', current_password: PASSWORD, new_password: NEW, ...ticked });
  assert.match(page.html, /Sessions ended: 2\. Passkeys removed: 1\. Access of applications ended: 1\./);
  assert.deepEqual((await passkeysOf(user)).map(({ id }) => id), [passkey.id], 'the passkey of this sign-in is kept');
  assert.equal((await refresh(server, client, tokens.refresh_token)).json.error, 'invalid_grant');
  const events = await eventsOf(user, from, 4);
  assert.deepEqual(events.slice(0, 4).map(({ event, count }) => [event, count]), [
    ['password_changed', undefined], ['passkey_removed', 1], ['sessions_ended', 2], ['grants_ended', 1],
  ]);
  assert.ok(!/name="(remove_passkeys|end_grants)"/.test(page.html), 'no passkeys or grants are left');

  // A ticked box stays ticked while another field is wrong.
  await addPasskey(byPasskey);
  const wrong = await act(byPasskey, { action: 'change_password', current_password: 'not this one', new_password: NEW, remove_passkeys: 'yes' });
  assert.match(wrong.html, /<input id="remove_passkeys"[^>]* checked/);
  assert.equal((await passkeysOf(user)).length, 2, 'nothing was changed');

  // This session was opened by the password, so no passkey is marked as the one of this sign-in.
  const byPassword = new Browser(server);
  await byPassword.signIn({ ...user, password: NEW });
  const next = await act(byPassword, { action: 'change_password', current_password: NEW, new_password: `${NEW}, again`, ...ticked });
  assert.match(next.html, /Sessions ended: 1\. Passkeys removed: 2\. Access of applications ended: 0\./);
  assert.deepEqual(await passkeysOf(user), []);
});

test('removing a passkey ends the other sessions that it opened', async () => {
  const { user, browser } = await signedIn();
  const { passkey } = await addPasskey(browser);
  const [by, alike] = [new Browser(server), new Browser(server)];
  await signInByPasskey(by, passkey, 2);
  await signInByPasskey(alike, passkey, 3);
  const page = await act(by, { action: 'remove_passkey', passkey: passkey.id });
  assert.match(page.html, /The passkey has been removed\./);
  const where = await Promise.all([browser, by, alike].map(async (own) => (await own.open('/account')).url.pathname));
  assert.deepEqual(where, ['/account', '/account', '/account/sign-in']);
  assert.deepEqual(await passkeysOf(user), []);
});

test('an operator lists passkeys and removes one or all, with the sessions that they opened', async () => {
  const { user, browser } = await signedIn();
  const path = `/admin/users/${user.id}/passkeys`;
  assert.deepEqual((await admin(server, 'GET', path)).json, { passkeys: [] });
  assert.deepEqual((await admin(server, 'DELETE', path)).json, { removed: 0, sessions_ended: 0 });
  const made = Math.floor(Date.now() / 1000);
  const { passkey: one } = await addPasskey(browser, { name: 'One' });
  const { passkey: two } = await addPasskey(browser, { name: 'Two', synced: true });
  const by = new Browser(server);
  await signInByPasskey(by, one, 2);
  const listed = await passkeysOf(user);
  const [first, second] = ['One', 'Two'].map((name) => listed.find((passkey) => passkey.name === name));
  for (const { created_at } of listed) assert.ok(created_at >= made && created_at <= Date.now() / 1000);
  assert.ok(first.last_used >= made);
  const aaguid = '00000000-0000-0000-0000-000000000000';
  assert.deepEqual([first, second], [
    { id: one.id, name: 'One', created_at: first.created_at, last_used: first.last_used, backup_eligible: false, backed_up: false, aaguid },
    { id: two.id, name: 'Two', created_at: second.created_at, last_used: null, backup_eligible: true, backed_up: true, aaguid },
  ]);

  const from = server.logs.length;
  const removed = await admin(server, 'DELETE', `${path}/${one.id}`);
  assert.deepEqual([removed.status, removed.json], [200, { removed: 1, sessions_ended: 1 }]);
  assert.equal((await by.open('/account')).url.pathname, '/account/sign-in');
  assert.equal((await signInByPasskey(new Browser(server), one, 9)).status, 400);
  for (const id of [one.id, 'A', '*', 'x'.repeat(2000)]) {
    const gone = await admin(server, 'DELETE', `${path}/${id}`);
    assert.deepEqual([gone.status, gone.json.error], [404, 'not_found'], id);
  }
  await addPasskey(browser);
  assert.deepEqual((await admin(server, 'DELETE', path)).json, { removed: 2, sessions_ended: 0 });
  assert.deepEqual(await passkeysOf(user), []);
  assert.equal((await browser.open('/account')).url.pathname, '/account', 'signed in by the password');
  const events = await eventsOf(user, from, 4);
  assert.deepEqual(events.map(({ event, count, by: who }) => [event, count, who]), [
    ['passkey_removed', 1, 'root'], ['sessions_ended', 1, 'root'], ['passkey_added', undefined, undefined], ['passkey_removed', 2, 'root'],
  ]);
  for (const method of ['GET', 'DELETE']) {
    const unknown = await admin(server, method, `/admin/users/${'A'.repeat(22)}/passkeys`);
    assert.deepEqual([unknown.status, unknown.json.error], [404, 'not_found'], method);
  }
});

test('a password reset by an operator ends all sessions, and revokes grants if asked to', async () => {
  const { user, browser } = await signedIn();
  const path = `/admin/users/${user.id}`;
  const online = await signInAndRedeem(server, user, client, ONLINE);
  const offline = await signInAndRedeem(server, user, client, OFFLINE);
  const renamed = await admin(server, 'PUT', path, { username: user.username, name: 'Another' });
  assert.deepEqual([renamed.json.sessions_ended, renamed.json.grants_ended], [undefined, undefined]);
  assert.equal((await browser.open('/account')).url.pathname, '/account', 'without a new password, sessions stay');

  const from = server.logs.length;
  const reset = await admin(server, 'PUT', path, { username: user.username, password: NEW });
  assert.deepEqual([reset.status, reset.json.sessions_ended, reset.json.grants_ended], [200, 3, undefined]);
  for (const signedOut of [browser, online.browser, offline.browser]) {
    assert.equal((await signedOut.open('/account')).url.pathname, '/account/sign-in');
  }
  assert.equal((await refresh(server, client, online.tokens.refresh_token)).json.error, 'invalid_grant');
  const { status, json } = await refresh(server, client, offline.tokens.refresh_token);
  assert.equal(status, 200, 'offline grants are revoked if asked to');
  assert.deepEqual((await eventsOf(user, from, 3)).slice(0, 3).map(({ event, count }) => [event, count]), [
    ['user_replaced', undefined], ['password_reset', undefined], ['sessions_ended', 3],
  ]);

  const again = await admin(server, 'PUT', path, { username: user.username, password: PASSWORD, end_grants: true });
  assert.deepEqual([again.json.sessions_ended, again.json.grants_ended], [0, 1]);
  assert.equal((await refresh(server, client, json.refresh_token)).json.error, 'invalid_grant');
  const last = await signInAndRedeem(server, user, client, OFFLINE);
  const alone = await admin(server, 'PUT', path, { username: user.username, end_grants: true });
  assert.deepEqual([alone.json.sessions_ended, alone.json.grants_ended], [undefined, 1]);
  assert.equal((await last.browser.open('/account')).url.pathname, '/account');
  const wrong = await admin(server, 'PUT', path, { username: user.username, password: NEW, end_grants: 'yes' });
  assert.deepEqual([wrong.status, wrong.json.error_description], [400, 'end_grants must be true or false.']);
  assert.equal((await last.browser.open('/account')).url.pathname, '/account', 'nothing was changed');
});

// Runs last, because it restarts the Worker.
test('refuses to change credentials when the sign-in is more than 5 minutes old', async () => {
  const { user, browser } = await signedIn();
  const { passkey } = await addPasskey(browser, { name: 'Mine' });
  const elsewhere = new Browser(server);
  await elsewhere.signIn(user);
  const open = await browser.open('/account');
  const options = optionsOf(open);
  server = await restartLater(server, 301);
  for (const own of [browser, elsewhere]) own.server = server;

  const page = await browser.open('/account');
  assert.ok(page.html.includes('within the last 5 minutes') && page.html.includes(SIGN_IN_AGAIN));
  assert.ok(!/value="(add_passkey|remove_passkey|change_password)"/.test(page.html) && !page.html.includes('data-options'));
  // A page that was opened earlier, or a form of the client's own making.
  const from = server.logs.length;
  const attempts = {
    add: () => add(browser, page, options, 'Mine too'),
    remove: () => post(browser, '/account', { csrf: csrfOf(page), action: 'remove_passkey', passkey: passkey.id }),
    change: () => post(browser, '/account', {
      csrf: csrfOf(page), action: 'change_password', current_password: PASSWORD, new_password: NEW, remove_passkeys: 'yes',
    }),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const refused = await attempt();
    assert.equal(refused.status, 403, what);
    assert.match(refused.html, /role="alert">Nothing was changed: for this, you must have signed in within the last 5 minutes\./, what);
    assert.ok(refused.html.includes(SIGN_IN_AGAIN), what);
  }
  assert.deepEqual((await passkeysOf(user)).map(({ name }) => name), ['Mine']);
  assert.equal((await elsewhere.open('/account')).url.pathname, '/account');
  const events = await eventsOf(user, from, 3);
  assert.deepEqual(events.map(({ event, reason }) => [event, reason]), Array(3).fill(['refused', 'sign_in_too_old']));

  const named = await post(browser, '/account', { csrf: csrfOf(page), action: 'rename_passkey', passkey: passkey.id, name: 'My phone' });
  assert.match(named.html, /The passkey has been renamed\./);

  // Signing in again is a real sign-in although a session exists; afterwards every change is allowed.
  const again = await browser.open('/account/sign-in?continue=prompt%3Dlogin');
  assert.match(again.html, /You are signed in already\. To go on, confirm that it is you\./);
  const back = await browser.submit(again, { username: user.username, password: PASSWORD }, { action: '/account/sign-in' });
  assert.equal(back.url.pathname, '/account');
  assert.equal(outcome(await add(browser, back, options, 'Mine too')), 'added', 'the same response: the challenge was not spent');
  assert.match((await act(browser, { action: 'remove_passkey', passkey: passkey.id })).html, /The passkey has been removed\./);
  const changed = await act(browser, { action: 'change_password', current_password: PASSWORD, new_password: NEW });
  assert.match(changed.html, /Your password has been changed\./);
});

async function signedIn() {
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  return { user, browser };
}

// Presses a button of the account page.
async function act(browser, fields) {
  return post(browser, '/account', { csrf: csrfOf(await browser.open('/account')), ...fields });
}

// Responds to the options of a page with a passkey of its own.
function add(browser, page, options, name) {
  const { response } = createPasskey(options, { origin: server.issuer });
  return post(browser, '/account', { csrf: csrfOf(page), action: 'add_passkey', name, credential: JSON.stringify(response) });
}

function outcome({ url, status, html }) {
  if (html.includes('The passkey has been added.')) return 'added';
  return status === 400 ? 'refused' : `${status} ${url.pathname}${url.search}`;
}

async function passkeysOf(user) {
  return (await admin(server, 'GET', `/admin/users/${user.id}/passkeys`)).json.passkeys;
}

// The events about a user in the log from a line on, once there are `count`.
async function eventsOf(user, from, count) {
  const seen = () => loggedEvents(server, from).filter((event) => event.user === user.id);
  await until(() => seen().length >= count, `${count} events of the user`);
  return seen();
}
