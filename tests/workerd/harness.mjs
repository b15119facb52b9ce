// Starts the built Worker in real workerd, configured by wrangler.toml as `wrangler dev` and the edge do it. For every black-box test and
// the benchmarks. Reads no .dev.vars and no environment.
import childProcess from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { buildWorker } from '../../.scripts/build-worker.mjs';
import { KEY_ENCRYPTION_KEY, ROOT_SECRET, newSecret } from '../../src/js/hosting/secrets.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { wranglerOptions } from './wrangler-options.mjs';

/** Settings that every Worker of this process has, beside those of wrangler.toml: for tests that run those of other files with them. */
export const everywhere = { vars: {} };

/**
 * Starts a Worker with fresh secrets and empty state, unless told otherwise.
 *
 * - `port`: where it listens on 127.0.0.1; a free one by default.
 * - `issuer`: the issuer identifier; `http://localhost:PORT` by default.
 * - `persist`: a folder for KV and Durable Objects; by default a new one, which goes when the Worker stops.
 * - `vars`, `secrets`: added to those of wrangler.toml; `undefined` takes one away.
 * - `assets`: false leaves out the static files and their router, so that requests go straight to the Worker;
 *   a folder takes the place of www/.
 * - `without`: bindings of wrangler.toml that are left out, by name.
 * - `around`: the source of a module that takes the place of the Worker's main module, which it imports as `./index.js`.
 * - `logsToFile`: workerd writes its log to a file beside the state, and `logs` stays empty: every line in a pipe wakes this process.
 * - `beside`: more Workers for the same workerd: each a `name`, the `port` that it listens on, and Miniflare's options.
 *
 * Gives `{ url, issuer, rootSecret, persist, settings, pid, logs, store(), cron(), stop(), kill() }`. `settings` starts the same
 * again on the same state; `pid` is workerd's; `logs` are all the lines that workerd has printed; `store` gives its KV, `cron` is its
 * clockwork; `kill` ends workerd with SIGKILL and keeps the state.
 */
export async function startWorker({ port, issuer, persist, vars = {}, secrets = {}, assets = true, without = [], around, logsToFile = false, beside = [] } = {}) {
  await buildWorker();
  const settings = { port: port ?? await freePort(), assets, without, around, logsToFile, beside };
  settings.issuer = issuer ?? `http://localhost:${settings.port}`;
  settings.persist = persist ?? temporaryFolder();
  settings.vars = { ...everywhere.vars, ...vars };
  settings.secrets = { [KEY_ENCRYPTION_KEY]: newSecret(), [ROOT_SECRET]: newSecret(), ...secrets };
  const logs = [];
  const { miniflare, workerd } = await start(miniflareOptions(await wranglerOptions(), settings), logs, logsToFile ? join(settings.persist, 'workerd.log') : undefined);
  const forget = () => {
    if (persist === undefined) rmSync(settings.persist, { recursive: true, force: true });
  };
  return {
    url: `http://localhost:${settings.port}`,
    issuer: settings.issuer,
    rootSecret: settings.secrets[ROOT_SECRET],
    persist: settings.persist,
    settings,
    pid: workerd.pid,
    logs,
    store: () => miniflare.getKVNamespace('EDGEMINT_STORE'),
    cron: async () => (await miniflare.getWorker()).scheduled(),
    async stop() {
      await miniflare.dispose();
      forget();
    },
    async kill() {
      const gone = once(workerd, 'exit');
      workerd.kill('SIGKILL');
      // At once: otherwise Miniflare takes the exit for a crash and restarts workerd.
      await Promise.all([gone, miniflare.dispose()]);
    },
  };
}

