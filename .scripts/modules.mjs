// Which files a module imports, for packages that contain what an entry needs and nothing else.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the paths of the modules that `entry` imports by relative paths, directly or through others, and its own. */
export function modulesOf(entry, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  const text = readFileSync(entry, 'utf8');
  for (const [, specifier] of text.matchAll(/(?:from |import |import\()'(\.[^']+)'/g)) {
    const path = join(entry, '..', specifier);
    if (existsSync(path)) modulesOf(path, found);
  }
  return found;
}
