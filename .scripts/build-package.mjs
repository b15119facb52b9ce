// Builds the npm package into dist/: the crate with the feature `js`, its glue, and the hand-written shim of src/js/shim.
// Copies dist/ to www/edgemint/, for the pages that run it, and beside it the OAuth client library of the demo. Does
// nothing when all is up to date.
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROFILE, compile } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const dist = join(root, 'dist');
const page = join(root, 'www', 'edgemint');
const shim = join(root, 'src', 'js', 'shim');
/** What the demo needs of others, and its name there: one module as it was published, and the licence that goes with it. */
const library = join(root, 'node_modules', 'oauth4webapi');
const CLIENT_LIBRARY = [['build/index.js', 'oauth4webapi.js'], ['LICENSE.md', 'oauth4webapi.LICENSE.md']];
// A target folder of its own: building the Worker and the package in turns never rebuilds what the other has built.
const target = join(root, 'target', 'js');

/** Brings dist/ and www/edgemint/ up to date. */
export async function buildPackage() {
  // Not in dist/, all of which is published.
  const stamp = join(target, '.inputs');
  // The lock file pins the client library, which may not be installed yet.
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', '.scripts/build-package.mjs', '.scripts/compile.mjs'];
  const print = PROFILE + fingerprint(inputs, { except: ['src/worker', 'src/manual'] });
  const outputs = [dist, ...CLIENT_LIBRARY.map(([, name]) => join(page, name))];
  if (isFresh(stamp, print) && outputs.every((path) => existsSync(path))) return;
  const [, module] = await Promise.all([setup(), compile('js', target)]);
  await step('npm package: dist/', '10 s', () => stamped(stamp, print, () => assemble(module)));
  console.log(`    dist/edgemint.wasm: ${sizes(readFileSync(join(dist, 'edgemint.wasm')), { brotli: true })}`);
}

async function assemble(module) {
  const glue = join(target, 'glue');
  rmSync(glue, { recursive: true, force: true });
  // The shim hands the module over; the glue must not look for it by itself.
  const options = ['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-name', 'glue'];
  await run('wasm-bindgen', [module, ...options, '--out-dir', glue]);
  const staged = join(target, 'dist');
  rmSync(staged, { recursive: true, force: true });
  cpSync(shim, staged, { recursive: true });
  cpSync(join(glue, 'glue.js'), join(staged, 'glue.js'));
  await optimize(join(glue, 'glue_bg.wasm'), join(staged, 'edgemint.wasm'));
  rmSync(dist, { recursive: true, force: true });
  renameSync(staged, dist);
  rmSync(page, { recursive: true, force: true });
  cpSync(dist, page, { recursive: true });
  for (const [from, name] of CLIENT_LIBRARY) cpSync(join(library, from), join(page, name));
}

function optimize(from, to) {
  // What Rust's wasm32 target turns on, SIMD, and nothing newer: old engines must read the result.
  const features = [
    'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'multivalue', 'reference-types', 'simd',
  ].map((feature) => `--enable-${feature}`);
  return run('wasm-opt', ['-O3', ...features, '--strip-producers', '-o', to, from]);
}

if (isScript(import.meta.url)) await main(buildPackage);
