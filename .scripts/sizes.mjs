// The size of a built file, on disk and compressed.
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Returns a text such as "270.9 KB, gzip 92.0 KB", optionally with the brotli size. */
export function sizes(bytes, { brotli = false } = {}) {
  const parts = [kilobytes(bytes), `gzip ${kilobytes(gzipSync(bytes, { level: 9 }))}`];
  if (brotli) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    parts.push(`brotli ${kilobytes(brotliCompressSync(bytes, { params }))}`);
  }
  return parts.join(', ');
}

function kilobytes(bytes) {
  return `${(bytes.length / 1000).toFixed(1)} KB`;
}
