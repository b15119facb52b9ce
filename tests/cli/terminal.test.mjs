// The command line on a terminal: tables, prompts, masks and confirmations.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasTmux } from '../../.scripts/tmux.mjs';
import { operator } from '../workerd/admin.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { until } from '../workerd/request.mjs';
import { newUser, openTerminal } from './run.mjs';

let server;
let user;
let terminal;

const options = { skip: hasTmux() ? false : 'tmux is not installed' };

before(async () => {
  if (options.skip) return;
  server = await startWorker();
  user = newUser();
  terminal = await openTerminal(user, { env: { EDGEMINT_ISSUER: server.issuer } });
});

after(async () => {
  await terminal?.close();
  await server?.stop();
});

const shows = (pattern, ...options) => until(async () => {
  const screen = await terminal.screen(...options);
  return pattern.test(screen) && screen;
}, `${pattern}`, 30);

/** Runs a command to its end; returns the screen. */
async function run(command, code = 0) {
  await terminal.run(command);
  return shows(new RegExp(`exit=${code}$`, 'm'));
}

test('asks for the secret without showing it, and signs in', options, async () => {
  await terminal.run('login --client root');
  await shows(/The secret of the client root/);
  await terminal.type(server.rootSecret);
  await terminal.key('Enter');
  const screen = await shows(/exit=0$/m);
  assert.match(screen, /Signed in at/);
  assert.ok(!screen.includes(server.rootSecret));
  assert.ok(readFileSync(join(user.folder, 'config', 'edgemint', 'profiles.json'), 'utf8').includes('access_token'));
});

test('shows tables with colours, and JSON when asked', options, async () => {
  await operator(server).createClient({ client_id: 'reports', client_name: 'Reports \u202egnp.exe', scope: 'read' });
  await operator(server).createClient({ client_id: 'long', client_name: 'x'.repeat(300), scope: 'read', enabled: false });
  await until(async () => (await operator(server).listClients().page()).clients.length === 2, 'the clients are listed');
  const screen = await run('clients list');
  assert.match(screen, /^client_id +name +enabled +grant types +scope$/m);
  assert.match(screen, /^reports +Reports \ufffdgnp\.exe +yes +client_credentials +read$/m);
  assert.match(screen, /^long +x+\u2026 +no +client_credentials +read$/m);
  assert.match(await terminal.screen('-e'), /\u001b\[31mno/);
  assert.match(await run('clients get reports'), /^client_id +reports$/m);
  assert.match(await run('clients get reports --json'), /^ {2}"client_id": "reports",$/m);
  assert.match(await run('keys timeline'), /\d \w+ ago +ES256/);
  assert.match(await run('doctor'), /metadata +ok/);
});

test('asks before something is destroyed; no and Ctrl-C change nothing', options, async () => {
  for (const keys of [['n'], ['C-c']]) {
    await terminal.run('clients delete reports');
    await shows(/Remove the client reports/);
    for (const key of keys) await terminal.key(key);
    await shows(/exit=130$/m);
    assert.equal((await operator(server).readClient('reports')).client_id, 'reports');
  }
  await terminal.run('clients delete reports');
  await shows(/Remove the client reports/);
  await terminal.key('y');
  await shows(/exit=0$/m);
  await assert.rejects(operator(server).readClient('reports'), { code: 'not_found' });
});

test('shows no token and no key on a terminal, unless it is told to', options, async () => {
  assert.match(await run('token get'), /not shown on a terminal[^]*exit=0/);
  assert.match(await run('token get --reveal'), /eyJ/);
  assert.match(await run('keygen', 2), /a private key does not belong on a terminal/);
  assert.match(await run('profile show'), /access_token +\*{8}$/m);
});

test('follows events, and Ctrl-C ends it with 130', options, async () => {
  await terminal.run('events tail');
  await shows(/following the events/);
  await operator(server).createClient({ client_id: 'followed' });
  await shows(/client_registered +client=followed by=root/);
  await terminal.key('C-c');
  await shows(/exit=130$/m);
});
