// The platform of Node, Deno and Bun. The wasm is started at import. verifier.js describes a platform.
import * as nodeCrypto from '../engines/engine_node.js';
import * as wasm from '../engines/engine_wasm.js';
import * as webCrypto from '../engines/engine_webcrypto.js';
import { sharedFlight } from '../fetch/flight.js';
import { nodeTexts } from '../wasm/texts_node.js';

export const nodePlatform = {
  load: () => undefined,
  flight: sharedFlight,
  requestInit: {},
  texts: nodeTexts,
  engines: [wasm, nodeCrypto, webCrypto],
  isSync: true,
};
