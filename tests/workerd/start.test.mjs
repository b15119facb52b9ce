// `npm start` and `npm run deploy` right after cloning the project: in a copy of it, without state. What takes minutes is copied:
// installed packages, tools and finished builds.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync,
} from 'node:fs';
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
  for (const pid of processesOfProject()) process.kill(pid, 'SIGKILL');
  rmSync(project, { recursive: true, force: true, maxRetries: 10 });
});

test('npm start serves, its three lines work, Ctrl-C ends it, and a second start keeps its state', async (t) => {
  const port = await freePort();
  const first = start(t, { PORT: port });
  const { lines, text } = await welcome(first);
  assert.match(text, new RegExp(`^Edgemint is at http://localhost:${port} `, 'm'));
  const secret = text.match(/not shown again: ([A-Za-z0-9_-]{43})$/m)[1];
  assert.equal(statSync(join(project, '.dev.vars')).mode & 0o777, 0o600);

  const kid = await paste(lines, port);
  await interrupt(first);

  const second = start(t, { PORT: port });
  const again = await welcome(second);
  assert.ok(!again.text.includes(secret) && !/not shown again/.test(again.text), 'a kept secret is not shown');
  assert.deepEqual(again.lines, lines);
  assert.equal(await paste(again.lines, port), kid, 'the keys are kept');
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
  assert.ok(processesOfProject().includes(Number(group)), second.output());
  assert.match(second.output(), new RegExp(`What to do: .*\`kill -- -${group}\`; or .*PORT=\\d+ npm start`));

  signal(first.child, 'SIGKILL');
  await until(() => processesOfProject().length === 0, 'the end of every process');
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

function start(t, env) {
  return npm(t, ['start'], env);
}

// In a process group of its own, as in a terminal, so that a signal reaches all of it.
function npm(t, args, env) {
  const ours = ([name]) => /^(npm_|NODE_TEST|EDGEMINT_(?!BUILD$)|ISSUER$|PORT$)/.test(name);
  const theirs = Object.fromEntries(Object.entries(process.env).filter((variable) => !ours(variable)));
  const child = spawn('npm', args, {
    cwd: project, env: { ...theirs, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = once(child, 'close').then(([code]) => code);
  t.after(() => signal(child, 'SIGKILL'));
  return { child, ended, output: () => output, port: Number(env.PORT) };
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // Every process of the group has ended.
  }
}

// The output of a start up to its last line, and its lines to paste.
async function welcome(run) {
  let code;
  run.ended.then((exit) => (code = exit));
  const text = await until(() => {
    assert.equal(code, undefined, run.output());
    return run.output().match(/^Edgemint is at [^]*\/api\/whoami\n(?!.*TOKEN)/m)?.[0];
  }, 'the welcome');
  const lines = text.slice(text.indexOf('Paste these')).split('\n').slice(1).filter((line) => line !== '');
  assert.equal(lines.length, 3);
  return { text, lines };
}

// Runs the lines as pasted; returns the kid of the token's key.
async function paste(lines, port) {
  const shell = spawn('sh', { cwd: project, stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.end(`${[lines[0], 'echo "$TOKEN"', lines[1], lines[2]].join('\n')}\n`);
  let output = '';
  shell.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  assert.equal((await once(shell, 'close'))[0], 0);
  const [token, claims, ...refusal] = output.split('\n');
  assert.equal(JSON.parse(claims).iss, `http://localhost:${port}`);
  assert.deepEqual(JSON.parse(claims), decode(token).claims);
  assert.match(refusal.join('\n'), /^HTTP\/1\.1 401 [^]*www-authenticate: Bearer /i);
  return decode(token).header.kid;
}

async function interrupt(run) {
  signal(run.child, 'SIGINT');
  assert.equal(await run.ended, 0, run.output());
  await until(() => processesOfProject().length === 0, 'the end of every process');
  await assert.rejects(fetch(`http://127.0.0.1:${run.port}/health`), TypeError);
}

// The processes that work in the folder, where the system tells.
function processesOfProject() {
  const all = existsSync('/proc/self/cwd') ? readdirSync('/proc').map(Number).filter(Boolean) : [];
  return all.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(project);
    } catch {
      return false;
    }
  });
}
