// `npm run pack`: builds the three npm packages, packs them, and prints the weight of each entry of `edgemint`; the last lines of its
// output are the paths of the tarballs and their sizes.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { stageCreate, stageWorker } from './packages.mjs';
import { setup } from './setup.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';
import { BOUNDS, WASM_BOUND, weightOf, weightOfWasm } from './weights.mjs';

/** Packs the package `edgemint` into `folder` and returns the absolute path of the tarball. */
export async function pack(folder = root) {
  await Promise.all([setup(), buildPackage()]);
  return npmPack('edgemint', root, folder, /^(dist\/.*|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/);
}

/** Packs `edgemint-worker` and returns the path. `change` may change its files before. */
export async function packWorker(folder = root, change = () => {}) {
  await Promise.all([setup(), buildWorker(), buildPackage()]);
  const expected = /^((worker|hosting|shim|www|manual)\/.*|wrangler\.json|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
  return staged((stage) => {
    stageWorker(stage);
    change(stage);
    return npmPack('edgemint-worker', stage, folder, expected);
  });
}

/** Packs `create-edgemint` and returns the path. */
export async function packCreate(folder = root) {
  await setup();
  return staged((stage) => {
    stageCreate(stage);
    return npmPack('create-edgemint', stage, folder, /^((create|hosting)\/.*|package\.json|README\.md|LICENSE)$/);
  });
}

async function staged(work) {
  const stage = mkdtempSync(join(tmpdir(), 'edgemint-pack-'));
  try {
    return await work(stage);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function npmPack(name, from, folder, expected) {
  return step(`npm pack: ${name}`, '2 s', async () => {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', args, { cwd: from, advice: 'see what npm says above' });
    const [packed] = Object.values(JSON.parse(stdout));
    const stray = packed.files.map((file) => file.path).filter((path) => !expected.test(path));
    if (stray.length > 0) {
      throw new Failure(`the tarball of ${name} has unexpected files: ${stray.join(', ')}`, 'see .scripts/packages.mjs and "files" in package.json');
    }
    return join(folder, packed.filename);
  });
}

/** Prints the weight of each entry; the tests compare it with the limit. */
async function printWeights() {
  const rows = await Promise.all(BOUNDS.map(async ([entry, conditions, most]) => [`${entry}, ${conditions[0]}`, await weightOf(entry, conditions, root), most]));
  rows.push(['edgemint.wasm', weightOfWasm(join(root, 'dist')), WASM_BOUND]);
  for (const [what, kilobytes, most] of rows) console.log(`    ${what}: brotli ${kilobytes.toFixed(2)} KB of ${most}`);
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const paths = [await pack(), await packWorker(), await packCreate()];
    await printWeights();
    for (const path of paths) console.log(`${path} ${(statSync(path).size / 1000).toFixed(0)} KB`);
  });
}
