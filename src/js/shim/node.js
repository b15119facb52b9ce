// Entry for Node, Deno and Bun: reads the wasm beside it when imported.
import { readFileSync } from 'node:fs';
import { bindApi } from './bind.js';
import * as nodeCrypto from './engine_node.js';
import * as wasm from './engine_wasm.js';
import * as webCrypto from './engine_webcrypto.js';
import { sharedFlight } from './flight.js';
import { startNow } from './memory.js';
import { nodeTexts } from './texts_node.js';

startNow(readFileSync(new URL('./edgemint.wasm', import.meta.url)));

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi({
  load: () => undefined,
  flight: sharedFlight,
  requestInit: {},
  texts: nodeTexts,
  engines: [wasm, nodeCrypto, webCrypto],
  isSync: true,
});
export * from './api.js';
