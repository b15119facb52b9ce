// Publishing tools check the tarball: publint its entries, "are the types wrong" its types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../../.scripts/steps.mjs';
import { tarball } from '../shared/consumer.mjs';

test('publint reports nothing', async () => {
  const { output } = await run('publint', ['run', tarball, '--strict']);
  assert.match(output, /All good!/);
});

test('the types resolve for modules, for CommonJS and for bundlers', async () => {
  const options = [tarball, '--profile', 'node16', '--no-color'];
  // The wasm has no types: bundlers disagree about the value of importing one.
  const { output } = await run('attw', [...options, '--exclude-entrypoints', './edgemint.wasm']);
  for (const entry of ['', '/inline', '/slim', '/errors', '/admin', '/hono', '/express', '/resource']) assert.ok(output.includes(`"edgemint${entry}"`), output);
  // A counter-check: it fails for a broken package.
  const { code } = await run('attw', options, { check: false });
  assert.notEqual(code, 0);
});
