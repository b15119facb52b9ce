// The Workers that ours is compared with: builds them, and returns their options for the harness.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { bundleWorker } from '../../.scripts/build-worker.mjs';
import { compileCrate, inTurn } from '../../.scripts/compile.mjs';
import { fingerprint, isFresh, stamped } from '../../.scripts/freshness.mjs';
import { run, step } from '../../.scripts/steps.mjs';
import { root } from '../../.scripts/toolbox.mjs';

const target = join(root, 'target', 'bench');

/** Builds a bare Worker with the `worker` crate. Returns its folder. */
export async function buildHello() {
  const crate = join('tests', 'bench', 'hello');
  const folder = join(target, 'hello');
  const stamp = join(folder, '.inputs');
  const print = fingerprint([crate]);
  if (!isFresh(stamp, print) || !existsSync(join(folder, 'index.js'))) {
    mkdirSync(folder, { recursive: true });
    await step('hello-world with the `worker` crate', '15 s', () => stamped(stamp, print, async () => {
      const module = await inTurn(() => compileCrate(join(root, crate), 'worker', [], join(root, 'target')));
      await bundleWorker({ module, bindings: join(target, 'hello-bindings'), entry: join(root, crate, 'entry.js'), folder });
    }));
  }
  return folder;
}

/** That Worker. */
export async function helloWorker(port) {
  const folder = await buildHello();
  const modules = [
    { type: 'ESModule', path: join(folder, 'index.js') },
    { type: 'CompiledWasm', path: join(folder, 'index_bg.wasm') },
  ];
  return { name: 'hello', port, modulesRoot: folder, modules };
}

/** A minimal token endpoint with jose, and the key that verifies its tokens. */
export async function joseWorker(port, { issuer, client, scope }) {
  const modules = await bundled('jose-worker');
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  // As long as a thumbprint, which is the kid of our tokens.
  const kid = 'k'.repeat(43);
  const bindings = {
    ISSUER: issuer,
    SCOPE: scope,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
    SIGNING_KEY: { ...await exportJWK(privateKey), kid },
  };
  return { publicKey, worker: { name: 'jose', port, modulesRoot: target, modules, bindings } };
}

/** Writes one row of a Durable Object for each request, and does nothing else. Each path is an object of its own. */
export async function writeWorker(port) {
  const durableObjects = { ROWS: { className: 'Row', useSQLite: true } };
  return { name: 'write', port, modulesRoot: target, modules: await bundled('write-worker'), durableObjects };
}

/** Does nothing, or creates this many ES256 signatures. */
export async function yardstickWorker(port) {
  return { name: 'yardstick', port, modulesRoot: target, modules: await bundled('yardstick-worker') };
}

/** @cloudflare/workers-oauth-provider on KV. */
export async function oauthProviderWorker(port) {
  const bindings = { ORIGIN: `http://localhost:${port}` };
  const modules = await bundled('oauth-provider-worker');
  return { name: 'oauth-provider', port, modulesRoot: target, modules, bindings, kvNamespaces: ['OAUTH_KV'] };
}

async function bundled(name) {
  const bundle = join(target, `${name}.js`);
  const source = join(root, 'tests', 'bench', `${name}.mjs`);
  const options = ['--bundle', '--minify', '--format=esm', '--conditions=workerd', '--external:cloudflare:*'];
  await run('esbuild', [source, ...options, `--outfile=${bundle}`]);
  return [{ type: 'ESModule', path: bundle }];
}
