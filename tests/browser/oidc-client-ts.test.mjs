// A page on its own site that signs users in with oidc-client-ts, the file as published: the server has to support every
// flow of that library.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../../.scripts/toolbox.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import { launch } from './chromium.mjs';
import { atClient, decide, heading, page as html, registerAt, signIn, startClient, visit } from './people.mjs';

const SCOPE = 'openid profile email offline_access read';

let server;
let browser;
let site;
let user;

before(async () => {
  server = await startWorker();
  browser = await launch();
  const pages = {};
  site = await startClient(pages);
  const client = await registerAt(server, site, {
    redirect_uris: [`${site.origin}/app`, `${site.origin}/popup`, `${site.origin}/frame`],
    post_logout_redirect_uris: [`${site.origin}/app`],
  });
  const script = readFileSync(join(root, 'node_modules', 'oidc-client-ts', 'dist', 'browser', 'oidc-client-ts.js'), 'utf8');
  pages['/oidc-client-ts.js'] = ['text/javascript', script];
  pages['/app.js'] = ['text/javascript', `(${app})(${JSON.stringify({ authority: server.issuer, client_id: client.id, scope: SCOPE })})`];
  const scripts = '<script src="/oidc-client-ts.js"></script><script src="/app.js"></script>';
  for (const path of ['/app', '/popup', '/frame']) pages[path] = ['text/html', html(`<h1>At the client</h1>${scripts}`)];
  user = await createUser(server, { name: 'Demo user', email: 'demo@example.com' });
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

/** The page's script: one manager, and the result of the URL that the page was opened at. */
function app({ authority, client_id, scope }) {
  const manager = new oidc.UserManager({
    authority, client_id, scope,
    redirect_uri: `${location.origin}/app`,
    popup_redirect_uri: `${location.origin}/popup`,
    silent_redirect_uri: `${location.origin}/frame`,
    post_logout_redirect_uri: `${location.origin}/app`,
    loadUserInfo: true,
    automaticSilentRenew: false,
  });
  const parameters = new URLSearchParams(location.search);
  const isAnswer = parameters.has('code') || parameters.has('error');
  const handle = async () => {
    if (isAnswer) return manager.signinCallback();
    return parameters.has('state') ? manager.signoutCallback() : undefined;
  };
  const told = (promise) => promise.then(
    (value) => ({ value: value && JSON.parse(JSON.stringify({ ...value })) }),
    ({ name, error, message }) => ({ name, error, message }),
  );
  const outcome = told(handle());
  /** Calls the API as the library's users do. */
  const whoami = async () => {
    const { access_token } = await manager.getUser();
    const response = await fetch(`${authority}/api/whoami`, { headers: { authorization: `Bearer ${access_token}` } });
    return { status: response.status, challenge: response.headers.get('www-authenticate'), json: await response.json() };
  };
  globalThis.app = { manager, outcome, told, whoami };
}

const begin = (t) => visit(t, browser, `${site.origin}/app`, { origins: [server.url, site.origin] });
const outcome = async (page) => {
  await atClient(page);
  return page.evaluate(() => app.outcome);
};

/** Redirects to the server and comes back signed in. */
async function signInAtAuthority(page, options = {}) {
  await page.evaluate((args) => { app.manager.signinRedirect(args); }, options);
  await signIn(page, user);
  await decide(page, 'allow');
  return (await outcome(page)).value;
}

test('sign-in by redirect, an API call, renewal, revocation and sign-out, which ends the session', async (t) => {
  const { page } = await begin(t);
  const signedIn = await signInAtAuthority(page, { state: { cart: 3 } });
  assert.deepEqual([signedIn.state, signedIn.scope, signedIn.token_type], [{ cart: 3 }, SCOPE, 'Bearer']);
  assert.ok(signedIn.expires_at > Date.now() / 1000);
  const { sub, name, preferred_username: username, email, email_verified: verified } = signedIn.profile;
  assert.deepEqual([sub, name, username, email, verified], [user.id, 'Demo user', user.username, 'demo@example.com', false]);

  const me = await page.evaluate(() => app.whoami());
  assert.deepEqual([me.status, me.json.sub], [200, user.id], JSON.stringify(me));

  const renewed = (await page.evaluate(() => app.told(app.manager.signinSilent()))).value;
  assert.equal(renewed.profile.sub, user.id);
  assert.notEqual(renewed.access_token, signedIn.access_token);
  assert.notEqual(renewed.refresh_token, signedIn.refresh_token);
  assert.equal((await page.evaluate(() => app.whoami())).status, 200);

  const revoked = await page.evaluate(() => app.told(app.manager.revokeTokens(['refresh_token'])));
  assert.deepEqual(revoked, { value: undefined });
  const refused = await page.evaluate(() => app.whoami());
  assert.equal(refused.status, 401);
  assert.match(refused.challenge, /error="invalid_token"/);

  await page.evaluate(() => { app.manager.signoutRedirect({ state: 'bye' }); });
  await page.waitForURL(({ origin, search }) => origin === site.origin && search.startsWith('?state='));
  assert.equal((await outcome(page)).value.userState, 'bye');
  assert.equal(await page.evaluate(() => app.manager.getUser()), null);

  await page.evaluate(() => { app.manager.signinRedirect({ prompt: 'none' }); });
  await page.waitForURL(/error=/);
  const { name: kind, error } = await outcome(page);
  assert.deepEqual([kind, error], ['ErrorResponse', 'login_required']);
  await page.goto(`${server.url}/account`);
  await heading(page, 'Sign in');
});

test('a denial comes back, and the library reports it', async (t) => {
  const { page } = await begin(t);
  await page.evaluate(() => { app.manager.signinRedirect(); });
  await signIn(page, user);
  await decide(page, 'deny');
  const { name, error } = await outcome(page);
  assert.deepEqual([name, error], ['ErrorResponse', 'access_denied']);
});

test('sign-in in a popup, whose state the page can see all the time', async (t) => {
  const { page } = await begin(t);
  const opened = page.waitForEvent('popup');
  // The library polls whether the popup was closed, and then gives up: a severed popup looks closed.
  await page.evaluate(() => { app.popup = app.told(app.manager.signinPopup({ popupAbortOnClose: true })); });
  const popup = await opened;
  await signIn(popup, { ...user, password: 'wrong horse battery staple' });
  await popup.getByRole('alert').waitFor();
  // Longer than the library's polling interval.
  await page.waitForTimeout(700);
  await signIn(popup, user);
  await decide(popup, 'allow');
  const { value, message } = await page.evaluate(() => app.popup);
  assert.equal(value?.profile.sub, user.id, message);
  assert.ok(popup.isClosed());
  assert.equal((await page.evaluate(() => app.whoami())).status, 200);
});

test('a silent request without a session gets login_required at once; no page is shown in the frame', async (t) => {
  const { page } = await begin(t);
  const { name, error } = await page.evaluate(() => app.told(app.manager.signinSilent({ forceIframeAuth: true })));
  assert.deepEqual([name, error], ['ErrorResponse', 'login_required']);
});
