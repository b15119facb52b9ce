// The package in a Worker, bundled by wrangler and run by real workerd, with keys fetched from a real server.
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { run } from '../../../.scripts/steps.mjs';
import { until } from '../shared/clock.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, OAUTH, sendJson, startIssuer } from '../shared/issuer.mjs';
import { ASYMMETRIC, AUDIENCE, HMAC, newKey, sign, tampered } from '../shared/signer.mjs';

// The earliest date that a Worker may be built with today, and one when promises crossed requests by default.
const COMPATIBILITY_DATES = ['2026-11-01', '2024-09-23'];
const bundle = await bundleWorker();
const wasmFiles = readdirSync(bundle).filter((name) => name.endsWith('.wasm'));
const [first, second] = await Promise.all(['first', 'second'].map((kid) => newKey('ES256', kid)));
const stopped = [];
after(() => Promise.all(stopped.map((stop) => stop())));

/** Lets wrangler bundle the Worker in a folder of its own, and returns the folder of the result. */
async function bundleWorker() {
  const folder = await install();
  copyFileSync(join(import.meta.dirname, 'worker.js'), join(folder, 'worker.js'));
  writeFileSync(join(folder, 'wrangler.json'), JSON.stringify({
    name: 'consumer', main: 'worker.js', compatibility_date: COMPATIBILITY_DATES[0],
  }));
  await run('wrangler', ['deploy', '--dry-run', '--outdir', 'out'], { cwd: folder });
  return join(folder, 'out');
}

/** A Worker of its own with an issuer of its own. `ask(path, body)` returns the status and the JSON of the response. */
async function start({ compatibilityDate = COMPATIBILITY_DATES[0], delay = 0 } = {}) {
  const issuer = await startIssuer({ keys: [first] });
  const keys = [first.jwk];
  issuer.routes[JWKS] = (_, response) => { setTimeout(() => sendJson(response, { keys }), delay); };
  const modules = [
    { type: 'ESModule', path: join(bundle, 'worker.js') },
    ...wasmFiles.map((name) => ({ type: 'CompiledWasm', path: join(bundle, name) })),
  ];
  const logs = [];
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    modules,
    modulesRoot: bundle,
    compatibilityDate,
    bindings: { ISSUER: issuer.issuer, AUDIENCE },
    cf: false,
    logRequests: false,
    handleStructuredLogs: ({ message }) => logs.push(message),
  }));
  stopped.push(() => miniflare.dispose(), () => issuer.stop());
  await miniflare.ready;
  const ask = async (path, body) => {
    const response = await miniflare.dispatchFetch(`http://worker.example${path}`, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, json: await response.json() };
  };
  const tokenOf = (key, more) => sign(key, { ...more, claims: { iss: issuer.issuer, iat: seconds(), exp: seconds() + 86_400, ...more?.claims } });
  return { issuer, keys, logs, ask, tokenOf };
}

const seconds = () => Math.floor(Date.now() / 1000);

function assertQuiet(logs) {
  assert.deepEqual(logs, []);
}

test('the bundle has one wasm', () => {
  assert.equal(wasmFiles.length, 1);
});

for (const compatibilityDate of COMPATIBILITY_DATES) {
  test(`verifies a token and refuses another, ${compatibilityDate}`, async () => {
    const { ask, tokenOf, issuer, logs } = await start({ compatibilityDate });
    const token = await tokenOf(first);
    const { status, json } = await ask('/verify', { token });
    assert.equal(status, 200);
    assert.equal(json.claims.iss, issuer.issuer);
    assert.deepEqual(json.key, { kid: 'first', alg: 'ES256' });
    assert.deepEqual((await ask('/decode', { token })).json.claims, json.claims);
    const refused = await ask('/verify', { token: tampered(token) });
    assert.deepEqual([refused.status, refused.json.name, refused.json.code], [401, 'TokenError', 'bad_signature']);
    assert.ok((await ask('/explain', { token })).json.checks.every(({ ok }) => ok === true));
    assert.equal((await ask('/verify', { token: await tokenOf(second) })).json.code, 'key_not_found');
    assertQuiet(logs);
  });

  test(`40 requests at once on a cold Worker all pass, with one fetch each of metadata and keys, ${compatibilityDate}`, async () => {
    const { ask, tokenOf, issuer, logs } = await start({ compatibilityDate, delay: 300 });
    await ask('/stop', {});
    const token = await tokenOf(first);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(index % 4 === 0 ? '/many' : '/verify', { token })));
    assert.deepEqual(answers.map(({ status }) => status), Array(40).fill(200));
    assert.deepEqual([issuer.count(OAUTH), issuer.count(JWKS)], [1, 1]);
    assertQuiet(logs);
  });
}

test('if the request that fetches ends early, its fetch completes, and the others get their keys', async () => {
  const { ask, tokenOf, issuer, logs } = await start({ delay: 400 });
  const token = await tokenOf(first);
  await ask('/stop', {});
  await ask('/abandon', { token });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/verify', { token })));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  assert.equal(issuer.count(JWKS), 1);
  assertQuiet(logs);
});

