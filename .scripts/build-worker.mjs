// Builds the Worker into build/: the crate with the feature `worker`, through worker-build. wrangler.toml's build command.
// Does nothing when build/ is up to date; otherwise sets the machine up while the crate compiles.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROFILE, QUICK, compile, compilerEnv } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { isScript, main, run, step } from './steps.mjs';
import { root, toolsDir } from './toolbox.mjs';

const target = join(root, 'target');

/** Brings build/ up to date. */
export async function buildWorker() {
  const stamp = join(root, 'build', '.inputs');
  // The shim belongs to the npm package and the manual to the documentation; the rest of src may be in the Worker.
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', '.scripts/build-worker.mjs', '.scripts/compile.mjs'];
  const print = PROFILE + fingerprint(inputs, { except: ['src/js/shim', 'src/manual'] });
  if (isFresh(stamp, print)) return;
  await Promise.all([setup(), compile('worker', target)]);
  await step('Worker: build/', '5 s', () => stamped(stamp, print, () => workerBuild(['--features', 'worker'])));
  console.log(`    build/index_bg.wasm: ${sizes(readFileSync(join(root, 'build', 'index_bg.wasm')))}`);
}

/** Runs worker-build, which makes of the crate in `cwd` what workerd runs; it compiles what is not compiled yet. */
export function workerBuild(options, cwd = root) {
  const profile = QUICK ? ['--profile', PROFILE, '--no-opt'] : ['--release'];
  return run('worker-build', [...profile, ...options, '--locked', '--target-dir', target], {
    cwd,
    // Without these three worker-build downloads its own from GitHub.
    env: {
      ...compilerEnv('worker'),
      WASM_BINDGEN_BIN: join(toolsDir, 'bin', 'wasm-bindgen'),
      WASM_OPT_BIN: join(root, 'node_modules', '.bin', 'wasm-opt'),
      ESBUILD_BIN: join(root, 'node_modules', '.bin', 'esbuild'),
    },
    advice: 'see what worker-build says above',
  });
}

if (isScript(import.meta.url)) await main(buildWorker);
