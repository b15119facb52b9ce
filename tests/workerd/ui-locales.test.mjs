// The language that a client requests (`ui_locales`, OpenID Connect Core section 3.1.2.1): every page of the request uses it,
// whether or not the browser prefers another.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { freePort, startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, formOf, pkce, post, registerPublicClient, signInAndRedeem,
} from './people.mjs';

const CALLBACK = '/account/sign-in/upstream/callback';
const ENGLISH = { 'accept-language': 'en' };
const proof = pkce();
let idp;
let server;
let client;
let user;

before(async () => {
  idp = await startWorker();
  const port = await freePort();
  const atIdp = await registerClient(idp, {
    client_name: 'Downstream', redirect_uris: [`http://localhost:${port}${CALLBACK}`], scope: 'openid profile email',
  });
  server = await startWorker({
    port,
    vars: { UPSTREAM_ISSUER: idp.issuer, UPSTREAM_CLIENT_ID: atIdp.id, SELF_REGISTRATION: 'true' },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: atIdp.secret },
  });
  client = await registerPublicClient(server);
  user = await createUser(server);
});

after(() => Promise.all([server?.stop(), idp?.stop()]));

for (const ui_locales of ['zh', 'zh-CN', 'ZH', 'zh-Hans', 'zh_TW', 'fr zh-CN en', 'fr-CA,zh', '  zh', '%00 zh']) {
  test(`${JSON.stringify(ui_locales)} selects Chinese, from the sign-in page to the consent page`, async () => {
    const browser = new Browser(server, ENGLISH);
    const signIn = await browser.open(authorizationPath(client, proof, { ui_locales }));
    assertChinese(signIn, 'sign-in');
    const wrong = await browser.submit(signIn, { username: user.username, password: 'wrong' });
    assertChinese(wrong, 'wrong password');
    const consent = await browser.submit(wrong, { username: user.username, password: PASSWORD });
    assert.match(consent.html, /name="decision"/);
    assertChinese(consent, 'consent');
  });
}

for (const ui_locales of ['en', 'EN-gb zh', 'fr de', 'xx', '"><script>', ';;,', '-', 'x'.repeat(2000), undefined]) {
  test(`${JSON.stringify(ui_locales)?.slice(0, 30)} selects English for a browser that prefers English`, async () => {
    const page = await new Browser(server, ENGLISH).open(authorizationPath(client, proof, { ui_locales }));
    assert.equal(page.url.pathname, '/account/sign-in');
    assert.match(page.html, /<html lang="en"/);
  });
}

test('an invalid value leaves the choice to the browser', async () => {
  const browser = new Browser(server, { 'accept-language': 'zh' });
  assertChinese(await browser.open(authorizationPath(client, proof, { ui_locales: '"><script>' })), 'sign-in');
});

test('is kept from sign-in to sign-up, and on pages with errors', async () => {
  const browser = new Browser(server, ENGLISH);
  const signIn = await browser.open(authorizationPath(client, proof, { ui_locales: 'zh' }));
  const signUp = await browser.open(linkTo(signIn, '/account/sign-up'));
  assertChinese(signUp, 'sign-up');
  const wrong = await browser.submit(signUp, { username: 'new-user', password: 'short' });
  assert.equal(wrong.status, 400);
  assertChinese(wrong, 'a short password');
  assertChinese(await browser.open(linkTo(wrong, '/account/sign-in')), 'back at the sign-in');
  const consent = await browser.submit(wrong, { username: 'new-user', password: 'an unusual password' });
  assert.match(consent.html, /name="decision"/);
  assertChinese(consent, 'consent');
});

test('is kept on the page after a refused passkey', async () => {
  const browser = new Browser(server, ENGLISH);
  const signIn = await browser.open(authorizationPath(client, proof, { ui_locales: 'zh' }));
  const refused = await browser.submit(signIn, { credential: '{}' }, { action: '/account/sign-in/passkey' });
  assert.equal(refused.status, 400);
  assertChinese(refused, 'passkey');
});

