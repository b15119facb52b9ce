// What several commands share that end things: calls that continue with a cursor, and jobs that are waited for.
import { setTimeout as pause } from 'node:timers/promises';
import { progress } from '../progress.js';

export const GRANT_COLUMNS = ['id', 'user', 'client_id', 'scope', ['offline', ({ offline }) => (offline ? 'yes' : 'no')], 'last_used', 'ends_at'];

/** Calls `next` with each cursor until there is none; returns `{ ended }`, the sum. */
export async function endAll(output, next, first) {
  const shown = progress(output, 'revoking grants');
  try {
    let page = first ?? await next(undefined);
    let { ended } = page;
    while (page.cursor !== undefined) {
      shown.update(`${ended} grants revoked`);
      page = await next(page.cursor);
      ended += page.ended;
    }
    return { ended };
  } finally {
    shown.stop();
  }
}

/** Reads a job until it is done. `words` describes its state. */
export async function waitFor(output, read, words, signal) {
  const shown = progress(output, 'waiting');
  try {
    for (let wait = 250; ; wait = Math.min(wait * 1.5, 5000)) {
      const job = await read();
      shown.update(words(job));
      if (job.done) return job;
      await pause(wait, undefined, { signal });
    }
  } finally {
    shown.stop();
  }
}
