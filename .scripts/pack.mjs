// `npm run pack`: builds the npm package, packs it and prints the weight of each entry; the last line of its output is the path of
// the tarball.
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { setup } from './setup.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';
import { BOUNDS, WASM_BOUND, weightOf, weightOfWasm } from './weights.mjs';

/** Packs the package into `folder` and returns the absolute path of the tarball. */
export async function pack(folder = root) {
  await Promise.all([setup(), buildPackage()]);
  return step('npm pack', '2 s', async () => {
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { advice: 'see what npm says above' });
    const [packed] = Object.values(JSON.parse(stdout));
    const stray = packed.files.map((file) => file.path).filter((path) => !EXPECTED.test(path));
    if (stray.length > 0) {
      throw new Failure(`the tarball has unexpected files: ${stray.join(', ')}`, 'see "files" in package.json');
    }
    return join(folder, packed.filename);
  });
}

const EXPECTED = /^(dist\/.*|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;

/** Prints the weight of each entry; the tests compare it with the limit. */
async function printWeights() {
  const rows = await Promise.all(BOUNDS.map(async ([entry, conditions, most]) => [`${entry}, ${conditions[0]}`, await weightOf(entry, conditions, root), most]));
  rows.push(['edgemint.wasm', weightOfWasm(join(root, 'dist')), WASM_BOUND]);
  for (const [what, kilobytes, most] of rows) console.log(`    ${what}: brotli ${kilobytes.toFixed(2)} KB of ${most}`);
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const path = await pack();
    await printWeights();
    console.log(path);
  });
}
