// The account page and signing out: each button changes what it says, and the page reports it.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { registerClient } from '../workerd/admin.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { createUser, refresh } from '../workerd/people.mjs';
import { bearer, send } from '../workerd/request.mjs';
import { launch } from './chromium.mjs';
import { alter, atClient, decide, goThrough, heading, page as html, redeemLast, requestOf, signIn, startClient, visit } from './people.mjs';

let server;
let browser;
let site;
let client;
let user;

before(async () => {
  server = await startWorker();
  browser = await launch();
  site = await startClient({ '/bye': ['text/html', html('<h1>Goodbye</h1>')] });
  // A confidential client, whose consent is remembered.
  client = await registerClient(server, {
    client_name: 'Test app', redirect_uris: [site.callback], post_logout_redirect_uris: [`${site.origin}/bye`],
    grant_types: ['authorization_code', 'refresh_token'], scope: 'openid offline_access read',
  });
});

beforeEach(async () => {
  site.arrivals.length = 0;
  user = await createUser(server, { name: 'Demo user', email: 'demo@example.com' });
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

const begin = (t, url = `${server.url}/account`) => visit(t, browser, url, { origins: [server.url, site.origin] });

/** Signed in, with the account page open. */
async function beginSignedIn(t) {
  const { page } = await begin(t);
  await signIn(page, user);
  await heading(page, 'Your account');
  return page;
}

/** Signed in, with tokens of the client. */
async function beginConnected(t, scope = 'openid offline_access read') {
  const request = requestOf(server, site, client, { scope });
  const { page } = await begin(t, request.url);
  await goThrough(page, user, request);
  const { status, json, text } = await redeemLast(server, site, client, request);
  assert.equal(status, 200, text);
  await page.goto(`${server.url}/account`);
  return { page, tokens: json };
}

const part = (page, name) => page.getByRole('region', { name });
const rows = (page, name) => part(page, name).getByRole('listitem');
const notice = (page) => page.getByRole('status').filter({ visible: true }).innerText();
const callsApi = async ({ access_token: token }) => (await send(server, '/api/whoami', { headers: bearer(token) })).status;
const refreshes = async ({ refresh_token: token }) => (await refresh(server, client, token)).json.error ?? 'yes';

test('the page names the user, and marks the current one of the sessions', async (t) => {
  const page = await beginSignedIn(t);
  assert.match(await part(page, 'Profile').innerText(), new RegExp(`${user.username}\\n+Name\\n+Demo user\\n+Email address\\n+demo@example.com`));
  const own = rows(page, 'Sessions');
  assert.equal(await own.count(), 1);
  assert.match(await own.innerText(), /^Chrome, Linux This session\n+Since 20\d\d-\d\d-\d\d \d\d:\d\d UTC/);
  assert.match(await part(page, 'Connected applications').innerText(), /No application has access/);
});

test('ending another session signs out the other browser, and not this one', async (t) => {
  const page = await beginSignedIn(t);
  const other = await beginSignedIn(t);
  await page.reload();
  for (const either of [page, other]) {
    const all = await rows(either, 'Sessions').allInnerTexts();
    assert.deepEqual(all.map((text) => text.includes('This session')), [true, false]);
  }
  await part(page, 'Sessions').getByRole('button', { name: /^End session/ }).click();
  assert.equal(await notice(page), 'The session has ended.');
  assert.match(await rows(page, 'Sessions').innerText(), /This session/);
  await other.reload();
  await heading(other, 'Sign in');
});

test('ending what another browser has already ended says that it is gone', async (t) => {
  const page = await beginSignedIn(t);
  const other = await beginSignedIn(t);
  await page.reload();
  await other.locator('form.sign-out button').click();
  await heading(other, 'Sign in');
  await part(page, 'Sessions').getByRole('button', { name: /^End session/ }).click();
  assert.match(await page.getByRole('alert').innerText(), /no longer there/);
  assert.equal(await rows(page, 'Sessions').count(), 1);
});

test('revoking an access revokes its tokens, and keeps the consent', async (t) => {
  const { page, tokens } = await beginConnected(t);
  assert.deepEqual([await callsApi(tokens)], [200]);
  const application = part(page, 'Connected applications');
  assert.match(await application.innerText(), /Test app[^]*Keep this access when you are not there[^]*Use the permission read/);
  await application.getByRole('button', { name: /^End this access/ }).click();
  assert.equal(await notice(page), 'The access has ended.');
  assert.match(await application.innerText(), /It has no access at the moment/);
  assert.deepEqual([await callsApi(tokens), await refreshes(tokens)], [401, 'invalid_grant']);
  // No consent page is shown.
  await page.goto(requestOf(server, site, client, { scope: 'openid offline_access read' }).url);
  await atClient(page);
  assert.ok(site.arrivals.at(-1).parameters.code);
});

test('removing an application revokes its tokens, and its next request asks for consent', async (t) => {
  const { page, tokens } = await beginConnected(t);
  await part(page, 'Connected applications').getByRole('button', { name: /^Remove application/ }).click();
  assert.match(await notice(page), /has to ask you again/);
  assert.match(await part(page, 'Connected applications').innerText(), /No application has access/);
  assert.deepEqual([await callsApi(tokens), await refreshes(tokens)], [401, 'invalid_grant']);
  await page.goto(requestOf(server, site, client, { scope: 'openid offline_access read' }).url);
  await heading(page, /asks for access/);
});

test('changing the password signs out other browsers, keeps this one, and only the new password works', async (t) => {
  const page = await beginSignedIn(t);
  const other = await beginSignedIn(t);
  const change = async (current, next) => {
    await page.getByLabel('Current password').fill(current);
    await page.getByLabel('New password').fill(next);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  const refused = async (words, field) => {
    await page.getByRole('alert').filter({ hasText: words }).waitFor();
    await page.waitForFunction((name) => document.activeElement.name === name, field);
  };
  await change('wrong horse battery staple', 'another long pass phrase');
  await refused('The current password is wrong.', 'current_password');
  await change(user.password, 'short');
  await refused('Too short', 'new_password');
  await change(user.password, 'another long pass phrase');
  assert.match(await notice(page), /^Your password has been changed\. Sessions ended: 1\. Passkeys removed: 0\. /);
  await other.reload();
  await heading(other, 'Sign in');
  await signIn(other, user);
  await other.getByRole('alert').waitFor();
  await signIn(other, { ...user, password: 'another long pass phrase' });
  await heading(other, 'Your account');
});

test('a foreign form changes nothing, and the page says so', async (t) => {
  const { page, tokens } = await beginConnected(t);
  const button = part(page, 'Connected applications').getByRole('button', { name: /^Remove application/ });
  await button.evaluate(({ form }) => { form.elements.csrf.value = 'x.1.y'; });
  await button.click();
  assert.match(await page.getByRole('alert').innerText(), /Please try again/);
  assert.equal(await callsApi(tokens), 200);
});

test('signing out revokes the grants that end with the session, and keeps offline grants', async (t) => {
  const short = await beginConnected(t, 'openid read');
  await short.page.locator('form.sign-out button').click();
  await heading(short.page, 'Sign in');
  assert.deepEqual([await callsApi(short.tokens), await refreshes(short.tokens)], [401, 'invalid_grant']);

  user = await createUser(server);
  const long = await beginConnected(t);
  await long.page.locator('form.sign-out button').click();
  await heading(long.page, 'Sign in');
  assert.deepEqual([await callsApi(long.tokens), await refreshes(long.tokens)], [200, 'yes']);
});

test('a client\'s logout request asks for a confirmation, and leads on to the client', async (t) => {
  const page = await beginSignedIn(t);
  const asked = `${server.url}/oauth/logout?${new URLSearchParams({
    client_id: client.id, post_logout_redirect_uri: `${site.origin}/bye`, state: 's 1',
  })}`;
  await page.goto(asked);
  await heading(page, 'Sign out?');
  assert.match(await page.locator('main').innerText(), new RegExp(`Test app asks to sign you out[^]*signed in as ${user.username}`));
  await decide(page, 'stay');
  await heading(page, 'Your account');
  await page.goto(asked);
  await decide(page, 'sign_out');
  await heading(page, 'Goodbye');
  assert.equal(new URL(page.url()).search, '?state=s+1');
  await page.goto(`${server.url}/account`);
  await heading(page, 'Sign in');
});

test('an ID token of the session needs no confirmation', async (t) => {
  const { page, tokens } = await beginConnected(t);
  await page.goto(`${server.url}/oauth/logout?${new URLSearchParams({ id_token_hint: tokens.id_token })}`);
  await heading(page, 'Signed out');
  await page.getByRole('link', { name: 'Sign in again' }).click();
  await heading(page, 'Sign in');
});

test('logout without parameters takes one confirmation; a foreign form ends no session', async (t) => {
  const page = await beginSignedIn(t);
  await page.goto(`${server.url}/oauth/logout`);
  await alter(page, 'csrf', 'x.1.y');
  await decide(page, 'sign_out');
  await heading(page, 'Wrong browser');
  await page.goto(`${server.url}/oauth/logout`);
  await decide(page, 'sign_out');
  await heading(page, 'Signed out');
  await page.goto(`${server.url}/account`);
  await heading(page, 'Sign in');
});

test('an unregistered logout redirect URI shows an error, and ends no session', async (t) => {
  const page = await beginSignedIn(t);
  await page.goto(`${server.url}/oauth/logout?${new URLSearchParams({
    client_id: client.id, post_logout_redirect_uri: `${site.origin}/other`,
  })}`);
  await heading(page, 'Return address not registered');
  await page.goto(`${server.url}/account`);
  await heading(page, 'Your account');
});
