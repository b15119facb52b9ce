// Entry for Node, Deno and Bun: reads the wasm beside it when imported.
import { readFileSync } from 'node:fs';
import { sharedFlight } from './flight.js';
import { initSync } from './glue.js';
import { bindVerifier } from './verifier.js';

initSync({ module: readFileSync(new URL('./edgemint.wasm', import.meta.url)) });

export const createVerifier = bindVerifier({ load: () => undefined, flight: sharedFlight, requestInit: {} });
export * from './api.js';
