// Globals that every supported runtime has, but that the DOM environments of test runners (Jest with jsdom) hide. Node still has them.

/** A module of Node, where there is one: without an import, which bundlers would have to resolve. */
function builtin(name) {
  return globalThis.process?.getBuiltinModule?.(name);
}

export const { TextDecoder, TextEncoder } = globalThis.TextEncoder === undefined ? builtin('node:util') : globalThis;

/** A stream that inflates zlib data (RFC 1950). */
export function newInflater() {
  return new (globalThis.DecompressionStream ?? builtin('node:stream/web').DecompressionStream)('deflate');
}

/** WebCrypto; undefined on a page that is not secure. */
export function subtleCrypto() {
  return globalThis.crypto?.subtle ?? builtin('node:crypto')?.webcrypto.subtle;
}
