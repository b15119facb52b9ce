// The pages of the authorization endpoint: when the user signs in, when the user consents, and how a client controls both
// (OpenID Connect Core section 3.1.2.1).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, authorize, createUser, pkce, redeem, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { until } from './request.mjs';

const proof = pkce();
let server;
let client;
let user;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server);
  user = await createUser(server);
});

after(() => server?.stop());

test('without a session: sign-in page, consent page, code', async () => {
  const browser = new Browser(server);
  const signIn = await browser.open(authorizationPath(client, proof));
  assert.deepEqual([signIn.status, signIn.url.pathname], [200, '/account/sign-in']);
  assert.match(signIn.html, /<b[^>]*>(<bdi>)?Test app/, 'it names the client');
  const consent = await browser.submit(signIn, { username: user.username, password: PASSWORD });
  assert.deepEqual([consent.status, consent.url.pathname], [200, '/oauth/authorize']);
  const { location } = await browser.submit(consent, { decision: 'allow' });
  assert.ok(new URL(location).searchParams.has('code'));
});

test('prompt=none returns an error and shows no page', async () => {
  const browser = new Browser(server);
  const silently = (parameters) => answer(browser, { prompt: 'none', ...parameters });
  assert.equal((await silently()).error, 'login_required');
  await browser.signIn(await createUser(server));
  assert.equal((await silently()).error, 'consent_required');
  const page = await browser.open(authorizationPath(client, proof));
  await browser.submit(page, { decision: 'allow' });
  const { code, error } = await silently();
  assert.deepEqual([error, typeof code], [undefined, 'string']);
  assert.equal((await redeem(server, client, code, proof)).status, 200);
  assert.equal((await silently({ scope: 'openid read write' })).error, 'consent_required', 'more than the consent');
  assert.equal((await silently({ scope: 'openid' })).error, undefined, 'less than the consent');
  browser.cookies.delete('edgemint-session');
  assert.equal((await silently()).error, 'login_required');
});

test('prompt=none does not use an expired session', async () => {
  const { browser } = await signInAndRedeem(server, user, client);
  const dead = browser.cookies.get('edgemint-session');
  await browser.signIn(user, '/account/sign-in');
  assert.notEqual(browser.cookies.get('edgemint-session'), dead);
  browser.cookies.set('edgemint-session', dead);
  assert.equal((await answer(browser, { prompt: 'none' })).error, 'login_required');
  for (const forged of ['x', `${dead}x`, dead.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), '"'.repeat(50)]) {
    browser.cookies.set('edgemint-session', forged);
    assert.equal((await answer(browser, { prompt: 'none' })).error, 'login_required');
  }
});

test('id_token_hint requires a sign-in as the user that it names', async () => {
  const { browser, tokens } = await signInAndRedeem(server, user, client);
  const other = await createUser(server);
  const others = await signInAndRedeem(server, other, client);
  const hinted = (id_token_hint, prompt = 'none') => answer(browser, { prompt, id_token_hint });
  assert.equal((await hinted(tokens.id_token)).error, undefined);
  assert.equal((await hinted(others.tokens.id_token)).error, 'login_required');
  // An invalid ID token identifies no user.
  for (const hint of ['x', tokens.access_token, `${tokens.id_token}x`, tokens.id_token.replace(/\..*\./, '.e30.')]) {
    assert.equal((await hinted(hint)).error, 'login_required', hint.slice(0, 10));
  }
  const page = await browser.open(authorizationPath(client, proof, { id_token_hint: others.tokens.id_token }));
  assert.equal(page.url.pathname, '/account/sign-in');
  const { location } = await browser.submit(page, { username: other.username, password: PASSWORD });
  assert.ok(new URL(location).searchParams.has('code'), 'now it is the user of the hint');
});

