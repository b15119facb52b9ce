// Entry with the wasm inlined, for browsers, bundlers and test runners: a single file.
import { bindApi } from './bind.js';
import { wasmBytes } from '../wasm/inline_wasm.js';
import { start, startNow } from '../wasm/memory.js';
import { webPlatform } from '../platform/platform_web.js';

const TROUBLE = 'the inlined WebAssembly module could not be started';

async function loadWasm() {
  await start(await WebAssembly.compile(wasmBytes()));
}

try {
  startNow(new WebAssembly.Module(wasmBytes()));
} catch {
  // Older browsers compile large modules only asynchronously: the first call does so, or reports why it fails.
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(webPlatform(loadWasm, TROUBLE));
export * from './api.js';
