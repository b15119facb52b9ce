// The same in real workerd, timed from outside: each round is one request that does many.
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { step } from '../../../.scripts/steps.mjs';
import { freePort } from '../../workerd/harness.mjs';
import { race } from '../rounds.mjs';
import { bundle } from './bundles.mjs';
import { CACHE, DISTINCT, REMEMBERED } from './node.mjs';
import { ALGORITHMS, badTokens, newKeys, newTokens } from './tokens.mjs';

export const COMPATIBILITY_DATE = '2026-11-01';

/** Returns the rates by contender, for each measurement: `{ place, what, algorithm, rates }`. */
export async function measureInWorkerd(size) {
  const port = await freePort();
  const { modules, modulesRoot } = await bundle('worker');
  const workerd = await startWorkers([{ name: 'verify', port, modules, modulesRoot }]);
  const ask = async (path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  try {
    const measured = [];
    const jobs = [['verify', ALGORITHMS], ['mint', ALGORITHMS], ['seen before', REMEMBERED]];
    for (const [what, algorithms] of jobs) {
      for (const algorithm of algorithms) {
        measured.push(await step(`workerd: ${what}, ${algorithm}`, size.expected, async () => {
          const { privateKey, publicKey, ...keys } = newKeys(algorithm);
          if (what === 'seen before') keys.cache = { max: CACHE };
          const signing = { ...keys, privateKey };
          const tokens = newTokens(signing, DISTINCT);
          const names = await ask('/prepare', { what, keys, tokens, bad: badTokens(signing) });
          const results = await race(names.map((_, index) => (count) => ask('/work', { index, count })), size);
          return { place: 'workerd', what, algorithm, rates: new Map(names.map((name, index) => [name, results[index]])) };
        }));
      }
    }
    return measured;
  } finally {
    await workerd.stop();
  }
}

/** Starts Workers, each of which listens on its `port` without Miniflare's proxy in front. */
export async function startWorkers(workers) {
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    workers: workers.map(({ port, ...options }) => ({
      compatibilityDate: COMPATIBILITY_DATE,
      ...options,
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
    })),
    host: '127.0.0.1',
    port: 0,
    cf: false,
    logRequests: false,
    handleStructuredLogs: () => {},
  }));
  await miniflare.ready;
  return { stop: () => miniflare.dispose() };
}