test('login_hint prefills the user name, as text', async () => {
  for (const hint of ['user@app.example', '"><script>alert(1)</script>']) {
    const { html } = await new Browser(server).open(authorizationPath(client, proof, { login_hint: hint }));
    const value = html.match(/<input id="username"[^>]* value="([^"]*)"/)[1];
    assert.equal(value.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>'), hint);
  }
  const long = await new Browser(server).open(authorizationPath(client, proof, { login_hint: 'x'.repeat(201) }));
  assert.ok(!/<input id="username"[^>]* value="x/.test(long.html));
});

for (const prompt of ['login', 'select_account', 'login consent']) {
  test(`prompt=${prompt} requires a new sign-in, and auth_time changes`, async () => {
    const { browser, tokens } = await signInAndRedeem(server, user, client);
    const { auth_time } = decode(tokens.id_token).claims;
    await nextSecond(auth_time);
    const page = await browser.open(authorizationPath(client, proof, { prompt }));
    assert.equal(page.url.pathname, '/account/sign-in');
    assert.match(page.html, /You are signed in already/);
    let { location, ...next } = await browser.submit(page, { username: user.username, password: PASSWORD });
    if (prompt.includes('consent')) ({ location } = await browser.submit(next, { decision: 'allow' }));
    assert.ok(location, 'a consent page only for prompt=consent');
    const { json } = await redeem(server, client, new URL(location).searchParams.get('code'), proof);
    assert.ok(decode(json.id_token).claims.auth_time > auth_time);
  });
}

test('prompt=select_account lets another user sign in, and signs the first one out', async () => {
  const { browser, tokens } = await signInAndRedeem(server, user, client, { scope: 'openid read' });
  const [first, other] = [browser.cookies.get('edgemint-session'), await createUser(server)];
  const { code } = await authorize(browser, other, client, proof, { prompt: 'select_account' });
  const { json } = await redeem(server, client, code, proof);
  assert.equal(decode(json.id_token).claims.sub, other.id);
  assert.equal(decode(tokens.id_token).claims.sub, user.id);
  browser.cookies.set('edgemint-session', first);
  assert.equal((await browser.open('/account')).url.pathname, '/account/sign-in');
});

test('prompt=consent asks for consent again', async () => {
  const { browser } = await signInAndRedeem(server, user, client);
  assert.equal((await browser.open(authorizationPath(client, proof))).location !== null, true);
  const page = await browser.open(authorizationPath(client, proof, { prompt: 'consent' }));
  assert.deepEqual([page.location, page.url.pathname], [null, '/oauth/authorize']);
  const { location } = await browser.submit(page, { decision: 'deny' });
  assert.equal(new URL(location).searchParams.get('error'), 'access_denied');
});

test('max_age refuses a sign-in that is too old', async () => {
  const { browser, tokens } = await signInAndRedeem(server, user, client);
  const { auth_time } = decode(tokens.id_token).claims;
  assert.equal((await answer(browser, { max_age: '10000', prompt: 'none' })).error, undefined);
  await nextSecond(auth_time + 1);
  for (const max_age of ['0', '1']) {
    assert.equal((await answer(browser, { max_age, prompt: 'none' })).error, 'login_required', max_age);
  }
  const page = await browser.open(authorizationPath(client, proof, { max_age: '0' }));
  assert.equal(page.url.pathname, '/account/sign-in');
  const onward = await browser.submit(page, { username: user.username, password: PASSWORD }, { stop: true });
  assert.ok(!new URL(onward.location).searchParams.has('max_age'), 'one sign-in, however long the way back takes');
  const { location } = await browser.open(onward.location);
  const { json } = await redeem(server, client, new URL(location).searchParams.get('code'), proof);
  assert.ok(decode(json.id_token).claims.auth_time > auth_time + 1);
});

test('every authorization response has the issuer (RFC 9207)', async () => {
  const { browser } = await signInAndRedeem(server, user, client);
  for (const parameters of [{}, { prompt: 'none' }, { prompt: 'none', scope: 'write' }, { response_type: 'token' }]) {
    assert.equal((await answer(browser, parameters)).iss, server.issuer);
  }
});

async function answer(browser, parameters) {
  const { location, status, url } = await browser.open(authorizationPath(client, proof, parameters));
  assert.ok(location !== null, `${status} ${url}`);
  return Object.fromEntries(new URL(location).searchParams);
}

// Times in tokens are whole seconds.
function nextSecond(time) {
  return until(() => Date.now() / 1000 >= time + 1, 'the next second');
}
