// The set-up: its message when a tool cannot be installed, and that it installs only what a lock file names.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CARGO_ADVICE, cargoAdvice } from '../../.scripts/advice.mjs';
import { npmAdvice } from '../../src/js/hosting/advice.mjs';
import { lackedVersion } from '../../.scripts/setup.mjs';
import { Failure, run } from '../../.scripts/steps.mjs';
import { root, toolsDir } from '../../.scripts/toolbox.mjs';

test('the advice about a failed cargo fits the cause: network, compiler, disk, or none of them', () => {
  for (const output of [
    'error: failed to download from `https://index.example/ca/rg/cargo`\n\nCaused by:\n  [6] Could not resolve hostname (Could not resolve host: index.example)',
    'warning: spurious network error (3 tries remaining): [7] Could not connect to server',
    'error: failed to get `serde` as a dependency\nCaused by:\n  Unable to update registry `crates-io`',
    'Caused by:\n  [28] Timeout was reached (download of config.json failed)',
  ]) {
    assert.match(cargoAdvice(output), /network or the registry/, output);
    assert.doesNotMatch(cargoAdvice(output), /compiler/);
  }
  for (const output of [
    'error: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)',
    'error occurred in cc-rs: failed to find tool "cc": No such file or directory (os error 2) (see https://docs.rs/cc)',
    'Could not find directory of OpenSSL installation, and this `-sys` crate cannot proceed',
    'The pkg-config command could not be found.',
  ]) assert.match(cargoAdvice(output), /C compiler/, output);
  assert.match(cargoAdvice('error: failed to write: No space left on device (os error 28)'), /disk is full/);
  assert.equal(cargoAdvice('error[E0308]: mismatched types'), CARGO_ADVICE);
  assert.match(npmAdvice('npm error code ENOTFOUND\nnpm error network request to https://registry.example failed'), /network or the registry/);
  assert.match(npmAdvice('npm error code EINTEGRITY'), /see the log/);
});

test('distinguishes a cold cargo without network from one without a compiler', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'edgemint-cargo-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  // A port without a server.
  const registry = ['source.crates-io.replace-with="nowhere"', 'source.nowhere.registry="sparse+http://127.0.0.1:9/"'];
  const args = [...registry.flatMap((setting) => ['--config', setting]), 'install', '--root', home, 'some-crate@1.0.0'];
  const env = { CARGO_HOME: home, CARGO_NET_RETRY: '0', CARGO_HTTP_TIMEOUT: '2' };
  await assert.rejects(run('cargo', args, { env, advice: cargoAdvice }), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.advice, /network or the registry/, error.log);
    return true;
  });
});

test('only a version that the registry lacks makes the set-up build without a lock file', () => {
  const lacks = `    Updating crates.io index
error: failed to select a version for the requirement \`webpki-roots = "^1.0.10"\` (locked to 1.0.11)
candidate versions found which didn't match: 1.0.10, 1.0.9, 1.0.8, ...`;
  assert.equal(lackedVersion(lacks), 'webpki-roots 1.0.11');
  for (const other of ['error: failed to download from `https://index.example`', 'error: linker `cc` not found', '']) assert.equal(lackedVersion(other), undefined);
});

test('the Node.js of the tools is pinned by a hash in a lock file', async (t) => {
  const lock = JSON.parse(readFileSync(join(root, '.scripts', 'node', 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'node', 'package.json'), 'utf8'));
  for (const [path, entry] of packages) {
    assert.match(entry.integrity, /^sha512-/, path);
    assert.equal(entry.version, version, 'the version in package.json');
  }
  const folder = join(toolsDir, 'node', 'node_modules');
  const installed = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('node-')) : [];
  if (installed.length === 0) return t.skip(`none is pinned for ${process.platform} on ${process.arch}`);
  assert.equal(realpathSync(join(root, 'node_modules', '.bin', 'node')), realpathSync(join(folder, installed[0], 'bin', 'node')));
});
