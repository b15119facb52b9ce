// Types of `edgemint/slim`.
export * from './index.js';

/**
 * Starts the package with the compiled module of `edgemint/edgemint.wasm`, of any realm, or with its bytes. Call it once, before anything
 * else is used; later calls have no effect.
 *
 * ```js
 * import module from 'edgemint/edgemint.wasm';   // however your bundler gives a WebAssembly.Module
 * import { init, createVerifier } from 'edgemint/slim';
 * init(module);
 * ```
 * @throws {TokenError} with the code `wasm_unavailable` if it is no module of this package
 */
export function init(module: object): void;
