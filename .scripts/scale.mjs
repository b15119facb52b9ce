// `npm run scale`: calculates what a million users need, from the counts of the tests and the times of the benchmark, and which of the
// platform's published limits is reached first. Prints the tables of the manual; `-- --write` writes them to src/manual/scale.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page } from './scale/page.mjs';
import { Failure, isScript, main } from './steps.mjs';
import { root } from './toolbox.mjs';

const MANUAL = join(root, 'src', 'manual', 'scale.md');
const BETWEEN = /(<!-- Written by `npm run scale -- --write`. -->\n)([\s\S]*?)(<!-- End of the tables. -->\n)/;

/** Returns the tables in the manual, and the calculated ones. */
export function scale() {
  const manual = readFileSync(MANUAL, 'utf8');
  const found = manual.match(BETWEEN);
  if (found === null) throw new Failure('src/manual/scale.md lacks the two comments around the tables', 'restore them');
  return { manual, written: found[2], calculated: `\n${page()}\n\n` };
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const { manual, calculated } = scale();
    if (process.argv.includes('--write')) writeFileSync(MANUAL, manual.replace(BETWEEN, (_, begin, __, end) => begin + calculated + end));
    else console.log(calculated.trim());
  });
}
