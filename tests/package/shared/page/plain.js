// Without a bundler: the web entry as it lies on the server.
import * as edgemint from './edgemint/web.js';
import { start } from './run.js';

start(edgemint);
