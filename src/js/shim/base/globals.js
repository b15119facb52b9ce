// Globals of every supported runtime. DOM environments of test runners (Jest with jsdom) hide some, which are then taken from Node.

/** Returns a module of Node, if there is one, without an import that bundlers would have to resolve. */
function builtin(name) {
  return globalThis.process?.getBuiltinModule?.(name);
}

export const { TextDecoder, TextEncoder } = globalThis.TextEncoder === undefined ? builtin('node:util') : globalThis;

/** Returns a stream that inflates zlib data (RFC 1950). */
export function newInflater() {
  return new (globalThis.DecompressionStream ?? builtin('node:stream/web').DecompressionStream)('deflate');
}

/** Returns WebCrypto, or undefined on an insecure page. */
export function subtleCrypto() {
  return globalThis.crypto?.subtle ?? builtin('node:crypto')?.webcrypto.subtle;
}
