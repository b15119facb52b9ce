// The demo in a real browser, at the real Worker: every step, and every failure on the way.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { prepareDemo } from '../../src/js/hosting/demo.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { operator } from '../workerd/admin.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { launch } from './chromium.mjs';
import {
  STEPS, exchanges, kept, leaveAndSignIn, leaveAndSignOut, openDemo, reached, state, step, take, takeAll, trouble,
} from './demo.mjs';

const www = join(root, 'www');
let server;
let bare;
let browser;
let person;
let folder;

before(async () => {
  await buildPackage();
  server = await startWorker();
  bare = await startWorker();
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'edgemint-demo-'));
  person = await prepareDemo(server.url, server.rootSecret, www, join(folder, 'demo.json'));
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await bare?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

const demo = (options) => openDemo(browser, server.url, options);
const shortened = (value) => `${value.slice(0, 8)}…${value.slice(-4)}`;

describe('the whole way', () => {
  test('sign-in, consent, tokens, verification, API, refresh, revocation, refusal, sign-out', async () => {
    const { page, seen } = await demo();
    await reached(page, 'Step 1 of 10');

    await take(page, 'Discovery');
    const [metadata, registered] = await exchanges(page, 'Discovery');
    assert.equal(metadata.request, `GET ${server.url}/.well-known/openid-configuration`);
    assert.equal(metadata.status, '200 OK');
    assert.equal(JSON.parse(metadata.body).issuer, server.issuer);
    assert.equal(registered.parameters.client_id, 'demo');

    await leaveAndSignIn(page, person);
    assert.equal(page.url(), `${server.url}/demo/`, 'the code is removed from the URL');
    await reached(page, 'Step 3 of 10');
    await take(page, 'Callback');
    assert.deepEqual(await step(page, 'Callback').locator('.passed-list li').allInnerTexts(), [
      'state is the one that was sent', 'iss is the expected issuer',
    ]);

    await take(page, 'Code for tokens');
    const first = (await kept(page)).facts.tokens;
    const [trade] = await exchanges(page, 'Code for tokens');
    assert.equal(trade.request, `POST ${server.url}/oauth/token`);
    assert.deepEqual(Object.keys(trade.parameters).sort(), ['client_id', 'code', 'code_verifier', 'grant_type', 'redirect_uri']);
    assert.ok(trade.got.includes('cache-control: no-store'), trade.got);
    assert.ok(trade.body.includes(shortened(first.refresh_token)), trade.body);

    await take(page, 'Verification');
    const accepted = step(page, 'Verification').getByRole('heading', { level: 3, name: /accepted/ });
    assert.deepEqual(await accepted.allInnerTexts(), ['Access token: accepted', 'ID token: accepted']);
    assert.equal((await exchanges(page, 'Verification')).length, 1, 'the keys, once');

    await take(page, 'API calls');
    const [whoami, userinfo] = (await exchanges(page, 'API calls')).map(({ body }) => JSON.parse(body));
    assert.equal(whoami.client_id, 'demo');
    assert.equal(userinfo.sub, whoami.sub);
    assert.deepEqual([userinfo.name, userinfo.email], ['Demo user', 'demo@example.com']);

    await take(page, 'Refresh');
    const second = (await kept(page)).facts.tokens;
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.notEqual(second.access_token, first.access_token);
    const values = await step(page, 'Refresh').locator('.exchange').last().locator('.secret').allTextContents();
    assert.deepEqual(values.map((text) => text.split(' ')[0]), [first, second].map((tokens) => shortened(tokens.refresh_token)));
    assert.match(await step(page, 'Refresh').locator('.note').innerText(), /^The old one is spent\./);

    await take(page, 'Revocation');
    const [revocation] = await exchanges(page, 'Revocation');
    assert.equal(revocation.status, '200 OK');
    assert.equal(revocation.parameters.token_type_hint, 'refresh_token');

    assert.deepEqual(seen.complaints, []);
    await take(page, 'API call, refused');
    const [refused] = await exchanges(page, 'API call, refused');
    assert.equal(refused.status, '401 Unauthorized');
    assert.ok(refused.got.some((header) => /^www-authenticate: Bearer .*error="invalid_token"/.test(header)), refused.got);

    await leaveAndSignOut(page);
    assert.equal(page.url(), `${server.url}/demo/`);
    await reached(page, 'All 10 steps are done.');
    assert.ok(await page.getByRole('heading', { name: 'All steps are done' }).isVisible());
    assert.deepEqual(await Promise.all(STEPS.map((title) => state(page, title))), STEPS.map(() => 'done'));
    assert.deepEqual(Object.keys((await kept(page)).facts), ['authority'], 'no other data is kept');

    await page.goto(`${server.url}/account`);
    await page.locator('input[name=username]').waitFor();

    // The browser reports only the expected 401.
    assert.deepEqual(seen.complaints.filter((text) => !/status of 401/.test(text)), []);
    for (const { url } of await Promise.all(seen.requests)) assert.equal(new URL(url).origin, server.url);
    await page.context().close();
  });

  test('the exchanges that are shown are those that were sent', async () => {
    const { page, seen } = await demo();
    await takeAll(page, 'Code for tokens', person);
    const sent = (await Promise.all(seen.requests)).find(({ url }) => url === `${server.url}/oauth/token`);
    const [shown] = await exchanges(page, 'Code for tokens');
    const parameters = Object.fromEntries(new URLSearchParams(sent.body));
    assert.deepEqual(Object.keys(shown.parameters), Object.keys(parameters));
    for (const name of ['code', 'code_verifier']) parameters[name] = `${shortened(parameters[name])} Reveal`;
    assert.deepEqual(shown.parameters, parameters);
    for (const header of shown.sent) {
      const [name, value] = header.split(': ');
      assert.equal(sent.headers[name], value);
    }
    await page.context().close();
  });

  test('a token is shortened until it is expanded', async () => {
    const { page } = await demo();
    await takeAll(page, 'Code for tokens', person);
    const { access_token: whole } = (await kept(page)).facts.tokens;
    const main = page.locator('main');
    assert.ok(!(await main.innerText()).includes(whole));
    await step(page, 'Code for tokens').getByRole('button', { name: 'Reveal access_token' }).click();
    assert.ok((await main.innerText()).includes(whole));
    await step(page, 'Code for tokens').getByRole('button', { name: 'Hide access_token' }).click();
    assert.ok(!(await main.innerText()).includes(whole));
    await page.context().close();
  });

  test('continues after a reload, and starts over on request', async () => {
    const { page } = await demo();
    await takeAll(page, 'Callback', person);
    await page.reload();
    await reached(page, 'Step 4 of 10');
    await take(page, 'Code for tokens');
    await page.getByRole('button', { name: 'Start over' }).click();
    await reached(page, 'Step 1 of 10');
    assert.equal(await kept(page), null);
    await page.context().close();
  });
});

