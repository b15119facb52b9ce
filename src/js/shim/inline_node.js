// Entry with the wasm inside, for Node, Deno and Bun: for bundles, for `require`, and where no file may be read.
import { bindApi } from './bind.js';
import { wasmUnavailable } from './compiled.js';
import { wasmBytes } from './inline_wasm.js';
import { startNow } from './memory.js';
import { nodePlatform } from './platform_node.js';

try {
  startNow(new WebAssembly.Module(wasmBytes()));
} catch (cause) {
  throw wasmUnavailable('the inlined WebAssembly module could not be started', cause);
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(nodePlatform);
export * from './api.js';
