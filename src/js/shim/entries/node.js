// Entry for Node: reads the wasm beside it when imported.
import { readFileSync } from 'node:fs';
import { bindApi } from './bind.js';
import { wasmUnavailable } from '../wasm/compiled.js';
import { startNow } from '../wasm/memory.js';
import { nodePlatform } from '../platform/platform_node.js';

try {
  startNow(new WebAssembly.Module(readFileSync(new URL('./edgemint.wasm', import.meta.url))));
} catch (cause) {
  throw wasmUnavailable('edgemint.wasm could not be read beside the script: keep the package out of the bundle, or import edgemint/inline', cause);
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(nodePlatform);
export * from './api.js';
