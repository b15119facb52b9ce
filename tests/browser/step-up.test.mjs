// Step-up in Chromium, with virtual authenticators: a user who is signed in by password uses a passkey because the client requires
// it, in both languages; and the ways on for a user who has none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { startWorker } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import { Authenticators } from './authenticators.mjs';
import { launch } from './chromium.mjs';
import { atClient, decide, goThrough, heading, redeemLast, registerAt, requestOf, startClient, visit } from './people.mjs';

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

/** A new user who has allowed the client after a sign-in by password, in a browser with an authenticator without passkeys. */
async function begin(t) {
  const user = await createUser(server);
  const { page } = await visit(t, browser, `${server.url}/account`, { origins: [server.url, site.origin] });
  await page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  const authenticators = await Authenticators.of(page);
  await authenticators.add();
  const request = requestOf(server, site, client);
  await goThrough(page, user, request);
  assert.equal((await tokens(request)).acr, '1');
  return { user, page };
}

async function tokens(request) {
  return decodeJwt((await redeemLast(server, site, client, request)).json.id_token);
}

async function addPasskey(page) {
  await heading(page, 'Your account');
  await page.getByLabel('Name for the new passkey').fill('Mine');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('status').filter({ hasText: 'The passkey has been added.' }).waitFor();
}

for (const [language, title, reason, button, other] of [
  ['en', 'Sign in', 'This request requires a passkey. A password alone is not enough.', 'Sign in with a passkey', 'Cancel and return to Test app'],
  ['zh', '登录', '此请求要求使用通行密钥登录，仅凭密码不够。', '使用通行密钥登录', '取消并返回 Test app'],
]) {
  test(`from the password to the passkey, in ${language}`, async (t) => {
    const { user, page } = await begin(t);
    await page.goto(`${server.url}/account`);
    await addPasskey(page);
    const request = requestOf(server, site, client, { acr_values: 'phr', ui_locales: language });
    await page.goto(request.url);
    await heading(page, title);
    await page.getByText(reason).waitFor();
    await page.getByRole('link', { name: other }).waitFor();
    assert.equal(await page.locator('input[type=password]').count(), 0);
    assert.equal(await page.locator('[data-passkey-needs]').isVisible(), false);
    await page.getByRole('button', { name: button }).click();
    // The consent to a client on the user's own machine is not remembered.
    await decide(page, 'allow');
    await atClient(page);
    const { sub, acr, amr } = await tokens(request);
    assert.deepEqual([sub, acr, amr.includes('pop')], [user.id, 'phr', true]);
  });
}

test('a user without a passkey adds one on the account page and starts again, or returns to the client', async (t) => {
  const { page } = await begin(t);
  const request = requestOf(server, site, client, { acr_values: 'phr' });
  await page.goto(request.url);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText(/^No passkey was used/).waitFor();
  await page.getByRole('link', { name: 'Cancel and return to Test app' }).click();
  await atClient(page);
  assert.equal(site.arrivals.at(-1).parameters.error, 'login_required');
  await page.goto(request.url);
  await page.getByRole('link', { name: 'Add one on your account page' }).click();
  await addPasskey(page);
  await page.goto(request.url);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await decide(page, 'allow');
  await atClient(page);
  assert.equal((await tokens(request)).acr, 'phr');
});

test('without script, the page says what it needs', async (t) => {
  const request = requestOf(server, site, client, { acr_values: 'phr' });
  const { page } = await visit(t, browser, request.url, { origins: [server.url], javaScriptEnabled: false });
  assert.equal(await page.getByRole('button').count(), 0);
  await page.getByText('To sign in with a passkey you need JavaScript').waitFor();
});
