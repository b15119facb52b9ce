// Whether memory stays bounded: a process of its own verifies millions of tokens, and reports its memory at ten points.
import { join } from 'node:path';
import { run, step } from '../../../.scripts/steps.mjs';
import { table } from '../rounds.mjs';

const LOADS = [
  { algorithm: 'HS256', what: 'HS256, the same tokens in turn, no cache', share: 1 },
  { algorithm: 'HS256', what: 'HS256, each token a new one, cache of 1,000', share: 0.2, cache: 1000 },
  { algorithm: 'ES256', what: 'ES256, each token a new one, cache of 1,000', share: 0.1, cache: 1000 },
];

/** Returns `{ what, verified, points }` for each load; a point is the memory in bytes, `{ done, heap, rss, wasm }`. */
export async function measureMemory({ verifications }) {
  const measured = [];
  for (const { what, share, ...load } of LOADS) {
    const verified = verifications * share;
    const options = JSON.stringify({ ...load, verified });
    const script = join(import.meta.dirname, 'memory-process.mjs');
    const expected = `${Math.ceil(verified * (load.algorithm === 'HS256' ? 15 : 120) / 1e6)} s`;
    const { stdout } = await step(`memory: ${what}`, expected, () => run(process.execPath, ['--expose-gc', script, options]));
    measured.push({ what, verified, points: JSON.parse(stdout) });
  }
  return measured;
}

/** The bytes by which the maximum of the second half exceeds that of the first, in which the first garbage is collected. */
export function growth({ points }, member) {
  const most = (some) => Math.max(...some.map((point) => point[member]));
  const half = points.length / 2;
  return most(points.slice(half)) - most(points.slice(0, half));
}

/** Formats the results as text. */
export function memoryTables(measured) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const one = ({ what, verified, points }) => {
    const rows = points.map(({ done, heap, rss, wasm }) => [done.toLocaleString('en'), ...[heap, rss, wasm].map(megabytes)]);
    const heading = `${what}: ${verified.toLocaleString('en')} verifications`;
    return `${heading}\n\n${table([['after', 'heap', 'rss', 'wasm'], ...rows])}`;
  };
  const title = 'Memory in MB while one verifier works (verifySync), after a collection of garbage.';
  return [title, ...measured.map(one)].join('\n\n');
}
