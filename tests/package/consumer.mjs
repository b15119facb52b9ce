// Installs the packed tarball into a folder of its own, as a user would: the tests never see src/ or dist/.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pack } from '../../.scripts/pack.mjs';
import { run } from '../../.scripts/steps.mjs';

/** The tarball under test: what EDGEMINT_TARBALL names, else packed now. */
export const tarball = process.env.EDGEMINT_TARBALL ?? await pack();

/** A new folder with the package in its node_modules; it goes when the process ends. */
export async function install() {
  const folder = mkdtempSync(join(tmpdir(), 'edgemint-consumer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await run('npm', ['install', '--offline', '--no-save', '--no-audit', '--no-fund', tarball], { cwd: folder });
  return folder;
}

/** What `import 'edgemint'` gives in that folder, found by the conditions of this runtime. */
export async function importFrom(folder, specifier = 'edgemint') {
  const entry = join(folder, `${specifier.replaceAll('/', '-')}-entry.mjs`);
  writeFileSync(entry, `export * from '${specifier}';\n`);
  return import(pathToFileURL(entry));
}
