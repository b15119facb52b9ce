// The size of each entry of the package: its JavaScript bundled and minified by esbuild, and the wasm files.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { root } from '../../../.scripts/toolbox.mjs';
import { table } from '../rounds.mjs';
import { bundledBytes } from './bundles.mjs';

/** The runtimes with a file of their own in some entries; all others get the one for browsers. */
const RUNTIMES = ['workerd', 'edge-light', 'node'];
const PARTS = [
  ['edgemint, browser, only createVerifier', "export { createVerifier } from 'edgemint'"],
  ['jose, jwtVerify and createLocalJWKSet', "export { createLocalJWKSet, jwtVerify } from 'jose'"],
  ['jose, all of it', "export * from 'jose'"],
];

/** Returns rows `{ what, raw, gzip, brotli }`, in bytes. */
export async function measureWeight() {
  const rows = [];
  for (const { name, entry, runtime } of entries()) {
    rows.push(weight(name, await bundledBytes(`export * from '${entry}'`, runtime)));
  }
  const dist = join(root, 'dist');
  for (const file of readdirSync(dist).filter((name) => name.endsWith('.wasm'))) {
    rows.push(weight(file, readFileSync(join(dist, file))));
  }
  for (const [what, code] of PARTS) rows.push(weight(what, await bundledBytes(code, 'browser')));
  return rows;
}

/** Formats the rows as text. */
export function weightTable(rows) {
  const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
  const line = ({ what, raw, gzip, brotli }) => [what, ...[raw, gzip, brotli].map(kilobytes)];
  return `Weight in KB: JavaScript bundled and minified without the wasm (in edgemint/inline with it), then the wasm files, then what some programs import.
jose has no wasm.

${table([['', 'raw', 'gzip', 'brotli'], ...rows.map(line)])}`;
}

/** The entries that are JavaScript, once for each runtime with a file of its own. */
function entries() {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports).filter(([, target]) => typeof target === 'object').flatMap(([path, target]) => {
    const entry = path.replace('.', name);
    const special = RUNTIMES.filter((runtime) => target[runtime] !== undefined);
    const usual = special.length > 0 ? `${entry}, browser` : entry;
    return [
      { name: usual, entry, runtime: 'browser' },
      ...special.map((runtime) => ({ name: `${entry}, ${runtime}`, entry, runtime })),
    ];
  });
}

function weight(what, bytes) {
  return { what, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
}
