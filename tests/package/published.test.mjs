// What tools for publishing say of the tarball: publint about its entries, "are the types wrong" about their types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../.scripts/steps.mjs';
import { tarball } from './consumer.mjs';

test('publint has nothing to say', async () => {
  const { output } = await run('publint', ['run', tarball, '--strict']);
  assert.match(output, /All good!/);
});

test('the types are not wrong, for whoever resolves as Node or a bundler does today', async () => {
  // The wasm files have none: bundlers disagree about what importing one gives.
  const { output } = await run('attw', [tarball, '--profile', 'esm-only', '--exclude-entrypoints', './edgemint.wasm', './edgemint-full.wasm']);
  assert.match(output, /No problems found/);
});
