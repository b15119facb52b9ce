// The modules of the shim, checked by the compiler against the interfaces that they share inside the package.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../../.scripts/toolbox.mjs';
import { run } from '../../../.scripts/steps.mjs';
import { install } from '../shared/consumer.mjs';

const folder = await install();
// Outside of node_modules, where the compiler reads JavaScript too.
cpSync(join(folder, 'node_modules/edgemint/dist'), join(folder, 'modules'), { recursive: true });
cpSync(join(root, 'src/js/shim/keys/key_source.d.ts'), join(folder, 'modules/key_source.d.ts'));
writeFileSync(join(folder, 'sources.ts'), `
  import type { KeySource, OwnKeySource } from './modules/key_source.js';
  import { FetchedKeys } from './modules/fetched_keys.js';
  import { GivenKeys } from './modules/given_keys.js';
  import { SharedKeys } from './modules/shared_keys.js';
  export const given: OwnKeySource = new GivenKeys({} as any, {} as any);
  export const fetched: OwnKeySource = new FetchedKeys({} as any, {} as any, () => {});
  export const shared: KeySource = new SharedKeys(given, {} as any, {} as any);
`);

async function compile() {
  const options = ['--noEmit', '--target', 'es2022', '--module', 'nodenext', '--allowJs', '--strict', '--noImplicitAny', 'false', '--skipLibCheck'];
  const { output } = await run('tsc', [...options, 'sources.ts'], { cwd: folder, check: false });
  return output.split('\n').filter((line) => line.startsWith('sources.ts')).join('\n');
}

test('every source of keys has the members of its interface', async () => {
  assert.equal(await compile(), '');
});

test('a source without one of them does not compile', async () => {
  for (const [name, pattern, to] of [
    ['given_keys.js', 'mayRenew()', 'mightRenew()'], ['fetched_keys.js', 'async renew(', 'async renewed('], ['shared_keys.js', 'ready()', 'readied()'],
  ]) {
    const path = join(folder, 'modules', name);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.includes(pattern), name);
    writeFileSync(path, text.replace(pattern, to));
    assert.match(await compile(), /sources\.ts/, name);
    writeFileSync(path, text);
  }
});
