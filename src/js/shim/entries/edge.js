// Entry for other edge runtimes (Next.js, Vercel), which do not compile wasm at run time but import it compiled, by `?module`.
import { bindApi } from './bind.js';
import module from './edgemint.wasm?module';
import { startNow } from '../wasm/memory.js';
import { edgePlatform } from '../platform/platform_edge.js';

startNow(module);

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(edgePlatform());
export * from './api.js';
