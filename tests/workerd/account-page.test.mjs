// The account page without script: what it shows, and that each button does what its label says. Passkeys need a browser:
// their tests are in tests/browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, csrfOf, pkce, post, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { bearer, send } from './request.mjs';

const NEW = 'a new and unusual password';
const OFFLINE = { scope: 'openid offline_access' };
let server;
let client;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { client_name: 'Ferry <b>& Co</b>' });
});

after(() => server?.stop());

test('without a session the page shows the sign-in form and deletes an invalid cookie', async () => {
  const browser = new Browser(server);
  browser.cookies.set('edgemint-session', 'invalid');
  assert.equal((await browser.open('/account')).url.pathname, '/account/sign-in');
  const { browser: ended } = await signedIn();
  const dead = ended.cookies.get('edgemint-session');
  await act(ended, { action: 'sign_out' });
  assert.ok(!ended.cookies.has('edgemint-session'));
  for (const ask of [() => ended.open('/account'), () => post(ended, '/account', { action: 'sign_out' })]) {
    ended.cookies.set('edgemint-session', dead);
    assert.equal((await ask()).url.pathname, '/account/sign-in');
    assert.ok(!ended.cookies.has('edgemint-session'));
  }
});

test('shows the user\'s name as text, the sessions, and that no application is connected yet', async () => {
  const { user, browser } = await signedIn({ name: '<i>Zo\u00eb</i> "Z"', email: 'zoe@app.example' });
  const { html, status, headers } = await browser.open('/account');
  assert.equal(status, 200);
  assert.equal(headers.get('vary'), 'Accept-Language, Cookie');
  const text = words(html);
  for (const part of [
    `Signed in as ${user.username}`, '<i>Zo\u00eb</i> "Z"', 'zoe@app.example', 'You have no passkey yet.', 'This session',
    'No application has access to your account.',
  ]) assert.ok(text.includes(part), part);
  assert.ok(!html.includes('<i>Zo'));
  const sparse = await signedIn();
  assert.match(words((await sparse.browser.open('/account')).html), /Name Not given Email address Not given/);
});

test('lists grants by client name, in words; revokes one, or withdraws the consent with all of them', async () => {
  const { user, browser } = await signedIn();
  const one = await signInAndRedeem(server, user, client, OFFLINE);
  const two = await signInAndRedeem(server, user, client, OFFLINE);
  const page = await browser.open('/account');
  const text = words(page.html);
  assert.ok(text.includes('Ferry <b>& Co</b>') && text.includes('Keep this access when you are not there'), text);
  assert.ok(!page.html.includes('<b>& Co'));
  const ids = [...page.html.matchAll(/name="grant" value="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(ids.length, 2);
  const ended = await act(browser, { action: 'end_grant', grant: ids[0] });
  assert.equal(ended.url.href, `${server.url}/account`);
  assert.match(words(ended.html), /The access has ended\./);
  const lives = async ({ tokens }) => (await refresh(server, client, tokens.refresh_token)).status === 200;
  assert.deepEqual([await lives(one), await lives(two)].sort(), [false, true]);
  const { html } = await act(browser, { action: 'withdraw', client: client.id });
  assert.match(words(html), /The application has been removed\..*No application has access/);
  assert.deepEqual([await lives(one), await lives(two)], [false, false]);
  const { location } = await browser.open(authorizationPath(client, pkce(), { ...OFFLINE, prompt: 'none' }));
  assert.equal(new URL(location).searchParams.get('error'), 'consent_required');
});

test('ending another session revokes the grants that end with it, and keeps this session', async () => {
  const { user, browser } = await signedIn();
  const elsewhere = await signInAndRedeem(server, user, client, { scope: 'openid read' });
  const page = await browser.open('/account');
  const [id, ...more] = [...page.html.matchAll(/name="session" value="([^"]*)"/g)].map(([, value]) => value);
  assert.deepEqual(more, [], 'the current session has no such button');
  const ended = await act(browser, { action: 'end_session', session: id });
  assert.match(words(ended.html), /The session has ended\./);
  assert.equal((await elsewhere.browser.open('/account')).url.pathname, '/account/sign-in');
  assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(elsewhere.tokens.access_token) })).status, 401);
  assert.equal((await browser.open('/account')).url.pathname, '/account');
});

test('signing out ends the session on the server, not only the cookie', async () => {
  const { user } = await signedIn();
  const online = await signInAndRedeem(server, user, client, { scope: 'openid read' });
  const offline = await signInAndRedeem(server, user, client, OFFLINE);
  for (const { browser } of [online, offline]) {
    const out = await act(browser, { action: 'sign_out' });
    assert.equal(out.url.href, `${server.url}/account/sign-in`);
  }
  assert.equal((await refresh(server, client, online.tokens.refresh_token)).json.error, 'invalid_grant');
  assert.equal((await refresh(server, client, offline.tokens.refresh_token)).status, 200);
});

test('changing the password keeps this session, ends all others, and invalidates the old password', async () => {
  const { user, browser } = await signedIn();
  const elsewhere = new Browser(server);
  await elsewhere.signIn(user);
  const done = await act(browser, { action: 'change_password', current_password: PASSWORD, new_password: NEW });
  assert.match(words(done.html), /Your password has been changed\. Sessions ended: 1\./);
  assert.equal((await browser.open('/account')).url.pathname, '/account');
  assert.equal((await elsewhere.open('/account')).url.pathname, '/account/sign-in');
  assert.equal((await new Browser(server).signIn(user)).status, 400);
  assert.equal((await new Browser(server).signIn({ ...user, password: NEW })).url.pathname, '/account');
});

