// Runs the program `edgemint` of the packed package: in a pipe, and on a terminal of tmux.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../.scripts/steps.mjs';
import { install } from '../package/shared/consumer.mjs';
import { until } from '../workerd/request.mjs';

/** The path of the program. */
export const program = join(await install(), 'node_modules', 'edgemint', 'dist', 'cli.js');

/** A folder for the files and the configuration of a test, which is removed when the process ends. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'edgemint-cli-'));
  folders.push(folder);
  mkdirSync(join(folder, 'config'));
  return folder;
}

const folders = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The environment of a user with that folder: nothing of this process but the paths. */
export const environment = (folder, more = {}) => ({ PATH: process.env.PATH, HOME: folder, TERM: 'xterm-256color', XDG_CONFIG_HOME: join(folder, 'config'), ...more });

/**
 * A user of the program with a folder of their own. `edgemint(args, { input, env })` runs it in a pipe and resolves to
 * `{ code, stdout, stderr, json, lines }`; `file(name, text)` writes a file and returns its path.
 */
export function newUser(base = {}) {
  const folder = newFolder();
  const begin = (args, { env = {} } = {}) => spawn(process.execPath, [program, ...args], { cwd: folder, env: environment(folder, { ...base, ...env }), stdio: 'pipe' });
  return {
    folder,
    begin,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    async edgemint(args, { input = '', env } = {}) {
      const child = begin(args, { env });
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => { texts[name] += text; });
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      const [code, signal] = await once(child, 'close');
      return {
        code: code ?? signal, ...texts,
        get json() { return JSON.parse(texts.stdout); },
        get lines() { return texts.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)); },
      };
    },
  };
}

/** A terminal of 100 by 30 with a shell in it. `screen()` gives its text, `type` and `key` send to it. */
export async function openTerminal({ folder }, { columns = 100, env = {} } = {}) {
  const socket = join(folder, 'tmux');
  const tmux = (...args) => run('tmux', ['-S', socket, '-f', '/dev/null', ...args], { env: { TMUX: '' } });
  const words = Object.entries(environment(folder, env)).map(([name, value]) => `${name}=${value}`);
  // The shell's name is in no message of the program.
  await tmux('new-session', '-d', '-x', `${columns}`, '-y', '30', '-c', folder, 'env', '-i', ...words, 'PS1=$ ', 'sh');
  const screen = async (...options) => (await tmux('capture-pane', '-p', '-S', '-', ...options)).stdout;
  return {
    screen,
    // A secret may begin with a hyphen.
    type: (text) => tmux('send-keys', '-l', '--', text),
    key: (name) => tmux('send-keys', name),
    async run(command) {
      // Otherwise the exit code of the command before could be read as this one's.
      await tmux('send-keys', 'clear', 'Enter');
      await until(async () => !(await screen()).includes('exit='), 'the screen is clear');
      await tmux('send-keys', `edgemint() { '${process.execPath}' '${program}' "$@"; }; clear; edgemint ${command}; echo "exit=$?"`, 'Enter');
    },
    close: () => tmux('kill-server'),
  };
}
