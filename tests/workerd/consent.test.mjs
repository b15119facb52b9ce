// Consent: what the page shows, when it is required, what the decision changes, and the limits of a user's consent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, REDIRECT_URI, authorizationPath, authorize, createUser, csrfOf, formOf, pkce, post, redeem, refresh,
  registerPublicClient, signInAndRedeem,
} from './people.mjs';

const ALL = 'openid profile email offline_access read';
const proof = pkce();
let server;
let client;
let user;
let browser;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { resources: ['https://api.example/v1'] });
  user = await createUser(server);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

test('the page names the client, the user, the scope in words, and where the response goes', async () => {
  const named = await registerPublicClient(server, { client_name: '<i>Ferry</i> & "Co"', scope: `${ALL} pay:x` });
  const page = await ask(named, { scope: `${ALL} pay:x` });
  const text = words(page.html);
  assert.match(text, /<i>Ferry<\/i> & "Co" asks for access to your account/);
  assert.ok(!page.html.includes('<i>Ferry'), 'a client name is shown as text');
  assert.match(text, new RegExp(`You are signed in as ${user.username}`));
  for (const phrase of [
    'Know that it is you', 'See your name and user name', 'See your email address', 'Keep this access when you are not there',
    'Use the permission read', 'Use the permission pay:x', 'Your answer goes to app.example.',
  ]) assert.ok(text.includes(phrase), phrase);
  const device = await registerPublicClient(server, { redirect_uris: ['http://127.0.0.1/cb'] });
  const local = words((await ask(device, { redirect_uri: 'http://127.0.0.1:5000/cb' })).html);
  assert.match(local, /an application on this device, at 127\.0\.0\.1/);
  const chinese = await browser.open(authorizationPath(named, proof, { ui_locales: 'zh' }));
  assert.match(chinese.html, /<html lang="zh/);
  const resources = words((await ask(client, { resource: 'https://api.example/v1' })).html);
  assert.match(resources, /This access is for: https:\/\/api\.example\/v1/);
});

test('remembers consent; asks again for more scope and for another resource', async () => {
  const one = await registerPublicClient(server, { resources: ['https://api.example/v1'] });
  assert.equal(await isAsked(one, { scope: 'openid read' }), true);
  await allow(one, { scope: 'openid read' });
  assert.equal(await isAsked(one, { scope: 'openid read' }), false);
  assert.equal(await isAsked(one, { scope: 'read' }), false);
  assert.equal(await isAsked(one, { scope: 'openid read write' }), true);
  assert.equal(await isAsked(one, { scope: 'openid read', resource: 'https://api.example/v1' }), true);
  await allow(one, { scope: 'openid write' });
  assert.equal(await isAsked(one, { scope: 'openid read write' }), false, 'consent covers both');
  assert.equal(await isAsked(await registerPublicClient(server), { scope: 'openid read' }), true, 'another client');
  const elsewhere = new Browser(server);
  const page = await elsewhere.open(authorizationPath(one, proof, { scope: 'openid read' }));
  const { location } = await elsewhere.submit(page, { username: user.username, password: PASSWORD });
  assert.ok(location, 'consent belongs to the user, not to the browser');
});

test('consent to a scope at one resource is no consent to it at another', async () => {
  const [api, files] = ['https://api.example/v1', 'https://files.example'];
  const one = await registerPublicClient(server, { resources: [api, files] });
  await allow(one, { scope: 'read', resource: api });
  await allow(one, { scope: 'write', resource: files });
  const silently = async (scope, resource) => {
    const { location } = await browser.open(authorizationPath(one, proof, { scope, resource, prompt: 'none' }));
    return new URL(location).searchParams.get('error');
  };
  for (const [scope, resource] of [['write', api], ['read', files], ['read write', api]]) {
    assert.equal(await isAsked(one, { scope, resource }), true, `${scope} at ${resource}`);
    assert.equal(await silently(scope, resource), 'consent_required', `${scope} at ${resource}`);
  }
  assert.equal(await silently('read', api), null);
  assert.equal(await silently('write', files), null);
  await allow(one, { scope: 'write', resource: api });
  assert.equal(await silently('read write', api), null);
  assert.equal(await silently('read', files), 'consent_required');
});

test('asks every time for a public client with a loopback redirect URI (RFC 8252 section 8.6)', async () => {
  const uris = ['http://127.0.0.1/cb', 'com.example.app:/cb', REDIRECT_URI];
  const native = await registerPublicClient(server, { redirect_uris: uris });
  for (const [redirect_uri, again] of [['http://127.0.0.1:4000/cb', true], ['com.example.app:/cb', true], [REDIRECT_URI, false]]) {
    if (again) await allow(native, { redirect_uri });
    assert.equal(await isAsked(native, { redirect_uri }), again, redirect_uri);
    const { location } = await browser.open(authorizationPath(native, proof, { redirect_uri, prompt: 'none' }));
    assert.equal(new URL(location).searchParams.get('error'), again ? 'consent_required' : null, redirect_uri);
  }
  const secret = await registerPublicClient(server, { redirect_uris: uris, token_endpoint_auth_method: 'client_secret_basic' });
  await allow(secret, { redirect_uri: 'http://127.0.0.1:4000/cb' });
  assert.equal(await isAsked(secret, { redirect_uri: 'http://127.0.0.1:4000/cb' }), false, 'a confidential client');
});

test('a denial is sent to the client, and is not remembered', async () => {
  const one = await registerPublicClient(server);
  const { location } = await browser.submit(await ask(one), { decision: 'deny' });
  const { error, code, state, iss } = Object.fromEntries(new URL(location).searchParams);
  assert.deepEqual([error, code, state, iss], ['access_denied', undefined, 'state-1', server.issuer]);
  assert.equal(await isAsked(one), true);
});

test('withdrawing consent revokes the client\'s grants, and the next request asks again', async () => {
  const one = await registerPublicClient(server);
  const { tokens, browser: own } = await signInAndRedeem(server, user, one, { scope: 'openid offline_access' });
  const account = await own.open('/account');
  const { url } = await post(own, '/account', { csrf: csrfOf(account), action: 'withdraw', client: one.id });
  assert.equal(url.pathname + url.search, '/account');
  assert.equal((await refresh(server, one, tokens.refresh_token)).json.error, 'invalid_grant');
  assert.equal(await isAsked(one, { scope: 'openid' }), true);
});

test('sending the form twice yields one code; after its redemption the page says so', async () => {
  const one = await registerPublicClient(server);
  const page = await ask(one);
  const [first, second] = await Promise.all([1, 2].map(() => browser.submit(page, { decision: 'allow' })));
  assert.equal(first.location, second.location);
  const code = new URL(first.location).searchParams.get('code');
  assert.equal((await redeem(server, one, code, proof)).status, 200);
  const third = await browser.submit(page, { decision: 'allow' });
  assert.deepEqual([third.status, third.location], [400, null]);
  assert.match(words(third.html), /Already answered/);
});

test('refuses an invalid decision, and a decision without a valid request', async () => {
  const page = await ask(client, { prompt: 'consent' });
  const { csrf, request } = formOf(page, '/oauth/consent').fields;
  for (const fields of [{ csrf, request }, { csrf, request, decision: 'yes' }, { csrf, decision: 'allow' }]) {
    const { status, location } = await post(browser, '/oauth/consent', fields);
    assert.deepEqual([status, location], [400, null]);
  }
  assert.equal((await browser.open(`/oauth/consent?${new URLSearchParams({ csrf, request, decision: 'allow' })}`)).status, 405);
});

test('tells a user who has signed out where to start again', async () => {
  const own = new Browser(server);
  await own.signIn(user);
  const page = await own.open(authorizationPath(client, proof, { prompt: 'consent' }));
  const session = own.cookies.get('edgemint-session');
  await post(own, '/account', { csrf: csrfOf(await own.open('/account')), action: 'sign_out' });
  for (const cookie of [undefined, session]) {
    if (cookie) own.cookies.set('edgemint-session', cookie);
    const answer = await own.submit(page, { decision: 'allow' });
    assert.deepEqual([answer.status, answer.location], [400, null]);
    assert.match(words(answer.html), /You are signed out/);
    assert.match(answer.html, /<a class="button" href="\/oauth\/authorize\?/);
  }
});

test('a user with a limited scope cannot consent to more', async () => {
  const limited = await createUser(server, { scope: 'read' });
  const { tokens, browser: own } = await signInAndRedeem(server, limited, client, { scope: `${ALL} write` });
  assert.equal(tokens.scope, 'openid profile email offline_access read');
  const answer = await authorize(own, limited, client, proof, { scope: 'write' });
  assert.deepEqual([answer.error, answer.code], ['access_denied', undefined]);
});

test('reducing a user\'s scope limits the user\'s grants', async () => {
  const person = await createUser(server);
  const both = await signInAndRedeem(server, person, client, { scope: 'openid offline_access read write' });
  const one = await signInAndRedeem(server, person, client, { scope: 'openid offline_access read' });
  const change = { username: person.username, scope: 'read' };
  assert.equal((await admin(server, 'PUT', `/admin/users/${person.id}`, change)).status, 200);
  assert.equal((await refresh(server, client, both.tokens.refresh_token)).json.error, 'invalid_grant');
  assert.equal((await refresh(server, client, one.tokens.refresh_token)).status, 200);
});

test('the admin scope is for users that an operator permits', async () => {
  const scope = 'openid edgemint:admin';
  const grave = await registerPublicClient(server, { scope });
  const users = (tokens) => fetch(`${server.url}/admin/users`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.ok(!(await ask(grave, { scope })).html.includes('Manage this server'));
  const ordinary = await signInAndRedeem(server, user, grave, { scope });
  assert.equal(ordinary.tokens.scope, 'openid');
  assert.equal((await users(ordinary.tokens)).status, 403);
  const { error } = await authorize(ordinary.browser, user, grave, proof, { scope: 'edgemint:admin' });
  assert.equal(error, 'access_denied');

  const operator = await createUser(server, { scope: 'edgemint:admin' });
  const own = new Browser(server);
  await own.signIn(operator);
  const page = await own.open(authorizationPath(grave, proof, { scope }));
  assert.match(page.html, /<li class="is-grave">Manage this server/);
  const { tokens } = await signInAndRedeem(server, operator, grave, { scope });
  assert.equal(tokens.scope, scope);
  assert.equal((await users(tokens)).status, 200);
  assert.equal((await admin(server, 'PUT', `/admin/users/${operator.id}`, { username: operator.username, scope: null })).status, 200);
  assert.equal((await users(tokens)).status, 401, 'not after the expiry');
});

// The consent page of a request.
async function ask(of, parameters) {
  const page = await browser.open(authorizationPath(of, proof, parameters));
  assert.equal(page.location, null);
  formOf(page, '/oauth/consent');
  return page;
}

async function isAsked(of, parameters) {
  const page = await browser.open(authorizationPath(of, proof, parameters));
  if (page.location !== null) assert.ok(new URL(page.location).searchParams.has('code'), page.location);
  return page.location === null;
}

async function allow(of, parameters) {
  const { location } = await browser.submit(await ask(of, parameters), { decision: 'allow' });
  assert.ok(new URL(location).searchParams.has('code'));
}

// The text of a page, without its tags.
function words(html) {
  const text = html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').replace(/ ([.,])/g, '$1');
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