test('10 requests at once with a new key cause one fetch', async () => {
  const { ask, tokenOf, issuer, keys } = await start({ delay: 200 });
  await ask('/stop', {});
  await ask('/verify', { token: await tokenOf(first) });
  keys.push(second.jwk);
  const token = await tokenOf(second);
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/verify', { token })));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  assert.equal(issuer.count(JWKS), 2);
});

test('old keys are renewed after the response has been sent', async () => {
  const { ask, tokenOf, issuer, logs } = await start();
  await ask('/verify', { token: await tokenOf(first) });
  await ask('/turn', { seconds: 600 });
  let answer;
  issuer.routes[JWKS] = (_, response) => { answer = () => sendJson(response, { keys: [first.jwk, second.jwk] }); };
  const answers = await Promise.all(Array.from({ length: 10 }, async () => ask('/verify', { token: await tokenOf(first) })));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  await until(() => answer !== undefined);
  answer();
  await pause(200);
  // The renewed key set has this key: an unknown one would cause another fetch.
  assert.equal((await ask('/verify', { token: await tokenOf(second) })).status, 200);
  assert.equal(issuer.count(JWKS), 2);
  assertQuiet(logs);
});

test('an unavailable issuer is reported in bounded time, with few fetches for many requests, and retried', async () => {
  const { ask, tokenOf, issuer } = await start();
  const good = issuer.routes[OAUTH];
  issuer.routes[OAUTH] = (_, response) => response.writeHead(503).end();
  const token = await tokenOf(first);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/verify', { token })));
  assert.deepEqual(answers.map(({ json }) => json.code), Array(20).fill('discovery_failed'));
  assert.ok(issuer.count(OAUTH) <= 2, `${issuer.count(OAUTH)} fetches`);
  issuer.routes[OAUTH] = good;
  await ask('/turn', { seconds: 1 });
  assert.equal((await ask('/verify', { token })).status, 200);
});

test('an issuer that never responds is awaited for 5 seconds, and fetched from once a second at most', async () => {
  const { ask, tokenOf, issuer } = await start();
  issuer.routes[OAUTH] = () => {};
  const token = await tokenOf(first);
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/verify', { token })));
  assert.deepEqual(answers.map(({ json }) => json.code), Array(10).fill('discovery_failed'));
  const elapsed = performance.now() - started;
  assert.ok(elapsed > 4_500, `${elapsed} ms`);
  assert.ok(issuer.count(OAUTH) <= elapsed / 1_000 + 1, `${issuer.count(OAUTH)} fetches in ${elapsed} ms`);
});

test('follows no redirects', async () => {
  const { ask, tokenOf, issuer } = await start();
  issuer.routes['/elsewhere'] = issuer.routes[JWKS];
  issuer.routes[JWKS] = (_, response) => response.writeHead(302, { location: '/elsewhere' }).end();
  const { json } = await ask('/verify', { token: await tokenOf(first) });
  assert.equal(json.code, 'keys_unavailable');
  assert.match(json.message, /redirect/);
  assert.equal(issuer.count('/elsewhere'), 0);
});

test('verifies every algorithm', async (t) => {
  const { ask, tokenOf } = await start();
  for (const alg of [...HMAC, ...ASYMMETRIC]) {
    await t.test(alg, async () => {
      const key = await newKey(alg);
      const token = await tokenOf(key);
      const { status, json } = await ask('/given', { token, options: { key: key.jwk } });
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(json.key.alg, alg);
      assert.equal((await ask('/given', { token: tampered(token), options: { key: key.jwk } })).json.code, 'bad_signature');
    });
  }
});

test('tokens minted in the Worker verify there', async (t) => {
  const { ask } = await start();
  const { generateKey } = await importFrom(await install());
  for (const alg of [...HMAC, ...ASYMMETRIC]) {
    await t.test(alg, async () => {
      const made = await generateKey(alg);
      const verifying = made.type === 'secret' ? made.toJwk() : made.toPublic().toJwk();
      const { json: { token, code } } = await ask('/mint', { key: made.toJwk() });
      assert.equal(code, undefined);
      const { status, json } = await ask('/given', { token, options: { key: verifying } });
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(json.claims.sub, 'subject');
      // Synchronously, only wasm signs.
      const isMac = made.type === 'secret';
      assert.equal((await ask('/mint', { key: made.toJwk(), sync: true })).json.code, isMac ? undefined : 'async_required');
      const atOnce = isMac || alg === 'EdDSA';
      assert.equal((await ask('/sync', { token, options: { key: verifying } })).json.code, atOnce ? undefined : 'async_required');
    });
  }
});

test('accepts a CryptoKey', async () => {
  const { ask, tokenOf } = await start();
  const token = await tokenOf(first);
  const { status, json } = await ask('/cryptoKey', { token, jwk: first.jwk, algorithm: { name: 'ECDSA', namedCurve: 'P-256' } });
  assert.equal(status, 200, JSON.stringify(json));
});

test('refuses a point off its curve with its own reason', async () => {
  const { ask, tokenOf } = await start();
  const key = { ...first.jwk, y: first.jwk.x };
  assert.equal((await ask('/given', { token: await tokenOf(first), options: { key } })).json.code, 'key_unusable');
});
