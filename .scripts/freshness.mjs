// Decides whether a build is up to date: a stamp beside the output contains the hash of all inputs.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readIfThere } from '../src/js/hosting/files.mjs';
import { root } from './toolbox.mjs';

/** Returns one hash over the names and contents of files and folders, given relative to the project. */
export function fingerprint(paths, { except = [] } = {}) {
  const hash = createHash('sha256');
  const skipped = except.map((path) => join(root, path));
  const add = (path) => {
    if (skipped.includes(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(join(path, name));
    } else {
      const content = readFileSync(path);
      hash.update(`${relative(root, path)}\n${content.length}\n`).update(content);
    }
  };
  for (const path of paths) add(join(root, path));
  return hash.digest('hex');
}

/** Returns whether `stamp` contains `print`: the output beside it was built from these inputs. */
export function isFresh(stamp, print) {
  return readIfThere(stamp) === print;
}

/** Calls `build` without the stamp, so that an interrupted build never looks fresh. */
export async function stamped(stamp, print, build) {
  rmSync(stamp, { force: true });
  await build();
  writeFileSync(stamp, print);
}
