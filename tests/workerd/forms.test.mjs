// Protection of the pages: a form is valid only in its browser and for its purpose, cookies are out of reach of scripts and
// other sites, and a sign-in replaces the session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, csrfOf, formOf, pkce, post, registerPublicClient,
} from './people.mjs';
import { send } from './request.mjs';

const proof = pkce();
const SESSION = 'edgemint-session';
let server;
let client;
let user;

before(async () => {
  server = await startWorker({ vars: { SELF_REGISTRATION: 'true' } });
  client = await registerPublicClient(server);
  user = await createUser(server);
});

after(() => server?.stop());

// Each form with valid fields: its page, how to submit it, and how to see that it had no effect.
const FORMS = {
  '/account/sign-in': {
    page: '/account/sign-in', signedIn: false, fields: () => ({ username: user.username, password: PASSWORD }),
    isUndone: async (browser) => !browser.cookies.has(SESSION),
  },
  '/account/sign-up': {
    page: '/account/sign-up', signedIn: false, fields: () => ({ username: 'new-name', password: 'an unusual password' }),
    isUndone: async (browser) => !browser.cookies.has(SESSION) && (await find('new-name')).length === 0,
  },
  '/account': {
    page: '/account', signedIn: true, fields: () => ({ action: 'sign_out' }),
    isUndone: async (browser) => (await browser.open('/account')).url.pathname === '/account',
  },
  '/oauth/logout': {
    page: '/oauth/logout', signedIn: true, fields: (page) => ({ ...formOf(page).fields, decision: 'sign_out' }),
    isUndone: async (browser) => (await browser.open('/account')).url.pathname === '/account',
  },
  '/oauth/consent': {
    page: authorizationPath({ id: 'CLIENT' }, proof, { prompt: 'consent' }), signedIn: true,
    fields: (page) => ({ ...formOf(page).fields, decision: 'allow' }),
    isUndone: async (browser) => {
      const { location } = await browser.open(authorizationPath(client, proof, { prompt: 'none' }));
      return new URL(location).searchParams.get('error') === 'consent_required';
    },
  },
};

for (const [path, form] of Object.entries(FORMS)) {
  test(`${path} accepts only the form that this browser was shown, for its purpose`, async () => {
    const browser = await newBrowser(form.signedIn);
    const page = await browser.open(form.page.replace('CLIENT', client.id));
    const csrf = csrfOf(page);
    const fields = form.fields(page);
    const stranger = await newBrowser(form.signedIn);
    const strangers = csrfOf(await stranger.open(form.page.replace('CLIENT', client.id)));
    const [nonce, end, tag] = csrf.split('.');
    const forged = {
      none: '', 'of the stranger\'s browser': strangers, 'cut short': csrf.slice(0, -1), 'with more behind': `${csrf}x`,
      'of another nonce': `${nonce.startsWith('A') ? 'B' : 'A'}${nonce.slice(1)}.${end}.${tag}`,
      'with a later end': `${nonce}.${Number(end) + 1}.${tag}`, 'with a separator': `${nonce}|.${end}.${tag}`,
      'without a tag': `${nonce}.${end}.`, garbage: '...', 'a lot': 'x'.repeat(1000),
    };
    forged['of another page'] = csrfOf(await browser.open(path === '/account/sign-in' ? '/account/sign-up' : '/account/sign-in'));
    for (const [what, token] of Object.entries(forged)) await refused(what, browser, { ...fields, csrf: token });
    for (const origin of ['https://evil.example', 'null', server.issuer.replace('http:', 'https:'), `${server.issuer}.evil.example`]) {
      await refused(`from ${origin}`, browser, { ...fields, csrf }, { origin });
    }
    const cookies = new Map(browser.cookies);
    browser.cookies.delete('edgemint-browser');
    await refused('without the browser\'s cookie', browser, { ...fields, csrf });
    browser.cookies.set('edgemint-browser', stranger.cookies.get('edgemint-browser'));
    await refused('with the cookie of the stranger\'s browser', browser, { ...fields, csrf });
    browser.cookies = cookies;

    // The same fields work with the token, also without an Origin header, which old browsers do not send.
    const done = await post(browser, path, { ...fields, csrf }, { origin: undefined });
    assert.ok(done.status === 200 || done.location !== null, `${done.status}`);
    assert.equal(await form.isUndone(browser), false);

    async function refused(what, from, all, headers) {
      const answer = await post(from, path, all, headers);
      assert.ok([400, 403].includes(answer.status), `${what}: ${answer.status}`);
      assert.equal(answer.location, null, what);
      const before = new Map(from.cookies);
      if (!from.cookies.has('edgemint-browser')) from.cookies = cookies;
      assert.equal(await form.isUndone(from), true, what);
      from.cookies = before;
    }
  });

  test(`${path} ignores form fields in the URL`, async () => {
    const browser = await newBrowser(form.signedIn);
    const page = await browser.open(form.page.replace('CLIENT', client.id));
    const before = (await admin(server, 'GET', `/admin/users/${user.id}/grants`)).json.grants.length;
    const all = { ...form.fields(page), csrf: csrfOf(page) };
    if (path === '/account/sign-up') all.username = 'from-an-address';
    await browser.open(`${path}?${new URLSearchParams(all)}`);
    await post(browser, `${path}?${new URLSearchParams(all)}`, all);
    assert.equal(browser.cookies.has(SESSION), form.signedIn);
    if (form.signedIn) assert.equal((await browser.open('/account')).url.pathname, '/account');
    assert.equal((await admin(server, 'GET', `/admin/users/${user.id}/grants`)).json.grants.length, before);
    assert.deepEqual(await find('from-an-address'), []);
  });
}

