// Without a bundler: the web entry as a server publishes it.
import * as edgemint from './edgemint/web.js';
import { start } from './run.js';

start(edgemint);
