// This repository as a project to serve and deploy: `start` and `deploy` in `src/js/hosting` do the rest.
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { setup } from './setup.mjs';
import { root, toolEnv } from './toolbox.mjs';

/** @type {import('../src/js/hosting/wrangler.mjs').Project} */
export const repository = {
  folder: root,
  www: join(root, 'www'),
  command: ['wrangler'],
  // wrangler finds wrangler.toml by itself.
  options: [],
  env: toolEnv,
  async configuration() {
    // wrangler takes a second to load, and the other commands do not need its reader.
    const { experimental_readRawConfig: readConfig } = await import('wrangler');
    return readConfig({ config: join(root, 'wrangler.toml') }).rawConfig;
  },
  // In parallel: the crate compiles while the tools are installed. The package too: the pages use it.
  prepare: () => Promise.all([setup(), buildWorker(), buildPackage()]),
};
