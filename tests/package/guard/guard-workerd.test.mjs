// The guards in a Worker, bundled by wrangler and run by real workerd, with keys fetched from a real server. Requests are
// sent over real sockets.
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { run } from '../../../.scripts/steps.mjs';
import { root } from '../../../.scripts/toolbox.mjs';
import { install } from '../shared/consumer.mjs';
import {
  HEADERS, MALFORMED, MISSING, PREFLIGHT, REFUSED, assertRefused, challengeOf, expected, lacking, startIssuerWithKey, withBearer,
} from '../shared/guarded.mjs';
import { JWKS } from '../shared/issuer.mjs';
import { AUDIENCE, tampered } from '../shared/signer.mjs';

// The earliest date that a Worker may be built with today, and one when promises crossed requests by default.
const COMPATIBILITY_DATES = ['2026-11-01', '2024-09-23'];
const bundle = await bundleWorker();
const { issuer, token } = await startIssuerWithKey();
const stopped = [() => issuer.stop()];
after(() => Promise.all(stopped.map((stop) => stop())));

/** Lets wrangler bundle the Worker in a folder of its own, and returns the folder of the result. */
async function bundleWorker() {
  const folder = await install();
  symlinkSync(join(root, 'node_modules', 'hono'), join(folder, 'node_modules', 'hono'));
  copyFileSync(join(import.meta.dirname, 'guard-worker.js'), join(folder, 'worker.js'));
  writeFileSync(join(folder, 'wrangler.json'), JSON.stringify({
    name: 'guarded', main: 'worker.js', compatibility_date: COMPATIBILITY_DATES[0],
  }));
  await run('wrangler', ['deploy', '--dry-run', '--outdir', 'out'], { cwd: folder });
  return join(folder, 'out');
}

/** The URL of a Worker of its own, and its log. */
async function start(compatibilityDate = COMPATIBILITY_DATES[0]) {
  const wasm = readdirSync(bundle).filter((name) => name.endsWith('.wasm'));
  const logs = [];
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    modules: [
      { type: 'ESModule', path: join(bundle, 'worker.js') },
      ...wasm.map((name) => ({ type: 'CompiledWasm', path: join(bundle, name) })),
    ],
    modulesRoot: bundle,
    compatibilityDate,
    bindings: { ISSUER: issuer.issuer, AUDIENCE },
    cf: false,
    logRequests: false,
    handleStructuredLogs: ({ message }) => logs.push(message),
  }));
  stopped.push(() => miniflare.dispose());
  const { origin } = await miniflare.ready;
  const counts = async () => (await fetch(`${origin}/counts`)).json();
  return { origin, logs, counts };
}

test('the bundle has one wasm', () => {
  assert.equal(readdirSync(bundle).filter((name) => name.endsWith('.wasm')).length, 1);
});

for (const compatibilityDate of COMPATIBILITY_DATES) {
  test(`a valid token passes, in Workers and in Hono, ${compatibilityDate}`, async () => {
    const { origin, logs } = await start(compatibilityDate);
    const text = await token({ sub: 'alice' });
    for (const place of ['static', 'env', 'later', 'hono/read']) {
      const response = await fetch(`${origin}/${place}`, withBearer(text));
      assert.deepEqual([response.status, await response.json()], [200, { sub: 'alice', audience: AUDIENCE }], place);
    }
    await assertRefused(await fetch(`${origin}/shared`, withBearer(text)), lacking('admin'));
    await assertRefused(await fetch(`${origin}/hono/admin`, withBearer(text)), lacking('admin', 'realm="admins", '));
    for (const place of ['static', 'env', 'later', 'hono/read']) {
      await assertRefused(await fetch(`${origin}/${place}`, withBearer(tampered(text))), REFUSED, place);
    }
    assert.deepEqual(logs, []);
  });

  test(`metadata is served, and step-up demanded, in Workers, ${compatibilityDate}`, async () => {
    const { origin, logs } = await start(compatibilityDate);
    const url = '/.well-known/oauth-protected-resource/notes';
    for (const path of [url, '/.well-known/oauth-protected-resource/hono']) {
      const [get, head, preflight, post] = await Promise.all(['GET', 'HEAD', 'OPTIONS', 'POST'].map((method) => fetch(`${origin}${path}`, { method })));
      assert.deepEqual([get.status, head.status, preflight.status, post.status], [200, 200, 204, 405], path);
      assert.deepEqual([(await get.json()).authorization_servers, await head.text()], [[issuer.issuer], '']);
    }
    const now = Math.floor(Date.now() / 1000);
    const before = `resource_metadata="https://api.example${url}", `;
    const error = 'insufficient_user_authentication';
    const demanding = expected(401, error, challengeOf(error, { before, after: ', acr_values="gold", max_age="300"' }));
    for (const claims of [{}, { acr: 'gold' }, { acr: 'gold', auth_time: now - 400 }, { acr: 'bronze', auth_time: now }]) {
      await assertRefused(await fetch(`${origin}/stepUp`, withBearer(await token(claims))), demanding);
    }
    assert.equal((await fetch(`${origin}/stepUp`, withBearer(await token({ acr: 'gold', auth_time: now - 5 })))).status, 200);
    assert.deepEqual(logs, []);
  });

  test(`40 requests at once on a cold Worker pass, through each kind of options, ${compatibilityDate}`, async () => {
    const { origin, counts, logs } = await start(compatibilityDate);
    const text = await token();
    for (const place of ['env', 'later', 'hono/read']) {
      const before = issuer.count(JWKS);
      const answers = await Promise.all(Array.from({ length: 40 }, () => fetch(`${origin}/${place}`, withBearer(text))));
      assert.deepEqual(answers.map(({ status }) => status), Array(40).fill(200), place);
      assert.equal(issuer.count(JWKS), before + 1, place);
    }
    assert.equal((await counts()).calls, 1);
    assert.deepEqual(logs, []);
  });
}

