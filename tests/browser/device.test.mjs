// The pages for devices, as a user does them: from the code of a link or by hand, on a phone, with the keyboard alone, without
// scripts, in both languages.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { poll, registerDeviceClient, startDevice } from '../workerd/devices.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import { launch } from './chromium.mjs';
import { look as lookAt } from './look.mjs';
import { focused } from './measures.mjs';
import { decide, heading, signIn, visit } from './people.mjs';

const LONG = 'A photo frame with a name that is longer than any frame ought to be, by a company of that kind';
const SCOPE = 'openid profile offline_access https://api.example.com/scopes/with-a-name-that-has-no-end/read';
const RESOURCE = 'https://api.example.com/a/resource/with/a/path/that/goes/on/and/on';
// The device asks from Wellington; the user's browser is in Lyon.
const LOCATED = `
  import worker from './index.js';
  export * from './index.js';
  const PLACES = { device: { country: 'NZ', city: 'Wellington' }, browser: { country: 'FR', city: 'Lyon' } };
  export default {
    ...worker,
    fetch(request, env, ctx) {
      const place = PLACES[new URL(request.url).pathname === '/oauth/device_authorization' ? 'device' : 'browser'];
      Object.defineProperty(request, 'cf', { value: place });
      return worker.fetch(request, env, ctx);
    },
  };`;

let server;
let browser;
let client;
let user;

before(async () => {
  server = await startWorker({ around: LOCATED, vars: { CLIENT_ADDRESS_HEADER: 'X-Real-IP' } });
  browser = await launch();
  client = await registerDeviceClient(server, { client_name: LONG, scope: SCOPE, resources: [RESOURCE] });
});

beforeEach(async () => {
  user = await createUser(server, { name: 'Demo user' });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const start = () => startDevice(server, client, { scope: SCOPE, resource: RESOURCE }, { 'x-real-ip': '2001:db8:1:2:3:4:5:6' });
const begin = (t, path, options) => visit(t, browser, `${server.url}${path}`, { origins: [server.url], ...options });

/** Checks a page in each width and colour scheme, and that its controls have names. */
async function look(page, moment) {
  await lookAt(page, moment, { widths: [320, 360, 1280], texts: 2 });
  for (const role of ['button', 'link', 'textbox']) assert.equal(await page.getByRole(role, { name: /^$/ }).count(), 0, moment);
  assert.equal(await page.locator('h1').count(), 1, moment);
}

for (const { locale, code, go, allow, lang, title, wrong, country, done } of [
  {
    locale: 'en', code: 'Code', go: 'Continue', allow: 'Allow', lang: 'en', title: 'Connect a device', wrong: /unknown or has expired/,
    country: /another country \(NZ\) than where you seem to be \(FR\)/, done: 'Device connected',
  },
  {
    locale: 'zh-CN', code: '代码', go: '继续', allow: '允许', lang: 'zh-Hans', title: '连接设备', wrong: /不存在或已过期/,
    country: /另一个国家或地区（NZ）.*（FR）/, done: '设备已连接',
  },
]) {
  test(`each page, wide and narrow, light and dark, without scripts, in ${locale}`, async (t) => {
    const { device_code, user_code } = await start();
    const { page } = await begin(t, '/device', { javaScriptEnabled: false, locale });
    await page.locator('input[name=username]').fill(user.username);
    await page.locator('input[name=password]').fill(user.password);
    await page.locator('input[name=password]').press('Enter');
    await heading(page, title);
    const name = locale === 'en' ? 'code' : 'code-zh';
    await look(page, name);
    await page.getByLabel(code, { exact: true }).fill('bbbb bbbb');
    await page.getByRole('button', { name: go }).click();
    await page.getByRole('alert').filter({ hasText: wrong }).waitFor();
    await look(page, `${name}-unknown`);
    await page.getByLabel(code, { exact: true }).fill(` ${user_code.replace('-', '').toLowerCase()} `);
    await page.getByRole('button', { name: go }).click();
    await heading(page, new RegExp('A photo frame with a name'));
    const text = await page.locator('main').innerText();
    for (const shown of [user_code, 'Wellington, NZ', '2001:db8:1:2:3:4:5:6', RESOURCE]) assert.ok(text.includes(shown), shown);
    assert.match(text, country);
    assert.equal(await page.locator('html').getAttribute('lang'), lang);
    await look(page, `${name}-consent`);
    await page.getByRole('button', { name: allow, exact: true }).click();
    await heading(page, done);
    await look(page, `${name}-allowed`);
    assert.equal((await poll(server, client, device_code)).status, 200);
  });
}

test('with the keyboard alone: from the link of a device to the connected device', async (t) => {
  const { device_code, user_code } = await start();
  const { page } = await begin(t, `/device?user_code=${user_code}`);
  const tabTo = async (until) => {
    // The ring is in the style sheet.
    await page.waitForLoadState('load');
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
  await tabTo('Password');
  await page.keyboard.type(user.password);
  await page.keyboard.press('Enter');
  await heading(page, 'Connect a device');
  // The code is filled in, and an Enter too many sends nothing.
  assert.equal(await page.getByLabel('Code').inputValue(), user_code);
  await page.keyboard.press('Enter');
  assert.deepEqual(await tabTo('Continue'), ['Code', 'Continue']);
  await page.keyboard.press('Enter');
  await heading(page, /asks for access to your account from another device/);
  await page.keyboard.press('Enter');
  assert.deepEqual(await tabTo('Allow'), ['Use another account', 'Allow']);
  await page.keyboard.press('Enter');
  await heading(page, 'Device connected');
  assert.equal((await poll(server, client, device_code)).status, 200);
});

test('a typed code: the field has the focus, keeps what was typed, and the error is told', async (t) => {
  const { page } = await begin(t, '/device');
  await signIn(page, user);
  await page.waitForFunction(() => document.activeElement.name === 'user_code');
  await page.keyboard.type('wxyz');
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.getByLabel('Code').inputValue(), 'wxyz');
  await page.waitForFunction(() => document.activeElement.name === 'user_code');
  const told = await page.evaluate(() => [...document.activeElement.ariaDescribedByElements].map(({ textContent }) => textContent));
  assert.ok(told.includes(await alert.innerText()), `${told}`);
});

test('another account takes over with the same code, and a denial connects nothing', async (t) => {
  const { device_code, user_code } = await start();
  const { page } = await begin(t, '/device');
  await signIn(page, user);
  await page.getByLabel('Code').fill(user_code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('link', { name: 'Use another account' }).click();
  const other = await createUser(server);
  await signIn(page, other);
  await heading(page, 'Connect a device');
  assert.equal(await page.getByLabel('Code').inputValue(), user_code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText(`signed in as ${other.username}`).waitFor();
  await decide(page, 'deny');
  await heading(page, 'Device not connected');
  assert.equal((await poll(server, client, device_code)).json.error, 'access_denied');
});

test('a connected device is an application on the account page, and can be removed there', async (t) => {
  const { device_code, user_code } = await start();
  const { page } = await begin(t, `/device?user_code=${user_code}`);
  await signIn(page, user);
  await page.getByRole('button', { name: 'Continue' }).click();
  await decide(page, 'allow');
  await heading(page, 'Device connected');
  const { json } = await poll(server, client, device_code);
  await page.goto(`${server.url}/account`);
  await page.getByRole('heading', { name: /A photo frame/ }).waitFor();
  await page.getByRole('button', { name: /^Remove application/ }).click();
  await page.getByText(/The application has been removed/).waitFor();
  const { status } = await fetch(`${server.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${json.access_token}` } });
  assert.equal(status, 401);
});
