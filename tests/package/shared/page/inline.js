// Without a bundler: the entry that contains its WebAssembly module.
import * as edgemint from './edgemint/inline.js';
import { start } from './run.js';

start(edgemint);
