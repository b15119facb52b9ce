// The npm package in headless Chromium under a Content Security Policy that allows WebAssembly, and under one that does not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { chromiumPath } from '../../.scripts/setup.mjs';
import { AUDIENCE, newKey, sign, tampered } from '../package/shared/signer.mjs';
import { buildWithVite, layOutPlain, serve } from '../package/shared/site.mjs';

const ALLOWED = "'self' 'wasm-unsafe-eval'";
const FORBIDDEN = "'self'";
/** The message, on every page. */
const SENTENCE = /^compiling WebAssembly is forbidden here: add 'wasm-unsafe-eval' to script-src of the Content Security Policy/;

const seconds = Math.floor(Date.now() / 1000);
const key = await newKey('ES256');
const token = await sign(key, { claims: { iat: seconds, exp: seconds + 600 } });
const options = { audience: AUDIENCE, key: key.jwk };
const CASES = [{ options, token }, { options, token: tampered(token) }];

let browser;
let folders;
before(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  folders = { vite: await buildWithVite(), plain: await layOutPlain() };
});
after(() => browser?.close());

/** Opens a page under that `script-src`; `blocked` are the violated directives. */
async function open(t, folder, path, scripts) {
  const site = await serve(folders[folder], scripts);
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    await site.stop();
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.blocked = [];
    document.addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => globalThis.blocked.push(`${effectiveDirective} ${blockedURI}`));
  });
  await page.goto(site.origin + path);
  await page.waitForFunction(() => typeof globalThis.verifyAll === 'function');
  return {
    site,
    verifyAll: () => page.evaluate((cases) => globalThis.verifyAll(cases), CASES),
    mint: () => page.evaluate(() => globalThis.mintAll(['HS256']).catch(({ code, message }) => ({ code, message }))),
    blocked: () => page.evaluate(() => globalThis.blocked),
  };
}

for (const [entry, folder, path, files] of [
  ['edgemint, built by Vite', 'vite', '/index.html', 1],
  ['edgemint, without a bundler', 'plain', '/plain.html', 1],
  ['edgemint/inline', 'plain', '/inline.html', 0],
]) {
  test(`${entry} verifies and mints where the policy allows WebAssembly only`, async (t) => {
    const { verifyAll, mint, blocked, site } = await open(t, folder, path, ALLOWED);
    const [good, forged] = await verifyAll();
    assert.equal(good.verified?.key.alg, 'ES256', good.message);
    assert.equal(forged.code, 'bad_signature');
    assert.deepEqual(await mint(), [['subject', 'HS256', 'string', 'object']]);
    assert.deepEqual(await blocked(), []);
    assert.equal(site.count('.wasm'), files);
  });

  test(`${entry} names 'wasm-unsafe-eval' in every error if the policy lacks it`, async (t) => {
    const { verifyAll, mint, blocked } = await open(t, folder, path, FORBIDDEN);
    // A later call reports the same.
    for (const results of [await verifyAll(), await verifyAll()]) {
      assert.deepEqual(results.map(({ code, isTokenError }) => [code, isTokenError]), CASES.map(() => ['wasm_unavailable', true]));
      for (const { message } of results) assert.match(message, SENTENCE);
    }
    const refused = await mint();
    assert.equal(refused.code, 'wasm_unavailable', JSON.stringify(refused));
    assert.match(refused.message, SENTENCE);
    assert.ok((await blocked()).includes('script-src wasm-eval'), 'the browser itself blocked no WebAssembly');
  });
}
