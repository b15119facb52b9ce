// A test runs every command that README, CONTRIBUTING and the manual show, or tests/checklists/commands.json says why it is not
// run. A command that is added to a document needs a row there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKeyPairSync } from 'node:crypto';
import { root } from '../../.scripts/toolbox.mjs';
import { admin, registerClient } from './admin.mjs';
import { startWorker } from './harness.mjs';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'src', 'manual')).filter((name) => name.endsWith('.md')).map((name) => `src/manual/${name}`)];
const PROGRAMS = 'npm|npx|node|cargo|rustup|rustc|wrangler|openssl|kill|apt-get|EDGEMINT_BUILD=\\w+ npm|PORT=\\d+ npm|ISSUER=\\S+ npm';
const listed = JSON.parse(readFileSync(join(root, 'tests', 'checklists', 'commands.json'), 'utf8'));

/** The commands of the `sh` blocks of a document and those in its text. */
function commandsOf(document) {
  const text = readFileSync(join(root, document), 'utf8');
  const commands = new Set();
  const prose = text.replace(/^```sh\n([^]*?)^```$/gm, (_, block) => {
    for (const line of block.replace(/ *\\\n\s*/g, ' ').split('\n')) {
      const command = line.replace(/(^|\s)#.*$/, '').trim();
      if (command !== '') commands.add(command);
    }
    return '';
  }).replace(/^```[^]*?^```$/gm, '');
  for (const [, command] of prose.matchAll(new RegExp(`\`((?:${PROGRAMS}) [^\`]+)\``, 'g'))) commands.add(command.replace(/\s+/g, ' '));
  return commands;
}

const shown = new Map(DOCUMENTS.flatMap((document) => [...commandsOf(document)].map((command) => [command, document])));

test('every command that a document shows is listed, and no other', () => {
  assert.ok(shown.size > 20, 'the documents were read');
  for (const [command, document] of shown) assert.ok(Object.hasOwn(listed, command), `${document} shows a command that is not listed: ${command}`);
  for (const command of Object.keys(listed)) assert.ok(shown.has(command), `listed, and shown nowhere: ${command}`);
});

test('a listed command names the test that runs it, or why none does', () => {
  for (const [command, { run_by: file, as, not_run: reason }] of Object.entries(listed)) {
    assert.notEqual(file === undefined, reason === undefined, `${command}: one of both`);
    if (reason !== undefined) assert.ok(reason.length > 20, command);
    else assert.ok(readFileSync(join(root, file), 'utf8').includes(as), `${file} does not run ${command}: it has no ${as}`);
  }
});

test('the calls of the README and the manual succeed as written, one after another', async (t) => {
  const server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 RS256' } });
  t.after(() => server.stop());
  const folder = mkdtempSync(join(tmpdir(), 'edgemint-commands-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, '.dev.vars'), `EDGEMINT_ROOT_SECRET=${server.rootSecret}\n`);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'old.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await registerClient(server, { client_id: 'reports' });
  const { json: { keys } } = await admin(server, 'GET', '/admin/keys');

  const isCall = (command) => /^(curl|[A-Z_]+=|field\()/.test(command) && !/\bnpm\b/.test(command);
  // The pages of the manual share the variables that the first one sets. The last call revokes every token.
  const pages = ['administration', 'resources', 'devices', 'token_exchange', 'moving', 'keys', 'revocation', 'events', 'backup'].map((name) => `src/manual/${name}.md`);
  const callsOf = (...documents) => documents.flatMap((document) => [...commandsOf(document)]).filter(isCall)
    .map((call) => call.replace('http://localhost:8787', server.url));
  const calls = [callsOf('README.md'), callsOf(...pages)];
  assert.ok(calls.every((some) => some.length > 5), calls.flat().join('\n'));
  const script = [
    'set -e', 'curl() { command curl --fail-with-body --max-time 20 "$@"; }',
    ...calls.flatMap((some) => ['(', ...some, ')']),
  ].join('\n');
  const shell = spawn('sh', ['-s'], {
    cwd: folder, stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, EDGEMINT_ROOT_SECRET: server.rootSecret, KID: keys[1].kid, CLIENT: 'reports' },
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  shell.stdin.end(script);
  const [code] = await once(shell, 'close');
  assert.equal(code, 0, output);
  assert.ok(!output.includes('"error"'), output);
});
