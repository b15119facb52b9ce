// Entry for workerd (Cloudflare Workers): the wasm is imported as a compiled module. At import it neither fetches nor draws random
// numbers, which workerd forbids at global scope.
import * as workers from 'cloudflare:workers';
import { bindApi } from './bind.js';
import module from './edgemint.wasm';
import { startNow } from '../wasm/memory.js';
import { edgePlatform } from '../platform/platform_edge.js';

startNow(module);

function keepAlive(promise) {
  // Older releases have no global `waitUntil`: a fetch then ends with its request, and the next request starts another.
  workers.waitUntil?.(promise);
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(edgePlatform({ keepAlive }));
export * from './api.js';
