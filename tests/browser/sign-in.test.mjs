// Sign-in and consent as a user does them: with mistakes, in two tabs, with the back button, twice.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createUser } from '../workerd/people.mjs';
import { until } from '../workerd/request.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { launch } from './chromium.mjs';
import { alter, atClient, decide, heading, page as html, redeemLast, registerAt, requestOf, signIn, startClient, visit } from './people.mjs';

let server;
let browser;
let site;
let client;
let user;

before(async () => {
  server = await startWorker();
  browser = await launch();
  site = await startClient();
  client = await registerAt(server, site);
  user = await createUser(server);
});

beforeEach(() => {
  site.arrivals.length = 0;
  site.hold = undefined;
  site.onward = undefined;
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

const begin = (t, url, options) => visit(t, browser, url, { origins: [server.url, site.origin], ...options });
const ask = (parameters) => requestOf(server, site, client, parameters);

test('sign-in and consent lead back to the client with a valid code', async (t) => {
  const request = ask({ scope: 'openid profile read', state: 'a b&c' });
  const { page } = await begin(t, request.url);
  assert.match(await page.locator('main').innerText(), /Test app asks you to sign in/);
  await signIn(page, user);
  await heading(page, 'Test app asks for access to your account');
  assert.deepEqual(await page.getByRole('list', { name: /Test app can/ }).getByRole('listitem').allInnerTexts(), [
    'Know that it is you, by an identifier of your account', 'See your name and user name', 'Use the permission read',
  ]);
  // Any program may listen on a loopback address: the page says so.
  assert.match(await page.locator('main').innerText(), /an application on this device, at 127\.0\.0\.1/);
  await decide(page, 'allow');
  await atClient(page);
  const [{ method, parameters }] = site.arrivals;
  assert.deepEqual([method, parameters.state, parameters.iss], ['GET', 'a b&c', server.issuer]);
  const { status, json } = await redeemLast(server, site, client, request);
  assert.deepEqual([status, json.scope], [200, 'openid profile read']);
});

test('a denial leads back to the client with an error', async (t) => {
  const { page } = await begin(t, ask().url);
  await signIn(page, user);
  await decide(page, 'deny');
  await atClient(page);
  const { error, state, iss, code } = site.arrivals[0].parameters;
  assert.deepEqual([error, state, iss, code], ['access_denied', 'state-1', server.issuer, undefined]);
});

test('after a wrong password the page says so, keeps the name, and focuses the password', async (t) => {
  const { page } = await begin(t, ask().url);
  await page.waitForFunction(() => document.activeElement.id === 'username');
  await signIn(page, { ...user, password: 'wrong horse battery staple' });
  const alert = page.getByRole('alert');
  assert.equal(await alert.innerText(), 'User name or password is wrong.');
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.getByLabel('User name').inputValue(), user.username);
  await page.waitForFunction(() => document.activeElement.id === 'password');
  const focused = await page.evaluate(() => {
    const { id, value, ariaInvalid } = document.activeElement;
    return { id, value, ariaInvalid, told: document.activeElement.ariaDescribedByElements[0].textContent };
  });
  assert.deepEqual(focused, { id: 'password', value: '', ariaInvalid: 'true', told: await alert.innerText() });
  await page.keyboard.type(user.password);
  await page.keyboard.press('Enter');
  await heading(page, /asks for access/);
});

test('an unregistered redirect URI is shown as an error, without a redirect', async (t) => {
  const { page } = await begin(t, ask({ redirect_uri: `${site.origin}/other` }).url);
  await heading(page, 'Return address not registered');
  assert.equal(await page.getByRole('link').count(), 0);
});

test('an unknown client is shown as an error', async (t) => {
  const { page } = await begin(t, ask({ client_id: 'unknown' }).url);
  await heading(page, 'Unknown application');
  assert.match(await page.locator('main').innerText(), /You cannot fix this here/);
});

test('a request without PKCE is an error at the client', async (t) => {
  const { page } = await begin(t, ask({ code_challenge: undefined, code_challenge_method: undefined }).url);
  await atClient(page);
  const { error, state, iss } = site.arrivals[0].parameters;
  assert.deepEqual([error, state, iss], ['invalid_request', 'state-1', server.issuer]);
});

test('a foreign sign-in form shows the page again, which then works', async (t) => {
  const { page } = await begin(t, ask().url);
  await alter(page, 'csrf', 'x.1.y');
  await signIn(page, user);
  assert.match(await page.getByRole('alert').innerText(), /Please try again/);
  assert.equal(await page.getByLabel('User name').inputValue(), user.username);
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await heading(page, /asks for access/);
});

test('a foreign consent form, or one of another request, consents to nothing; a click starts again', async (t) => {
  const { page } = await begin(t, ask().url);
  await signIn(page, user);
  const other = new URL(ask({ scope: 'openid read write' }).url).search.slice(1);
  for (const [name, value] of [['csrf', 'x.1.y'], ['request', other]]) {
    await heading(page, /asks for access/);
    await alter(page, name, value);
    await decide(page, 'allow');
    await heading(page, 'Wrong browser');
    await page.getByRole('link', { name: 'Start again' }).click();
  }
  assert.deepEqual(site.arrivals, []);
  await decide(page, 'allow');
  await atClient(page);
});

test('a browser that loses its cookies gets an error, not a loop', async (t) => {
  const { page } = await begin(t, ask().url);
  await page.context().clearCookies();
  await signIn(page, user);
  await heading(page, 'Wrong browser');
  await page.getByRole('link', { name: 'Start again' }).click();
  await signIn(page, user);
  await heading(page, /asks for access/);
  await page.context().clearCookies();
  await decide(page, 'allow');
  await heading(page, 'You are signed out');
  await page.getByRole('link', { name: 'Start again' }).click();
  await heading(page, 'Sign in');
  assert.deepEqual(site.arrivals, []);
});

test('a second click on Allow, while the first is on its way, gives the client the same code', async (t) => {
  const request = ask();
  const { page } = await begin(t, request.url);
  await signIn(page, user);
  const button = page.getByRole('button', { name: 'Allow', exact: true });
  const { x, y, width, height } = await button.boundingBox();
  let release;
  site.hold = new Promise((resolve) => { release = resolve; });
  for (const clicks of [1, 2]) {
    await page.mouse.click(x + width / 2, y + height / 2);
    await until(() => site.arrivals.length === clicks, `click ${clicks}`);
  }
  release();
  await atClient(page);
  const [first, second] = site.arrivals.map(({ parameters }) => parameters.code);
  assert.ok(first.length > 20);
  assert.equal(first, second);
  assert.equal((await redeemLast(server, site, client, request)).status, 200);
});

test('a consent form can be used once: sent again after its code was redeemed, it says what to do', async (t) => {
  const request = ask();
  const { page } = await begin(t, request.url);
  await signIn(page, user);
  await heading(page, /asks for access/);
  // Both: the request of the first form says that a sign-in has just been made for it.
  const form = [['csrf', await alter(page, 'csrf')], ['request', await alter(page, 'request')]];
  await decide(page, 'allow');
  await atClient(page);
  const tokens = await redeemLast(server, site, client, request);
  assert.equal(tokens.status, 200);

  await page.goto(request.url);
  for (const [name, value] of form) await alter(page, name, value);
  await decide(page, 'allow');
  await heading(page, 'Already answered');
  assert.equal(site.arrivals.length, 1);
  await page.getByRole('link', { name: 'Start again' }).click();
  await decide(page, 'allow');
  await atClient(page);
  assert.equal((await redeemLast(server, site, client, request)).status, 200);
});

test('going back from the client and clicking Allow again yields a valid code', async (t) => {
  const request = ask();
  const { page } = await begin(t, request.url);
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
  assert.equal((await redeemLast(server, site, client, request)).status, 200);
  await page.goBack();
  await decide(page, 'allow');
  await atClient(page);
  assert.equal(site.arrivals.length, 2);
  assert.equal((await redeemLast(server, site, client, request)).status, 200);
});

test('two tabs both sign in, one after the other, and both get a code', async (t) => {
  const [one, two] = [ask({ state: 'one' }), ask({ state: 'two' })];
  const { page } = await begin(t, one.url);
  const tab = await page.context().newPage();
  await tab.goto(two.url);
  await signIn(page, user);
  await heading(page, /asks for access/);
  await signIn(tab, user);
  await decide(tab, 'allow');
  await atClient(tab);
  await decide(page, 'allow');
  await atClient(page);
  assert.deepEqual(site.arrivals.map(({ parameters }) => parameters.state), ['two', 'one']);
});

test('signed out in another tab: Allow is refused, and signing in leads back to the consent page', async (t) => {
  const request = ask();
  const { page } = await begin(t, request.url);
  await signIn(page, user);
  await heading(page, /asks for access/);
  const tab = await page.context().newPage();
  await tab.goto(`${server.url}/account`);
  await tab.locator('form.sign-out button').click();
  await heading(tab, 'Sign in');
  await decide(page, 'allow');
  await heading(page, 'You are signed out');
  await page.getByRole('link', { name: 'Start again' }).click();
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
  assert.equal((await redeemLast(server, site, client, request)).status, 200);
});

test('another user signed in in another tab cannot consent for the first one', async (t) => {
  const { page } = await begin(t, ask().url);
  await signIn(page, user);
  await heading(page, /asks for access/);
  const tab = await page.context().newPage();
  await tab.goto(`${server.url}/account/sign-in`);
  await signIn(tab, await createUser(server));
  await heading(tab, 'Your account');
  await decide(page, 'allow');
  await heading(page, 'Wrong browser');
  assert.deepEqual(site.arrivals, []);
});

test('the page offers to use another account, and then asks that user for consent', async (t) => {
  const other = await createUser(server);
  const { page } = await begin(t, ask().url);
  await signIn(page, user);
  await page.getByRole('link', { name: 'Use another account' }).click();
  await signIn(page, other);
  await heading(page, /asks for access/);
  assert.match(await page.locator('main').innerText(), new RegExp(`signed in as ${other.username}`));
});

test('a signed-in user does not sign in again, unless the client requires it', async (t) => {
  const { page } = await begin(t, ask().url);
  await signIn(page, user);
  await heading(page, /asks for access/);
  await page.goto(ask().url);
  await heading(page, /asks for access/);
  await page.goto(ask({ prompt: 'login' }).url);
  await heading(page, 'Sign in');
  assert.match(await page.locator('main').innerText(), /You are signed in already/);
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
});

for (const javaScriptEnabled of [true, false]) {
  test(`form_post: the response is sent as a form, ${javaScriptEnabled ? 'by itself' : 'by the button where there is no script'}`, async (t) => {
    const request = ask({ response_mode: 'form_post', state: '<"&>' });
    const { page } = await begin(t, request.url, { javaScriptEnabled });
    await signIn(page, user);
    await decide(page, 'allow');
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click();
    await atClient(page);
    const [{ method, parameters }] = site.arrivals;
    assert.deepEqual([method, parameters.state, parameters.iss], ['POST', '<"&>', server.issuer]);
    assert.equal(page.url(), site.callback, 'no code in an address');
    assert.equal((await redeemLast(server, site, client, request)).status, 200);
  });
}

test('the client gets no Referer', async (t) => {
  const { page, seen } = await begin(t, ask().url);
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
  const toClient = (await Promise.all(seen.requests)).filter(({ url }) => url.startsWith(site.origin));
  assert.deepEqual(toClient.map(({ headers }) => headers.referer), [undefined]);
});

test('a client may redirect users to another origin of its own', async (t) => {
  const other = await startClient({ '/home': ['text/html', html('<h1>Home</h1>')] });
  t.after(() => other.stop());
  site.onward = `${other.origin}/home`;
  const { page } = await begin(t, ask().url, { origins: [server.url, site.origin, other.origin] });
  await signIn(page, user);
  await decide(page, 'allow');
  await heading(page, 'Home');
  assert.equal(site.arrivals.length, 1);
});
