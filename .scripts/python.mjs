// A Python with the third-party clients of the tests, in a virtual environment of this project. Uses the Python of the machine, or
// installs one from the system's packages. Where the registry of Python packages cannot be reached, there is none, and the tests say so.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptGetCommand } from './chromium.mjs';
import { readIfThere } from '../src/js/hosting/files.mjs';
import { run, step } from './steps.mjs';
import { root, toolsDir } from './toolbox.mjs';

const FOLDER = join(toolsDir, 'python');
const CLIENTS = join(root, 'tests', 'clients', 'python');
const REQUIREMENTS = join(CLIENTS, 'requirements.txt');
/** An older version of a package that has a newer one in REQUIREMENTS. It is published as source alone. */
const OLD_REQUIREMENTS = join(CLIENTS, 'requirements-oauth2client-1.5.2.txt');
const STAMP = join(FOLDER, 'requirements.txt');
const OLDEST = [3, 10];

/** The folder with the older version, for PYTHONPATH. */
export const oldPackages = join(FOLDER, 'oauth2client-1.5.2');

/** Returns the path of the Python with exactly the packages of `tests/clients/python/requirements*.txt`, or undefined. */
export function pythonPath() {
  const path = join(FOLDER, 'bin', 'python');
  return readIfThere(STAMP) === wanted() && existsSync(path) ? path : undefined;
}

/** Makes that Python where it is possible. Says why, where it is not. */
export async function installPython() {
  if (pythonPath() !== undefined) return;
  try {
    const python = await findPython() ?? await systemPython();
    await step('Python packages, for the tests with clients in Python', 'half a minute', () => install(python));
  } catch (error) {
    rmSync(STAMP, { force: true });
    console.log(`No Python packages: ${error.message}. Tests with clients in Python are skipped.`);
  }
}

async function install(program) {
  rmSync(FOLDER, { recursive: true, force: true });
  await run(program, ['-m', 'venv', FOLDER]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1', '--timeout', '20'];
  // Nothing is compiled, and nothing is installed that the files do not name.
  const python = join(FOLDER, 'bin', 'python');
  const only = [...pip, '--only-binary', ':all:', '--no-deps', '--requirement'];
  await run(python, [...only, REQUIREMENTS]);
  // The build of a source package in plain Python copies its files; setuptools, which does that, is one of the first packages.
  const source = ['--no-binary', 'oauth2client', '--no-build-isolation', '--target', oldPackages];
  await run(python, [...only, OLD_REQUIREMENTS, ...source]);
  writeFileSync(STAMP, wanted());
}

/** The machine's Python, if it is new enough and can make virtual environments: PYTHON, or python3. */
async function findPython() {
  const program = process.env.PYTHON ?? 'python3';
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${OLDEST.join(', ')}))`;
  const { code } = await run(program, ['-c', check], { check: false }).catch(() => ({ code: 1 }));
  return code === 0 ? program : undefined;
}

async function systemPython() {
  const aptGet = await aptGetCommand('Python', 'install Python 3.10 or newer with venv, or set PYTHON to the path of its program');
  await step('Python, from the packages of the system', 'a minute', async () => {
    await aptGet('update');
    await aptGet('install', '-y', '--no-install-recommends', 'python3', 'python3-venv');
  });
  const python = await findPython();
  if (python === undefined) throw new Error(`the package python3 has no Python ${OLDEST.join('.')} with venv`);
  return python;
}

function wanted() {
  return [REQUIREMENTS, OLD_REQUIREMENTS].map((file) => readFileSync(file, 'utf8')).join('');
}
