// The local server: `wrangler dev` as a child process.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgetStart, noteStart, signalGroup } from './ports.mjs';
import { KEY_ENCRYPTION_KEY, LOCAL_SECRETS, ROOT_SECRET } from './secrets.mjs';
import { Failure } from './steps.mjs';

/**
 * Starts `wrangler dev` on the loopback address. wrangler gives the Worker those environment variables that its configuration names
 * under [vars] and [secrets], so no secret is on a command line. Signals go to this process, which then ends those of wrangler.
 */
export function serve({ folder, command, options: own, env }, port, url, secrets) {
  const options = {
    'env-file': LOCAL_SECRETS, ip: '127.0.0.1', port, 'inspector-port': 0, 'show-interactive-dev-session': false,
  };
  const leash = join(import.meta.dirname, 'leash.mjs');
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(process.execPath, [leash, ...command, 'dev', ...args, ...own], {
    cwd: folder,
    env: env({
      ISSUER: process.env.ISSUER || url,
      // wrangler forwards the CF-Connecting-IP that a client sends. All clients have the loopback address here.
      CLIENT_ADDRESS_HEADER: process.env.CLIENT_ADDRESS_HEADER || 'none',
      [KEY_ENCRYPTION_KEY]: secrets[KEY_ENCRYPTION_KEY],
      [ROOT_SECRET]: secrets[ROOT_SECRET],
      X_LOCAL_EXPLORER: 'false',
      X_LOCAL_OBSERVABILITY: 'false',
    }),
    detached: true,
    // Its standard input closes when this process ends, which ends it.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) noteStart(folder, port, child.pid);
  const server = { output: '', show: false, exitCode: undefined, stopping: false };
  for (const [stream, copy] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
    stream.setEncoding('utf8').on('data', (text) => {
      if (!server.show) server.output += text;
      // What its tools print about their end is of no use.
      else if (!server.stopping) copy.write(text);
    });
  }
  server.ended = new Promise((resolve) => {
    child.once('error', (error) => {
      server.output += error.message;
      resolve(server.exitCode = 1);
    });
    child.once('close', (code) => resolve(server.exitCode = code ?? 1));
  });
  server.stop = async () => {
    server.stopping = true;
    // wrangler closes its databases and removes its temporary files; processes that remain after 5 s are killed.
    child.kill('SIGTERM');
    for (let waited = 0; waited < 50 && signalGroup(child.pid, 0); waited += 1) await sleep(100);
    signalGroup(child.pid, 'SIGKILL');
    forgetStart(folder, port);
  };
  process.on('exit', () => signalGroup(child.pid, 'SIGKILL'));
  return server;
}

/** Waits until the Worker is healthy, or `server` is stopping. */
export async function untilHealthy(url, server) {
  for (let tries = 0; tries < 300 && server.exitCode === undefined; tries += 1) {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    if (answer?.status === 200 || server.stopping) return;
    if (answer?.status === 503) {
      const { reason = 'it gives no reason' } = await answer.json().catch(() => ({}));
      throw new Failure(`the Worker is not healthy: ${reason}`, 'correct the setting that the reason names');
    }
    await sleep(200);
  }
  if (server.stopping) return;
  const code = server.exitCode;
  const what = code === undefined ? 'the Worker does not answer' : `wrangler ended with exit code ${code}`;
  throw new Failure(what, 'see the messages above', server.output);
}
