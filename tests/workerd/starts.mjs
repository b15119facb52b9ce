// Runs the npm scripts of a project as in a terminal, and what they print. For the tests of `npm start` and `npm run deploy`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { decode } from './forgery.mjs';
import { until } from './request.mjs';

/**
 * Runs npm in the folder of a project, with `env` in place of the tests' own settings. In a process group of its own, as in a
 * terminal, so that a signal reaches all of it. Returns `{ child, ended, output(), port, folder }`.
 */
export function npm(t, folder, args, env) {
  const ours = ([name]) => /^(npm_|NODE_TEST|EDGEMINT_(?!BUILD$)|ISSUER$|PORT$)/.test(name);
  const theirs = Object.fromEntries(Object.entries(process.env).filter((variable) => !ours(variable)));
  const child = spawn('npm', args, {
    cwd: folder, env: { ...theirs, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = once(child, 'close').then(([code]) => code);
  t.after(() => signal(child, 'SIGKILL'));
  return { child, ended, output: () => output, port: Number(env.PORT), folder };
}

/** Sends a signal to the process group of a run. */
export function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // Every process of the group has ended.
  }
}

/** Returns the output of a start up to its last line, and its lines to paste. */
export async function welcome(run) {
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

/** Runs the lines of a start as pasted. Returns the token. */
export async function paste({ folder, port }, lines) {
  const shell = spawn('sh', { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.end(`${[lines[0], 'echo "$TOKEN"', lines[1], lines[2]].join('\n')}\n`);
  let output = '';
  shell.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  assert.equal((await once(shell, 'close'))[0], 0);
  const [token, claims, ...refusal] = output.split('\n');
  assert.equal(JSON.parse(claims).iss, `http://localhost:${port}`);
  assert.deepEqual(JSON.parse(claims), decode(token).claims);
  assert.match(refusal.join('\n'), /^HTTP\/1\.1 401 [^]*www-authenticate: Bearer /i);
  return token;
}

/** Ends a start as Ctrl-C does. */
export async function interrupt(run) {
  signal(run.child, 'SIGINT');
  assert.equal(await run.ended, 0, run.output());
  await until(() => processesOf(run.folder).length === 0, 'the end of every process');
  await assert.rejects(fetch(`http://127.0.0.1:${run.port}/health`), TypeError);
}

/** Returns the processes that work in the folder, where the system tells. */
export function processesOf(folder) {
  const all = existsSync('/proc/self/cwd') ? readdirSync('/proc').map(Number).filter(Boolean) : [];
  return all.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}