for (const [what, fields, message] of [
  ['the current one is wrong', { current_password: 'not this one', new_password: NEW }, /The current password is wrong\./],
  ['the current one is missing', { new_password: NEW }, /The current password is wrong\./],
  ['the new one is missing', { current_password: PASSWORD }, /Too short/],
  ['the new one is short', { current_password: PASSWORD, new_password: 'seven77' }, /Too short/],
  ['the new one is everybody\'s', { current_password: PASSWORD, new_password: 'Password1' }, /Many people use this password/],
]) {
  test(`refuses a new password: ${what}`, async () => {
    const { user, browser } = await signedIn();
    const answer = await act(browser, { action: 'change_password', ...fields });
    assert.deepEqual([answer.status, answer.location], [400, null]);
    assert.match(words(answer.html), message);
    for (const password of [PASSWORD, NEW, 'seven77']) assert.ok(!answer.html.includes(`value="${password}"`));
    assert.equal((await new Browser(server).signIn(user)).url.pathname, '/account', 'nothing has changed');
  });
}

test('guessing the current password is throttled like a sign-in', async () => {
  const { browser } = await signedIn();
  let last;
  for (let tries = 0; tries < 60 && last?.status !== 429; tries += 1) {
    last = await act(browser, { action: 'change_password', current_password: 'not this one', new_password: NEW });
    if (tries < 9) assert.equal(last.status, 400);
  }
  assert.equal(last.status, 429);
  assert.ok(Number(last.headers.get('retry-after')) >= 1);
  assert.match(words(last.html), /Too many attempts/);
});

test('refuses to end sessions and grants that are gone, belong to another user, or are not named', async () => {
  const { browser } = await signedIn();
  const { user: stranger, browser: strangers } = await signedIn();
  const theirs = await signInAndRedeem(server, stranger, client, OFFLINE);
  const page = await strangers.open('/account');
  const [grant] = page.html.match(/(?<=name="grant" value=")[^"]*/);
  const [session] = page.html.match(/(?<=name="session" value=")[^"]*/);
  for (const fields of [
    { action: 'end_grant', grant }, { action: 'end_grant', grant: 'A'.repeat(22) }, { action: 'end_grant', grant: 'x' }, { action: 'end_grant' },
    { action: 'end_session', session }, { action: 'end_session', session: 'x' }, { action: 'end_session' },
    { action: 'withdraw' }, { action: 'withdraw', client: 'caf\u00e9' },
    { action: 'remove_passkey', passkey: 'AAAA' }, { action: 'rename_passkey', passkey: 'AAAA', name: 'A name' },
  ]) {
    const answer = await act(browser, fields);
    assert.equal(answer.status, 400, JSON.stringify(fields));
    assert.match(words(answer.html), /This is no longer there\./, JSON.stringify(fields));
  }
  assert.equal((await refresh(server, client, theirs.tokens.refresh_token)).status, 200);
  assert.equal((await strangers.open('/account')).url.pathname, '/account');
  for (const fields of [{}, { action: 'delete_everything' }, { action: 'add_passkey', name: 'A key', credential: '{}' }]) {
    assert.equal((await act(browser, fields)).status, 400, JSON.stringify(fields));
  }
});

test('a link cannot make the page claim that something was done', async () => {
  const { browser } = await signedIn();
  for (const word of ['password_changed', 'passkey_added', 'signed_up', '%3Cscript%3Ealert(1)%3C/script%3E']) {
    const { html, status } = await browser.open(`/account?done=${word}`);
    assert.equal(status, 200);
    assert.ok(!html.includes('class="notice"') && !html.includes('<script>alert'), word);
  }
});

test('shows a notice once, and only to the account that it is about', async () => {
  const { user, browser } = await signedIn();
  const elsewhere = new Browser(server);
  await elsewhere.signIn(user);
  const shows = ({ html }) => html.includes('class="notice"');
  // The response itself, before the browser follows the redirect to the page that shows the notice.
  const answer = await endOtherSession(browser, { stop: true });
  assert.equal(answer.location, `${server.url}/account`);
  const [cookie] = answer.headers.getSetCookie();
  assert.match(cookie, /^edgemint-notice=session_ended\.[\w-]{43}; Path=\/; Max-Age=60; HttpOnly; SameSite=Lax$/);
  const notice = browser.cookies.get('edgemint-notice');
  const { browser: stranger } = await signedIn();
  for (const value of [notice, notice.replace('session_ended', 'password_changed'), 'session_ended', 'session_ended.', '.']) {
    stranger.cookies.set('edgemint-notice', value);
    assert.ok(!shows(await stranger.open('/account')), value);
    assert.ok(!stranger.cookies.has('edgemint-notice'));
  }
  assert.ok(shows(await browser.open('/account')));
  assert.ok(!browser.cookies.has('edgemint-notice') && !shows(await browser.open('/account')));
});

async function endOtherSession(browser, init) {
  const page = await browser.open('/account');
  const [, session] = page.html.match(/name="session" value="([^"]*)"/);
  const fields = new URLSearchParams({ csrf: csrfOf(page), action: 'end_session', session });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: server.issuer };
  return browser.open('/account', { method: 'POST', headers, body: `${fields}`, ...init });
}

async function signedIn(description = {}) {
  const user = await createUser(server, description);
  const browser = new Browser(server);
  await browser.signIn(user);
  return { user, browser };
}

// Presses a button of the page.
async function act(browser, fields) {
  return post(browser, '/account', { csrf: csrfOf(await browser.open('/account')), ...fields });
}

// The text of a page, without its tags.
function words(html) {
  const text = html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').replace(/ ([.,])/g, '$1');
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
