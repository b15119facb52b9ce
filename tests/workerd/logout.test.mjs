// OpenID Connect RP-Initiated Logout: which hints are accepted, when the user confirms, and where the logout redirects.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, csrfOf, formOf, post, refresh, registerPublicClient, signInAndRedeem } from './people.mjs';
import { bearer, postForm, send, until } from './request.mjs';

const BYE = 'https://app.example/bye?tenant=1';
const HOSTILE = '"><script>alert(1)</script>';
let server;
let client;
let other;
let user;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, {
    client_name: 'Ferry <b>& Co</b>', post_logout_redirect_uris: [BYE, 'http://127.0.0.1/bye'],
  });
  other = await registerPublicClient(server, { post_logout_redirect_uris: ['https://other.example/bye'] });
  user = await createUser(server, { username: 'who-is-signed-in' });
});

after(() => server?.stop());

test('an ID token of the session signs the user out at once, and returns to the client with its state', async () => {
  const { browser, tokens } = await signIn();
  const page = await browser.open(path({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: HOSTILE }));
  assert.equal(page.status, 303);
  assert.ok(page.location.startsWith(`${BYE}&state=`), page.location);
  assert.equal(new URL(page.location).searchParams.get('state'), HOSTILE);
  assert.ok(!browser.cookies.has('edgemint-session'));
  assert.equal(await isSignedIn(browser), false);
});

test('logout revokes the grants that end with the session, and keeps offline grants', async () => {
  const { browser, tokens } = await signIn({ scope: 'openid read' });
  const offline = await signIn({ scope: 'openid offline_access' });
  const userinfo = (text) => send(server, '/oauth/userinfo', { headers: bearer(text) });
  assert.equal((await userinfo(tokens.access_token)).status, 200);
  for (const [own, { id_token }] of [[browser, tokens], [offline.browser, offline.tokens]]) {
    assert.equal((await own.open(path({ id_token_hint: id_token }))).status, 200);
  }
  assert.equal((await userinfo(tokens.access_token)).status, 401);
  assert.equal((await refresh(server, client, tokens.refresh_token)).json.error, 'invalid_grant');
  assert.equal((await userinfo(offline.tokens.access_token)).status, 200);
  assert.equal((await refresh(server, client, offline.tokens.refresh_token)).status, 200);
});

test('without a hint the user confirms, and may stay signed in', async () => {
  const { browser } = await signIn();
  for (const parameters of [{}, { client_id: client.id }, { client_id: client.id, post_logout_redirect_uri: BYE, state: 'x' }]) {
    const page = await browser.open(path(parameters));
    assert.equal(page.status, 200);
    assert.match(page.html, /<h1>Sign out\?<\/h1>/);
    assert.ok(page.html.includes('who-is-signed-in') && !page.html.includes('<b>& Co'));
    assert.equal(page.html.includes('Ferry &lt;b&gt;'), 'client_id' in parameters);
    const stay = await browser.submit(page, { decision: 'stay' });
    assert.equal(stay.url.href, `${server.url}/account`);
  }
});

test('after a confirmed logout the page says so, or the client\'s logout redirect URI follows', async () => {
  const plain = await signIn();
  const done = await plain.browser.submit(await plain.browser.open('/oauth/logout'), { decision: 'sign_out' });
  assert.deepEqual([done.status, done.location], [200, null]);
  assert.match(done.html, /Your session here has ended/);
  assert.ok(!plain.browser.cookies.has('edgemint-session'));
  assert.equal(await isSignedIn(plain.browser), false);

  const { browser } = await signIn();
  const page = await browser.open(path({ client_id: client.id, post_logout_redirect_uri: BYE, state: 'x' }));
  const { location } = await browser.submit(page, { decision: 'sign_out' });
  assert.equal(location, `${BYE}&state=x`);
  assert.equal(await isSignedIn(browser), false);
});

test('a hint of another session or user, expired or forged, requires a confirmation', async () => {
  const { browser, tokens } = await signIn();
  const again = await signIn();
  const stranger = await signInAndRedeem(server, await createUser(server), client);
  const [header, claims, signature] = tokens.id_token.split('.');
  const forged = [header, Buffer.from(JSON.stringify({ ...decode(tokens.id_token).claims, x: 1 })).toString('base64url'), signature];
  for (const hint of [again.tokens.id_token, stranger.tokens.id_token, forged.join('.'), tokens.access_token, 'x', claims]) {
    const page = await browser.open(path({ id_token_hint: hint }));
    assert.match(page.html, /<h1>Sign out\?<\/h1>/, hint.slice(0, 20));
  }
  assert.equal(await isSignedIn(browser), true);
});