describe('failures', () => {
  test('a denial is reported, with the way to continue', async () => {
    const { page } = await demo();
    await takeAll(page, 'Callback', person, 'deny');
    assert.equal(await state(page, 'Callback'), 'failed');
    const words = await trouble(page, 'Callback');
    assert.match(words, /^You, or the server, denied access\./);
    assert.match(words, /access_denied/);
    assert.match(words, /What to do: .*allow it/);
    // The same request is not repeated.
    assert.deepEqual(await step(page, 'Callback').locator('.act button').allInnerTexts(), ['Back to step 2']);
    await step(page, 'Callback').getByRole('button', { name: 'Back to step 2' }).click();
    await reached(page, 'Step 2 of 10');
    await leaveAndSignIn(page, person);
    await take(page, 'Callback');
    await take(page, 'Code for tokens');
    assert.equal(await state(page, 'Code for tokens'), 'done');
    await page.context().close();
  });

  test('a response that this tab did not request is discarded', async () => {
    const { page } = await demo();
    await page.goto(`${server.url}/demo/?code=stolen&state=other`);
    assert.match(await page.getByRole('alert').innerText(), /did not request/);
    assert.equal(page.url(), `${server.url}/demo/`);
    assert.equal(await kept(page), null);
    await page.context().close();
  });

  test('a response with another state, or from another issuer, is not used', async () => {
    for (const wrong of [{ state: 'other' }, { iss: 'https://as.example' }]) {
      const { page, seen } = await demo();
      await take(page, 'Discovery');
      await take(page, 'Authorization request', 'Build the request');
      const { facts: { transaction } } = await kept(page);
      const answer = new URLSearchParams({ code: 'x', state: transaction.state, iss: server.issuer, ...wrong });
      await page.goto(`${server.url}/demo/?${answer}`);
      await take(page, 'Callback');
      assert.match(await trouble(page, 'Callback'), new RegExp(`"${Object.keys(wrong)[0]}"`));
      const requests = await Promise.all(seen.requests);
      assert.ok(requests.every(({ url }) => !url.endsWith('/oauth/token')));
      await page.context().close();
    }
  });

  test('a code that is refused is reported, with the way back', async () => {
    const { page } = await demo();
    await take(page, 'Discovery');
    await take(page, 'Authorization request', 'Build the request');
    const { facts: { transaction } } = await kept(page);
    await page.goto(`${server.url}/demo/?${new URLSearchParams({ code: 'x', state: transaction.state, iss: server.issuer })}`);
    await take(page, 'Callback');
    await take(page, 'Code for tokens');
    assert.match(await trouble(page, 'Code for tokens'), /invalid_grant[^]*Begin again at step 2/);
    assert.deepEqual(await step(page, 'Code for tokens').locator('.act button').allInnerTexts(), ['Back to step 2']);
    await page.context().close();
  });

  test('a server without the demo\'s client: the page says so, and its advice works', async () => {
    const { page } = await openDemo(browser, bare.url);
    await take(page, 'Discovery');
    assert.match(await trouble(page, 'Discovery'), /^This page is not registered/);
    const command = await step(page, 'Discovery').getByRole('heading', { name: 'How to register' }).locator('..').locator('pre').innerText();
    const [metadata] = command.match(/\{[^]*\}/);
    await operator(bare).createClient(JSON.parse(metadata));
    await take(page, 'Discovery');
    assert.equal(await state(page, 'Discovery'), 'done');
    await page.context().close();
  });

  test('at another host than the issuer\'s, the page links to the issuer', async () => {
    const { page } = await openDemo(browser, server.url.replace('localhost', '127.0.0.1'));
    await take(page, 'Discovery');
    assert.ok((await trouble(page, 'Discovery')).includes(`Open ${server.url}/demo/ instead.`));
    await page.context().close();
  });

  test('an unavailable server is reported until it is back', async () => {
    const { page } = await demo();
    await page.route('**/.well-known/**', (route) => route.abort());
    await take(page, 'Discovery');
    assert.match(await trouble(page, 'Discovery'), /did not respond/);
    await page.unroute('**/.well-known/**');
    await take(page, 'Discovery');
    assert.equal(await state(page, 'Discovery'), 'done');
    await page.context().close();
  });

  test('a missing build of the package is reported', async () => {
    const { page } = await demo();
    await page.route('**/edgemint/oauth4webapi.js', (route) => route.fulfill({ status: 404 }));
    await page.reload();
    await page.getByRole('alert').filter({ hasText: 'npm run build:package' }).waitFor();
    await page.context().close();
  });
});
