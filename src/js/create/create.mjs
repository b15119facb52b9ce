// Makes a project: its files, its secrets, its packages. Writes into a new or empty folder only.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { npmAdvice } from '../hosting/advice.mjs';
import { OLDEST_NODE, isOlder, packagedNode } from '../hosting/node.mjs';
import { localSecrets } from '../hosting/secrets.mjs';
import { Failure, main, run, step } from '../hosting/steps.mjs';
import { writeProject } from './files.mjs';

const USAGE = 'npm create edgemint NAME';

/** Makes the project that the arguments describe. */
export async function create(args) {
  await main(async () => {
    checkPlatform();
    const { name, worker, install } = chosen(args);
    const folder = resolve(name);
    checkFolder(folder, name);
    const { version, edgemint } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
    const node = nodeOfProject(edgemint.node);
    writeProject(folder, {
      name: projectName(folder),
      // A tarball, relative to the project as npm writes it, or the release that this package belongs to.
      worker: worker === undefined ? version : `file:${relative(folder, tarball(worker))}`,
      wrangler: edgemint.wrangler,
      node: node && edgemint.node,
    });
    localSecrets(folder);
    if (install) await step('npm packages', '10 to 30 s', () => installPackages(folder, name));
    console.log(words(relative(process.cwd(), folder), install, node));
  });
}

// The scripts of a project use process groups and the shell's `exec`.
function checkPlatform() {
  if (process.platform !== 'win32') return;
  throw new Failure('a project does not run on Windows itself', 'use the Windows Subsystem for Linux: https://learn.microsoft.com/windows/wsl');
}

function chosen(args) {
  try {
    const { values, positionals } = parseArgs({
      args, allowPositionals: true, options: { worker: { type: 'string' }, 'no-install': { type: 'boolean' } },
    });
    if (positionals.length === 1) return { name: positionals[0], worker: values.worker, install: !values['no-install'] };
  } catch (error) {
    throw new Failure(error.message, USAGE);
  }
  throw new Failure('one name is expected, that of the new project and its folder', USAGE);
}

function checkFolder(folder, name) {
  if (!existsSync(folder)) return;
  let entries;
  try {
    entries = readdirSync(folder);
  } catch (error) {
    throw new Failure(`${name} cannot be used: ${error.message}`, 'choose another name');
  }
  if (entries.length > 0) throw new Failure(`the folder ${name} is not empty; it was left as it is`, 'choose another name, or empty the folder');
}

/** Returns the name of the project and its Worker: that of its folder. */
function projectName(folder) {
  const name = basename(folder);
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Failure(`${name} cannot be the name of a Worker`, 'choose one of at most 63 lower-case letters, digits and hyphens');
  }
  return name;
}

function tarball(path) {
  if (!existsSync(path)) throw new Failure(`there is no file ${path}`, '--worker is the path of edgemint-worker-VERSION.tgz, which `npm run pack` prints');
  return resolve(path);
}

/** Returns the npm package that is the project's Node.js, as `[name, version]`, or undefined where this Node.js runs wrangler. */
function nodeOfProject(packages) {
  const { node } = process.versions;
  if (!isOlder(node, OLDEST_NODE)) return undefined;
  const found = packagedNode(packages);
  if (found !== undefined) return found;
  const what = `Node.js ${node} is too old for wrangler, and no npm package has a newer one for ${process.platform} on ${process.arch}`;
  throw new Failure(what, `install Node.js ${OLDEST_NODE} or newer: https://nodejs.org`);
}

function installPackages(folder, name) {
  const rest = `The project in ${name} is complete except for its packages: npm install in that folder, then npm start`;
  const advice = (output) => `${npmAdvice(output)}. ${rest}`;
  return run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, env: environment(), advice });
}

/** The environment without what `npm create` tells its children about itself: this npm works in another folder. */
function environment() {
  const told = /^npm_(?:package_|lifecycle_|config_(?:local_prefix|package|call)$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)));
}

function words(path, installed, node) {
  const commands = [path && `cd ${path}`, !installed && 'npm install', 'npm start'].filter(Boolean);
  const own = node === undefined ? '' : `
Node.js ${process.versions.node} is too old for wrangler: the project has a Node.js of its own (${node.join('@')}).
`;
  return `
The project is in ${path || 'this folder'}. README.md describes it.
${own}
${commands.map((command) => `  ${command}\n`).join('')}`;
}
