// Installs what this machine lacks for the project: npm packages, the wasm target, pinned cargo tools, a browser, Python packages.
// Fast when nothing is missing. Changes nothing outside of the project except rustup's components and, for tests, Chromium and Python.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { CARGO_ADVICE, cargoAdvice } from './advice.mjs';
import { installChromium } from './chromium.mjs';
import { installPython } from './python.mjs';
import { installTmux } from './tmux.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { npmAdvice } from '../src/js/hosting/advice.mjs';
import { readIfThere } from '../src/js/hosting/files.mjs';
import { Failure, elapsed, isScript, main, run, step } from './steps.mjs';
import { root, systemPath, toolsDir } from './toolbox.mjs';

export { chromiumPath } from './chromium.mjs';

/** Prepares the machine to build and serve; with `tests`, to run the tests too. Later calls wait for the first one. */
export function setup({ tests = false } = {}) {
  if (tests) return (readyForTests ??= install(true));
  return (ready ??= readyForTests ?? install(false));
}

/** Installs Rust and its wasm target only. */
export function rust() {
  return (rustReady ??= rustToolchain());
}

let ready;
let readyForTests;
let rustReady;

async function install(tests) {
  checkNode();
  await rust();
  // In parallel: two of these wait for the network, one uses the processor.
  await Promise.all([nodePackages(), cargoTools(tests), tests && rustComponents(), tests && installChromium().then(installTmux), tests && installPython()]);
}

const WASM_TARGET = 'wasm32-unknown-unknown';
const CARGO_DENY = '0.20.2';

// The tools run for a second: compiling them fast matters more than running them fast.
const QUICK_TO_COMPILE = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '0',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
};
function checkNode() {
  const oldest = 20;
  if (Number(process.versions.node.split('.')[0]) < oldest) {
    const advice = `install Node.js ${oldest} or newer: https://nodejs.org`;
    throw new Failure(`Node.js ${process.versions.node} is too old`, advice);
  }
}

async function rustToolchain() {
  const advice = 'install Rust with rustup (https://rustup.rs), then open a new shell';
  const [version, libraries] = await Promise.all([
    run('rustc', ['--version'], { check: false, advice }),
    run('rustc', ['--print', 'target-libdir', '--target', WASM_TARGET], { check: false, advice }),
  ]);
  if (version.code !== 0) throw new Failure('rustc does not run', 'run `rustup default stable`', version.output);
  const oldest = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.*)"$/m)[1];
  const found = version.stdout.split(' ')[1];
  if (isOlder(found, oldest)) {
    const remedy = 'run `rustup update stable && rustup default stable`';
    throw new Failure(`Rust ${found} is too old: ${oldest} is needed`, remedy);
  }
  if (existsSync(libraries.stdout.trim())) return;
  await step(`Rust: the target ${WASM_TARGET}`, 'a few seconds', () => rustup('target', WASM_TARGET));
}

async function rustComponents() {
  const { stdout } = await run('rustc', ['--print', 'sysroot']);
  const missing = [['clippy', 'cargo-clippy'], ['rustfmt', 'rustfmt']]
    .filter(([, program]) => !existsSync(join(stdout.trim(), 'bin', program)))
    .map(([component]) => component);
  if (missing.length === 0) return;
  await step(`Rust: ${missing.join(' and ')}`, 'a few seconds', () => rustup('component', ...missing));
}

function rustup(kind, ...names) {
  return run('rustup', [kind, 'add', ...names], {
    advice: 'this needs rustup and the network; without rustup, get the same from where your Rust comes from',
  });
}

async function nodePackages() {
  const modules = join(root, 'node_modules');
  // In node_modules, so that the stamp is deleted with the packages.
  const stamp = join(modules, '.installed-lock');
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (readIfThere(stamp) !== wanted) {
    await step('npm packages', 'about 30 s', async () => {
      // No package's install script runs.
      await run('npm', ['ci', ...QUIETLY], { env: SYSTEM_NODE, advice: npmAdvice });
      writeFileSync(stamp, wanted);
    });
  }
  await nodeForTools(join(modules, '.bin', 'node'));
}

const QUIETLY = ['--ignore-scripts', '--no-audit', '--no-fund'];
// Not with the project's Node.js: these commands replace it.
const SYSTEM_NODE = { PATH: systemPath().join(delimiter) };
/** wrangler needs it. */
const NODE_FOR_TOOLS = [22, 12];

/**
 * Makes `link` the Node.js that `.scripts/node` pins by a lock file, with a hash of each platform's package. (The npm package `node`
 * downloads the same, but unpinned.) On a platform without such a package the machine's own Node.js is used.
 */
