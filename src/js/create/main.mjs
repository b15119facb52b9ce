#!/usr/bin/env node
// `npm create edgemint NAME`: makes a project that runs Edgemint.
import { refuse, isOlder } from '../hosting/node.mjs';

const OLDEST = '20.11.0';
const { node } = process.versions;

if (isOlder(node, OLDEST)) refuse(`Node.js ${node} is too old`, `install Node.js ${OLDEST} or newer: https://nodejs.org`);
const { create } = await import('./create.mjs');
await create(process.argv.slice(2));
