// Installs what the project needs and this machine lacks: npm packages, the wasm target, pinned cargo tools, a browser.
// Quick when nothing is missing. Touches nothing outside of the project but rustup's components and, for tests, Chromium.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installChromium } from './chromium.mjs';
import { readIfThere } from './freshness.mjs';
import { Failure, elapsed, isScript, main, run, step } from './steps.mjs';
import { root, systemPath, toolsDir } from './toolbox.mjs';

export { chromiumPath } from './chromium.mjs';

/** Makes the machine ready to build and serve; with `tests`, to run the tests too. Whoever calls first does the work. */
export function setup({ tests = false } = {}) {
  if (tests) return (readyForTests ??= install(true));
  return (ready ??= readyForTests ?? install(false));
}

/** Makes sure of Rust and its wasm target only. */
export function rust() {
  return (rustReady ??= rustToolchain());
}

let ready;
let readyForTests;
let rustReady;

async function install(tests) {
  checkNode();
  await rust();
  // Mostly waiting for the network, all processor, mostly waiting for the network.
  await Promise.all([nodePackages(), cargoTools(tests), tests && rustComponents(), tests && installChromium()]);
}

const WASM_TARGET = 'wasm32-unknown-unknown';
const CARGO_DENY = '0.20.2';

// The tools run for a second: compiling them fast matters more than running them fast.
const QUICK_TO_COMPILE = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '0',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
};
const CARGO_ADVICE = 'see the log above; a C compiler, pkg-config and the headers of OpenSSL must be there '
  + '(Debian, Ubuntu: apt-get install build-essential pkg-config libssl-dev)';

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
  // Inside node_modules, so that whoever deletes the packages deletes the stamp.
  const stamp = join(modules, '.installed-lock');
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (readIfThere(stamp) === wanted) return;
  await step('npm packages and Node.js for them', 'about 30 s', async () => {
    // Not with the project's own Node.js: this replaces it.
    const env = { PATH: systemPath().join(delimiter) };
    const advice = 'check that the npm registry can be reached (`npm ping`), then run this again';
    // No package's install script runs, except for the one that fetches the pinned Node.js.
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { env, advice });
    await run('node', ['installArchSpecificPackage.js'], { cwd: join(modules, 'node'), env, advice });
    const link = join(modules, '.bin', 'node');
    rmSync(link, { force: true });
    symlinkSync(join('..', 'node', 'bin', 'node'), link);
    writeFileSync(stamp, wanted);
  });
}

async function cargoTools(tests) {
  const tools = [
    {
      crate: 'wasm-bindgen-cli',
      version: lockedVersion('wasm-bindgen'),
      program: 'wasm-bindgen',
      // Without TLS, which only its test runner uses.
      option: '--no-default-features',
    },
    { crate: 'worker-build', version: lockedVersion('worker'), program: 'worker-build' },
  ];
  if (tests) tools.push({ crate: 'cargo-deny', version: CARGO_DENY, program: 'cargo-deny', option: '--locked' });
  const installed = readIfThere(join(toolsDir, '.crates.toml')) ?? '';
  const missing = tools.filter(({ crate, version, program }) =>
    !installed.includes(`"${crate} ${version} (`) || !existsSync(join(toolsDir, 'bin', program)));
  // One after another into one folder, so that what two of them need is compiled once.
  const target = join(toolsDir, 'target');
  for (const { crate, version, program, option } of missing) {
    const options = ['--force', '--root', toolsDir, '--target-dir', target, '--bin', program, ...(option ? [option] : [])];
    await step(`${crate} ${version} into .tools`, '1 to 3 minutes', () =>
      run('cargo', ['install', ...options, `${crate}@${version}`], { env: QUICK_TO_COMPILE, advice: CARGO_ADVICE }));
  }
  // Only what this run has put there: another may be compiling.
  if (missing.length > 0) rmSync(target, { recursive: true, force: true });
}

/** The version of a crate in Cargo.lock: a tool that must match a crate is pinned by it and cannot drift. */
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
