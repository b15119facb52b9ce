// The folders that become the npm packages `edgemint-worker` and `create-edgemint`.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { compose } from '../src/js/hosting/compose.mjs';
import { OLDEST_NODE } from '../src/js/hosting/node.mjs';
import { modulesOf } from './modules.mjs';
import { root } from './toolbox.mjs';

const sources = join(root, 'src', 'js');
/** The pages of the manual for operators. */
const MANUAL = ['administration', 'backup', 'command_line', 'errors', 'events', 'keys', 'moving', 'revocation', 'settings', 'sign_in', 'storage', 'threats'];
/** Settings of wrangler.toml that are this repository's: those of a project are in its own. */
const NOT_RELEASED = ['name', 'main', 'build'];

const json = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const write = (folder, name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, undefined, 2)}\n`);

/** Fills `folder` with the package `edgemint-worker`: the built Worker, its pages, its configuration, and its commands. */
export function stageWorker(folder) {
  write(folder, 'package.json', {
    ...common('edgemint-worker', 'Edgemint, an OAuth 2.1 authorization server for Cloudflare Workers, compiled: `npm create edgemint` makes a project'),
    engines: { node: `>=${OLDEST_NODE}` },
    // wrangler is no peer dependency: without a network, npm would report a conflict of versions.
    bin: { 'edgemint-worker': 'hosting/main.mjs' },
    exports: { '.': { types: './worker/index.d.ts', default: './worker/index.js' }, './package.json': './package.json' },
  });
  const release = releasedConfiguration();
  write(folder, 'wrangler.json', release);
  mkdirSync(join(folder, 'worker'));
  for (const name of ['index.js', 'index_bg.wasm']) cpSync(join(root, 'build', name), join(folder, 'worker', name));
  writeFileSync(join(folder, 'worker', 'index.d.ts'), types(release));
  cpSync(join(sources, 'hosting'), join(folder, 'hosting'), { recursive: true });
  // The demo is prepared with the client of the admin API.
  copyModules(sources, modulesOf(join(sources, 'shim', 'entries', 'admin.js')), folder);
  copyPages(join(folder, 'www'));
  mkdirSync(join(folder, 'manual'));
  for (const page of MANUAL) cpSync(join(root, 'src', 'manual', `${page}.md`), join(folder, 'manual', `${page}.md`));
  copyTexts(folder, ['LICENSE', 'CHANGELOG.md']);
  writeFileSync(join(folder, 'README.md'), readme('edgemint-worker', 'the compiled Worker, its static pages and the commands of a project that runs it'));
}

/** Fills `folder` with the package `create-edgemint`. */
export function stageCreate(folder) {
  write(folder, 'package.json', {
    ...common('create-edgemint', 'Makes a project that runs Edgemint, an OAuth 2.1 authorization server for Cloudflare Workers'),
    engines: { node: '>=20.11' },
    bin: { 'create-edgemint': 'create/main.mjs' },
  });
  copyModules(sources, modulesOf(join(sources, 'create', 'main.mjs')), folder);
  cpSync(join(sources, 'create', 'template'), join(folder, 'create', 'template'), { recursive: true });
  copyTexts(folder, ['LICENSE']);
  writeFileSync(join(folder, 'README.md'), readme('create-edgemint', 'makes the project'));
}

/** The part of wrangler.toml that belongs to a release. Without a rule to compose a setting, packing fails. */
export function releasedConfiguration() {
  // Not at the top: it may not be installed when this file is loaded.
  const { experimental_readRawConfig: readConfig } = createRequire(import.meta.url)('wrangler');
  const { rawConfig } = readConfig({ config: join(root, 'wrangler.toml') });
  // The parser's objects have no prototype.
  const release = Object.fromEntries(Object.entries(structuredClone(rawConfig)).filter(([name]) => !NOT_RELEASED.includes(name)));
  delete release.assets.directory;
  compose(release, { name: 'project', main: 'index.js' });
  return release;
}

/** What both packages have in package.json: versions and licence are the repository's. */
function common(name, description) {
  const { version, license, keywords, repository, devDependencies: { wrangler } } = json('package.json');
  const { optionalDependencies: node } = json('.scripts/node/package.json');
  return { name, version, description, license, type: 'module', keywords, repository, edgemint: { wrangler, node } };
}

function types({ durable_objects: { bindings } }) {
  const classes = [...new Set(bindings.map((binding) => binding.class_name))];
  return `/** The handlers of the Worker: pass them the requests that are not for routes of your own. */
declare const edgemint: {
  fetch(request: Request, env: unknown, ctx?: unknown): Promise<Response>;
  scheduled(event: unknown, env: unknown, ctx?: unknown): Promise<void>;
};
export default edgemint;

// Durable Objects of Edgemint.
${classes.map((name) => `export declare class ${name} { constructor(ctx: any, env: any); fetch(request: Request): Promise<Response>; }\n`).join('')}`;
}

/** Copies the static pages; of the npm package and the client library only the modules that pages load. */
function copyPages(to) {
  const www = join(root, 'www');
  const built = join(www, 'edgemint');
  cpSync(www, to, { recursive: true, filter: (path) => path !== built });
  const others = ['edgemint.wasm', 'oauth4webapi.js', 'oauth4webapi.LICENSE.md'].map((name) => join(built, name));
  copyModules(www, [...modulesOf(join(built, 'web.js')), ...others], to);
}

function copyModules(base, paths, to) {
  for (const path of paths) cpSync(path, join(to, relative(base, path)));
}

function copyTexts(folder, names) {
  for (const name of names) cpSync(join(root, name), join(folder, name));
}

function readme(name, what) {
  return `# ${name}

Part of Edgemint, an OAuth 2.1 authorization server and OpenID provider that runs as one Cloudflare Worker: ${what}.

\`\`\`sh
npm create edgemint auth
cd auth
npm start
\`\`\`

Licensed under MIT or Apache-2.0, at your option: LICENSE.
`;
}