test('an expired ID token still identifies its session', async (t) => {
  // Issued while the operator's own tokens are valid long enough.
  const long = await startWorker();
  const [person, app] = [await createUser(long), await registerPublicClient(long)];
  await long.kill();
  const short = await startWorker({ ...long.settings, vars: { ACCESS_TOKEN_TTL: '1' } });
  t.after(() => short.stop());
  const { browser, tokens } = await signInAndRedeem(short, person, app);
  const { exp } = decode(tokens.id_token).claims;
  await until(() => Date.now() / 1000 >= exp + 1, 'the end of the token');
  const page = await browser.open(path({ id_token_hint: tokens.id_token }));
  assert.match(page.html, /Your session here has ended/);
});

for (const [what, parameters] of [
  ['an unregistered redirect URI', () => ({ client_id: client.id, post_logout_redirect_uri: 'https://evil.example/' })],
  ['a redirect URI of another client', () => ({ client_id: client.id, post_logout_redirect_uri: 'https://other.example/bye' })],
  ['a redirect URI with a registered prefix', () => ({ client_id: client.id, post_logout_redirect_uri: `${BYE}&x=1` })],
  ['the redirect URI of authorization responses', () => ({ client_id: client.id, post_logout_redirect_uri: 'https://app.example/cb' })],
  ['a script', () => ({ client_id: client.id, post_logout_redirect_uri: 'javascript:alert(1)' })],
  ['a hostile redirect URI', () => ({ client_id: client.id, post_logout_redirect_uri: `https://evil.example/${HOSTILE}` })],
  ['a redirect URI without a client', () => ({ post_logout_redirect_uri: BYE })],
  ['an unknown client', () => ({ client_id: 'unknown' })],
  ['a client_id with invalid characters', () => ({ client_id: 'caf\u00e9' })],
  ['two clients', ({ id_token }) => ({ client_id: other.id, id_token_hint: id_token })],
  ['a hint, and the redirect URI of another client', ({ id_token }) => ({ id_token_hint: id_token, post_logout_redirect_uri: 'https://other.example/bye' })],
]) {
  test(`shows an error page, and ends no session: ${what}`, async () => {
    const { browser, tokens } = await signIn();
    const address = path({ ...parameters(tokens), state: HOSTILE });
    for (const own of [browser, new Browser(server)]) {
      const page = await own.open(address);
      assert.deepEqual([page.status, page.location], [400, null]);
      assert.ok(!page.html.includes('<script>alert'));
    }
    assert.equal((await browser.open(`${address}&state=twice`)).status, 400);
    assert.equal(await isSignedIn(browser), true);
  });
}

test('a loopback redirect URI may have any port', async () => {
  const { browser, tokens } = await signIn();
  const page = await browser.open(path({ id_token_hint: tokens.id_token, post_logout_redirect_uri: 'http://127.0.0.1:5000/bye' }));
  assert.equal(page.location, 'http://127.0.0.1:5000/bye');
});

test('a browser without a session is signed out already', async () => {
  const page = await new Browser(server).open('/oauth/logout');
  assert.match(page.html, /Your session here has ended/);
  const { location } = await new Browser(server).open(path({ client_id: client.id, post_logout_redirect_uri: BYE, state: 'x' }));
  assert.equal(location, `${BYE}&state=x`);
});

test('a cross-site POST carries no cookies and requires a confirmation', async () => {
  const { browser, tokens } = await signIn();
  const cookies = new Map(browser.cookies);
  const fields = { client_id: client.id, post_logout_redirect_uri: BYE, state: 'x' };
  for (const forged of [fields, { ...fields, decision: 'sign_out' }, { ...fields, decision: 'sign_out', request: '' }]) {
    // SameSite=Lax: the browser sends no cookies with the form, but with the redirect that follows.
    const { status, headers } = await postForm(server, '/oauth/logout', forged, { origin: 'https://app.example' });
    assert.deepEqual([status, headers['set-cookie']], [303, undefined]);
    const page = await browser.open(headers.location);
    assert.match(page.html, /<h1>Sign out\?<\/h1>/);
  }
  assert.deepEqual(browser.cookies, cookies);
  assert.equal(await isSignedIn(browser), true);
  const believed = await post(browser, '/oauth/logout', { ...fields, id_token_hint: tokens.id_token });
  assert.equal(believed.location, `${BYE}&state=x`);
});

test('the decision is not accepted in the URL, even with the page\'s own token', async () => {
  const { browser } = await signIn();
  const page = await browser.open('/oauth/logout');
  const asked = await browser.open(path({ csrf: csrfOf(page), decision: 'sign_out', request: '' }));
  assert.match(asked.html, /<h1>Sign out\?<\/h1>/);
  assert.equal(await isSignedIn(browser), true);
  assert.equal(formOf(asked).action, '/oauth/logout');
});

function signIn(parameters) {
  return signInAndRedeem(server, user, client, parameters);
}

function path(parameters) {
  return `/oauth/logout?${new URLSearchParams(parameters)}`;
}

async function isSignedIn(browser) {
  return (await browser.open('/account')).url.pathname === '/account';
}
