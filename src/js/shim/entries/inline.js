// Entry with the wasm inside, for browsers, bundlers and test runners: it needs no file beside it.
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
  // Older browsers compile so large a module only asynchronously: the first call does, or says why it cannot be done.
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(webPlatform(loadWasm, TROUBLE));
export * from './api.js';
