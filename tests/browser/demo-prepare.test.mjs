// What `npm start` prepares for the demo, at a server that may have it already, or half of it. The sign-in page checks the
// password.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { prepareDemo } from '../../src/js/hosting/demo.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { operator } from '../workerd/admin.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { launch } from './chromium.mjs';
import { openDemo, state, takeAll } from './demo.mjs';

const www = join(root, 'www');
let server;
let browser;
let folder;
let file;

before(async () => {
  await buildPackage();
  server = await startWorker();
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'edgemint-demo-'));
  file = join(folder, 'local', 'demo.json');
});

after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

const prepare = () => prepareDemo(server.url, server.rootSecret, www, file);

test('creates client and user once, and a password file that only its owner can read', async () => {
  const first = await prepare();
  assert.equal(first.url, `${server.url}/demo/`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(readFileSync(file, 'utf8').includes(first.password));
  assert.ok(await signsIn(first));

  const { result, changes } = await watched(prepare);
  assert.deepEqual(result, first);
  assert.deepEqual(changes, []);
});

test('a password file with wider permissions is restricted when it is written next', async () => {
  const { password } = await prepare();
  writeFileSync(file, JSON.stringify({ password, users: {} }));
  chmodSync(file, 0o644);
  assert.equal((await prepare()).password, password);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('after the server\'s state is gone, the kept password works again', async () => {
  const before = await prepare();
  const { users } = JSON.parse(readFileSync(file, 'utf8'));
  await operator(server).removeUser(users[server.url]);
  await operator(server).removeClient('demo');
  const after = await prepare();
  assert.deepEqual(after, before);
  assert.ok(await signsIn(after));
});

test('a missing or unreadable password is replaced', async () => {
  for (const spoil of [() => rmSync(file), () => writeFileSync(file, '{')]) {
    const before = await prepare();
    spoil();
    const after = await prepare();
    assert.notEqual(after.password, before.password);
    assert.ok(await signsIn(after));
  }
});

test('a client that was changed is restored', async () => {
  await prepare();
  const metadata = { token_endpoint_auth_method: 'none', redirect_uris: ['http://localhost:1/'] };
  await operator(server).replaceClient('demo', metadata);
  const { changes } = await watched(prepare);
  assert.deepEqual(changes, ['PUT /admin/clients/demo']);
  assert.ok(await signsIn(await prepare()));
});

test('a wrong root secret is reported, and no password is written', async () => {
  const other = join(folder, 'other.json');
  await assert.rejects(prepareDemo(server.url, 'wrong', www, other), { code: 'invalid_client', status: 401, call: 'POST /oauth/token' });
  assert.throws(() => statSync(other), { code: 'ENOENT' });
});

async function signsIn(person) {
  const { page } = await openDemo(browser, server.url);
  await takeAll(page, 'Callback', person);
  const outcome = await state(page, 'Callback');
  await page.context().close();
  return outcome === 'done';
}

/** The changing requests that `work` sends to the server. */
async function watched(work) {
  const own = globalThis.fetch;
  const changes = [];
  globalThis.fetch = (url, init) => {
    const { pathname } = new URL(url);
    if (init.method !== 'GET' && pathname !== '/oauth/token') changes.push(`${init.method} ${pathname}`);
    return own(url, init);
  };
  try {
    return { result: await work(), changes };
  } finally {
    globalThis.fetch = own;
  }
}
