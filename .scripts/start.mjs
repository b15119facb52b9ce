// `npm start`: builds what is out of date and serves the Worker on this machine. See `src/js/hosting/start.mjs`.
import { start } from '../src/js/hosting/start.mjs';
import { main } from '../src/js/hosting/steps.mjs';
import { repository } from './repository.mjs';

await main(() => start(repository));