test('a form of one request is not valid for another', async () => {
  const browser = await newBrowser(true);
  const open = (scope) => browser.open(authorizationPath(client, proof, { scope, prompt: 'consent' }));
  const [little, much] = [formOf(await open('openid')).fields, formOf(await open('openid read')).fields];
  const { status, location } = await post(browser, '/oauth/consent', { csrf: little.csrf, request: much.request, decision: 'allow' });
  assert.deepEqual([status, location], [400, null]);
  const logout = formOf(await browser.open('/oauth/logout')).fields;
  const other = { csrf: logout.csrf, request: `client_id=${client.id}`, decision: 'sign_out' };
  assert.equal((await post(browser, '/oauth/logout', other)).status, 400);
  assert.equal((await browser.open('/account')).url.pathname, '/account');
});

test('a form belongs to the user that it was shown to, who may sign in again in another tab', async () => {
  const browser = await newBrowser(true);
  const shown = csrfOf(await browser.open('/account'));
  const signIn = await browser.open('/account/sign-in');
  await browser.submit(signIn, await createUser(server), { action: '/account/sign-in' });
  assert.equal((await post(browser, '/account', { csrf: shown, action: 'sign_out' })).status, 403);
  const again = await browser.submit(signIn, user, { action: '/account/sign-in' });
  assert.deepEqual([again.status, again.url.pathname], [200, '/account'], 'a sign-in form is still valid after a sign-in');
  const out = await post(browser, '/account', { csrf: shown, action: 'sign_out' });
  assert.equal(out.url.pathname, '/account/sign-in');
});

test('a sign-in creates a new session, and the old cookie is invalid', async () => {
  const browser = await newBrowser(true);
  const old = browser.cookies.get(SESSION);
  await browser.signIn(user, '/account/sign-in');
  const renewed = browser.cookies.get(SESSION);
  assert.notEqual(renewed, old);
  assert.ok((await sessions(user)).every(({ id }) => !old.includes(id)));
  assert.equal((await with_(browser, old).open('/account')).url.pathname, '/account/sign-in');
  assert.equal((await with_(browser, renewed).open('/account')).url.pathname, '/account');
  // Session fixation: a session identifier that this server did not issue is not adopted.
  const fixed = new Browser(server);
  fixed.cookies.set(SESSION, 'chosen-by-an-attacker');
  await fixed.signIn(user, '/account/sign-in');
  assert.notEqual(fixed.cookies.get(SESSION), 'chosen-by-an-attacker');
});

