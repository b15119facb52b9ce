// `npm start`: builds what is out of date and serves the Worker on this machine. See `hosting/start.mjs`.
import { start } from './hosting/start.mjs';
import { main } from './hosting/steps.mjs';
import { repository } from './repository.mjs';

await main(() => start(repository));
