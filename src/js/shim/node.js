// Entry for Node, Deno and Bun: reads the wasm beside it when imported. It is the larger one, since here it comes from a disk.
import { readFileSync } from 'node:fs';
import { bindApi } from './bind.js';
import { ED25519_HERE } from './core.js';
import * as nodeCrypto from './engine_node.js';
import * as webCrypto from './engine_webcrypto.js';
import { sharedFlight } from './flight.js';
import { startNow } from './memory.js';
import { nodeTexts } from './texts_node.js';

startNow(readFileSync(new URL('./edgemint-full.wasm', import.meta.url)));

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi({
  load: () => undefined,
  flight: sharedFlight,
  requestInit: {},
  texts: nodeTexts,
  engines: [nodeCrypto, webCrypto],
  isSync: true,
  // With a table for each key, wasm checks Ed25519 in half the time of OpenSSL.
  here: { async: ED25519_HERE, sync: ED25519_HERE },
});
export * from './api.js';
