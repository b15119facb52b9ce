// The platform of browsers, except how the wasm is loaded. verifier.js describes a platform.
import { wasmUnavailable } from '../wasm/compiled.js';
import * as wasm from '../engines/engine_wasm.js';
import * as webCrypto from '../engines/engine_webcrypto.js';
import { sharedFlight } from '../fetch/flight.js';
import { isStarted, webTexts } from '../wasm/memory.js';

/**
 * `loadWasm` starts the wasm; `trouble` is the message of a failure. Concurrent calls share one load; after a failure, the next call
 * tries again.
 */
export function webPlatform(loadWasm, trouble) {
  let loading;
  const load = async () => {
    loading ??= loadWasm().finally(() => { loading = undefined; });
    try {
      await loading;
    } catch (cause) {
      throw wasmUnavailable(trouble, cause);
    }
  };
  return {
    load: () => (isStarted() ? undefined : load()),
    flight: sharedFlight,
    // The browser's cache may hold an older key set.
    requestInit: { cache: 'no-cache', credentials: 'omit', referrerPolicy: 'no-referrer' },
    texts: webTexts,
    engines: [wasm, webCrypto],
    isSync: false,
  };
}