test('signing in as another user ends the session of the first', async () => {
  const [first, second] = [await createUser(server), await createUser(server)];
  const browser = new Browser(server);
  await browser.signIn(first);
  const old = browser.cookies.get(SESSION);
  assert.equal((await sessions(first)).length, 1);
  await browser.signIn(second, '/account/sign-in');
  assert.deepEqual([(await sessions(first)).length, (await sessions(second)).length], [0, 1]);
  assert.equal((await with_(browser, old).open('/account')).url.pathname, '/account/sign-in');
});

test('cookies are out of reach of scripts and other sites; an https issuer\'s are limited to this host and to TLS', async (t) => {
  const issuer = 'https://as.example';
  const secure = await startWorker({ issuer });
  t.after(() => secure.stop());
  for (const [at, prefix, more] of [[server, '', ''], [secure, '__Host-', '; Secure']]) {
    const person = await createUser(at);
    const browser = new Browser(at);
    const page = await browser.open('/account/sign-in');
    const [own] = page.headers.getSetCookie();
    assert.match(own, new RegExp(`^${prefix}edgemint-browser=[A-Za-z0-9_-]{22}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax${more}$`));
    const signedIn = await browser.submit(page, person, { action: '/account/sign-in', stop: true });
    const set = signedIn.headers.getSetCookie();
    assert.equal(set.length, 3, set.join('\n'));
    assert.match(set[0], new RegExp(`^${prefix}edgemint-session=[A-Za-z0-9_.-]+; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax${more}$`));
    assert.match(set[1], new RegExp(`^${prefix}edgemint-known=[A-Za-z0-9_.-]+; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax${more}$`));
    assert.match(set[2], new RegExp(`^${prefix}edgemint-known-account=[A-Za-z0-9_.-]+; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax${more}$`));
    const account = await browser.open('/account');
    assert.equal(account.url.pathname, '/account');
    assert.deepEqual(account.headers.getSetCookie(), [], 'an existing cookie is not set again');
    const out = await post(browser, '/account', { csrf: csrfOf(account), action: 'sign_out' });
    assert.ok(!browser.cookies.has(`${prefix}edgemint-session`), `${out.status}`);
  }
  // A cookie without the prefix, which another host could have set, is ignored.
  const page = await send(secure, '/account/sign-in', { headers: { cookie: 'edgemint-browser=AAAAAAAAAAAAAAAAAAAAAA' } });
  assert.ok(page.headers['set-cookie'].startsWith('__Host-edgemint-browser='));
});

test('every page forbids frames, foreign scripts and caching', async () => {
  const browser = await newBrowser(true);
  for (const path of [
    '/account', '/account/sign-in', '/account/sign-up', '/oauth/logout', '/oauth/authorize', '/account/sign-in/upstream',
    authorizationPath(client, proof, { prompt: 'consent' }), authorizationPath(client, proof, { prompt: 'consent', response_mode: 'form_post' }),
  ]) {
    const { headers, html } = await browser.open(path);
    const policy = headers.get('content-security-policy').split('; ');
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), `${path}: ${part}`);
    }
    for (const [name, value] of Object.entries({
      'cache-control': 'no-store', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })) assert.equal(headers.get(name), value, `${path}: ${name}`);
    assert.ok(!headers.has('access-control-allow-origin'), path);
    assert.ok(!/ on[a-z]+=| style=|<style|<script(?![^>]* src="\/account\/)/.test(html), `${path}: nothing inline`);
  }
});

async function newBrowser(signedIn) {
  const browser = new Browser(server);
  if (signedIn) await browser.signIn(user);
  else await browser.open('/account/sign-in');
  return browser;
}

// The same browser with another session.
function with_(browser, session) {
  const other = new Browser(server);
  other.cookies = new Map(browser.cookies).set(SESSION, session);
  return other;
}

async function find(username) {
  return (await admin(server, 'GET', `/admin/users?username=${username}`)).json.users;
}

async function sessions({ id }) {
  return (await admin(server, 'GET', `/admin/users/${id}/sessions`)).json.sessions;
}
