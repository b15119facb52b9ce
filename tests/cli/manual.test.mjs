// The page of the manual about the command line: its commands succeed as written, and its table is that of the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../.scripts/toolbox.mjs';
import { EXIT } from '../../src/js/cli/failures.js';
import { COMMANDS } from '../../src/js/cli/table.js';
import { startWorker } from '../workerd/harness.mjs';
import { PASSWORD } from '../workerd/people.mjs';
import { environment, newUser, program } from './run.mjs';

const page = readFileSync(join(root, 'src', 'manual', 'command_line.md'), 'utf8');

test('the table has every command with its arguments and its summary, and no other', () => {
  const upper = (form) => (form.startsWith('[') ? `[${form.slice(1, -1).toUpperCase()}]` : form.slice(1, -1).toUpperCase());
  const rows = COMMANDS.map(({ name, arguments: args = [], summary }) => `| \`${[name, ...args.map(([form]) => upper(form))].join(' ')}\` | ${summary} |`);
  assert.deepEqual(page.split('# Commands\n')[1].trim().split('\n').slice(2), rows);
});

test('the table of exit codes has every one', () => {
  const section = page.split('# Exit codes\n')[1].split('\n# ')[0];
  assert.deepEqual(Array.from(section.matchAll(/^\| (\d+) \|/gm), ([, code]) => Number(code)), Object.values(EXIT));
});

test('the commands of the manual succeed as written, one after another, from an empty server', async (t) => {
  const server = await startWorker();
  t.after(() => server.stop());
  const user = newUser();
  user.file('root.txt', `${server.rootSecret}\n`);
  user.file('password.txt', `${PASSWORD}\n`);
  const browser = join(user.folder, 'browser');
  writeFileSync(browser, `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'browser.mjs')}' "$1"\n`, { mode: 0o755 });
  const commands = Array.from(page.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block.trim().split('\n')).flat().filter((command) => command.startsWith('edgemint '));
  assert.ok(commands.length > 15);
  const shell = spawn('sh', ['-s'], {
    cwd: user.folder, stdio: 'pipe',
    env: environment(user.folder, { ISSUER: server.issuer, BROWSER: browser, TEST_ISSUER: server.issuer, TEST_USERNAME: 'ada', TEST_PASSWORD: PASSWORD }),
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
  shell.stdin.end(['set -ex', `edgemint() { '${process.execPath}' '${program}' "$@"; }`, ...commands].join('\n'));
  const [code] = await once(shell, 'close');
  assert.equal(code, 0, output);
  assert.match(output, /Signed in at [^]*renewed when it expires/);
});
