// The types of the guards, checked by a compiler: without global types, with those of a browser, real Hono and Express.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../../.scripts/toolbox.mjs';
import { run } from '../../../.scripts/steps.mjs';
import { install } from '../shared/consumer.mjs';

const modules = join(root, 'node_modules');
const folder = await install();
cpSync(join(import.meta.dirname, 'sources'), folder, { recursive: true });
for (const name of ['hono', '@types/express', '@types/node', '@cloudflare/workers-types']) link(name);

const WEB = ['ES2022', 'DOM', 'DOM.Iterable'];

/** Compiles files against the installed package under strict rules; returns the errors. */
async function compile(files, { lib = ['ES2022'], types = [], module = 'nodenext', moduleResolution = module } = {}) {
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({
    compilerOptions: {
      strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false,
      noEmit: true, target: 'ES2022', lib, types, module, moduleResolution,
    },
    files,
  }));
  const { output } = await run('tsc', ['--project', config, '--pretty', 'false'], { cwd: folder, check: false });
  return output.trim();
}

/** Links one of our dependencies into the consumer. */
function link(name) {
  const path = join(folder, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  if (!missing(name)) symlinkSync(join(modules, name), path);
}

function missing(name) {
  return existsSync(join(modules, name)) ? false : `${name} is not installed`;
}

for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  test(`the guard compiles without any global types, ${moduleResolution}`, async () => {
    assert.equal(await compile(['guard.ts'], { module, moduleResolution }), '');
  });

  test(`the guard compiles with the types of a browser, ${moduleResolution}`, async () => {
    assert.equal(await compile(['guard.ts', 'guard-web.ts'], { lib: WEB, module, moduleResolution }), '');
  });

  test(`the guard for Hono compiles, ${moduleResolution}`, async () => {
    assert.equal(await compile(['guard-hono.ts'], { lib: WEB, module, moduleResolution }), '');
  });

  test(`the guard for Express compiles, ${moduleResolution}`, { skip: missing('@types/express') }, async () => {
    assert.equal(await compile(['guard-express.ts'], { types: ['node'], module, moduleResolution }), '');
  });

  test(`the guard compiles with the types of Workers, ${moduleResolution}`, { skip: missing('@cloudflare/workers-types') }, async () => {
    const types = ['@cloudflare/workers-types'];
    assert.equal(await compile(['guard.ts', 'guard-web.ts', 'guard-workers.ts'], { types, module, moduleResolution }), '');
  });
}

test('a counter-check: the compiler reports a wrong type', async () => {
  writeFileSync(join(folder, 'wrong.ts'), "import { guard } from 'edgemint/hono';\nguard({ audience: 'a' });\n");
  assert.match(await compile(['wrong.ts'], { lib: WEB }), /^wrong\.ts\(2,\d+\): error TS\d+/);
});
