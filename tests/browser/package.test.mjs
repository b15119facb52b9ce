// The npm package in headless Chromium: a page built by Vite, and one without a bundler.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { chromiumPath } from '../../.scripts/setup.mjs';
import { JWKS, OAUTH, OPENID, sendJson, startIssuer } from '../package/shared/issuer.mjs';
import { LIST, packed, startLists } from '../package/shared/lists.mjs';
import { ASYMMETRIC, AUDIENCE, HMAC, newKey, sign, tampered } from '../package/shared/signer.mjs';
import { buildWithVite, layOutPlain, serve, serveWithVite } from '../package/shared/site.mjs';

const SITES = [['built by Vite', '/index.html', buildWithVite], ['without a bundler', '/plain.html', layOutPlain]];
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), headless: true, args: ARGS });
});
after(() => browser?.close());

const first = await newKey('ES256', 'first');
const seconds = Math.floor(Date.now() / 1000);
const claims = { iat: seconds, exp: seconds + 600 };

for (const [what, path, make] of SITES) {
  describe(`a page ${what}`, () => {
    let site;
    let issuer;
    before(async () => {
      site = await serve(await make());
      issuer = await startIssuer({ keys: [first] });
    });
    after(() => Promise.all([site.stop(), issuer.stop()]));

    /** Opens the page in a profile of its own; `verifyAll` runs in it. The browser may report nothing until the end. */
    async function open(t, prepare = async () => {}) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const complaints = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      t.after(() => context.close());
      await prepare(page);
      await page.goto(site.origin + path);
      await page.waitForFunction(() => typeof globalThis.verifyAll === 'function');
      return { complaints, page, verifyAll: (cases) => page.evaluate((given) => globalThis.verifyAll(given), cases) };
    }

    test('a status list revokes a token; the browser\'s cache revalidates it by its ETag', async (t) => {
      const { verifyAll } = await open(t);
      const { list, token, options, issuer: own, serve: serveList, asked } = await startLists(t, first);
      list.statuses = { 5: 1 };
      const ask = async (...indices) => {
        const cases = await Promise.all(indices.map(async (index) => ({ options: { ...options, status: 'check' }, token: await token(index) })));
        const codes = [];
        for (const one of cases) codes.push((await verifyAll([one]))[0].code);
        return codes;
      };
      list.headers = { etag: '"a"', 'cache-control': 'max-age=60', 'access-control-expose-headers': 'ETag' };
      assert.deepEqual(await ask(4, 5), [undefined, 'revoked']);
      own.routes[LIST] = async (request, response) => {
        if (request.headers['if-none-match'] !== '"a"') return serveList(request, response);
        asked.push(request.headers);
        return response.writeHead(304, { 'access-control-allow-origin': '*', etag: '"a"' }).end();
      };
      assert.deepEqual(await ask(4, 5), [undefined, 'revoked']);
      assert.deepEqual([asked[0]['if-none-match'], asked.at(-1)['if-none-match']], [undefined, '"a"']);
      own.routes[LIST] = serveList;
      list.headers = {};
      const whole = deflateSync(packed({}));
      for (const bytes of [deflateSync(Buffer.alloc(280_000_000), { level: 9 }), whole.subarray(0, -1), Buffer.concat([whole, Buffer.from('more')]), packed({})]) {
        list.claims = { status_list: { bits: 1, lst: bytes.toString('base64url') } };
        assert.deepEqual(await ask(4), ['status_unavailable']);
      }
    });

    test('fetches keys through the issuer, once for many tokens, under a strict policy', async (t) => {
      const wasms = site.count('.wasm');
      const { verifyAll, complaints } = await open(t);
      assert.equal(site.count('.wasm'), wasms, 'the wasm was loaded before it was needed');
      const token = await sign(first, { claims: { ...claims, iss: issuer.issuer } });
      const options = { issuer: issuer.issuer, audience: AUDIENCE };
      const results = await verifyAll([{ options, token }, { options, token: tampered(token) }, { options, token: 'a.b.c' }]);
      assert.equal(results[0].verified?.claims.iss, issuer.issuer, JSON.stringify(results[0]));
      assert.deepEqual(results.slice(1).map(({ code, isTokenError }) => [code, isTokenError]), [['bad_signature', true], ['malformed', true]]);
      assert.equal(site.count('.wasm'), wasms + 1);
      assert.deepEqual(complaints, []);
    });

    test('verifies every algorithm', async (t) => {
      const { verifyAll, complaints } = await open(t);
      const keys = await Promise.all([...HMAC, ...ASYMMETRIC].map((alg) => newKey(alg)));
      const cases = await Promise.all(keys.map(async (key) => ({ token: await sign(key, { claims }), options: { audience: AUDIENCE, key: key.jwk } })));
      const results = await verifyAll(cases);
      assert.deepEqual(results.map(({ verified, code }) => verified?.key.alg ?? code), keys.map(({ alg }) => alg));
      const forged = await verifyAll(cases.map(({ token, options }) => ({ token: tampered(token), options })));
      assert.deepEqual(forged.map(({ code }) => code), keys.map(() => 'bad_signature'));
      assert.deepEqual(complaints, []);
    });

    test('verifies what the page mints, synchronously where possible', async (t) => {
      const { complaints, page } = await open(t);
      const algorithms = [...HMAC, ...ASYMMETRIC];
      const results = await page.evaluate((given) => globalThis.mintAll(given), algorithms);
      assert.deepEqual(results, algorithms.map((alg) => ['subject', alg, HMAC.includes(alg) ? 'string' : 'async_required', 'object']));
      assert.deepEqual(complaints, []);
    });

    test('discovers an issuer by OpenID Connect only, whose 404 the browser hides', async (t) => {
      const { verifyAll } = await open(t);
      const openid = await startIssuer({ keys: [first] });
      t.after(() => openid.stop());
      openid.routes[OPENID] = openid.routes[OAUTH];
      delete openid.routes[OAUTH];
      const token = await sign(first, { claims: { ...claims, iss: openid.issuer } });
      const [{ verified, message }] = await verifyAll([{ options: { issuer: openid.issuer, audience: AUDIENCE }, token }]);
      assert.equal(verified?.key.kid, 'first', message);
    });

    test('does not follow a redirect of the issuer', async (t) => {
      const { verifyAll } = await open(t);
      const moved = await startIssuer({ keys: [first] });
      t.after(() => moved.stop());
      const [metadata, set] = [moved.routes[OAUTH], moved.routes[JWKS]];
      moved.routes[OAUTH] = (_, response) => sendJson(response, metadata);
      moved.routes['/elsewhere'] = set;
      moved.routes[JWKS] = (_, response) => response.writeHead(302, { location: '/elsewhere', 'access-control-allow-origin': '*' }).end();
      const token = await sign(first, { claims: { ...claims, iss: moved.issuer } });
      const [{ code, message }] = await verifyAll([{ options: { issuer: moved.issuer, audience: AUDIENCE }, token }]);
      assert.equal(code, 'keys_unavailable');
      assert.match(message, /redirect/);
      assert.equal(moved.count('/elsewhere'), 0);
    });

    test('reports that the wasm could not be loaded, and retries', async (t) => {
      let failures = 1;
      const { verifyAll } = await open(t, (page) => page.route('**/*.wasm', (route) => {
        if (failures === 0) return route.continue();
        failures -= 1;
        return route.abort();
      }));
      const cases = [{ token: await sign(first, { claims }), options: { audience: AUDIENCE, key: first.jwk } }];
      assert.equal((await verifyAll(cases))[0].code, 'wasm_unavailable');
      assert.equal((await verifyAll(cases))[0].verified?.key.kid, 'first');
    });
  });
}

test("Vite's development server, which pre-bundles dependencies, finds the wasm without configuration", async (t) => {
  const site = await serveWithVite();
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    await site.stop();
  });
  const page = await context.newPage();
  const modules = [];
  page.on('response', (response) => { if (response.url().includes('.wasm')) modules.push(response.status()); });
  await page.goto(site.origin);
  await page.waitForFunction(() => typeof globalThis.verifyAll === 'function');
  const token = await sign(first, { claims });
  const options = { audience: AUDIENCE, key: first.jwk };
  const [good, forged] = await page.evaluate((cases) => globalThis.verifyAll(cases), [{ options, token }, { options, token: tampered(token) }]);
  assert.equal(good.verified?.key.kid, 'first', good.message);
  assert.equal(forged.code, 'bad_signature');
  assert.deepEqual(modules, [200]);
});
