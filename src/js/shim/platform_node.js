// What Node, Deno and Bun need of a platform; see verifier.js for what that is. The wasm is started at import.
import * as nodeCrypto from './engine_node.js';
import * as wasm from './engine_wasm.js';
import * as webCrypto from './engine_webcrypto.js';
import { sharedFlight } from './flight.js';
import { nodeTexts } from './texts_node.js';

export const nodePlatform = {
  load: () => undefined,
  flight: sharedFlight,
  requestInit: {},
  texts: nodeTexts,
  engines: [wasm, nodeCrypto, webCrypto],
  isSync: true,
};
