// Builds the Worker into build/: the crate with the feature `worker`, through worker-build. wrangler.toml's build command.
// Does nothing when build/ is up to date; otherwise installs missing tools while the crate compiles.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROFILES, QUICK, compile, compilerEnv } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { isScript, main, run, step } from './steps.mjs';
import { root, toolsDir } from './toolbox.mjs';

const target = join(root, 'target');

/** Updates build/. */
export async function buildWorker() {
  const stamp = join(root, 'build', '.inputs');
  // The shim belongs to the npm package and the manual to the documentation; all other files of src may be part of the Worker.
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', '.scripts/build-worker.mjs', '.scripts/compile.mjs'];
  const print = PROFILES.worker + fingerprint(inputs, { except: ['src/js/shim', 'src/manual'] });
  if (isFresh(stamp, print)) return;
  await Promise.all([setup(), compile('worker', target)]);
  await step('Worker: build/', '5 s', () => stamped(stamp, print, () => workerBuild(PROFILES.worker, ['--features', 'worker'])));
  console.log(`    build/index_bg.wasm: ${sizes(readFileSync(join(root, 'build', 'index_bg.wasm')))}`);
}

/** Runs worker-build, which compiles the crate in `cwd` with a profile of cargo if necessary and produces the files for workerd. */
export function workerBuild(profile, options, cwd = root) {
  const optimisation = QUICK ? ['--no-opt'] : [];
  return run('worker-build', ['--profile', profile, ...optimisation, ...options, '--locked', '--target-dir', target], {
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
