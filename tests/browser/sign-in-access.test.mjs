// Accessibility of the server's pages: on a phone, in the dark, with a screen reader, with the keyboard alone, without scripts,
// in Chinese.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { restartLater } from '../workerd/ageing.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import { Authenticators } from './authenticators.mjs';
import { launch } from './chromium.mjs';
import { look as lookAt } from './look.mjs';
import { focused } from './measures.mjs';
import { alter, atClient, decide, heading, registerAt, requestOf, signIn, startClient, visit } from './people.mjs';

const LONG = 'An application with a name that is longer than any sign ought to be, by a company of that kind';
const SCOPE = 'openid profile email offline_access https://api.example.com/scopes/with-a-name-that-has-no-end/read';
const RESOURCE = 'https://api.example.com/a/resource/with/a/path/that/goes/on/and/on';

let server;
let browser;
let site;
let client;
let user;

before(async () => {
  server = await startWorker({
    vars: {
      SELF_REGISTRATION: 'true', UPSTREAM_ISSUER: 'https://login.example.com', UPSTREAM_CLIENT_ID: 'edgemint',
      UPSTREAM_NAME: 'Example',
    },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: 'secret-of-the-tests' },
  });
  browser = await launch();
  site = await startClient();
  client = await registerAt(server, site, { client_name: LONG, scope: SCOPE, resources: [RESOURCE] });
});

beforeEach(async () => {
  user = await createUser(server, { name: 'Demo user' });
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

const ask = (parameters) => requestOf(server, site, client, { scope: SCOPE, resource: RESOURCE, ...parameters }).url;
const begin = (t, url, options) => visit(t, browser, url, { origins: [server.url, site.origin], ...options });

/** Checks a page in each width and colour scheme, with everything open, and for a screen reader. */
async function look(page, moment) {
  await page.locator('details').evaluateAll((all) => { for (const one of all) one.open = true; });
  await lookAt(page, moment, { widths: [320, 390, 1280], texts: 3 });
  await listen(page, moment);
}

/** Checks for a screen reader: one title, a name for every control, fields that say what they are for. */
async function listen(page, moment) {
  const headings = page.locator('h1, h2, h3').filter({ visible: true });
  const levels = await headings.evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
  assert.equal(levels.filter((level) => level === 1).length, 1, moment);
  for (const [index, level] of levels.entries()) assert.ok(index === 0 ? level === 1 : level <= levels[index - 1] + 1, `${moment}: ${levels}`);
  for (const role of ['button', 'link', 'textbox', 'region']) {
    assert.equal(await page.getByRole(role, { name: /^$/ }).count(), 0, `${moment}: a ${role} without a name`);
  }
  const names = await page.getByRole('button').evaluateAll((all) => all.map((one) => (one.ariaLabelledByElements ?? [one]).map(({ textContent }) => textContent).join(' ')));
  assert.deepEqual(names.filter((name, index) => names.indexOf(name) !== index), [], `${moment}: buttons of the same name`);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
}

test('each sign-in page, wide and narrow, light and dark, by eye and by screen reader', async (t) => {
  const { page } = await begin(t, ask());
  const authenticators = await Authenticators.of(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  await look(page, 'sign-in');
  await authenticators.add();
  await page.reload();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText(/^No passkey was used/).waitFor();
  await look(page, 'sign-in-no-passkey');
  await signIn(page, { ...user, password: 'wrong' });
  await page.getByRole('alert').waitFor();
  await look(page, 'sign-in-wrong');
  await page.goto(ask({ acr_values: 'phr' }));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText(/^No passkey was used/).waitFor();
  await look(page, 'sign-in-passkey-only');
  await page.goto(ask());
  await page.getByRole('link', { name: 'Create an account' }).click();
  await heading(page, 'Create an account');
  await look(page, 'sign-up');
  await page.getByLabel('User name').fill(user.username);
  await page.getByLabel('Password').fill('password');
  await page.getByLabel('Email address').fill('demo@x');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('alert').first().waitFor();
  await look(page, 'sign-up-wrong');
  await page.goto(ask());
  await signIn(page, user);
  await heading(page, /asks for access/);
  await look(page, 'consent');
  await alter(page, 'csrf', 'x.1.y');
  await decide(page, 'allow');
  await heading(page, 'Wrong browser');
  await look(page, 'consent-foreign');
  await page.goto(ask({ client_id: 'unknown' }));
  await look(page, 'unknown-client');
  await page.goto(ask({ redirect_uri: `${site.origin}/other` }));
  await look(page, 'unknown-redirect');
  await page.route('**/account/form-post.js', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }));
  await page.goto(ask({ response_mode: 'form_post' }));
  await decide(page, 'allow');
  await heading(page, 'One moment');
  await look(page, 'form-post');
});

test('each account page, wide and narrow, light and dark, by eye and by screen reader', async (t) => {
  const { page } = await begin(t, `${server.url}/account`);
  await signIn(page, user);
  await heading(page, 'Your account');
  await look(page, 'account-new');
  const authenticators = await Authenticators.of(page);
  for (const [plug, name] of [['addSynced', 'My password manager'], ['add', 'A key with a name that goes on for quite a while, on two lines']]) {
    const id = await authenticators[plug]();
    await page.getByLabel('Name for the new passkey').fill(name);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name }).waitFor();
    await authenticators.setPresent(id, false);
  }
  const other = await begin(t, ask());
  await signIn(other.page, user);
  await decide(other.page, 'allow');
  await atClient(other.page);
  const { parameters } = site.arrivals.at(-1);
  assert.ok(parameters.code);
  await page.reload();
  await look(page, 'account');
  await page.getByLabel('Current password').fill('wrong');
  await page.getByLabel('New password').fill('another long pass phrase');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').waitFor();
  await look(page, 'account-wrong');
  server = await restartLater(server, 301);
  await page.goto(`${server.url}/account`);
  await page.getByRole('link', { name: 'Sign in again' }).first().waitFor();
  await look(page, 'account-old-sign-in');
  await page.goto(`${server.url}/oauth/logout`);
  await look(page, 'sign-out');
  await decide(page, 'sign_out');
  await heading(page, 'Signed out');
  await look(page, 'signed-out');
});

