// Status lists in real workerd, where requests share no promise and the runtime inflates by itself.
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { run } from '../../../.scripts/steps.mjs';
import { until } from '../shared/clock.mjs';
import { install } from '../shared/consumer.mjs';
import { LIST, gated, packed, startLists } from '../shared/lists.mjs';
import { AUDIENCE, base64url, newKey } from '../shared/signer.mjs';

// The earliest date that a Worker may be built with today, and one when promises crossed requests by default.
const COMPATIBILITY_DATES = ['2026-11-01', '2024-09-23'];
const bundle = await bundleWorker();
// With Ed25519, wasm checks the signatures, also synchronously.
const key = await newKey('EdDSA');
const stopped = [];
after(() => Promise.all(stopped.map((stop) => stop())));

/** Lets wrangler bundle the Worker in a folder of its own, and returns the folder of the result. */
async function bundleWorker() {
  const folder = await install();
  copyFileSync(join(import.meta.dirname, 'status-worker.js'), join(folder, 'worker.js'));
  const settings = { name: 'status', main: 'worker.js', compatibility_date: COMPATIBILITY_DATES[0] };
  writeFileSync(join(folder, 'wrangler.json'), JSON.stringify(settings));
  await run('wrangler', ['deploy', '--dry-run', '--outdir', 'out'], { cwd: folder });
  return join(folder, 'out');
}

/** A Worker of its own with an issuer of its own. `ask(path, index)` returns the status and the code of the response. */
async function start(compatibilityDate = COMPATIBILITY_DATES[0]) {
  const site = await startLists(undefined, key);
  const logs = [];
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    modules: [
      { type: 'ESModule', path: join(bundle, 'worker.js') },
      ...readdirSync(bundle).filter((name) => name.endsWith('.wasm')).map((name) => ({ type: 'CompiledWasm', path: join(bundle, name) })),
    ],
    modulesRoot: bundle,
    compatibilityDate,
    bindings: { ISSUER: site.issuer.issuer, AUDIENCE },
    cf: false,
    logRequests: false,
    handleStructuredLogs: ({ message }) => logs.push(message),
  }));
  stopped.push(() => miniflare.dispose(), () => site.issuer.stop());
  await miniflare.ready;
  const send = async (path, body) => (await miniflare.dispatchFetch(`http://worker.example${path}`, { method: 'POST', body: JSON.stringify(body) })).json();
  const ask = async (path, index) => send(path, { token: await site.token(index) });
  return { ...site, logs, ask, codes: async (...asked) => (await Promise.all(asked)).map(({ code }) => code), turn: (seconds) => send('/turn', { seconds }) };
}

for (const compatibilityDate of COMPATIBILITY_DATES) {
  test(`a valid token passes, and a revoked one does not, ${compatibilityDate}`, async () => {
    const { ask, list, logs } = await start(compatibilityDate);
    Object.assign(list, { bits: 2, statuses: { 5: 1, 6: 2 } });
    assert.equal((await ask('/sync', 4)).code, 'async_required');
    assert.equal((await ask('/verify', 4)).claims.sub, 'subject');
    assert.equal((await ask('/verify', 5)).code, 'revoked');
    assert.equal((await ask('/sync', 4)).claims.sub, 'subject');
    assert.equal((await ask('/sync', 6)).code, 'suspended');
    assert.deepEqual(logs, []);
  });

  test(`40 requests at once on a cold Worker are answered with one fetch, ${compatibilityDate}`, async () => {
    const { ask, codes, list, issuer, serve, fetches, logs } = await start(compatibilityDate);
    list.statuses = { 5: 1 };
    await ask('/stop');
  issuer.routes[LIST] = (...args) => { setTimeout(() => serve(...args), 300); };
    const answers = await codes(...Array.from({ length: 40 }, (_, n) => ask(n % 4 === 0 ? '/many' : '/verify', n % 2 === 0 ? 4 : 5)));
    assert.deepEqual(answers, Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? undefined : 'revoked')));
    assert.equal(fetches(), 1);
    assert.deepEqual(logs, []);
  });

  test(`refuses lists that do not inflate correctly, ${compatibilityDate}`, async () => {
    const whole = deflateSync(packed({}));
    for (const bytes of [
      deflateSync(Buffer.alloc(280_000_000), { level: 9 }), deflateSync(Buffer.alloc(4 * 1024 * 1024 + 1)), whole.subarray(0, -1),
      Buffer.concat([whole, Buffer.from('more')]), packed({}),
    ]) {
      const { ask, list, logs } = await start(compatibilityDate);
      list.claims.status_list = { bits: 1, lst: base64url(bytes) };
      assert.equal((await ask('/verify', 1)).code, 'status_unavailable');
      assert.deepEqual(logs, []);
    }
  });
}

test('if the request that fetches ends early, its fetch completes, and the others get their list', async () => {
  const { ask, codes, issuer, serve, fetches, logs } = await start();
  issuer.routes[LIST] = (...args) => { setTimeout(() => serve(...args), 400); };
  await ask('/stop');
  await ask('/abandon', 1);
  assert.deepEqual(await codes(...Array.from({ length: 10 }, () => ask('/verify', 1))), Array(10).fill(undefined));
  assert.equal(fetches(), 1);
  assert.deepEqual(logs, []);
});

test('an old list is renewed by its ETag after the response has been sent; past the bound verifications wait for it', async () => {
  const { ask, codes, turn, list, issuer, serve, asked, fetches, logs } = await start();
  list.headers = { etag: 'W/"a"' };
  assert.deepEqual(await codes(ask('/verify', 1)), [undefined]);
  const { handler, letGo } = gated(serve);
  issuer.routes[LIST] = handler;
  list.statuses = { 1: 1 };
  await turn(60);
  assert.deepEqual(await codes(...Array.from({ length: 10 }, () => ask('/verify', 1))), Array(10).fill(undefined));
  await until(() => fetches() === 2);
  letGo();
  await until(async () => (await ask('/verify', 1)).code === 'revoked');
  await until(() => asked.length >= 2);
  assert.equal(asked[1]['if-none-match'], 'W/"a"');
  list.statuses = {};
  await turn(90);
  assert.deepEqual(await codes(ask('/verify', 1)), [undefined]);
  issuer.routes[LIST] = (_, response) => response.writeHead(500).end();
  await turn(90);
  assert.deepEqual(await codes(ask('/verify', 1)), ['status_unavailable']);
  assert.deepEqual(logs, []);
});

test('follows no redirects', async () => {
  const { ask, issuer, serve } = await start();
  issuer.routes['/elsewhere'] = serve;
  issuer.routes[LIST] = (_, response) => response.writeHead(302, { location: '/elsewhere' }).end();
  const { code, message } = await ask('/verify', 1);
  assert.equal(code, 'status_unavailable');
  assert.match(message, /redirect/);
  assert.equal(issuer.count('/elsewhere'), 0);
});
