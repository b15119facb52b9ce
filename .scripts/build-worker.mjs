// Builds the Worker into build/: the crate with the feature `worker`, through worker-build. wrangler.toml's build command.
// Does nothing when build/ is up to date; sets the machine up first when it has to build.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { isScript, main, run, step } from './steps.mjs';
import { root, toolsDir } from './toolbox.mjs';

/** Where the built module is; its JavaScript is beside it. */
export const workerWasm = join(root, 'build', 'index_bg.wasm');

/** Brings build/ up to date. */
export async function buildWorker() {
  const stamp = join(root, 'build', '.inputs');
  // The shim belongs to the npm package; everything else of src may be in the Worker.
  const print = fingerprint(['src', 'Cargo.toml', 'Cargo.lock', '.scripts/build-worker.mjs'], { except: ['src/js/shim'] });
  if (isFresh(stamp, print)) return;
  await setup();
  await step('Worker: build/', '10 s; 2 minutes the first time', () => stamped(stamp, print, compile));
  console.log(`    build/index_bg.wasm: ${sizes(readFileSync(workerWasm))}`);
}

function compile() {
  return run('worker-build', ['--release', '--features', 'worker'], {
    // Without these three worker-build downloads its own from GitHub.
    env: {
      WASM_BINDGEN_BIN: join(toolsDir, 'bin', 'wasm-bindgen'),
      WASM_OPT_BIN: join(root, 'node_modules', '.bin', 'wasm-opt'),
      ESBUILD_BIN: join(root, 'node_modules', '.bin', 'esbuild'),
    },
    advice: 'the compiler\'s messages are above; `cargo check --target wasm32-unknown-unknown --features worker` gives them faster',
  });
}

if (isScript(import.meta.url)) await main(buildWorker);