test('with the keyboard alone: sign-in and consent, and every control shows its focus', async (t) => {
  const { page } = await begin(t, ask());
  // Presses Tab until the control has the focus; returns the names of all controls on the way.
  const tabTo = async (until) => {
    const passed = [];
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press('Tab');
      const { name, hasRing } = await page.evaluate(focused);
      assert.ok(hasRing, `no ring around ${name}`);
      passed.push(name);
      if (name === until) return passed;
    }
    return assert.fail(`${until} was not reached: ${passed}`);
  };
  await page.keyboard.type(user.username);
  assert.deepEqual(await tabTo('Password'), ['Password']);
  await page.keyboard.type(user.password);
  assert.deepEqual(await tabTo('Sign in'), ['Sign in']);
  await page.keyboard.press('Enter');
  await heading(page, /asks for access/);
  // An extra Enter consents to nothing.
  await page.keyboard.press('Enter');
  assert.deepEqual(await tabTo('Allow'), ['Use another account', 'Allow']);
  await page.keyboard.press('Enter');
  await atClient(page);
  assert.ok(site.arrivals.at(-1).parameters.code);
});

test('without scripts: everything but passkeys', async (t) => {
  const { page } = await begin(t, ask(), { javaScriptEnabled: false });
  assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).count(), 0);
  await signIn(page, { ...user, password: 'wrong' });
  await page.getByRole('alert').waitFor();
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
  await page.goto(`${server.url}/account`);
  assert.equal(await page.getByRole('button', { name: 'Add a passkey' }).count(), 0);
  await page.getByText('To add a passkey you need JavaScript').waitFor();
  await page.getByLabel('Current password').fill(user.password);
  await page.getByLabel('New password').fill('another long pass phrase');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password has been changed.').waitFor();
  await page.getByRole('button', { name: /^Remove application/ }).click();
  await page.getByText(/The application has been removed/).waitFor();
  await page.goto(`${server.url}/oauth/logout`);
  await decide(page, 'sign_out');
  await heading(page, 'Signed out');
});

test('sign-up creates an account, and continues to the application', async (t) => {
  const { page } = await begin(t, ask());
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('User name').fill(`${user.username}-2`);
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('alert').filter({ hasText: 'Many people use this password' }).waitFor();
  // The browser sets the focus a moment after the page has loaded.
  await page.waitForFunction(() => document.activeElement.name === 'password');
  await page.getByLabel('Password').fill('another long pass phrase');
  await page.getByRole('button', { name: 'Create account' }).click();
  await heading(page, /asks for access/);
  await decide(page, 'allow');
  await atClient(page);
  assert.ok(site.arrivals.at(-1).parameters.code);
});

test('the pages are in Chinese for browsers that prefer it', async (t) => {
  const { page } = await begin(t, ask(), { locale: 'zh-CN' });
  const titles = [];
  const note = async () => {
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
    titles.push(await page.title());
  };
  await note();
  await page.locator('input[name=username]').fill(user.username);
  await page.locator('input[name=password]').fill('wrong');
  await page.locator('input[name=password]').press('Enter');
  await page.getByText('用户名或密码不正确。').waitFor();
  await note();
  await page.locator('input[name=password]').fill(user.password);
  await page.locator('input[name=password]').press('Enter');
  await page.getByRole('button', { name: '允许', exact: true }).waitFor();
  await note();
  await page.goto(`${server.url}/account`);
  await note();
  // ui_locales overrides the browser's preference.
  await page.goto(ask({ ui_locales: 'en' }));
  await heading(page, /asks for access/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.deepEqual(titles, ['登录 · Edgemint', '错误：登录 · Edgemint', '允许访问？ · Edgemint', '您的账户 · Edgemint']);
});
