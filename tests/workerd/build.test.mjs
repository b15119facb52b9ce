// The built Worker from outside: its exports, its size, and that it does not contain paths of the build.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { buildWorker } from '../../.scripts/build-worker.mjs';
import { sizes } from '../../.scripts/sizes.mjs';
import { root } from '../../.scripts/toolbox.mjs';

const build = join(root, 'build');
const OBJECTS = [
  'AccountObject', 'CatalogueObject', 'DeviceObject', 'EventsObject', 'IdentifierObject', 'KeyringObject', 'MaintenanceObject',
  'RegistryObject', 'StatusDirectoryObject', 'StatusListObject',
];
/** Directory records do not expire, so this object needs no alarm. */
const WITHOUT_ALARM = ['StatusDirectoryObject'];
const read = (name) => readFileSync(join(build, name));

before(buildWorker);

test('exports the handlers and the Durable Objects', async () => {
  const { handlers, methods } = await inspected();
  assert.deepEqual(handlers, ['fetch', 'scheduled']);
  assert.deepEqual(Object.keys(methods).sort(), OBJECTS);
  // Every method of a class can be called through a binding.
  for (const name of OBJECTS) {
    const alarm = WITHOUT_ALARM.includes(name) ? [] : ['alarm'];
    assert.deepEqual(methods[name], [...alarm, 'constructor', 'fetch'], name);
  }
});

test('is below the size limit', (t) => {
  const wasm = read('index_bg.wasm');
  t.diagnostic(`build/index_bg.wasm: ${sizes(wasm)}; build/index.js: ${sizes(read('index.js'))}`);
  // The platform's limit is 3 MB compressed. Pages in two languages, Argon2id, the tables of Unicode and passkeys are in it;
  // above this bound an unplanned dependency or generic code is likely.
  const compressed = gzipSync(wasm, { level: 9 }).length;
  assert.ok(compressed < 1_200_000, `${compressed} bytes, compressed`);
});

test('does not contain the paths and the user name of the build', () => {
  const folders = [root, homedir(), process.env.CARGO_HOME, process.env.RUSTUP_HOME, '/home', '/Users'];
  for (const name of ['index_bg.wasm', 'index.js']) {
    const content = read(name);
    for (const folder of folders.filter(Boolean)) {
      const at = content.indexOf(join(folder, '/'));
      assert.equal(at, -1, `${name} holds ${content.subarray(at, at + 100).toString('latin1')}`);
    }
  }
});

// Loads the Worker's modules in workerd, beside a module that inspects them.
async function inspected() {
  const reader = `
    import { DurableObject } from 'cloudflare:workers';
    import edgemint, * as edgemintModule from './index.js';
    const methodsOf = (prototype) => (prototype === DurableObject.prototype
      ? []
      : [...Object.getOwnPropertyNames(prototype), ...methodsOf(Object.getPrototypeOf(prototype))]);
    const { default: _, ...classes } = edgemintModule;
    export default {
      fetch: () => Response.json({
        handlers: Object.keys(edgemint).sort(),
        methods: Object.fromEntries(Object.entries(classes).map(([name, { prototype }]) => [name, [...new Set(methodsOf(prototype))].sort()])),
      }),
    };`;
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    compatibilityDate: readFileSync(join(root, 'wrangler.toml'), 'utf8').match(/^compatibility_date = "(.*)"$/m)[1],
    modulesRoot: build,
    modules: [
      { type: 'ESModule', path: join(build, 'reader.js'), contents: reader },
      { type: 'ESModule', path: join(build, 'index.js') },
      { type: 'CompiledWasm', path: join(build, 'index_bg.wasm') },
    ],
    host: '127.0.0.1',
    port: 0,
    cf: false,
  }));
  try {
    return await (await miniflare.dispatchFetch('http://localhost/')).json();
  } finally {
    await miniflare.dispose();
  }
}
