// Entry for workerd (Cloudflare Workers): the wasm is imported as a compiled module. At import, nothing is fetched and
// no random number drawn: workerd forbids both at global scope.
import * as workers from 'cloudflare:workers';
import module from './edgemint.wasm';
import { leasedFlight } from './flight.js';
import { initSync } from './glue.js';
import { bindVerifier } from './verifier.js';

initSync({ module });

function keepAlive(promise) {
  // Older releases have no global waitUntil: a fetch then ends with its request, and the next one starts another.
  workers.waitUntil?.(promise);
}

export const createVerifier = bindVerifier({
  load: () => undefined,
  flight: leasedFlight(keepAlive),
  // workerd knows none of the fields that the web entry sets.
  requestInit: {},
});
export * from './api.js';
