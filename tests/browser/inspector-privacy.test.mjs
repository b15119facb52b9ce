// A token that is pasted into the inspector is neither sent nor stored, and the page's policy would prevent both.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { startWorker, token } from '../workerd/harness.mjs';
import { launch, open } from './chromium.mjs';
import { decode, paste, verdict } from './inspector.mjs';

const POLICY = {
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'style-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'require-trusted-types-for': "'script'",
  'trusted-types': "'none'",
};

let server;
let browser;
let good;

before(async () => {
  await buildPackage();
  server = await startWorker();
  browser = await launch();
  good = (await token(server)).access_token;
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Every part of the token that is long enough to be no coincidence. */
function stretches(text, length = 12) {
  return Array.from({ length: text.length - length + 1 }, (_, start) => text.slice(start, start + length));
}

/** Uses every function of the page with a token. */
async function use(page) {
  await paste(page, good);
  await paste(page, `${good}x`);
  await paste(page, JSON.stringify({ access_token: good }));
  await page.getByLabel('Audience').fill('https://api.example.org');
  await page.getByText('Refused', { exact: true }).waitFor();
  await page.getByText('Claims as JSON').click();
  await page.getByText('Header as JSON').click();
  await page.getByRole('button', { name: 'Copy' }).click();
  // Past the minimum time for which fetched keys are kept.
  await page.clock.fastForward('06:00');
  await paste(page, good);
}

test('every request is a GET to the page’s own origin, without any part of the token', async () => {
  const { page, seen } = await open(browser, server.url, { ownClock: true });
  await use(page);
  const requests = await Promise.all(seen.requests);
  const paths = new Set(requests.map(({ url }) => new URL(url).pathname));
  for (const path of ['/', '/inspector.js', '/edgemint/edgemint.wasm', '/.well-known/jwks.json']) assert.ok(paths.has(path), path);
  const secrets = [...stretches(good), decode(good)[1].jti];
  for (const request of requests) {
    assert.equal(request.method, 'GET', request.url);
    assert.equal(new URL(request.url).origin, server.url);
    assert.equal(request.body, '');
    const sent = JSON.stringify(request);
    assert.ok(!secrets.some((secret) => sent.includes(secret)), `of the token: ${sent}`);
  }
  assert.deepEqual(seen.complaints, []);
});

test('a counter-check: the watch over requests finds a token', async () => {
  const { page, seen } = await open(browser, server.url);
  await page.evaluate((text) => fetch(`/health?${text.slice(20, 40)}`, { method: 'POST', body: text }), good);
  // The page may still be loading its own parts.
  const { url, body } = (await Promise.all(seen.requests)).find(({ method }) => method === 'POST');
  assert.ok(stretches(good).some((stretch) => url.includes(stretch)));
  assert.equal(body, good);
});

test('the URL, the history and every storage are unchanged', async () => {
  const { page } = await open(browser, server.url);
  const traces = () => page.evaluate(async () => ({
    address: location.href,
    title: document.title,
    history: [history.length, history.state],
    storage: [localStorage.length, sessionStorage.length, document.cookie],
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }));
  const before = await traces();
  assert.deepEqual(before.storage, [0, 0, '']);
  assert.equal((await paste(page, good)).word, 'Accepted');
  assert.deepEqual(await traces(), before);
});

test('the browser does not restore the token: neither after a reload nor through the history', async () => {
  const { page } = await open(browser, server.url);
  const field = page.getByLabel('Token', { exact: true });
  for (const leave of [() => page.reload(), () => page.goto(`${server.url}/health`).then(() => page.goBack())]) {
    assert.equal((await paste(page, good)).word, 'Accepted');
    await leave();
    assert.equal(await field.inputValue(), '');
    assert.equal((await verdict(page)).word, 'Paste a token');
  }
});

test('every file is served with the policy', async () => {
  for (const path of ['/', '/inspector.js', '/inspector/view.js', '/style.css', '/favicon.svg', '/edgemint/web.js', '/edgemint/edgemint.wasm']) {
    const { status, headers } = await fetch(`${server.url}${path}`);
    assert.equal(status, 200, path);
    const directives = headers.get('content-security-policy').split('; ').map((text) => text.split(/ (.*)/).slice(0, 2));
    assert.deepEqual(Object.fromEntries(directives), POLICY, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.equal(headers.get('x-frame-options'), 'DENY');
  }
  assert.equal((await fetch(`${server.url}/_headers`)).status, 404);
});

test('the policy is enforced: no foreign request, no inline script or style, no markup from text', async () => {
  const attempts = {
    'connect-src': () => fetch('http://127.0.0.1:9/').catch(() => {}),
    'img-src': () => { new Image().src = 'http://127.0.0.1:9/pixel'; },
    'script-src': () => import('http://127.0.0.1:9/script.js').catch(() => {}),
    'style-src': () => {
      const style = document.createElement('style');
      style.textContent = 'body { color: red; }';
      document.head.append(style);
    },
    'require-trusted-types-for': () => {
      try {
        document.body.innerHTML = '<p>markup</p>';
      } catch { /* Told as a violation. */ }
    },
  };
  for (const [directive, attempt] of Object.entries(attempts)) {
    const { page, seen } = await open(browser, server.url);
    await page.evaluate(attempt);
    // By its start: a script is reported under the finer `script-src-elem`.
    const isTold = () => seen.complaints.some((complaint) => complaint.startsWith(`policy: ${directive}`));
    for (let waits = 0; waits < 100 && !isTold(); waits += 1) await page.waitForTimeout(20);
    assert.ok(isTold(), `${directive}: ${seen.complaints}`);
    await page.context().close();
  }
});

test('names and values in a token are shown as text', async () => {
  const { page, seen } = await open(browser, server.url);
  const markup = '<img src=x onerror=alert(1)>';
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: markup, [markup]: markup, __proto__: null, constructor: 'text', exp: 1, big: '“' };
  const hostile = `${encode({ alg: 'ES256', typ: markup, kid: markup })}.${encode(claims).replace(/=+$/, '')}.AAAA`;
  assert.equal((await paste(page, hostile)).word, 'Refused');
  assert.equal(await page.locator('main img').count(), 0);
  assert.ok((await page.locator('#claims').innerText()).includes(markup));
  assert.deepEqual(seen.complaints, []);
});
