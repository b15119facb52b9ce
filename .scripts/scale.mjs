// `npm run scale`: what a million users need, reckoned from what the tests count and the benchmark measures, and where the platform's
// published limits bite first. Prints the tables of the manual; `-- --write` puts them into src/manual/scale.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page } from './scale/page.mjs';
import { Failure, isScript, main } from './steps.mjs';
import { root } from './toolbox.mjs';

const MANUAL = join(root, 'src', 'manual', 'scale.md');
const BETWEEN = /(<!-- What follows is written by `npm run scale -- --write`. -->\n)([\s\S]*?)(<!-- End of that. -->\n)/;

/** What the manual has, and what it should have. */
export function scale() {
  const manual = readFileSync(MANUAL, 'utf8');
  const found = manual.match(BETWEEN);
  if (found === null) throw new Failure('src/manual/scale.md has no place for the tables', 'put the two comments back');
  return { manual, written: found[2], reckoned: `\n${page()}\n\n` };
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const { manual, reckoned } = scale();
    if (process.argv.includes('--write')) writeFileSync(MANUAL, manual.replace(BETWEEN, (_, begin, __, end) => begin + reckoned + end));
    else console.log(reckoned.trim());
  });
}
