// The time from the import to the first verified token: in a new process of Node.js, in a new isolate of workerd,
// in a new profile of Chromium. Compared with jose, and with the runtime without work.
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, extname, join } from 'node:path';
import { chromiumPath } from '../../../.scripts/chromium.mjs';
import { run, step } from '../../../.scripts/steps.mjs';
import { root } from '../../../.scripts/toolbox.mjs';
import { launch } from '../../browser/chromium.mjs';
import { freePort } from '../../workerd/harness.mjs';
import { interleave, median, table } from '../rounds.mjs';
import { bundle } from './bundles.mjs';
import { AUDIENCE, ISSUER } from './claims.mjs';
import { newKeys, sign } from './tokens.mjs';
import { COMPATIBILITY_DATE, startWorkers } from './workerd.mjs';

const CONTENDERS = ['edgemint', 'jose', 'nothing'];
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Returns rows `{ where, edgemint, jose, nothing }`, in milliseconds; without the three if there is no such runtime here. */
export async function measureFirstTokens({ starts }) {
  const keys = newKeys('ES256');
  const job = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [keys.publicJwk] }, token: sign(keys) };
  const rows = [];
  const add = async (where, measure) => {
    const results = await step(`first verified token: ${where}`, '10 s', () => measure(job, starts));
    rows.push({ where, ...Object.fromEntries(CONTENDERS.map((name, index) => [name, results?.[index]])) });
  };
  await add('Node.js, a new process', inProcesses);
  await add('workerd, a new isolate', inIsolates);
  await add('Chromium, a new profile', inPages);
  return rows;
}

/** Formats the rows as text. */
export function firstTokenTable(rows) {
  const line = ({ where, ...row }) => [where, ...CONTENDERS.map((name) => milliseconds(row[name]))];
  const isComplete = rows.every(({ edgemint }) => edgemint !== undefined);
  const missing = isComplete ? '' : '\nNo Chromium was found: set CHROMIUM to the path of its program.';
  return `Milliseconds from the import to the first verified token (ES256); medians, and their range. In Node.js the files of the
packages as they are installed, elsewhere bundled; an isolate and a page are timed with all that it takes to start them.${missing}

${table([['', ...CONTENDERS], ...rows.map(line)])}`;
}

function milliseconds(values) {
  if (values === undefined) return 'not measured';
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(1));
  return `${middle} (${least} to ${most})`;
}

function inProcesses(job, starts) {
  const script = join(import.meta.dirname, 'first-process.mjs');
  return interleave(CONTENDERS, starts, async (name) => {
    const { stdout } = await run(process.execPath, [script, name, JSON.stringify(job)]);
    return Number(stdout);
  });
}

async function inIsolates(job, starts) {
  const port = await freePort();
  const { modules, modulesRoot } = await bundle('first-worker');
  const workerd = await startWorkers([{ name: 'loader', port, modules, modulesRoot, workerLoaders: { LOADER: {} } }]);
  const ask = async (method, name, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/${name}`, { method, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name}: ${response.status} ${text}`);
  };
  try {
    for (const name of CONTENDERS) {
      const [main, ...others] = (await bundleFirst('first-isolate', name, 'workerd')).modules;
      const wasm = Object.fromEntries(others.map(({ path }) => [basename(path), readFileSync(path, 'base64')]));
      await ask('PUT', name, { compatibilityDate: COMPATIBILITY_DATE, main: readFileSync(main.path, 'utf8'), wasm });
    }
    return await interleave(CONTENDERS, starts, async (name) => {
      const started = performance.now();
      await ask('POST', name, job);
      return performance.now() - started;
    });
  } finally {
    await workerd.stop();
  }
}

async function inPages(job, starts) {
  if (chromiumPath() === undefined) return undefined;
  const folders = new Map();
  for (const name of CONTENDERS) folders.set(name, (await bundleFirst('first-page', name, 'browser')).modulesRoot);
  // Bundlers for browsers resolve a URL that is relative to the module; esbuild does not.
  cpSync(join(root, 'dist', 'edgemint.wasm'), join(folders.get('edgemint'), 'edgemint.wasm'));
  const site = await serve(folders);
  const browser = await launch();
  try {
    return await interleave(CONTENDERS, starts, async (name) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${site.origin}/`);
      const taken = await page.evaluate(async ({ url, job: given }) => {
        const started = performance.now();
        const { first } = await import(url);
        await first(given);
        return performance.now() - started;
      }, { url: `/${name}/first.js`, job });
      await context.close();
      return taken;
    });
  } finally {
    await browser.close();
    await site.stop();
  }
}

function bundleFirst(source, name, runtime) {
  const alias = { first: join(import.meta.dirname, `first-${name}.mjs`) };
  return bundle(source, { runtime, alias, folder: `${source}-${name}`, name: 'first' });
}

/** Serves each folder under its name, and an empty page for every other path. */
async function serve(folders) {
  const server = createServer((request, response) => {
    const [, name, file] = request.url.split('/');
    if (folders.has(name)) {
      response.writeHead(200, { 'content-type': TYPES[extname(file)] });
      response.end(readFileSync(join(folders.get(name), basename(file))));
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Benchmark</title>');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, stop };
}
