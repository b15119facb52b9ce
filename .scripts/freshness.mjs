// Decides whether a build is up to date: a stamp beside the output holds the hash of all that went in.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './toolbox.mjs';

/** One hash over the names and contents of files and folders, given relative to the project. */
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

/** Whether `stamp` holds `print`: the output beside it was made of just these inputs. */
export function isFresh(stamp, print) {
  return readIfThere(stamp) === print;
}

/** Calls `build` with the stamp out of the way, so that a build that breaks off never looks fresh. */
export async function stamped(stamp, print, build) {
  rmSync(stamp, { force: true });
  await build();
  writeFileSync(stamp, print);
}

/** The text of a file, or undefined when there is none. */
export function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
