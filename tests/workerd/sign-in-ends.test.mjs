// A client's conditions for a sign-in: after one real sign-in the flow ends with a code or an error at the client, never at the
// sign-in page again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, pkce, post, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { until } from './request.mjs';

const proof = pkce();
let server;
let client;
let user;
let other;
let hint;

before(async () => {
  server = await startWorker({ vars: { SELF_REGISTRATION: 'true' } });
  client = await registerPublicClient(server);
  [user, other] = [await createUser(server), await createUser(server)];
  hint = (await signInAndRedeem(server, other, client)).tokens.id_token;
  await signInAndRedeem(server, user, client);
});

after(() => server?.stop());

test('an invalid id_token_hint is an error at the client, without a sign-in page', async () => {
  const browser = await signedIn();
  const foreign = hint.replace(/[^.]*$/, 'A'.repeat(86));
  for (const id_token_hint of ['x', foreign, hint.split('.').slice(0, 2).join('.')]) {
    for (const from of [browser, new Browser(server)]) {
      const answer = answerOf(await from.open(authorizationPath(client, proof, { id_token_hint })));
      assert.deepEqual([answer.error, answer.state], ['login_required', 'state-1']);
      assert.match(answer.error_description, /id_token_hint/);
    }
  }
});

test('an id_token_hint of another user takes one sign-in, then yields a code or an error', async () => {
  for (const [who, error] of [[other, undefined], [user, 'login_required']]) {
    for (const from of [new Browser(server), await signedIn()]) {
      const answer = await afterOneSignIn(from, { id_token_hint: hint }, who);
      assert.equal(answer.error, error);
      assert.equal(typeof answer.code, error ? 'undefined' : 'string');
      if (error) assert.match(answer.error_description, /another account/);
    }
  }
});

test('an id_token_hint of a removed user takes one sign-in, then yields an error', async () => {
  const gone = await createUser(server);
  const { tokens } = await signInAndRedeem(server, gone, client);
  await admin(server, 'DELETE', `/admin/users/${gone.id}`);
  const answer = await afterOneSignIn(new Browser(server), { id_token_hint: tokens.id_token }, user);
  assert.equal(answer.error, 'login_required');
});

test('a user requested by claims takes one sign-in, then yields a code or an error', async () => {
  const claims = (sub) => JSON.stringify({ id_token: { sub } });
  for (const [sub, error] of [
    [{ value: user.id }, undefined], [{ value: other.id }, 'login_required'], [{ values: [other.id, user.id] }, undefined],
    [{ value: 'unknown' }, 'login_required'], [{ values: [] }, 'login_required'], [{ essential: true }, undefined],
  ]) {
    assert.equal((await afterOneSignIn(new Browser(server), { claims: claims(sub) }, user)).error, error, JSON.stringify(sub));
  }
  const browser = await signedIn();
  const silently = async (sub) => answerOf(await browser.open(authorizationPath(client, proof, { prompt: 'none', claims: claims(sub) })));
  assert.equal((await silently({ value: user.id })).error, undefined);
  assert.equal((await silently({ value: other.id })).error, 'login_required');
});

for (const parameters of [
  { max_age: '0' }, { max_age: '1' }, { max_age: '1', prompt: 'login' }, { prompt: 'login' }, { prompt: 'select_account' },
  { prompt: 'login select_account', max_age: '0' }, { login_hint: 'another-user' }, { acr_values: 'phr 1' },
  { claims: '{"id_token":{"acr":{"values":["phr"]},"auth_time":{"essential":true}}}' },
]) {
  test(`${JSON.stringify(parameters)} takes one sign-in, however long the way back takes`, async () => {
    const browser = await signedIn();
    const path = authorizationPath(client, proof, parameters);
    let page = await browser.open(path);
    if (page.url.pathname !== '/account/sign-in') page = await browser.open(`/account/sign-in?${new URLSearchParams({ continue: path.split('?')[1] })}`);
    const back = await browser.submit(page, { username: user.username, password: PASSWORD }, { stop: true });
    const done = Date.now();
    await until(() => Date.now() > done + ('max_age' in parameters ? 2100 : 0), 'the way back');
    assert.equal(typeof answerOf(await browser.open(back.location)).code, 'string');
  });
}

test('a new sign-in is required once the one for this request is old, or of another session', async () => {
  const browser = await signedIn();
  const session = decode((await signInAndRedeem(server, user, client)).tokens.id_token).claims.sid;
  const now = Math.floor(Date.now() / 1000);
  const seconds = now + 2;
  await until(() => Date.now() / 1000 > seconds, 'a sign-in that is two seconds old');
  const own = (await browser.open(authorizationPath(client, proof, { max_age: '1' }))).url;
  assert.equal(own.pathname, '/account/sign-in');
  for (const signed_in of [`${session}.${now}`, 'x', `${session}.`, '.', `${session}.${now}.1`]) {
    const page = await browser.open(authorizationPath(client, proof, { max_age: '1', signed_in }));
    assert.equal(page.url.pathname, '/account/sign-in', signed_in);
  }
});

test('after a sign-up the request continues with the new account', async () => {
  const browser = new Browser(server);
  const page = await browser.open(authorizationPath(client, proof, { id_token_hint: hint, ui_locales: 'zh' }));
  const signUp = await browser.open(`/account/sign-up?${new URLSearchParams({ continue: page.url.searchParams.get('continue') })}`);
  const done = await browser.submit(signUp, { username: 'new-user', password: 'an unusual password' });
  assert.equal(answerOf(done).error, 'login_required');
});

test('a browser without cookies gets an explanation, not the sign-in page again', async () => {
  for (const [path, fields] of [
    ['/account/sign-in', { username: user.username, password: PASSWORD }], ['/account/sign-in/passkey', { credential: '{}' }],
    ['/account/sign-up', { username: 'without-cookies', password: 'an unusual password' }],
  ]) {
    const page = await post(new Browser(server), path, { ...fields, csrf: 'x', continue: 'client_id=a&ui_locales=en' });
    assert.equal(page.status, 400, path);
    assert.match(page.html, /cookies/);
    assert.match(page.html, /href="\/account\/sign-in\?continue=client_id%3Da%26ui_locales%3Den"/);
    assert.doesNotMatch(page.html, /name="password"/);
  }
});

// Opens the request, signs in once at the page that follows, and consents.
async function afterOneSignIn(browser, parameters, who) {
  let page = await browser.open(authorizationPath(client, proof, parameters));
  if (page.location === null) {
    assert.equal(page.url.pathname, '/account/sign-in');
    page = await browser.submit(page, { username: who.username, password: PASSWORD });
  }
  if (page.location === null && /name="decision"/.test(page.html)) page = await browser.submit(page, { decision: 'allow' });
  return answerOf(page);
}

function answerOf({ location, status, url }) {
  assert.ok(location !== null, `no authorization response: ${status} at ${url}`);
  return Object.fromEntries(new URL(location).searchParams);
}

async function signedIn() {
  const browser = new Browser(server);
  await browser.signIn(user);
  return browser;
}
