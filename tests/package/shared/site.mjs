// The two sites that the browser visits, one built by Vite and one of plain files; and a server for them.
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { build, createServer as createViteServer } from 'vite';
import { install } from './consumer.mjs';

const page = join(import.meta.dirname, 'page');

async function project() {
  const folder = await install();
  for (const name of ['index.html', 'bundled.js', 'run.js']) cpSync(join(page, name), join(folder, name));
  return folder;
}

/** Serves the same page from Vite's development server, which pre-bundles the dependencies of the page. */
export async function serveWithVite() {
  const server = await createViteServer({ root: await project(), configFile: false, logLevel: 'warn', server: { host: '127.0.0.1', port: 0 } });
  await server.listen();
  return { origin: `http://127.0.0.1:${server.httpServer.address().port}`, stop: () => server.close() };
}

/** Builds the page with Vite, as a user's project would; returns the folder of the result. */
export async function buildWithVite() {
  const folder = await project();
  await build({ root: folder, configFile: false, logLevel: 'warn' });
  return join(folder, 'dist');
}

/** Copies the page and the package side by side, without any build; returns the folder. */
export async function layOutPlain() {
  const folder = await install();
  for (const name of ['plain.html', 'plain.js', 'inline.html', 'inline.js', 'run.js']) cpSync(join(page, name), join(folder, name));
  cpSync(join(folder, 'node_modules/edgemint/dist'), join(folder, 'edgemint'), { recursive: true });
  return folder;
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * Serves a folder on loopback under a strict policy, with this `script-src`. `count(ending)` is the number of requests for
 * files with that ending.
 */
export async function serve(folder, scripts = "'self' 'wasm-unsafe-eval'") {
  const asked = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    try {
      const file = readFileSync(join(folder, path));
      asked.push(path);
      response.writeHead(200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'content-security-policy': `default-src 'none'; script-src ${scripts}; connect-src 'self' http://127.0.0.1:*`,
      }).end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    count: (ending) => asked.filter((path) => path.endsWith(ending)).length,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
