// Passkeys in Chromium, with virtual authenticators: added, named, used, removed, and refused where they
// have to be.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { registerClient } from '../workerd/admin.mjs';
import { restartLater } from '../workerd/ageing.mjs';
import { loggedEvents } from '../workerd/events.mjs';
import { freePort, startWorker } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import { until } from '../workerd/request.mjs';
import { Authenticators, answer } from './authenticators.mjs';
import { launch } from './chromium.mjs';
import { atClient, decide, heading, redeemLast, registerAt, requestOf, signIn, startClient, visit } from './people.mjs';

const REFUSED = 'This passkey was not accepted. Try again, or sign in another way.';

let server;
let browser;
let site;
let client;

before(async () => {
  server = await startWorker();
  browser = await launch();
  site = await startClient();
  client = await registerAt(server, site);
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

/**
 * A new user who is signed in by password, with an authenticator. Unless it `offers`, the browser does not sign users in by the
 * passkeys that it would list under the field for the user name: Chromium's virtual authenticators never wait for a
 * choice.
 */
async function begin(t, { plug = 'add', offers = false } = {}) {
  const user = await createUser(server);
  const { page } = await visit(t, browser, `${server.url}/account`, { origins: [server.url, site.origin] });
  if (!offers) await page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  const authenticators = await Authenticators.of(page);
  const authenticator = await authenticators[plug]();
  await signIn(page, user);
  await heading(page, 'Your account');
  return { user, page, authenticators, authenticator };
}

/** The same, with a passkey on the authenticator and without a session. */
async function beginSignedOut(t) {
  const all = await begin(t);
  await addPasskey(all.page, 'Mine');
  await signOut(all.page);
  return all;
}

async function addPasskey(page, name) {
  await page.getByLabel('Name for the new passkey').fill(name);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('heading', { level: 3, name, exact: true }).waitFor();
  await page.getByRole('status').filter({ hasText: 'The passkey has been added.' }).waitFor();
  // The page's script has run: until then, the form is hidden.
  await page.getByRole('button', { name: 'Add a passkey' }).waitFor();
}

async function signOut(page) {
  await page.locator('form.sign-out button').click();
  await heading(page, 'Sign in');
}

function signInByButton(page) {
  return page.getByRole('button', { name: 'Sign in with a passkey' }).click();
}

/** Sends a credential as the page's script would. */
function sendCredential(page, credential) {
  return page.locator('form[data-passkey]').evaluate((form, text) => {
    form.elements.credential.value = text;
    form.requestSubmit();
  }, JSON.stringify(credential));
}

/** The options that the page would pass to the browser, and a change of them. */
function options(page, changes = {}) {
  return page.locator('form[data-passkey]').evaluate((form, change) => {
    const merged = { ...JSON.parse(form.dataset.options), ...change };
    form.dataset.options = JSON.stringify(merged);
    return merged;
  }, changes);
}

/** Each passkey that the account page shows, as lines of text. */
async function shown(page) {
  const rows = await page.getByRole('region', { name: 'Passkeys' }).getByRole('listitem').all();
  return Promise.all(rows.map(async (row) => (await row.innerText()).split(/\n+/)));
}

/** The events about a user in the log from a line on, once there are `count`. */
async function eventsOf(user, from, count) {
  const seen = () => loggedEvents(server, from).filter((event) => event.user === user.id);
  await until(() => seen().length >= count, `${count} events of the user`);
  return seen().map(({ severity, event }) => `${severity} ${event}`);
}

const alert = (page) => page.getByRole('alert').innerText();

test('two passkeys are added, distinguished, renamed and removed', async (t) => {
  const { page, authenticators, authenticator } = await begin(t, { plug: 'addSynced' });
  await addPasskey(page, 'My password manager');
  await authenticators.setPresent(authenticator, false);
  await authenticators.add();
  await addPasskey(page, '<b>Key</b>');
  const kinds = Object.fromEntries((await shown(page)).map(([name, kind, , used]) => [name, [kind, used]]));
  assert.deepEqual(kinds, {
    'My password manager': ['Synced: on all devices of your password manager', 'Never used'],
    '<b>Key</b>': ['On one device only', 'Never used'],
  });
  const key = page.getByRole('listitem').filter({ hasText: '<b>Key</b>' });
  await key.locator('summary').click();
  await key.getByLabel('Name of the passkey').fill('My key');
  await key.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('status').filter({ hasText: 'The passkey has been renamed.' }).waitFor();
  assert.deepEqual((await shown(page)).map(([name]) => name).sort(), ['My key', 'My password manager']);
  const renamed = page.getByRole('listitem').filter({ hasText: 'My key' });
  await renamed.locator('summary').click();
  await renamed.getByRole('button', { name: 'Remove passkey' }).click();
  await page.getByRole('status').filter({ hasText: 'The passkey has been removed.' }).waitFor();
  assert.deepEqual((await shown(page)).map(([name]) => name), ['My password manager']);
});

test('a second passkey on the same device is refused, and the page says why', async (t) => {
  const { page } = await begin(t);
  await addPasskey(page, 'Mine');
  await page.getByLabel('Name for the new passkey').fill('Mine too');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('This device has a passkey for your account already.').waitFor();
  assert.equal((await shown(page)).length, 1);
});

test('signing in by the button leads on to the client, whose ID token has the method', async (t) => {
  const { user, page, authenticators, authenticator } = await beginSignedOut(t);
  const request = requestOf(server, site, client);
  await page.goto(request.url);
  await signInByButton(page);
  await decide(page, 'allow');
  await atClient(page);
  const { json } = await redeemLast(server, site, client, request);
  const { sub, amr, acr } = decodeJwt(json.id_token);
  assert.deepEqual([sub, amr.includes('pop'), acr], [user.id, true, 'phr'], `${amr}`);
  await page.goto(`${server.url}/account`);
  const [[, , , used]] = await shown(page);
  assert.match(used, /^Last used 20/);

  // The other way to sign in has another method.
  await page.context().clearCookies();
  await authenticators.unplug(authenticator);
  const other = requestOf(server, site, client);
  await page.goto(other.url);
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
  const second = decodeJwt((await redeemLast(server, site, client, other)).json.id_token);
  assert.deepEqual([second.sub, second.amr, second.acr], [user.id, ['pwd'], '1']);
});

test('the passkey that the browser offers in the field for the user name signs in without a click', async (t) => {
  const { page, authenticators, authenticator } = await begin(t, { plug: 'addSynced', offers: true });
  await addPasskey(page, 'Mine');
  await authenticators.setPresent(authenticator, false);
  await signOut(page);
  assert.equal(await page.getByLabel('User name').getAttribute('autocomplete'), 'username webauthn');
  await authenticators.setPresent(authenticator, true);
  await page.reload();
  await heading(page, 'Your account');
});

test('the page says what to do, reports a missing passkey, and allows another try', async (t) => {
  const { page, authenticators, authenticator } = await beginSignedOut(t);
  const [passkey] = await authenticators.passkeys(authenticator);
  await authenticators.unplug(authenticator);
  const other = await authenticators.add();
  await signInByButton(page);
  await page.getByText(/^No passkey was used: it was cancelled/).waitFor();
  await authenticators.put(other, passkey);
  await authenticators.setPresent(other, false);
  await signInByButton(page);
  await page.getByText('Follow the instructions of your browser.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).getAttribute('aria-disabled'), 'true');
  await authenticators.setPresent(other, true);
  await page.reload();
  await signInByButton(page);
  await heading(page, 'Your account');
});

test('a removed passkey is refused', async (t) => {
  const { page } = await begin(t);
  await addPasskey(page, 'Mine');
  await page.locator('summary').click();
  await page.getByRole('button', { name: 'Remove passkey' }).click();
  await page.getByText('You have no passkey yet.').waitFor();
  await signOut(page);
  await signInByButton(page);
  assert.equal(await alert(page), REFUSED);
});

test('a clone of a device-bound passkey is refused with an alert, and the original works', async (t) => {
  const { user, page, authenticators, authenticator } = await beginSignedOut(t);
  const [clone] = await authenticators.passkeys(authenticator);
  await signInByButton(page);
  await heading(page, 'Your account');
  await signOut(page);

  const [original] = await authenticators.passkeys(authenticator);
  assert.ok(clone.signCount < original.signCount);
  await authenticators.put(authenticator, clone);
  const from = server.logs.length;
  await signInByButton(page);
  assert.equal(await alert(page), REFUSED);
  assert.deepEqual(await eventsOf(user, from, 2), ['alert passkey_counter', 'notice sign_in_failed']);

  await authenticators.put(authenticator, original);
  await signInByButton(page);
  await heading(page, 'Your account');
});

test('a synced passkey whose signature counter restarts signs in, with a notice', async (t) => {
  const { user, page, authenticators, authenticator } = await begin(t, { plug: 'addSynced' });
  await addPasskey(page, 'My password manager');
  await signOut(page);
  await signInByButton(page);
  await heading(page, 'Your account');
  await signOut(page);
  const [passkey] = await authenticators.passkeys(authenticator);
  assert.ok(passkey.backupEligibility && passkey.signCount > 1, JSON.stringify(passkey.signCount));
  await authenticators.put(authenticator, { ...passkey, signCount: 0 });
  const from = server.logs.length;
  await signInByButton(page);
  await heading(page, 'Your account');
  assert.deepEqual(await eventsOf(user, from, 2), ['notice passkey_counter_restarted', 'info sign_in']);
  // From there on its counter is checked as before.
  await signOut(page);
  await signInByButton(page);
  await heading(page, 'Your account');
  assert.deepEqual((await eventsOf(user, from, 4)).slice(2), ['info sign_out', 'info sign_in']);
});

test('a challenge can be used once, also if the signature counter grows', async (t) => {
  const { page, authenticators, authenticator } = await beginSignedOut(t);
  const [passkey] = await authenticators.passkeys(authenticator);
  const { challenge } = await options(page);
  const by = (given, count) => answer(passkey, { origin: server.issuer, challenge: given, count });
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/passkey'));
  await sendCredential(page, by(challenge, 100));
  await heading(page, 'Your account');
  const body = (await sent).postData();
  await signOut(page);

  // The very same form again.
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: server.issuer };
  const replayed = await page.context().request.post(`${server.url}/account/sign-in/passkey`, { data: body, headers, maxRedirects: 0 });
  assert.equal(replayed.status(), 400);
  assert.ok((await replayed.text()).includes(REFUSED));

  await sendCredential(page, by(challenge, 101));
  assert.equal(await alert(page), REFUSED);
  await sendCredential(page, by((await options(page)).challenge, 102));
  await heading(page, 'Your account');
});

test('without user verification the browser does not continue, and the server refuses the response', async (t) => {
  const { page, authenticators, authenticator } = await beginSignedOut(t);
  await authenticators.setVerified(authenticator, false);
  await signInByButton(page);
  await page.getByText(/^No passkey was used/).waitFor();

  const [passkey] = await authenticators.passkeys(authenticator);
  for (const isVerified of [false, true]) {
    const { challenge } = await options(page);
    const count = passkey.signCount + 100;
    await sendCredential(page, answer(passkey, { origin: server.issuer, challenge, count, isVerified }));
    if (!isVerified) assert.equal(await alert(page), REFUSED);
  }
  await heading(page, 'Your account');
});

test('a new passkey without user verification is refused', async (t) => {
  const { page, authenticators, authenticator } = await begin(t);
  await authenticators.unplug(authenticator);
  await authenticators.add({ transport: 'internal', hasUserVerification: false, isUserVerified: false });
  const { authenticatorSelection } = await options(page);
  await page.locator('form[data-passkey]').evaluate((form, selection) => {
    const own = PublicKeyCredential.parseCreationOptionsFromJSON;
    PublicKeyCredential.parseCreationOptionsFromJSON = (json) => own.call(PublicKeyCredential, { ...json, authenticatorSelection: selection });
  }, { ...authenticatorSelection, userVerification: 'discouraged' });
  await page.getByLabel('Name for the new passkey').fill('Mine');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  assert.equal(await alert(page), 'The passkey could not be added. Please try again.');
  assert.deepEqual(await shown(page), []);
});

test('the last passkey of an account without a password cannot be removed', async (t) => {
  const port = await freePort();
  const provider = await startWorker({ port, issuer: `http://127.0.0.1:${port}` });
  t.after(() => provider.stop());
  const own = await freePort();
  const there = await registerClient(provider, {
    client_name: 'Downstream', redirect_uris: [`http://localhost:${own}/account/sign-in/upstream/callback`], scope: 'openid profile email',
  });
  const here = await startWorker({
    port: own,
    vars: { UPSTREAM_ISSUER: provider.issuer, UPSTREAM_CLIENT_ID: there.id, UPSTREAM_NAME: 'The other one', UPSTREAM_ACCOUNTS: 'all' },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: there.secret },
  });
  t.after(() => here.stop());
  const user = await createUser(provider);

  const { page } = await visit(t, browser, `${here.url}/account`, { origins: [here.url, provider.issuer] });
  await page.getByRole('link', { name: 'Continue with The other one' }).click();
  await signIn(page, user);
  await decide(page, 'allow');
  await heading(page, 'Your account');
  assert.equal(await page.getByRole('region', { name: 'Password' }).count(), 0);
  const authenticators = await Authenticators.of(page);
  const first = await authenticators.add();
  await addPasskey(page, 'Mine');
  await page.locator('summary').click();
  await page.getByRole('button', { name: 'Remove passkey' }).click();
  assert.equal(await alert(page), 'This is your only way to sign in. Add another one before you remove it.');
  assert.equal((await shown(page)).length, 1);

  await authenticators.setPresent(first, false);
  await authenticators.addSynced();
  await addPasskey(page, 'Mine too');
  await page.locator('summary').first().click();
  await page.getByRole('button', { name: 'Remove passkey' }).first().click();
  await page.getByRole('status').filter({ hasText: 'The passkey has been removed.' }).waitFor();
  assert.equal((await shown(page)).length, 1);
});

// Runs last, because it restarts the Worker.
test('with a sign-in of more than 5 minutes ago, a passkey is added after signing in again by another one', async (t) => {
  const { page, authenticators, authenticator } = await begin(t);
  await addPasskey(page, 'Mine');
  server = await restartLater(server, 301);
  // The page was open all the time.
  await authenticators.setPresent(authenticator, false);
  await authenticators.addSynced();
  await page.getByLabel('Name for the new passkey').fill('Mine too');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  assert.match(await alert(page), /^Nothing was changed: for this, you must have signed in within the last 5 minutes\. Sign in again$/);
  assert.equal((await shown(page)).length, 1);
  assert.equal(await page.getByRole('button', { name: 'Add a passkey' }).count(), 0);
  await authenticators.setPresent(authenticator, true);
  await page.getByRole('alert').getByRole('link', { name: 'Sign in again' }).click();
  await page.getByText('You are signed in already. To go on, confirm that it is you.').waitFor();
  await signInByButton(page);
  await heading(page, 'Your account');
  await authenticators.setPresent(authenticator, false);
  await addPasskey(page, 'Mine too');
  assert.equal((await shown(page)).length, 2);
});
