// The commands of `edgemint-worker`.
import { deploy } from './deploy.mjs';
import { hostedProject } from './project.mjs';
import { start } from './start.mjs';
import { Failure, main } from './steps.mjs';

/** Runs a command of the project in the working directory. */
export async function command([name, ...options]) {
  await main(async () => {
    if (name === 'start') await start(hostedProject(process.cwd()));
    else if (name === 'deploy') await deploy(hostedProject(process.cwd()), options);
    else throw new Failure(`edgemint-worker has no command ${name ?? ''}`.trim(), 'npm start, or npm run deploy');
  });
}
