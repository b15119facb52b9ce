// What wrangler makes of wrangler.toml, for Miniflare. Loading wrangler takes a second of processor time, which each test file would
// spend: the result is kept beside the build until wrangler.toml or a package changes.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from '../../.scripts/freshness.mjs';
import { readIfThere } from '../../src/js/hosting/files.mjs';
import { root } from '../../.scripts/toolbox.mjs';

/** Returns `{ workerOptions, externalWorkers }` for the Worker of wrangler.toml. Reads no .dev.vars and no environment. */
export async function wranglerOptions() {
  const print = `${root} ${fingerprint(['wrangler.toml', 'package-lock.json'])}`;
  const kept = JSON.parse(readIfThere(FILE) ?? '{}');
  if (kept.print === print) return kept.options;
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler');
  const config = { ...unstable_readConfig({ config: join(root, 'wrangler.toml') }), secrets: undefined };
  // A file that does not exist: without one, wrangler would read .dev.vars.
  const { workerOptions, externalWorkers } = unstable_getMiniflareWorkerOptions(config, undefined, { envFiles: [join(root, 'build', 'no.env')] });
  const options = { workerOptions, externalWorkers };
  // Atomically: other files may be starting, too.
  writeFileSync(`${FILE}.${process.pid}`, JSON.stringify({ print, options }));
  renameSync(`${FILE}.${process.pid}`, FILE);
  return options;
}

const FILE = join(root, 'build', '.wrangler-options.json');
