// The owner of an account, while strangers guess at the password: the proof of work as a user meets it, and passkeys.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from '../workerd/harness.mjs';
import { Browser, createUser, csrfOf, post } from '../workerd/people.mjs';
import { Authenticators } from './authenticators.mjs';
import { launch } from './chromium.mjs';
import { heading, signIn, visit } from './people.mjs';

const FREE = 10;
const FREE_BY_ADDRESS = 50;

let server;
let browser;

before(async () => {
  server = await startWorker();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const begin = (t, address, options = {}) => visit(t, browser, `${server.url}/account`, {
  origins: [server.url], extraHTTPHeaders: { 'cf-connecting-ip': address }, ...options,
});

test('the owner can sign in at a new browser while a stranger uses every free attempt', async (t) => {
  const user = await createUser(server);
  t.after(await stranger(user.username));
  const { page } = await begin(t, '192.0.2.1');
  await throttled(page, () => signIn(page, { ...user, password: 'not the password' }));
  assert.equal(await page.getByLabel('User name').inputValue(), user.username);
  assert.equal(await page.getByLabel('Password').inputValue(), '');
  // The page's script replaces the text for browsers without scripting.
  await page.getByRole('alert').filter({ hasText: 'Instead of waiting, this browser computes a proof' }).waitFor();
  // Sent before the proof is done: the page sends it when it is.
  await getsIn(page, user);
});

test('a user who takes time to enter the password finds the proof done, in the page\'s language', async (t) => {
  const user = await createUser(server);
  t.after(await stranger(user.username));
  const { page } = await begin(t, '192.0.2.2', { locale: 'zh-CN' });
  await throttled(page, async () => {
    await page.getByLabel('用户名').fill(user.username);
    await page.getByLabel('密码').fill('not the password');
    await page.locator('button.primary').click();
  });
  await page.getByRole('status').filter({ hasText: '证明已完成' }).waitFor({ timeout: 60_000 });
  assert.match(await page.getByRole('alert').innerText(), /尝试次数过多/);
  assert.equal(await page.locator('input[name=proof]').evaluate((field) => field.value.split('.').length), 32);
});

test('without scripting the page asks for a wait, and shows no proof', async (t) => {
  const user = await createUser(server);
  t.after(await stranger(user.username));
  const { page } = await begin(t, '192.0.2.3', { javaScriptEnabled: false });
  await throttled(page, () => signIn(page, { ...user, password: 'not the password' }));
  assert.match(await page.getByRole('alert').innerText(), /Too many attempts\. Try again in/);
  assert.equal(await page.locator('form [role=status]').first().innerText(), '');
});

test('failed passkeys at the address keep no known browser out, and other browsers wait', async (t) => {
  const user = await createUser(server);
  const address = '192.0.2.4';
  const { page } = await begin(t, address);
  await page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  const authenticators = await Authenticators.of(page);
  await authenticators.add();
  await signIn(page, user);
  await heading(page, 'Your account');
  await page.getByLabel('Name for the new passkey').fill('Mine');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('status').filter({ hasText: 'The passkey has been added.' }).waitFor();
  const signOut = async () => {
    await page.locator('form.sign-out button').click();
    await heading(page, 'Sign in');
  };
  await signOut();
  const outsider = new Browser(server, { 'cf-connecting-ip': address });
  const csrf = csrfOf(await outsider.open('/account/sign-in'));
  let answer;
  for (let tries = 0; tries < 200 && Number(answer?.headers.get('retry-after') ?? 0) < 4; tries += 1) {
    answer = await post(outsider, '/account/sign-in/passkey', { csrf, credential: '{}' });
    if (tries < FREE_BY_ADDRESS) assert.equal(answer.status, 400);
    if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal(answer.status, 429);
  const byPasskey = () => page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await byPasskey();
  await heading(page, 'Your account');
  await signOut();
  // The same passkey in a browser without proof of an earlier sign-in.
  await page.context().clearCookies({ name: 'edgemint-known-account' });
  await byPasskey();
  await page.getByRole('alert').filter({ hasText: 'Too many attempts' }).waitFor();
});

// A stranger who uses every free attempt, and goes on. Returns a function that ends this, once the next attempt has to wait.
async function stranger(username) {
  let stopped = false;
  const guess = async (number) => {
    const visitor = new Browser(server, { 'cf-connecting-ip': `198.51.100.${number % 250}` });
    const page = await visitor.open('/account/sign-in');
    return visitor.submit(page, { username, password: 'a guess' }, { action: '/account/sign-in' });
  };
  for (let tries = 0; tries < FREE; tries += 1) assert.equal((await guess(tries)).status, 400);
  const guessing = (async () => {
    for (let tries = FREE; !stopped; tries += 1) {
      await guess(tries);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return async () => {
    stopped = true;
    await guessing;
  };
}

// Repeats until a page asks for a wait: sometimes this attempt is the free one, and not the stranger's.
async function throttled(page, send) {
  for (let tries = 0; tries < 20; tries += 1) {
    await page.goto(`${server.url}/account`);
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await send();
    if ((await answered).status() === 429) return page.getByRole('alert').waitFor();
  }
  throw new Error('no attempt ever had to wait');
}

// Enters the right password. While a proof is computed, strangers may make a harder one necessary: then the page says so, and
// computes that. There is a maximum difficulty.
async function getsIn(page, user) {
  for (let tries = 0; tries < 5; tries += 1) {
    const answered = page.waitForResponse((response) => response.request().method() === 'POST', { timeout: 60_000 });
    await signIn(page, user);
    if ((await answered).status() === 303) return heading(page, 'Your account');
  }
  throw new Error('the owner did not get in');
}
