// The output of a Vite build of a page that uses the package. tests/browser runs it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildWithVite } from '../shared/site.mjs';
import { install } from '../shared/consumer.mjs';

const out = await buildWithVite();
const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

test('there is exactly one wasm, the one of the package', async () => {
  const modules = files.filter(({ name }) => name.endsWith('.wasm'));
  assert.equal(modules.length, 1);
  const [{ parentPath, name }] = modules;
  const original = join(await install(), 'node_modules/edgemint/dist/edgemint.wasm');
  assert.deepEqual(readFileSync(join(parentPath, name)), readFileSync(original));
});

test('no script contains a wasm, and no wasm is for another runtime', () => {
  for (const { parentPath, name } of files.filter((file) => file.name.endsWith('.js'))) {
    const script = readFileSync(join(parentPath, name), 'utf8');
    // The first bytes of a wasm in base64.
    assert.ok(!script.includes('AGFzbQ'), name);
    assert.doesNotMatch(script, /node:fs|cloudflare:workers/, name);
  }
});
