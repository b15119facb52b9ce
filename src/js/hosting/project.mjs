// A project that was made by `npm create edgemint`: its own configuration and the release of edgemint-worker beside it.
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative, sep } from 'node:path';
import { OWN_FILE, compose } from './compose.mjs';
import { readIfThere } from './files.mjs';
import { Failure } from './steps.mjs';
import { wranglerEnv } from './wrangler.mjs';

/** The composed configuration, beside the project's own, so that the same paths hold in both. */
const COMPOSED_FILE = '.wrangler.edgemint.json';

/** The package edgemint-worker. */
const here = join(import.meta.dirname, '..');

/** Returns the project in this folder, for `start` and `deploy`. @returns {import('./wrangler.mjs').Project} */
export function hostedProject(folder) {
  if (readIfThere(join(folder, OWN_FILE)) === undefined) {
    throw new Failure(`this folder has no ${OWN_FILE}`, 'run this in the folder of a project that `npm create edgemint` has made');
  }
  const { program, readConfig } = installedWrangler(folder);
  const www = join(here, 'www');
  const own = ownConfiguration(folder, readConfig);
  const composed = compose(releasePart(pagesFolder(folder, www, own.assets?.directory)), own);
  return {
    folder,
    www,
    command: [process.execPath, program],
    options: ['--config', COMPOSED_FILE],
    // The commands of the project's packages first, as npm does it.
    env: (extra) => ({ ...process.env, ...wranglerEnv(folder), PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), ...extra }),
    issuer: own.vars?.ISSUER,
    configuration: async () => composed,
    prepare: async () => writeFileSync(join(folder, COMPOSED_FILE), `${JSON.stringify(composed, undefined, 2)}\n`),
  };
}

/** The part of the configuration that belongs to this release, with the folder of its pages. */
function releasePart(directory) {
  const release = JSON.parse(readFileSync(join(here, 'wrangler.json'), 'utf8'));
  return { ...release, assets: { ...release.assets, directory } };
}

/** Returns the folder of the pages relative to the project, as its configuration names it if that is the same folder. */
function pagesFolder(folder, www, own) {
  if (own !== undefined && existsSync(join(folder, own)) && realpathSync(join(folder, own)) === realpathSync(www)) return own;
  return relative(folder, www).split(sep).join('/');
}

function ownConfiguration(folder, readConfig) {
  try {
    return readConfig({ config: join(folder, OWN_FILE) }).rawConfig;
  } catch (error) {
    throw new Failure(`${OWN_FILE} cannot be read: ${error.text ?? error.message}`, 'correct it, then run this again');
  }
}

/** Returns the project's wrangler: its program, and its reader for configurations. */
function installedWrangler(folder) {
  const require = createRequire(join(folder, 'package.json'));
  try {
    const { experimental_readRawConfig: readConfig } = require('wrangler');
    return { readConfig, program: join(dirname(require.resolve('wrangler')), '..', 'bin', 'wrangler.js') };
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Failure('the project’s packages are not installed', 'npm install', error.message);
  }
}
