// Builds the Worker into build/: the crate with the feature `worker`, its glue, and the entry src/worker/entry.js, in one module.
// wrangler.toml's build command. Does nothing when build/ is up to date; otherwise installs missing tools while the crate
// compiles.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUICK, acceptable, compile } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { writeOpenapi } from './openapi.mjs';
import { sizes } from './sizes.mjs';
import { isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const target = join(root, 'target');
/** Files of npm packages, and the documentation. All other files of src may be part of the Worker. */
const NOT_OF_THE_WORKER = ['src/js/shim', 'src/js/cli', 'src/js/openapi', 'src/js/hosting', 'src/js/create', 'src/manual'];

/** Updates build/, and the description of the admin API in www/admin/. */
export async function buildWorker() {
  writeOpenapi();
  const stamp = join(root, 'build', '.inputs');
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', '.scripts/build-worker.mjs', '.scripts/compile.mjs', '.scripts/bindgen'];
  const prints = acceptable('worker', fingerprint(inputs, { except: NOT_OF_THE_WORKER }));
  if (prints.some((print) => isFresh(stamp, print))) return;
  const [, module] = await Promise.all([setup(), compile('worker', target)]);
  const folder = join(root, 'build');
  await step('Worker: build/', QUICK ? '1 s' : '1 minute', () => stamped(stamp, prints[0], async () => {
    await bundleWorker({ module, bindings: join(target, 'bindings'), entry: join(root, 'src', 'worker', 'entry.js'), folder });
  }));
  console.log(`    build/index_bg.wasm: ${sizes(readFileSync(join(folder, 'index_bg.wasm')))}`);
}

/**
 * Bundles a Worker into `folder`: index.js and index_bg.wasm.
 *
 * - `module`: the compiled crate; its glue is written to the folder `bindings`.
 * - `entry`: the Worker's main module. It imports the glue as `edgemint-bindings` and the wasm as `edgemint.wasm`; what the crate
 *   imports from `edgemint-host` is in `host.js` beside the entry.
 */
export async function bundleWorker({ module, bindings, entry, folder }) {
  await run('bindgen', [module, bindings, 'index', 'web']);
  const wasm = join(bindings, 'index_bg.wasm');
  // Functions with one caller stay functions: an isolate compiles each when it is first called.
  if (!QUICK) await run('wasm-opt', ['-O', '--one-caller-inline-max-function-size=500', '--all-features', '-o', wasm, wasm]);
  const aliases = {
    'edgemint.wasm': wasm,
    'edgemint-bindings': join(bindings, 'index.js'),
    'edgemint-host': join(entry, '..', 'host.js'),
  };
  await run('esbuild', [
    entry,
    ...Object.entries(aliases).map(([name, path]) => `--alias:${name}=${path}`),
    '--bundle', '--format=esm', '--target=es2024', '--minify', '--external:cloudflare:*', '--loader:.wasm=copy', '--asset-names=[name]',
    '--entry-names=index', `--outdir=${folder}`,
  ]);
}

if (isScript(import.meta.url)) await main(buildWorker);
