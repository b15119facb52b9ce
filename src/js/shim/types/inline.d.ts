// Types of `edgemint/inline`: all that `edgemint` exports, with the WebAssembly module inside of the script.
export * from './index.js';
