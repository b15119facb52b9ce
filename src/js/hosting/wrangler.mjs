// How wrangler runs for a project.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Failure, run } from './steps.mjs';

/**
 * A project that `start` serves and `deploy` deploys:
 *
 * - `folder`: where `.dev.vars` and the local state in `.wrangler/` lie; wrangler runs there.
 * - `www`: the folder with the static pages.
 * - `command`: the program that is wrangler and its first arguments.
 * - `options`: the options of every command of wrangler that name its configuration.
 * - `env`: returns the environment of wrangler with the given additions.
 * - `issuer`: the issuer to deploy, unless the environment has one.
 * - `configuration`: returns the configuration of wrangler as an object.
 * - `prepare`: builds or writes what wrangler reads.
 *
 * @typedef {{
 *   folder: string, www: string, command: string[], options: string[], env: (extra?: object) => object, issuer?: string,
 *   configuration: () => Promise<object>, prepare: () => Promise<unknown>,
 * }} Project
 */

/** Returns the settings of wrangler that every project has: no telemetry, and its logs beside the local state. */
export function wranglerEnv(folder) {
  return {
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_LOG_PATH: join(folder, '.wrangler', 'logs'),
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  };
}

/** Runs wrangler to its end without showing what it prints. Returns `{ code, stdout, output }`. */
export function runWrangler({ folder, command: [program, ...first], options, env }, args) {
  return run(program, [...first, ...args, ...options], { cwd: folder, env: env(), check: false });
}

/** Runs wrangler in the foreground, since it may ask which account to use. */
export async function showWrangler({ folder, command: [program, ...first], options, env }, args) {
  const child = spawn(program, [...first, ...args, ...options], { cwd: folder, env: env(), stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Failure(`wrangler ended with exit code ${code}`, 'see its messages above');
}
