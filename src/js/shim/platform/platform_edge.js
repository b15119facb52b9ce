// What edge runtimes need of a platform: a promise must not cross requests there. See verifier.js for what a platform is.
import * as wasm from '../engines/engine_wasm.js';
import * as webCrypto from '../engines/engine_webcrypto.js';
import { leasedFlight } from '../fetch/flight.js';
import { webTexts } from '../wasm/memory.js';

/** `load` readies the wasm; `keepAlive` lets a fetch outlive its request, where the runtime can do that. */
export function edgePlatform({ load = () => undefined, keepAlive = () => {} } = {}) {
  return {
    load,
    flight: leasedFlight(keepAlive),
    // workerd knows none of the fields that the web platform sets.
    requestInit: {},
    texts: webTexts,
    engines: [wasm, webCrypto],
    isSync: false,
  };
}
