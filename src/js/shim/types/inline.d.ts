// Types of `edgemint/inline`: all exports of `edgemint`, with the WebAssembly module inlined.
export * from './index.js';
