// The platform of edge runtimes, where promises must not cross requests. verifier.js describes a platform.
import * as wasm from '../engines/engine_wasm.js';
import * as webCrypto from '../engines/engine_webcrypto.js';
import { leasedFlight } from '../fetch/flight.js';
import { webTexts } from '../wasm/memory.js';

/** `load` readies the wasm; `keepAlive` lets a fetch outlive its request, if the runtime supports that. */
export function edgePlatform({ load = () => undefined, keepAlive = () => {} } = {}) {
  return {
    load,
    flight: leasedFlight(keepAlive),
    // workerd does not support the members that the web platform sets.
    requestInit: {},
    texts: webTexts,
    engines: [wasm, webCrypto],
    isSync: false,
  };
}
