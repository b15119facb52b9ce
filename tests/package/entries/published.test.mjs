// What tools for publishing say of the tarball: publint about its entries, "are the types wrong" about their types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../../.scripts/steps.mjs';
import { tarball } from '../shared/consumer.mjs';

test('publint has nothing to say', async () => {
  const { output } = await run('publint', ['run', tarball, '--strict']);
  assert.match(output, /All good!/);
});

test('the types are right for modules, for CommonJS and for bundlers', async () => {
  const options = [tarball, '--profile', 'node16', '--no-color'];
  // The wasm has none: bundlers disagree about what importing one gives.
  const { output } = await run('attw', [...options, '--exclude-entrypoints', './edgemint.wasm']);
  for (const entry of ['', '/inline', '/slim', '/errors', '/hono', '/express']) assert.ok(output.includes(`"edgemint${entry}"`), output);
  // It does fail where something is wrong.
  const { code } = await run('attw', options, { check: false });
  assert.notEqual(code, 0);
});
