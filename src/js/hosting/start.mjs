// Serves a project on this machine, in workerd, with persistent state. Listens on the loopback address only.
// Environment: PORT, ISSUER, EDGEMINT_ROOT_SECRET and the names under [vars] in the configuration.
import { checkPort } from './issuer.mjs';
import { checkPortIsFree, chosenPort } from './ports.mjs';
import { ROOT_SECRET, localSecrets } from './secrets.mjs';
import { serve, untilHealthy } from './server.mjs';
import { Failure, elapsed, step } from './steps.mjs';
import { demoWords, welcome } from './welcome.mjs';

/** Serves the project (see `wrangler.mjs`) until a signal ends it. */
export async function start(project) {
  const started = performance.now();
  const port = chosenPort();
  checkPort(process.env.ISSUER ?? '', 'leave the port out of ISSUER, or leave ISSUER out for the address of this server');
  await checkPortIsFree(project.folder, port);
  await project.prepare();
  const secrets = localSecrets(project.folder);
  const url = `http://localhost:${port}`;
  const server = serve(project, port, url, secrets);
  const stop = async () => {
    await server.stop();
    process.exit(0);
  };
  // Not `once`: npm forwards the Ctrl-C that the terminal has already sent here.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal).on(signal, stop);
  try {
    await step('Worker in workerd', 'about 5 s', () => untilHealthy(url, server));
    const demo = await demoWords(project, url, secrets[ROOT_SECRET]);
    if (!server.stopping) console.log(welcome(url, secrets, elapsed(started), demo));
    server.show = true;
    await server.ended;
    if (!server.stopping) {
      throw new Failure(`wrangler ended by itself, with exit code ${server.exitCode}`, 'see its messages above');
    }
  } finally {
    await server.stop();
  }
}