async function nodeForTools(link) {
  const pinned = join(root, '.scripts', 'node');
  const lock = readFileSync(join(pinned, 'package-lock.json'));
  const own = join(toolsDir, 'node');
  const stamp = join(own, 'node_modules', '.installed-lock');
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (readIfThere(stamp) !== wanted) {
    await step('Node.js for the tools', 'about 10 s', async () => {
      mkdirSync(own, { recursive: true });
      for (const file of ['package.json', 'package-lock.json']) cpSync(join(pinned, file), join(own, file));
      await run('npm', ['ci', ...QUIETLY], { cwd: own, env: SYSTEM_NODE, advice: npmAdvice });
      mkdirSync(join(own, 'node_modules'), { recursive: true });
      writeFileSync(stamp, wanted);
    });
  }
  const packages = readdirSync(join(own, 'node_modules')).filter((name) => name.startsWith('node-'));
  const program = packages.map((name) => join(own, 'node_modules', name, 'bin', 'node')).find(existsSync);
  if (program === undefined) {
    const [major, minor] = process.versions.node.split('.').map(Number);
    if (major < NODE_FOR_TOOLS[0] || (major === NODE_FOR_TOOLS[0] && minor < NODE_FOR_TOOLS[1])) {
      const oldest = NODE_FOR_TOOLS.join('.');
      throw new Failure(
        `no Node.js is pinned for ${process.platform} on ${process.arch}, and ${process.versions.node} is too old for wrangler`,
        `install Node.js ${oldest} or newer: https://nodejs.org`,
      );
    }
    rmSync(link, { force: true });
  } else if (!existsSync(link) || realpathSync(link) !== realpathSync(program)) {
    // Atomically: another process may be starting a tool.
    const fresh = `${link}.${process.pid}`;
    symlinkSync(relative(join(link, '..'), program), fresh);
    renameSync(fresh, link);
  }
}

async function cargoTools(tests) {
  // One after another: each uses all processors.
  await bindgen();
  if (tests) await cargoDeny();
}

/** Compiles `.scripts/bindgen`, which pins the library of wasm-bindgen by a lock file. */
async function bindgen() {
  const source = join('.scripts', 'bindgen');
  const stamp = join(toolsDir, '.bindgen');
  const program = join(toolsDir, 'bin', 'bindgen');
  const print = fingerprint([source]);
  if (isFresh(stamp, print) && existsSync(program)) return;
  const wanted = lockedVersion('wasm-bindgen');
  if (!readFileSync(join(root, source, 'Cargo.toml'), 'utf8').includes(`"=${wanted}"`)) {
    throw new Failure(`${source} is not for wasm-bindgen ${wanted}`, `set the version in ${join(source, 'Cargo.toml')}, then run \`cargo update\` there`);
  }
  await step('the generator of the glue, .scripts/bindgen', '40 s to 1 minute', () => stamped(stamp, print, async () => {
    const target = join(toolsDir, 'target');
    await run('cargo', ['build', '--locked', '--manifest-path', join(source, 'Cargo.toml'), '--target-dir', target], { advice: cargoAdvice });
    mkdirSync(join(toolsDir, 'bin'), { recursive: true });
    cpSync(join(target, 'debug', 'bindgen'), program);
    rmSync(target, { recursive: true, force: true });
  }));
}

async function cargoDeny() {
  const crate = 'cargo-deny';
  const installed = readIfThere(join(toolsDir, '.crates.toml')) ?? '';
  if (installed.includes(`"${crate} ${CARGO_DENY} (`) && existsSync(join(toolsDir, 'bin', crate))) return;
  const target = join(toolsDir, 'target');
  await step(`${crate} ${CARGO_DENY} into .tools`, '1 to 3 minutes', () =>
    cargoInstall(crate, ['--force', '--root', toolsDir, '--target-dir', target, '--bin', crate, `${crate}@${CARGO_DENY}`]));
  rmSync(target, { recursive: true, force: true });
}

/** Installs with the versions of the crate's own lock file. Where the registry lacks one of them, says so and lets cargo choose. */
async function cargoInstall(crate, args) {
  const install = (...locked) => run('cargo', ['install', ...locked, ...args], { env: QUICK_TO_COMPILE, check: false, advice: CARGO_ADVICE });
  let { code, output } = await install('--locked');
  const lacking = code !== 0 && lackedVersion(output);
  if (lacking) {
    console.log(`    the registry lacks ${lacking}, which ${crate}'s lock file names: built without --locked`);
    ({ code, output } = await install());
  }
  if (code !== 0) throw new Failure(`\`cargo install ${crate}\` ended with exit code ${code}`, cargoAdvice(output), output);
}

/** Returns the crate and version that the lock file names and the registry lacks, from cargo's message. */
export function lackedVersion(output) {
  if (!/^error: failed to select a version for the requirement/m.test(output)) return undefined;
  const [, crate, version] = output.match(/requirement `([\w-]+) = "[^"]*"` \(locked to ([^)]+)\)/) ?? [];
  return crate && `${crate} ${version}`;
}

/** Returns the version of a crate in Cargo.lock: a tool that must match a crate is pinned by it. */
function lockedVersion(crate) {
  const lock = readIfThere(join(root, 'Cargo.lock'));
  if (lock === undefined) throw new Failure('Cargo.lock is missing', 'run `cargo generate-lockfile`');
  const entry = lock.match(new RegExp(`^name = "${crate}"\\nversion = "(.*)"$`, 'm'));
  if (entry === null) throw new Failure(`Cargo.lock has no ${crate}`, 'run `cargo generate-lockfile`');
  return entry[1];
}

function isOlder(version, than) {
  const [major, minor] = version.split('.').map(Number);
  const [oldMajor, oldMinor] = than.split('.').map(Number);
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const started = performance.now();
    await setup({ tests: process.argv.includes('--tests') });
    console.log(`Everything is in place: ${elapsed(started)}`);
  });
}
