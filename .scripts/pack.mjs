// `npm run pack`: builds the npm package and packs it; the last line that it prints is the path of the tarball.
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { setup } from './setup.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

/** Packs the package and gives the absolute path of the tarball. */
export async function pack() {
  await Promise.all([setup(), buildPackage()]);
  return step('npm pack', '2 s', async () => {
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts'], { advice: 'see what npm says above' });
    const [packed] = Object.values(JSON.parse(stdout));
    const stray = packed.files.map((file) => file.path).filter((path) => !EXPECTED.test(path));
    if (stray.length > 0) {
      throw new Failure(`the tarball holds what it must not: ${stray.join(', ')}`, 'see "files" in package.json');
    }
    return join(root, packed.filename);
  });
}

const EXPECTED = /^(dist\/.*|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;

if (isScript(import.meta.url)) await main(async () => console.log(await pack()));
