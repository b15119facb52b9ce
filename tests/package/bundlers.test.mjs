// Bundles of the package that run without any file beside them, and what each entry weighs. See "Bundlers and runtimes" in the manual.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { build as buildWithVite } from 'vite';
import { QUICK } from '../../.scripts/compile.mjs';
import { run } from '../../.scripts/steps.mjs';
import { install } from './consumer.mjs';
import { CLAIMS, newKey, options, sign, tampered } from './signer.mjs';

const folder = await install();
const key = await newKey('ES256');
const token = await sign(key);

/** A program that verifies a token, and a forged one. */
function program(entry, isCommonJs = false) {
  const load = isCommonJs ? `const { createVerifier } = require('${entry}');` : `import { createVerifier } from '${entry}';`;
  return `${load}
const verifier = createVerifier({ issuer: '${options.issuer}', audience: '${options.audience}', now: () => ${options.now()}, key: ${JSON.stringify(key.jwk)} });
Promise.all(['${token}', '${tampered(token)}'].map((text) => verifier.verify(text).then(({ claims }) => claims.sub, ({ code, message }) => code + (code === 'bad_signature' ? '' : message))))
  .then((answers) => console.log(answers.join(' ')));
`;
}
const EXPECTED = `${CLAIMS.sub} bad_signature\n`;

/** Runs a bundle in a folder that holds nothing else. */
async function runAlone(text, ending) {
  const alone = await install();
  const path = join(alone, `bundle.${ending}`);
  writeFileSync(path, text);
  const { stdout } = await run(process.execPath, [path], { cwd: alone });
  return stdout;
}

for (const entry of ['edgemint', 'edgemint/inline']) {
  for (const [format, ending] of [['esm', 'mjs'], ['cjs', 'cjs']]) {
    test(`esbuild, for Node, ${format}: a bundle of ${entry} verifies by itself`, async () => {
      for (const isCommonJs of [false, true]) {
        const { outputFiles: [{ text }] } = await build({
          stdin: { contents: program(entry, isCommonJs), resolveDir: folder }, bundle: true, platform: 'node', format, write: false,
          // What a module has no `require` for.
          ...(format === 'esm' && { banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } }),
        });
        assert.equal(await runAlone(text, ending), EXPECTED);
      }
    });
  }

  test(`Vite, for a server: a bundle of ${entry} verifies by itself`, async () => {
    const root = await install();
    writeFileSync(join(root, 'server.js'), program(entry));
    await buildWithVite({ root, configFile: false, logLevel: 'warn', ssr: { noExternal: true }, build: { ssr: 'server.js' } });
    const [name] = readdirSync(join(root, 'dist')).filter((file) => file.startsWith('server.'));
    assert.equal(await runAlone(readFileSync(join(root, 'dist', name), 'utf8'), 'mjs'), EXPECTED);
  });
}

for (const format of ['esm', 'iife']) {
  test(`esbuild, for browsers, ${format}: a bundle of edgemint/inline verifies by itself`, async () => {
    const { outputFiles: [{ text }] } = await build({
      stdin: { contents: program('edgemint/inline'), resolveDir: folder }, bundle: true, platform: 'browser', format, write: false,
    });
    assert.equal(await runAlone(text, 'mjs'), EXPECTED);
  });
}

test('a bundle for browsers that has lost its wasm says what to do', async () => {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: program('edgemint'), resolveDir: folder }, bundle: true, platform: 'browser', format: 'esm', write: false,
  });
  assert.match(await runAlone(text, 'mjs'), /^wasm_unavailable.*serve it beside the script, or import edgemint\/inline/);
});

/** KB of 1000 bytes, compressed by brotli: the script as it is bundled and minified, without the wasm where that is a file. */
const BOUNDS = [
  ['edgemint', ['browser', 'module'], 19],
  ['edgemint', ['workerd', 'worker'], 19],
  ['edgemint', ['edge-light', 'module'], 19],
  ['edgemint', ['node'], 20],
  ['edgemint/slim', ['module'], 19],
  ['edgemint/errors', ['module'], 2],
  // With the wasm.
  ['edgemint/inline', ['browser', 'module'], 84],
  ['edgemint/inline', ['node', 'module'], 84],
];

for (const [entry, conditions, most] of BOUNDS) {
  test(`${entry} for ${conditions[0]} weighs at most ${most} KB`, { skip: QUICK && entry === 'edgemint/inline' && 'not built to be weighed' }, async (t) => {
    const { outputFiles: [{ contents }] } = await build({
      stdin: { contents: `export * from '${entry}'`, resolveDir: folder }, bundle: true, minify: true, write: false, format: 'esm', target: 'es2022',
      platform: 'neutral', conditions, external: ['cloudflare:*', 'node:*'], loader: { '.wasm': 'empty' }, logLevel: 'error',
    });
    const kilobytes = brotliCompressSync(contents).length / 1000;
    t.diagnostic(`${entry}, ${conditions[0]}: ${(contents.length / 1000).toFixed(1)} KB, brotli ${kilobytes.toFixed(1)} KB`);
    assert.ok(kilobytes <= most, `${kilobytes} KB`);
  });
}

test('the wasm weighs at most 60 KB', { skip: QUICK && 'not built to be weighed' }, (t) => {
  const kilobytes = brotliCompressSync(readFileSync(join(folder, 'node_modules/edgemint/dist/edgemint.wasm'))).length / 1000;
  t.diagnostic(`edgemint.wasm: brotli ${kilobytes.toFixed(1)} KB`);
  assert.ok(kilobytes <= 60, `${kilobytes} KB`);
});
