// The hand-written types, checked by a compiler: what must compile, what must not, and that they name every export and code.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../../.scripts/steps.mjs';
import { importFrom, install } from '../shared/consumer.mjs';

const folder = await install();
cpSync(join(import.meta.dirname, 'sources'), folder, { recursive: true });

/** Compiles files against the installed package under strict rules; returns the errors. */
async function compile(files, { lib = ['ES2022'], module = 'nodenext', moduleResolution = module } = {}) {
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({
    compilerOptions: {
      strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false,
      noEmit: true, target: 'ES2022', lib, types: [], module, moduleResolution,
    },
    files,
  }));
  const { output } = await run('tsc', ['--project', config, '--pretty', 'false'], { cwd: folder, check: false });
  return output.trim();
}

for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  test(`the valid sources compile and the invalid ones do not, without any global types, ${moduleResolution}`, async () => {
    assert.equal(await compile(['admin.ts', 'compiles.ts', 'refused.ts'], { module, moduleResolution }), '');
  });

  test(`the types fit those of a browser, ${moduleResolution}`, async () => {
    const lib = ['ES2022', 'DOM', 'DOM.Iterable'];
    assert.equal(await compile(['admin.ts', 'compiles.ts', 'browser.ts'], { lib, module, moduleResolution }), '');
  });
}

/** What entries without `TokenError` export. */
const OTHERS = { '/admin': "new entry.AdminError('not_found', 'There is no such user.')", '/express': 'entry.guard', '/resource': 'entry.protectedResource' };

for (const module of ['node16', 'nodenext']) {
  test(`a CommonJS file compiles against the types for require, ${module}`, async () => {
    for (const name of ['', '/inline', '/slim', '/admin', '/errors', '/express', '/resource']) {
      writeFileSync(join(folder, 'common.cts'), `import * as entry from 'edgemint${name}';\nexport const error = new entry.TokenError('expired');\n`
        .replace(...(name in OTHERS ? ["new entry.TokenError('expired')", OTHERS[name]] : ['', ''])));
      assert.equal(await compile(['common.cts'], { module }), '', name);
    }
  });
}

test('a counter-check: the compiler reports a wrong type', async () => {
  writeFileSync(join(folder, 'wrong.ts'), "import { createVerifier } from 'edgemint';\ncreateVerifier({ audience: 'a' });\n");
  assert.match(await compile(['wrong.ts']), /wrong\.ts\(2,\d+\): error TS\d+/);
});

test('the codes in the types are those of the package', async () => {
  const codes = JSON.parse(readFileSync(new URL('../../vectors/error-codes.json', import.meta.url), 'utf8'));
  const named = (from) => Object.keys(codes).filter((code) => codes[code].from === from).map((code) => `${code}: true`).join(', ');
  writeFileSync(join(folder, 'codes.ts'), `
    import type { ErrorCode, RefusalCode, RequestCode, TroubleCode } from 'edgemint';
    export const refusals: Record<RefusalCode, true> = { ${named('core')}, ${named('status')} };
    export const requests: Record<RequestCode, true> = { ${named('request')} };
    export const troubles: Record<TroubleCode, true> = { ${named('package')} };
    export const all: Record<ErrorCode, true> = { ...refusals, ...requests, ...troubles };
  `);
  assert.equal(await compile(['codes.ts']), '');
});

for (const entry of ['edgemint', 'edgemint/inline', 'edgemint/slim', 'edgemint/admin', 'edgemint/errors', 'edgemint/express', 'edgemint/resource']) {
  test(`the types name every export of ${entry}, and no other`, async () => {
    const names = Object.keys(await importFrom(folder, entry));
    writeFileSync(join(folder, 'exports.ts'), `
      import * as entry from '${entry}';
      export const exported: Record<keyof typeof entry, unknown> = { ${names.map((name) => `${name}: 0`).join(', ')} };
    `);
    assert.equal(await compile(['exports.ts']), '');
  });
}
