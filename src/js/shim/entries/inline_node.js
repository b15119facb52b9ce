// Entry with the wasm inlined, for Node, Deno and Bun: for bundles, for `require`, and where files cannot be read.
import { bindApi } from './bind.js';
import { wasmUnavailable } from '../wasm/compiled.js';
import { wasmBytes } from '../wasm/inline_wasm.js';
import { startNow } from '../wasm/memory.js';
import { nodePlatform } from '../platform/platform_node.js';

try {
  startNow(new WebAssembly.Module(wasmBytes()));
} catch (cause) {
  throw wasmUnavailable('the inlined WebAssembly module could not be started', cause);
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(nodePlatform);
export * from './api.js';
