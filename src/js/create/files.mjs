// The files of a new project: those of `template/`, and a package.json with exact versions.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TEMPLATE = join(import.meta.dirname, 'template');
/** npm packs no file with this name. */
const RENAMED = { gitignore: '.gitignore' };

/** Writes the files. `worker` and `wrangler` are what package.json depends on; `node` are packages of which npm installs one. */
export function writeProject(folder, { name, worker, wrangler, node }) {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(TEMPLATE)) {
    const text = readFileSync(join(TEMPLATE, file), 'utf8').replaceAll('{{name}}', name);
    writeFileSync(join(folder, RENAMED[file] ?? file), text);
  }
  const description = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    // `exec`: Ctrl-C then reaches the command itself, which ends the server before npm returns.
    scripts: { start: 'exec edgemint-worker start', deploy: 'exec edgemint-worker deploy' },
    dependencies: { 'edgemint-worker': worker },
    devDependencies: { wrangler },
    // npm puts the Node.js of the one for this platform first on the PATH of the scripts.
    optionalDependencies: node,
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(description, undefined, 2)}\n`);
}
