// `npm run deploy`: builds the Worker and deploys it. Arguments are passed to wrangler. See `hosting/deploy.mjs`.
import { deploy } from './hosting/deploy.mjs';
import { main } from './hosting/steps.mjs';
import { repository } from './repository.mjs';

await main(() => deploy(repository, process.argv.slice(2)));