test('is kept on the way to the upstream provider and back', async () => {
  const browser = new Browser(server, ENGLISH);
  const signIn = await browser.open(authorizationPath(client, proof, { ui_locales: 'zh fr' }));
  const { location } = await browser.open(linkTo(signIn, '/account/sign-in/upstream'));
  assert.equal(new URL(location).searchParams.get('ui_locales'), 'zh fr', 'the language is sent to the provider');
  const atIdp = await new Browser(idp, ENGLISH).open(location);
  assertChinese(atIdp, 'at the provider');
  const state = new URL(location).searchParams.get('state');
  const failed = await browser.open(`${CALLBACK}?${new URLSearchParams({ state, error: 'access_denied', iss: idp.issuer })}`);
  assert.equal(failed.status, 502);
  assertChinese(failed, 'refused by the provider');
  assertChinese(await browser.submit(failed, { username: user.username, password: PASSWORD }, { action: '/account/sign-in' }), 'consent');
});

test('is kept after an invalid decision', async () => {
  const browser = new Browser(server, ENGLISH);
  await browser.signIn(user);
  const consent = await browser.open(authorizationPath(client, proof, { ui_locales: 'zh', prompt: 'consent' }));
  const { fields } = formOf(consent, '/oauth/consent');
  const refused = await post(browser, '/oauth/consent', { ...fields, csrf: 'x', decision: 'allow' });
  assert.equal(refused.status, 400);
  assertChinese(refused, 'a form that is not ours');
  assertChinese(await browser.open(linkTo(consent, '/account/sign-in')), 'another account');
});

test('applies to error pages, for a request in the URL and in a form', async () => {
  const browser = new Browser(server, ENGLISH);
  assertChinese(await browser.open(authorizationPath({ id: 'unknown' }, proof, { ui_locales: 'zh' })), 'unknown client');
  assertChinese(await browser.open('/account/sign-in?continue=client_id%3Dunknown%26ui_locales%3Dzh'), 'unknown client, carried along');
  const posted = { client_id: client.id, redirect_uri: 'https://elsewhere.example', ui_locales: 'zh' };
  assertChinese(await post(browser, '/oauth/authorize', posted), 'a request in a form');
});

test('is kept from the logout confirmation to the page afterwards, and back to the sign-in', async () => {
  const { browser } = await signInAndRedeem(server, user, client);
  browser.headers = ENGLISH;
  const question = await browser.open('/oauth/logout?ui_locales=zh');
  assertChinese(question, 'logout question');
  assertChinese(await browser.submit(question, { decision: 'stay' }), 'the account page');
  const signedOut = await browser.submit(question, { decision: 'sign_out' });
  assertChinese(signedOut, 'signed out');
  const signIn = await browser.open(linkTo(signedOut, '/account/sign-in'));
  assertChinese(signIn, 'sign-in');
  const account = await browser.submit(signIn, { username: user.username, password: PASSWORD });
  assert.equal(account.url.pathname, '/account');
  assertChinese(account, 'the account page');
});

test('applies to the account page of a user who has to sign in first', async () => {
  const browser = new Browser(server, ENGLISH);
  const signIn = await browser.open('/account?ui_locales=zh');
  assert.equal(signIn.url.pathname, '/account/sign-in');
  assertChinese(signIn, 'sign-in');
  assertChinese(await browser.submit(signIn, { username: user.username, password: PASSWORD }, { action: '/account/sign-in' }), 'account');
});

function assertChinese(page, what) {
  assert.equal(page.location, null, what);
  assert.match(page.html, /<html lang="zh-Hans"/, `${what}: ${page.status} at ${page.url}`);
}

// The target of a page's link to this path.
function linkTo(page, path) {
  const links = [...page.html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href.replaceAll('&amp;', '&'));
  const link = links.find((href) => href.split('?')[0] === path);
  assert.ok(link, `no link to ${path}: ${links}`);
  return link;
}
