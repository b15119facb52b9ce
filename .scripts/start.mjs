// `npm start`: builds what is out of date and serves the Worker on this machine, in workerd, with persistent state.
// Environment: PORT, ISSUER, EDGEMINT_ROOT_SECRET and the names under [vars] in wrangler.toml.
// Listens on the loopback address only.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { DEMO_STATE, prepareDemo } from './demo.mjs';
import { checkPort } from './issuer.mjs';
import { KEY_ENCRYPTION_KEY, LOCAL_SECRETS, ROOT_SECRET, localSecrets } from './secrets.mjs';
import { readIfThere } from './freshness.mjs';
import { setup } from './setup.mjs';
import { Failure, elapsed, main, step } from './steps.mjs';
import { root, toolEnv } from './toolbox.mjs';

await main(async () => {
  const started = performance.now();
  const port = chosenPort();
  checkPort(process.env.ISSUER ?? '', 'leave the port out of ISSUER, or leave ISSUER out for the address of this server');
  await checkPortIsFree(port);
  // In parallel: the crate compiles while the tools are installed.
  await Promise.all([setup(), buildWorker(), buildPackage()]);
  const secrets = localSecrets();
  const url = `http://localhost:${port}`;
  const server = serve(port, url, secrets);
  const stop = async () => {
    await server.stop();
    process.exit(0);
  };
  // Not `once`: npm forwards the Ctrl-C that the terminal has already sent here.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal).on(signal, stop);
  try {
    await step('Worker in workerd', 'about 5 s', () => untilHealthy(url, server));
    const demo = await demoWords(url, secrets[ROOT_SECRET]);
    if (!server.stopping) console.log(welcome(url, secrets, elapsed(started), demo));
    server.show = true;
    await server.ended;
    if (!server.stopping) {
      throw new Failure(`wrangler ended by itself, with exit code ${server.exitCode}`, 'see its messages above');
    }
  } finally {
    await server.stop();
  }
});


function chosenPort() {
  const port = Number(process.env.PORT || 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Failure(`PORT is not a port: ${process.env.PORT}`, 'give a number from 1 to 65535, or leave it out for 8787');
  }
  return port;
}

// Both loopback addresses: browsers and curl may use either for `localhost`, and would reach another program there.
async function checkPortIsFree(port) {
  for (const host of ['127.0.0.1', '::1']) {
    const code = await new Promise((resolve) => {
      const probe = createServer().once('error', (error) => resolve(error.code));
      probe.listen({ port, host, ipv6Only: true }, () => probe.close(() => resolve(undefined)));
    });
    // Without IPv6 no program can use the second address.
    if (code === undefined || code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') continue;
    const other = `choose another port: PORT=${port === 65535 ? 8788 : port + 1} npm start`;
    const group = code === 'EADDRINUSE' ? earlierStart(port) : undefined;
    if (group !== undefined) {
      const what = `port ${port} is in use by an earlier \`npm start\` of this folder (process group ${group})`;
      throw new Failure(what, `end that one with Ctrl-C, or with \`kill -- -${group}\`; or ${other}`);
    }
    throw new Failure(code === 'EADDRINUSE' ? `port ${port} is in use` : `port ${port} cannot be used: ${code}`, `stop what listens there, or ${other}`);
  }
}

/** The file with the process group of the servers of a start, by port: a start that is killed may leave them running. */
function startNote(port) {
  return join(root, '.wrangler', `start-${port}`);
}

function earlierStart(port) {
  const group = Number(readIfThere(startNote(port)));
  return group > 1 && signalGroup({ pid: group }, 0) ? group : undefined;
}

// wrangler gives the Worker those environment variables that wrangler.toml names under [vars] and [secrets],
// so no secret is on a command line. Signals go to this process, which then ends those of wrangler.
function serve(port, url, secrets) {
  const options = {
    'env-file': LOCAL_SECRETS, ip: '127.0.0.1', port, 'inspector-port': 0, 'show-interactive-dev-session': false,
  };
  const leash = join(import.meta.dirname, 'leash.mjs');
  const child = spawn(process.execPath, [leash, 'wrangler', 'dev', ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)], {
    cwd: root,
    env: toolEnv({
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
  mkdirSync(join(root, '.wrangler'), { recursive: true });
  if (child.pid !== undefined) writeFileSync(startNote(port), `${child.pid}\n`);
  const server = { output: '', show: false, exitCode: undefined, stopping: false };
  for (const [stream, copy] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
    stream.setEncoding('utf8').on('data', (text) => {
      if (server.show) copy.write(text);
      else server.output += text;
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
    for (let waited = 0; waited < 50 && signalGroup(child, 0); waited += 1) await sleep(100);
    signalGroup(child, 'SIGKILL');
    rmSync(startNote(port), { force: true });
  };
  process.on('exit', () => signalGroup(child, 'SIGKILL'));
  return server;
}

function signalGroup(child, signal) {
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

async function untilHealthy(url, server) {
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

// The demo is an application of this origin: with another issuer it would not work.
async function demoWords(url, rootSecret) {
  if ((process.env.ISSUER || url) !== url) return '';
  try {
    const { url: page, username, password } = await prepareDemo(url, rootSecret);
    return `The demo, a sign-in to click through: ${page}
  user: ${username}  password: ${password}  (kept in ${DEMO_STATE})
`;
  } catch (error) {
    return `The demo could not be prepared: ${error.message}\n`;
  }
}

function welcome(url, secrets, took, demo) {
  const secret = secrets.kept ? `$(sed -n 's/^${ROOT_SECRET}=//p' ${LOCAL_SECRETS})` : `$${ROOT_SECRET}`;
  const told = [];
  if (secrets.generated) {
    told.push(`The secret of the client "root", kept in ${LOCAL_SECRETS} and not shown again: ${secrets.generated}`, '');
  }
  if (!secrets.kept) told.push(`(${ROOT_SECRET} comes from the environment: set it in that shell too.)`, '');
  const token = String.raw`sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p'`;
  return `
Edgemint is at ${url} (ready after ${took}). Ctrl-C stops it.
The token inspector: ${url}/
${demo}
${told.map((line) => `${line}\n`).join('')}Paste these into a shell, in this folder: get a token, show it to the sample, leave it out.

TOKEN=$(curl -s -u "root:${secret}" ${url}/oauth/token -d grant_type=client_credentials | ${token})
curl -s -w '\\n' -H "Authorization: Bearer $TOKEN" ${url}/api/whoami
curl -s -i -w '\\n' ${url}/api/whoami
`;
}