test('refuses invalid tokens, and no handler runs', async () => {
  const { origin, counts, logs } = await start();
  for (const place of ['static', 'hono/read']) {
    const missing = { ...MISSING, challenge: 'Bearer scope="read"' };
    const text = await token();
    await assertRefused(await fetch(`${origin}/${place}`), missing);
    await assertRefused(await fetch(`${origin}/${place}?access_token=${text}`), missing);
    await assertRefused(await fetch(`${origin}/${place}`, PREFLIGHT), missing);
    await assertRefused(await fetch(`${origin}/${place}`, withBearer(await token({ cnf: { jkt: 'x' } }))), REFUSED);
    for (const [what, authorization, reading, sending] of HEADERS) {
      if (sending !== undefined) continue;
      const answer = reading === 'missing' ? missing : MALFORMED;
      await assertRefused(await fetch(`${origin}/${place}`, { headers: { authorization } }), answer, what);
    }
    const headers = [['authorization', `Bearer ${text}`], ['authorization', 'Bearer x']];
    await assertRefused(await fetch(`${origin}/${place}`, { headers }), MALFORMED);
    const head = await fetch(`${origin}/${place}`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('www-authenticate'), await head.text()], [401, 'Bearer scope="read"', '']);
  }
  await fetch(`${origin}/shared`);
  await fetch(`${origin}/shared`, withBearer(await token({ scope: 'write' })));
  assert.deepEqual(await counts(), { calls: 0, visits: 0, told: [['token_missing', 401], ['scope_insufficient', 403]] });
  assert.deepEqual(logs, []);
});

test('bytes that no header may have, and 10 MB of them, are refused, and the next request is served', async () => {
  const { origin, counts } = await start();
  const text = await token();
  const long = [100_000, 10_000_000].map((length) => `Bearer ${'a'.repeat(length)}`);
  const values = [`Bearer ${text}\0`, `Bearer\0 ${text}`, `Bearer ${text}\x7f`, `Bearer ${text}\xff`, ...long];
  for (const value of values) {
    const lines = ['GET /static HTTP/1.1', 'Host: a', 'Connection: close', `Authorization: ${value}`, '', ''];
    const answer = await sendRaw(origin, lines.join('\r\n'));
    assert.match(answer, /^HTTP\/1\.1 4|^E(PIPE|CONNRESET)$/, JSON.stringify(answer.slice(0, 100)));
  }
  assert.equal((await counts()).visits, 0);
  assert.equal((await fetch(`${origin}/static`, withBearer(text))).status, 200);
});

/** The response to this request, byte for byte; or why there was none. */
async function sendRaw(origin, text) {
  const socket = connect(new URL(origin).port, '127.0.0.1');
  socket.setTimeout(60_000, () => socket.destroy());
  let answer = '';
  try {
    socket.end(text, 'latin1');
    for await (const chunk of socket.setEncoding('latin1')) answer += chunk;
  } catch (error) {
    return answer || error.code;
  }
  return answer;
}

test('bodies are streamed, and the Worker handles what the handler throws', async () => {
  const { origin } = await start();
  const text = await token();
  const body = 'x'.repeat(1_000_000);
  assert.equal(await (await fetch(`${origin}/static`, withBearer(text, { method: 'POST', body }))).text(), body);
  const thrown = await fetch(`${origin}/static/throws`, withBearer(text));
  assert.equal(thrown.status, 500);
  assert.match(await thrown.text(), /mine/);
});

test('invalid options from the environment fail the request with an error; unavailable keys are 503', async () => {
  const { origin, counts } = await start();
  const broken = await fetch(`${origin}/broken`, withBearer(await token()));
  assert.equal(broken.status, 500);
  assert.match(await broken.text(), /issuer is required/);
  await assertRefused(await fetch(`${origin}/down`, withBearer(await token())), expected(503, 'temporarily_unavailable'));
  assert.equal((await counts()).visits, 0);
});
