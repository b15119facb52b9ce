// Entry for workerd (Cloudflare Workers): the wasm is imported as a compiled module. At import, nothing is fetched and
// no random number drawn: workerd forbids both at global scope.
import * as workers from 'cloudflare:workers';
import { bindApi } from './bind.js';
import module from './edgemint.wasm';
import * as wasm from './engine_wasm.js';
import * as webCrypto from './engine_webcrypto.js';
import { leasedFlight } from './flight.js';
import { startNow, webTexts } from './memory.js';

startNow(module);

function keepAlive(promise) {
  // Older releases have no global waitUntil: a fetch then ends with its request, and the next one starts another.
  workers.waitUntil?.(promise);
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi({
  load: () => undefined,
  flight: leasedFlight(keepAlive),
  // workerd knows none of the fields that the web entry sets.
  requestInit: {},
  texts: webTexts,
  engines: [wasm, webCrypto],
  isSync: false,
});
export * from './api.js';
