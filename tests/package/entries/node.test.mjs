// The package in Node: its exports, its size, and the same tests in the system's Node.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { QUICK } from '../../../.scripts/compile.mjs';
import { systemPath } from '../../../.scripts/toolbox.mjs';
import { importFrom, installByNpm, tarball } from '../shared/consumer.mjs';
import { newKey, options, sign, tampered } from '../shared/signer.mjs';

const run = promisify(execFile);
const folder = await installByNpm();
const installed = join(folder, 'node_modules/edgemint');
const EXPORTS = [
  'Key', 'TokenError', 'allowInsecureRequests', 'anyAudience', 'anyIssuer', 'anyType', 'createIssuer', 'createJwks', 'createVerifier', 'decodeUnverified', 'generateKey',
  'guard', 'importKey', 'thumbprint',
];

/** The size in bytes, compressed by brotli. */
const LARGEST_WASM = 60_000;

/** The files that run in plain Node; node_modules/.bin/node has run them already. */
const FILES = [
  'engines/algorithms', 'engines/engines', 'engines/strict-signatures',
  'fetch/discovery', 'fetch/flight',
  'guard/guard', 'guard/guard-options',
  'keys/fetching', 'keys/keys', 'keys/keys-strict', 'keys/strict-keys',
  'status/status', 'status/status-fetching', 'status/status-refusals',
  'tokens/candidates', 'tokens/clock', 'tokens/explain', 'tokens/issuer', 'tokens/issuers', 'tokens/options', 'tokens/refusals', 'tokens/strict',
  'tokens/sync', 'tokens/vectors',
];

const system = await systemNode();

test('the exports are exactly these, under import and under require', async () => {
  assert.deepEqual(Object.keys(await importFrom(folder)).sort(), EXPORTS);
  const require = createRequire(join(folder, 'index.cjs'));
  assert.deepEqual(Object.keys(require('edgemint')).sort(), EXPORTS);
});

test('only the wasm and package.json can be imported by path', () => {
  const require = createRequire(join(folder, 'index.cjs'));
  assert.equal(require.resolve('edgemint/edgemint.wasm'), join(installed, 'dist/edgemint.wasm'));
  assert.equal(require('edgemint/package.json').name, 'edgemint');
  assert.throws(() => require.resolve('edgemint/dist/verifier.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

test('it has no dependencies, and types for Hono where Hono is installed', () => {
  const { dependencies, peerDependencies, peerDependenciesMeta, optionalDependencies } =
    JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.deepEqual({ dependencies, peerDependencies, peerDependenciesMeta, optionalDependencies }, {
    dependencies: undefined, peerDependencies: { hono: '*' }, peerDependenciesMeta: { hono: { optional: true } }, optionalDependencies: undefined,
  });
  assert.deepEqual(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')), ['edgemint']);
});

test('there is one wasm, below its size limit', { skip: QUICK && 'not built to be weighed' }, (t) => {
  const modules = readdirSync(join(installed, 'dist')).filter((name) => name.endsWith('.wasm'));
  assert.deepEqual(modules, ['edgemint.wasm']);
  const size = brotliCompressSync(readFileSync(join(installed, 'dist/edgemint.wasm'))).length;
  t.diagnostic(`edgemint.wasm: ${(size / 1000).toFixed(1)} KB brotli`);
  assert.ok(size <= LARGEST_WASM, `${size} bytes`);
});

test('importing it prints nothing, and a process that used it exits by itself', async () => {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', `
    import { createVerifier, anyIssuer, anyAudience } from 'edgemint';
    const verifier = createVerifier({ issuer: anyIssuer, audience: anyAudience, key: new Uint8Array(32), algorithms: ['HS256'] });
    await verifier.verify('a.b.c').catch(() => {});
  `], { cwd: folder, timeout: 10_000 });
  assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' });
});

test('memory use stays bounded, for valid and invalid tokens', async () => {
  const { createVerifier } = await importFrom(folder);
  const [secret, point] = [await newKey('HS256'), await newKey('ES256')];
  const offCurve = { ...point.jwk, y: point.jwk.x };
  const ways = [secret.jwk, point.jwk, offCurve].map((key) => createVerifier({ ...options, key }));
  const cases = [
    [ways[0], await sign(secret)], [ways[0], tampered(await sign(secret))], [ways[0], `${'a'.repeat(16_000)}.b.c`],
    [ways[1], await sign(point)], [ways[1], tampered(await sign(point))], [ways[1], await sign(point, { claims: { exp: 1 } })],
    [ways[2], await sign(point)],
  ];
  const round = async (count) => {
    for (let index = 0; index < count; index += 1) {
      for (const [verifier, token] of cases) await verifier.verify(token).catch(() => {});
      const [verifier, token] = cases[index % cases.length];
      await verifier.explain(token);
    }
    return process.memoryUsage().external;
  };
  const before = await round(100);
  const growth = await round(1_500) - before;
  assert.ok(growth < 500_000, `${growth} bytes more`);
});

test(`the same tests pass in ${system.name}`, { skip: system.skip }, async () => {
  const paths = FILES.map((name) => join(import.meta.dirname, '..', `${name}.test.mjs`));
  // A nested runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--test', '--test-reporter=tap', '--test-concurrency=1', ...paths];
  const { stdout } = await run(system.path, args, { env: { ...env, EDGEMINT_TARBALL: tarball }, maxBuffer: 64 * 1024 * 1024 })
    .catch((error) => assert.fail(error.stdout.split('\n').filter((line) => /not ok|error:|^# /.test(line)).join('\n')));
  assert.match(stdout, /^# fail 0$/m);
  assert.match(stdout, /^# pass [1-9]\d{2,}$/m);
});

/** The Node of the system, beside the pinned one. */
async function systemNode() {
  for (const path of systemPath().map((part) => join(part, 'node'))) {
    const version = await run(path, ['--version']).then(({ stdout }) => stdout.trim(), () => undefined);
    if (version === undefined) continue;
    if (version === process.version) return { name: 'another Node', skip: `the machine's own Node is ${version} too` };
    if (Number(version.slice(1).split('.')[0]) < 20) return { name: 'another Node', skip: `the machine's own Node is ${version}` };
    return { name: `the machine's Node ${version}`, path, skip: false };
  }
  return { name: 'another Node', skip: 'the machine has none of its own' };
}
