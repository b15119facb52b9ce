// Finds a Chromium for the browser tests, or installs one from the system's packages. Never downloads a browser build.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { Failure, run, step } from './steps.mjs';
import { systemPath } from './toolbox.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ADVICE = 'install Chromium or Chrome, or set CHROMIUM to the path of its program';

/** Returns the browser's path: CHROMIUM, otherwise the first on PATH, otherwise undefined. */
export function chromiumPath() {
  const named = process.env.CHROMIUM;
  if (named) {
    if (!isProgram(named)) throw new Failure(`CHROMIUM is not a program: ${named}`, ADVICE);
    return named;
  }
  return systemPath().flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
}

/** Finds or installs a browser, and returns its path. */
export async function installChromium() {
  if (chromiumPath() === undefined) {
    const aptGet = await aptGetCommand('Chromium', ADVICE);
    await step('Chromium, from the packages of the system', '1 to 2 minutes', async () => {
      await aptGet('update');
      await aptGet('install', '-y', '--no-install-recommends', 'chromium');
    });
  }
  const path = chromiumPath();
  if (path === undefined) throw new Failure('the package chromium installed no program with a known name', ADVICE);
  console.log(`Browser for the tests: ${path}`);
}

/** Returns what runs apt-get for `what`, or throws with `advice` where this machine has none or it needs root. */
export async function aptGetCommand(what, advice) {
  if (!systemPath().some((folder) => isProgram(join(folder, 'apt-get')))) throw new Failure(`no ${what} was found`, advice);
  const sudo = process.getuid() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && (await run('sudo', ['-n', 'true'], { check: false, advice })).code !== 0) {
    throw new Failure(`no ${what} was found, and installing one needs root`, advice);
  }
  // Another process may be installing packages: wait for it, within a limit.
  const aptGet = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  // A package manager that is killed leaves the system's packages half configured.
  return (...args) => run(aptGet[0], [...aptGet.slice(1), ...args], { advice, endSignal: 'SIGTERM' });
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