/** Asks the token endpoint for a token with the client's own rights; gives the reply's members, or throws. */
export async function token(server, params = {}, client = { id: 'root', secret: server.rootSecret }) {
  const response = await fetch(`${server.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...params }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`no token: ${response.status} ${text}`);
  return JSON.parse(text);
}

/**
 * Returns a port that is free on both loopbacks, since `localhost` may mean either. It lies below the ports that systems choose for
 * outgoing connections: one of those could take it before the Worker does.
 */
export async function freePort() {
  for (let tries = 0; tries < 20; tries += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree('127.0.0.1', port) && await isFree('::1', port)) return port;
  }
  throw new Error('no port is free on both 127.0.0.1 and ::1');
}

const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 32_000;

// A machine without IPv6 cannot listen on ::1, and no other process can.
async function isFree(host, port) {
  const server = createServer();
  server.listen({ host, port, ipv6Only: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
  }
  server.close();
  await once(server, 'close');
  return true;
}

function miniflareOptions(wrangler, { port, issuer, persist, vars, secrets, assets, without, around, beside }) {
  const { workerOptions, externalWorkers } = wrangler;
  const build = join(root, 'build');
  const worker = {
    ...workerOptions,
    // Of no use to modules that are named one by one, and refused beside them.
    modulesRules: undefined,
    modulesRoot: build,
    modules: [
      ...around === undefined ? [] : [{ type: 'ESModule', path: join(build, 'around.js'), contents: around }],
      { type: 'ESModule', path: join(build, 'index.js') },
      { type: 'CompiledWasm', path: join(build, 'index_bg.wasm') },
    ],
    bindings: present({ ...workerOptions.bindings, ISSUER: issuer, ...vars, ...secrets }),
    ...listeningOn(port),
  };
  worker.durableObjects = Object.fromEntries(Object.entries(worker.durableObjects).filter(([name]) => !without.includes(name)));
  if (assets === false) delete worker.assets;
  else if (assets !== true) worker.assets = { ...worker.assets, directory: assets };
  const { compatibilityDate } = workerOptions;
  const others = beside.map(({ port: own, ...options }) => ({ compatibilityDate, ...options, ...listeningOn(own) }));
  return convertV4MiniflareOptions({
    workers: [worker, ...externalWorkers, ...others],
    host: '127.0.0.1',
    port: 0,
    cf: false,
    logRequests: false,
    handleStructuredLogs: () => {},
    resourcePersistencePath: persist,
  });
}

// workerd itself, without the proxy that Miniflare puts in front; the router of the assets stays.
function listeningOn(port) {
  return { unsafeDirectSockets: [{ host: '127.0.0.1', port }] };
}

function present(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

// One after another, since each start has to recognise its own process.
function start(options, logs, logFile) {
  const result = previousStart.then(() => startNow(options, logs, logFile));
  previousStart = result.catch(() => {});
  return result;
}

let previousStart = Promise.resolve();

// Miniflare keeps workerd to itself and hides some of its lines: take hold of the process as it is started.
async function startNow(options, logs, logFile) {
  const { spawn } = childProcess;
  let workerd;
  childProcess.spawn = (command, args, spawning) => {
    if (args?.[0] !== 'serve') return spawn(command, args, spawning);
    workerd = logFile === undefined ? spawn(command, args, spawning) : spawnWithLog(logFile, spawn, command, args, spawning);
    collectLines(workerd.stdout, logs);
    collectLines(workerd.stderr, logs);
    return workerd;
  };
  const miniflare = new Miniflare(options);
  try {
    await miniflare.ready;
    return { miniflare, workerd };
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    throw error;
  } finally {
    childProcess.spawn = spawn;
  }
}

function spawnWithLog(logFile, spawn, command, args, spawning) {
  const [input, , ...others] = spawning.stdio;
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { ...spawning, stdio: [input, log, ...others] });
  closeSync(log);
  // Miniflare reads from it.
  child.stdout = Readable.from([]);
  return child;
}

function collectLines(stream, logs) {
  let rest = '';
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    logs.push(...lines.map(message));
  });
}

// workerd wraps what a Worker logs in JSON; its own complaints are bare text.
function message(line) {
  try {
    return JSON.parse(line).message ?? line;
  } catch {
    return line;
  }
}

const temporaryFolders = [];
process.once('exit', () => {
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder() {
  temporaryFolders.push(mkdtempSync(join(tmpdir(), 'edgemint-')));
  return temporaryFolders.at(-1);
}
