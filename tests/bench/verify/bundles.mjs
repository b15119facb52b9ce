// Bundles code for other runtimes than this process, as its users would: with esbuild, for the runtime it is for.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../../.scripts/toolbox.mjs';

/** The conditions of package.json for each runtime; `browser` and `module` are those that bundlers for browsers add. */
const CONDITIONS = { workerd: ['workerd', 'worker'], 'edge-light': ['edge-light'], node: ['node'], browser: ['browser', 'module'] };

/**
 * Bundles and minifies a file of this folder into a folder of `target/bench`, as `NAME.js`, with the wasm that it imports
 * beside it. `alias` maps imports to modules. Returns `{ modulesRoot, modules }`, for Miniflare: the
 * script first.
 */
export async function bundle(source, { runtime = 'workerd', alias = {}, folder = source, name = source } = {}) {
  const modulesRoot = join(root, 'target', 'bench', folder);
  rmSync(modulesRoot, { recursive: true, force: true });
  await build({
    ...optionsFor(runtime),
    entryPoints: { [name]: join(import.meta.dirname, `${source}.mjs`) },
    outdir: modulesRoot,
    alias,
  });
  const paths = readdirSync(modulesRoot).map((file) => join(modulesRoot, file));
  const [script, wasm] = ['.js', '.wasm'].map((ending) => paths.filter((path) => path.endsWith(ending)));
  const modules = [
    ...script.map((path) => ({ type: 'ESModule', path })),
    ...wasm.map((path) => ({ type: 'CompiledWasm', path })),
  ];
  return { modulesRoot, modules };
}

/** The bytes of this code's JavaScript, bundled and minified, without wasm. */
export async function bundledBytes(code, runtime) {
  const { outputFiles } = await build({
    ...optionsFor(runtime),
    loader: { '.wasm': 'empty' },
    stdin: { contents: code, resolveDir: import.meta.dirname },
    write: false,
  });
  return outputFiles[0].contents;
}

function optionsFor(runtime) {
  return {
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: runtime === 'node' ? 'node' : 'neutral',
    conditions: CONDITIONS[runtime],
    mainFields: ['module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.wasm': 'copy' },
    logLevel: 'error',
  };
}
