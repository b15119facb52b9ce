// The terminal of the tests of the command line: tmux, from the machine or from the system's packages. Without it, those tests are skipped.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { aptGetCommand } from './chromium.mjs';
import { step } from './steps.mjs';
import { systemPath } from './toolbox.mjs';

/** Returns whether the machine has tmux. */
export function hasTmux() {
  return systemPath().some((folder) => existsSync(join(folder, 'tmux')));
}

/** Installs it where that is possible. Says why, where it is not. */
export async function installTmux() {
  if (hasTmux()) return;
  try {
    const aptGet = await aptGetCommand('tmux', 'install tmux');
    await step('tmux, from the packages of the system', 'half a minute', async () => {
      await aptGet('update');
      await aptGet('install', '-y', '--no-install-recommends', 'tmux');
    });
  } catch (error) {
    console.log(`No tmux: ${error.message}. Tests on a terminal are skipped.`);
  }
}
