// `npm start` and `npm run deploy` right after cloning the project: in a copy of it, without state. What takes minutes is copied:
// installed packages, tools and finished builds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { buildWorker } from '../../.scripts/build-worker.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { freePort } from './harness.mjs';
import { decode } from './forgery.mjs';
import { Browser, csrfOf, post } from './people.mjs';
import { until } from './request.mjs';
import * as starts from './starts.mjs';
import { interrupt, paste, processesOf, signal, welcome } from './starts.mjs';

const COPIED = [
  '.scripts', '.tools/.bindgen', '.tools/.crates.toml', 'Cargo.lock', 'Cargo.toml', 'build', 'dist', 'package-lock.json', 'package.json', 'src',
  'target/js/.inputs', 'wrangler.toml', 'www',
];
const LINKED = ['node_modules', '.tools/bin', '.tools/node'];
let project;

before(async () => {
  await buildWorker();
  await buildPackage();
  project = mkdtempSync(join(tmpdir(), 'edgemint-clone-'));
  for (const name of COPIED) cpSync(join(root, name), join(project, name), { recursive: true });
  for (const name of LINKED) symlinkSync(join(root, name), join(project, name));
});

after(() => {
  for (const pid of processesOf(project)) process.kill(pid, 'SIGKILL');
  rmSync(project, { recursive: true, force: true, maxRetries: 10 });
});

test('npm start serves, its three lines work, Ctrl-C ends it, and a second start keeps its state', async (t) => {
  const port = await freePort();
  const first = start(t, { PORT: port });
  const { lines, text } = await welcome(first);
  assert.match(text, new RegExp(`^Edgemint is at http://localhost:${port} `, 'm'));
  const secret = text.match(/not shown again: ([A-Za-z0-9_-]{43})$/m)[1];
  assert.equal(statSync(join(project, '.dev.vars')).mode & 0o777, 0o600);

  const kid = kidOf(await paste(first, lines));
  await interrupt(first);

  const second = start(t, { PORT: port });
  const again = await welcome(second);
  assert.ok(!again.text.includes(secret) && !/not shown again/.test(again.text), 'a kept secret is not shown');
  assert.deepEqual(again.lines, lines);
  assert.equal(kidOf(await paste(second, again.lines)), kid, 'the keys are kept');
  await refusesForgedAddresses({ url: `http://localhost:${port}`, issuer: `http://localhost:${port}` });
  await interrupt(second);
  assert.ok(readFileSync(join(project, '.dev.vars'), 'utf8').includes(secret));
});

test('npm start on a port in use reports it at once, with a remedy', async (t) => {
  const other = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address();
  const run = start(t, { PORT: port });
  assert.equal(await run.ended, 1);
  assert.ok(run.output().includes(`port ${port} is in use`), run.output());
  assert.match(run.output(), /What to do: .*PORT=\d+ npm start/);
});

test('npm start beside an earlier one names it, and how to end it; killing a start kills its server', async (t) => {
  const port = await freePort();
  const first = start(t, { PORT: port });
  await welcome(first);
  const second = start(t, { PORT: port });
  assert.equal(await second.ended, 1);
  const [, group] = second.output().match(/is in use by an earlier `npm start` of this folder \(process group (\d+)\)/) ?? [];
  assert.ok(processesOf(project).includes(Number(group)), second.output());
  assert.match(second.output(), new RegExp(`What to do: .*\`kill -- -${group}\`; or .*PORT=\\d+ npm start`));

  signal(first.child, 'SIGKILL');
  await until(() => processesOf(project).length === 0, 'the end of every process');
  const third = start(t, { PORT: port });
  await welcome(third);
  await interrupt(third);
});

test('npm start reports an invalid PORT', async (t) => {
  const run = start(t, { PORT: '87870' });
  assert.equal(await run.ended, 1);
  assert.match(run.output(), /PORT is not a port: 87870/);
});

test('npm run deploy -- --dry-run does everything but the upload', async (t) => {
  const run = npm(t, ['run', 'deploy', '--', '--dry-run'], { ISSUER: 'https://as.example' });
  assert.equal(await run.ended, 0, run.output());
  assert.match(run.output(), /--dry-run: exiting now/);
  for (const binding of ['EDGEMINT_STORE', 'EDGEMINT_KEYRING', 'EDGEMINT_REGISTRY', 'ISSUER']) {
    assert.ok(run.output().includes(`env.${binding}`), binding);
  }
});

test('npm run deploy and npm start refuse an issuer with the default port', async (t) => {
  for (const [args, ISSUER, without] of [
    [['run', 'deploy', '--', '--dry-run'], 'https://as.example:443', 'https://as.example'], [['start'], 'http://localhost:80', 'http://localhost'],
  ]) {
    const run = npm(t, args, { ISSUER });
    assert.equal(await run.ended, 1);
    assert.match(run.output(), new RegExp(`^ISSUER names the default port, .*: write ${without} without :\\d+$`, 'm'));
  }
});

test('npm run deploy refuses a root secret that is short, uniform or repetitive', async (t) => {
  for (const EDGEMINT_ROOT_SECRET of ['fifteen-letters', 'aaaaaaaaaaaaaaaa', 'passwordpassword']) {
    const run = npm(t, ['run', 'deploy', '--', '--dry-run'], { ISSUER: 'https://as.example', EDGEMINT_ROOT_SECRET });
    assert.equal(await run.ended, 1);
    assert.match(run.output(), /^EDGEMINT_ROOT_SECRET must have at least 16 characters, at least 6 of them different/m);
    assert.ok(!run.output().includes(EDGEMINT_ROOT_SECRET));
  }
});

test('npm run deploy without an issuer, or with one that is no https origin, says what to do', async (t) => {
  for (const ISSUER of ['', 'http://as.example', 'https://as.example/', 'as.example']) {
    const run = npm(t, ['run', 'deploy', '--', '--dry-run'], { ISSUER });
    assert.equal(await run.ended, 1, ISSUER);
    assert.match(run.output(), /^ISSUER is not .*https origin/m, ISSUER);
    assert.match(run.output(), /^What to do: .*ISSUER=https:\/\/\S+ npm run deploy/m, ISSUER);
  }
});

// The client's claim about its own address is ignored: its attempts are throttled all the same.
async function refusesForgedAddresses(server) {
  const visitor = new Browser(server);
  const csrf = csrfOf(await visitor.open('/account/sign-in'));
  const statuses = [];
  for (let tries = 0; tries < 55; tries += 1) {
    const forged = { 'cf-connecting-ip': `192.0.2.${tries}` };
    statuses.push((await post(visitor, '/account/sign-in/passkey', { csrf, credential: '{}' }, forged)).status);
  }
  assert.deepEqual([statuses[0], statuses.at(-1)], [400, 429]);
}

const kidOf = (token) => decode(token).header.kid;

const npm = (t, args, env) => starts.npm(t, project, args, env);

const start = (t, env) => npm(t, ['start'], env);
