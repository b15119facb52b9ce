// Builds the npm package into dist/: the crate with the feature `js`, its glue, and the hand-written shim of src/js/shim.
// Copies dist/ to www/edgemint/, for the page that runs it. Does nothing when both are up to date.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const dist = join(root, 'dist');
const page = join(root, 'www', 'edgemint');
const shim = join(root, 'src', 'js', 'shim');
// A target folder of its own: building the Worker and the package in turns never rebuilds what the other has built.
const target = join(root, 'target', 'js');

/** Brings dist/ and www/edgemint/ up to date. */
export async function buildPackage() {
  // Beside the intermediate files, since all of dist/ is published.
  const stamp = join(target, '.inputs');
  const print = fingerprint(['src', 'Cargo.toml', 'Cargo.lock', '.scripts/build-package.mjs'], { except: ['src/worker'] });
  if (isFresh(stamp, print) && existsSync(dist) && existsSync(page)) return;
  await setup();
  mkdirSync(target, { recursive: true });
  await step('npm package: dist/', '10 s; 1 minute the first time', () => stamped(stamp, print, assemble));
  console.log(`    dist/edgemint.wasm: ${sizes(readFileSync(join(dist, 'edgemint.wasm')), { brotli: true })}`);
}

async function assemble() {
  if (!existsSync(join(shim, 'index.d.ts'))) throw new Failure('src/js/shim/index.d.ts is missing', 'restore it with git');
  const glue = join(target, 'glue');
  await compile(glue);
  const staged = join(target, 'dist');
  rmSync(staged, { recursive: true, force: true });
  cpSync(shim, staged, { recursive: true });
  cpSync(join(glue, 'glue.js'), join(staged, 'glue.js'));
  await optimize(join(glue, 'glue_bg.wasm'), join(staged, 'edgemint.wasm'));
  rmSync(dist, { recursive: true, force: true });
  renameSync(staged, dist);
  rmSync(page, { recursive: true, force: true });
  cpSync(dist, page, { recursive: true });
}

async function compile(glue) {
  const triple = 'wasm32-unknown-unknown';
  await run('cargo', ['build', '--release', '--lib', '--target', triple, '--features', 'js', '--target-dir', target], {
    advice: `the compiler's messages are above; \`cargo check --target ${triple} --features js\` gives them faster`,
  });
  rmSync(glue, { recursive: true, force: true });
  // The shim hands the module over; the glue must not look for it by itself.
  const options = ['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-name', 'glue'];
  await run('wasm-bindgen', [join(target, triple, 'release', 'edgemint.wasm'), ...options, '--out-dir', glue]);
}

function optimize(from, to) {
  // What Rust's wasm32 target turns on, and nothing newer: old engines must read the result.
  const features = ['mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'multivalue', 'reference-types'];
  return run('wasm-opt', ['-O3', ...features.map((feature) => `--enable-${feature}`), '--strip-producers', '-o', to, from]);
}

if (isScript(import.meta.url)) await main(buildPackage);
