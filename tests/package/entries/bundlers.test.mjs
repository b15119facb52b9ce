// Bundles of the package run without other files, and the size of each entry is bounded. See "Bundlers and runtimes" in the manual.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { build as buildWithVite } from 'vite';
import { QUICK } from '../../../.scripts/compile.mjs';
import { run } from '../../../.scripts/steps.mjs';
import { BOUNDS, WASM_BOUND, weightOf, weightOfWasm } from '../../../.scripts/weights.mjs';
import { install } from '../shared/consumer.mjs';
import { CLAIMS, newKey, options, sign, tampered } from '../shared/signer.mjs';

const folder = await install();
const key = await newKey('ES256');
const token = await sign(key);

/** A program that verifies a valid and a forged token. */
function program(entry, isCommonJs = false) {
  const load = isCommonJs ? `const { createVerifier } = require('${entry}');` : `import { createVerifier } from '${entry}';`;
  return `${load}
const verifier = createVerifier({ issuer: '${options.issuer}', audience: '${options.audience}', now: () => ${options.now()}, key: ${JSON.stringify(key.jwk)} });
Promise.all(['${token}', '${tampered(token)}'].map((text) => verifier.verify(text).then(({ claims }) => claims.sub, ({ code, message }) => code + (code === 'bad_signature' ? '' : message))))
  .then((answers) => console.log(answers.join(' ')));
`;
}
const EXPECTED = `${CLAIMS.sub} bad_signature\n`;

/** Runs a bundle in a folder without other files. */
async function runAlone(text, ending) {
  const alone = await install();
  const path = join(alone, `bundle.${ending}`);
  writeFileSync(path, text);
  const { stdout } = await run(process.execPath, [path], { cwd: alone });
  return stdout;
}

for (const entry of ['edgemint', 'edgemint/inline']) {
  for (const [format, ending] of [['esm', 'mjs'], ['cjs', 'cjs']]) {
    test(`esbuild, for Node, ${format}: a bundle of ${entry} verifies without other files`, async () => {
      for (const isCommonJs of [false, true]) {
        const { outputFiles: [{ text }] } = await build({
          stdin: { contents: program(entry, isCommonJs), resolveDir: folder }, bundle: true, platform: 'node', format, write: false,
          // A module has no `require`.
          ...(format === 'esm' && { banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } }),
        });
        assert.equal(await runAlone(text, ending), EXPECTED);
      }
    });
  }

  test(`Vite, for a server: a bundle of ${entry} verifies without other files`, async () => {
    const root = await install();
    writeFileSync(join(root, 'server.js'), program(entry));
    await buildWithVite({ root, configFile: false, logLevel: 'warn', ssr: { noExternal: true }, build: { ssr: 'server.js' } });
    const [name] = readdirSync(join(root, 'dist')).filter((file) => file.startsWith('server.'));
    assert.equal(await runAlone(readFileSync(join(root, 'dist', name), 'utf8'), 'mjs'), EXPECTED);
  });
}

for (const format of ['esm', 'iife']) {
  test(`esbuild, for browsers, ${format}: a bundle of edgemint/inline verifies without other files`, async () => {
    const { outputFiles: [{ text }] } = await build({
      stdin: { contents: program('edgemint/inline'), resolveDir: folder }, bundle: true, platform: 'browser', format, write: false,
    });
    assert.equal(await runAlone(text, 'mjs'), EXPECTED);
  });
}

test('a bundle for browsers without its wasm file says what to do', async () => {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: program('edgemint'), resolveDir: folder }, bundle: true, platform: 'browser', format: 'esm', write: false,
  });
  assert.match(await runAlone(text, 'mjs'), /^wasm_unavailable.*serve it beside the script, or import edgemint\/inline/);
});

for (const [entry, conditions, most] of BOUNDS) {
  test(`${entry} for ${conditions[0]} is at most ${most} KB`, { skip: QUICK && entry === 'edgemint/inline' && 'not built to be weighed' }, async (t) => {
    const kilobytes = await weightOf(entry, conditions, folder);
    t.diagnostic(`${entry}, ${conditions[0]}: brotli ${kilobytes.toFixed(2)} KB`);
    assert.ok(kilobytes <= most, `${kilobytes} KB`);
  });
}

test(`the wasm is at most ${WASM_BOUND} KB`, { skip: QUICK && 'not built to be weighed' }, (t) => {
  const kilobytes = weightOfWasm(join(folder, 'node_modules/edgemint/dist'));
  t.diagnostic(`edgemint.wasm: brotli ${kilobytes.toFixed(2)} KB`);
  assert.ok(kilobytes <= WASM_BOUND, `${kilobytes} KB`);
});
