// The weight of each entry of the package in a program that uses all of it, and its limit.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

/** KB of 1000 bytes, compressed by brotli: the script, bundled and minified, without the wasm where that is a file. */
export const BOUNDS = [
  ['edgemint', ['browser', 'module'], 19],
  ['edgemint', ['workerd', 'worker'], 19],
  ['edgemint', ['edge-light', 'module'], 19],
  ['edgemint', ['node'], 20],
  ['edgemint/slim', ['module'], 19],
  ['edgemint/admin', ['module'], 4],
  ['edgemint/errors', ['module'], 2],
  ['edgemint/resource', ['module'], 3],
  // With the wasm.
  ['edgemint/inline', ['browser', 'module'], 84],
  ['edgemint/inline', ['node', 'module'], 84],
];
export const WASM_BOUND = 60;

/** Returns the weight of the entry for a bundler with these conditions, in KB; `folder` is where the package is resolved from. */
export async function weightOf(entry, conditions, folder) {
  // Not at the top: it may not be installed when this file is loaded.
  const { build } = await import('esbuild');
  const { outputFiles: [{ contents }] } = await build({
    stdin: { contents: `export * from '${entry}'`, resolveDir: folder }, bundle: true, minify: true, write: false, format: 'esm', target: 'es2022',
    platform: 'neutral', conditions, external: ['cloudflare:*', 'node:*'], loader: { '.wasm': 'empty' }, logLevel: 'error',
  });
  return kilobytes(contents);
}

/** Returns the weight of the wasm in this folder, in KB. */
export function weightOfWasm(dist) {
  return kilobytes(readFileSync(join(dist, 'edgemint.wasm')));
}

function kilobytes(bytes) {
  return brotliCompressSync(bytes).length / 1000;
}
