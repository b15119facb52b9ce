// `npm run deploy`: builds the Worker and deploys it. Arguments are passed to wrangler. See `src/js/hosting/deploy.mjs`.
import { deploy } from '../src/js/hosting/deploy.mjs';
import { main } from '../src/js/hosting/steps.mjs';
import { repository } from './repository.mjs';

await main(() => deploy(repository, process.argv.slice(2)));
