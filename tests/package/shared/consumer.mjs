// Installs the packed tarball into a new folder: the tests load the published files, never src/ or dist/.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pack } from '../../../.scripts/pack.mjs';
import { run } from '../../../.scripts/steps.mjs';

/** The tarball under test: EDGEMINT_TARBALL, or one packed for this process alone, since test files run in parallel. */
export const tarball = process.env.EDGEMINT_TARBALL ?? await pack(temporaryFolder('edgemint-tarball-'));

/** Returns a new folder with the package in its node_modules; it is removed when the process ends. */
export async function install() {
  const folder = newProject();
  const target = join(folder, 'node_modules/edgemint');
  mkdirSync(target, { recursive: true });
  // What npm does for a package without dependencies, in a hundredth of the time: `node.test.mjs` uses npm itself.
  await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  return folder;
}

/** The same by npm. */
export async function installByNpm() {
  const folder = newProject();
  await run('npm', ['install', '--offline', '--no-save', '--no-audit', '--no-fund', tarball], { cwd: folder });
  return folder;
}

/** Imports the package in that folder, found by the conditions of this runtime. */
export async function importFrom(folder, specifier = 'edgemint') {
  const entry = join(folder, `${specifier.replaceAll('/', '-')}-entry.mjs`);
  writeFileSync(entry, `export * from '${specifier}';\n`);
  return import(pathToFileURL(entry));
}

function newProject() {
  const folder = temporaryFolder('edgemint-consumer-');
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

function temporaryFolder(prefix) {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
