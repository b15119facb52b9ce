#!/usr/bin/env node
// `edgemint-worker start` and `edgemint-worker deploy [OPTIONS OF WRANGLER]`, in the folder of a project.
import { readFileSync } from 'node:fs';
import { OLDEST_NODE, isOlder, packagedNode, refuse } from './node.mjs';

const { edgemint } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const { node } = process.versions;

if (isOlder(node, OLDEST_NODE)) {
  const [name, version] = packagedNode(edgemint.node) ?? [];
  const own = name === undefined ? '' : `, or give the project one of its own: npm install --save-optional --save-exact ${name}@${version}`;
  refuse(`Node.js ${node} is too old for wrangler`, `install Node.js ${OLDEST_NODE} or newer (https://nodejs.org)${own}`);
}
const { command } = await import('./commands.mjs');
await command(process.argv.slice(2));
