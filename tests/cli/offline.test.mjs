// What the command line does without an authorization server: help, completion, keys and tokens; and what it refuses.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../.scripts/toolbox.mjs';
import { COMMANDS } from '../../src/js/cli/table.js';
import { newUser, program } from './run.mjs';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('help, help as JSON and completion have every command of the table', async () => {
  const { edgemint } = newUser();
  const { code, stdout } = await edgemint(['--help', '--json']);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout).map(({ command }) => command), COMMANDS.map(({ name }) => `edgemint ${name}`));
  for (const words of [[], ['--help']]) {
    const help = await edgemint(words);
    assert.equal(help.code, 0);
    for (const { name } of COMMANDS) assert.ok(help.stdout.includes(`  ${name.split(' ')[0]}`), name);
  }
  const { json } = await edgemint(['keys', 'import', '--help', '--json']);
  assert.deepEqual(json.map(({ command }) => command), ['edgemint keys import']);
  assert.deepEqual(json[0].options.find(({ form }) => form.startsWith('--use')).choices, ['sign', 'verify']);
  const single = await edgemint(['clients', 'create', '--help']);
  assert.match(single.stdout, /--secret-out <file>[^]*Examples:\n {2}edgemint clients create/);
  assert.equal((await edgemint(['--version'])).stdout, `${version}\n`);
});

test('completes commands and options', async () => {
  const { edgemint } = newUser();
  const complete = async (...words) => (await edgemint(['complete', '--', ...words])).stdout.split('\n').map((line) => line.split('\t')[0]);
  assert.deepEqual((await complete('keys', '')).filter((word) => /^[a-z]/.test(word)).sort(), COMMANDS.filter(({ name }) => name.startsWith('keys ')).map(({ name }) => name.slice(5)).sort());
  assert.ok((await complete('clients', 'create', '--')).includes('--secret-out'));
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const script = await edgemint(['completion', shell]);
    assert.equal(script.code, 0, shell);
    assert.match(script.stdout, /edgemint complete/);
  }
});

test('makes keys and tokens, verifies, explains and decodes them', async () => {
  const user = newUser();
  const { edgemint } = user;
  assert.equal((await edgemint(['keygen', 'EdDSA', '--kid', 'k1', '--out', 'key.jwk', '--public-out', 'public.jwk'])).code, 0);
  assert.equal(statSync(join(user.folder, 'key.jwk')).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(join(user.folder, 'public.jwk'), 'utf8')).d, undefined);
  const again = await edgemint(['keygen', 'EdDSA', '--out', 'key.jwk']);
  assert.deepEqual([again.code, /it exists already/.test(again.stderr)], [1, true]);

  const published = await edgemint(['jwks', 'key.jwk']);
  assert.deepEqual(published.json.keys.map(({ kid, d }) => [kid, d]), [['k1', undefined]]);
  user.file('jwks.json', published.stdout);
  const minted = await edgemint(['token', 'mint', '--key', 'key.jwk', '--issuer', 'https://issuer.example', '--claim', 'sub=u', '--claim', 'aud=https://api.example', '--claim', 'client_id=app', '--ttl', '60']);
  assert.equal(minted.code, 0, minted.stderr);
  const checks = ['--issuer', 'https://issuer.example', '--audience', 'https://api.example', '--jwks', 'jwks.json'];

  const verified = await edgemint(['token', 'verify', ...checks], { input: minted.stdout });
  assert.deepEqual([verified.code, verified.json.verified, verified.json.claims.sub], [0, true, 'u']);
  const refused = await edgemint(['token', 'verify', ...checks, '--scope', 'read'], { input: minted.stdout });
  assert.deepEqual([refused.code, refused.stdout], [3, '']);
  assert.match(refused.stderr, /^error: the token lacks a required scope\n/);
  const explained = await edgemint(['token', 'explain', ...checks, '--scope', 'read'], { input: minted.stdout });
  assert.equal(explained.code, 3);
  assert.deepEqual(explained.json.checks.find(({ ok }) => ok === false).name, 'scope');

  user.file('token', minted.stdout);
  for (const args of [['token'], []]) {
    const decoded = await edgemint(['token', 'decode', ...args], { input: args.length === 0 ? minted.stdout : '' });
    assert.deepEqual([decoded.code, decoded.json.verified, decoded.json.header.kid], [0, false, 'k1']);
    assert.match(decoded.stderr, /^warning: The signature was not checked/);
  }
  const garbage = await edgemint(['token', 'decode'], { input: 'nothing' });
  assert.deepEqual([garbage.code, garbage.stdout], [3, '']);
});

test('refuses secrets among the arguments, without repeating them', async () => {
  const { edgemint } = newUser();
  const jwt = `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(20)}.${'b'.repeat(20)}`;
  for (const args of [
    ['login', '--client-secret', 'hunter22'], ['login', '--secret=hunter22'], ['users', 'create', 'ada', '--password=hunter22'], ['status', '--token', 'hunter22'],
    ['token', 'decode', jwt], ['token', 'verify', `--key=${jwt}`], ['keys', 'import', '-----BEGIN PRIVATE KEY-----\nhunter22'], ['token', 'inspect', 'emrt_hunter22.x.y'],
  ]) {
    const { code, stdout, stderr } = await edgemint(args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /does not belong on the command line[^]*hint: give it on standard input/);
    assert.ok(!stderr.includes('hunter22') && !stderr.includes(jwt), stderr);
  }
});

test('exit code 2 and a hint for what cannot be meant', async () => {
  const { edgemint } = newUser();
  for (const [args, pattern] of [
    [['nothing'], /unknown command/], [['clients', 'nothing'], /unknown command/], [['clients', 'get'], /missing required argument/], [['clients', 'list', '--none'], /unknown option/],
    [['clients', 'get', 'a', 'b'], /too many arguments/], [['keys', 'import', 'x', '--use', 'encrypt'], /Allowed choices/], [['status'], /there is no issuer/], [['profile', 'use', 'x'], /there is no profile/],
    [['status', '--json', '--table', '--issuer', 'https://auth.example'], /exclude each other/], [['status', '--issuer', 'http://auth.example'], /is no issuer/],
    [['status', '--issuer', 'https://auth.example/path'], /is no issuer/], [['clients', 'list', '--limit', '0', '--issuer', 'https://auth.example'], /--limit must be/],
    [['login', '--issuer', 'https://auth.example', '--client', 'root'], /secret of the client root is missing/],
  ]) {
    const { code, stdout, stderr } = await edgemint(args);
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, pattern);
    assert.match(stderr, /\nhint: /, args.join(' '));
  }
});

test('is one file with the licences of what is in it, and with no dependency', () => {
  const folder = join(program, '..');
  const licences = readFileSync(join(folder, 'cli_licenses.txt'), 'utf8');
  for (const name of ['commander', '@clack/prompts', 'cli-table3', 'oauth4webapi', '@bomb.sh/tab', 'picocolors']) assert.match(licences, new RegExp(`^${name} \\d`, 'm'));
  const imported = readFileSync(program, 'utf8').matchAll(/(?:from|import|require)\s*\(?["']([@a-z][\w@/:.-]*)["']/g);
  const foreign = new Set(Array.from(imported, ([, name]) => name).filter((name) => !name.startsWith('node:') && !/^edgemint(\/admin)?$/.test(name)));
  for (const name of foreign) assert.ok(process.getBuiltinModule(name) !== undefined, `${name} is not in the file`);
  const manifest = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8'));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(statSync(program).mode & 0o111, 0o111);
});
