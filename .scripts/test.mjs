// `npm test`: every check and test of the project, to the end, with one line for each runner and the sum at last.
// `npm test -- NAME...` runs only the runners of these names.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { setup } from './setup.mjs';
import { Failure, elapsed, main, report, run, step } from './steps.mjs';
import { root, toolsDir } from './toolbox.mjs';

const WASM = ['--target', 'wasm32-unknown-unknown'];
const FEATURE_SETS = [
  [],
  ['--all-targets', '--features', 'portable,people'],
  [...WASM, '--features', 'worker'],
  [...WASM, '--features', 'js'],
];
const CARGO_TEST = ['test', '--locked', '--features', 'portable,people'];

/**
 * The runners that start cargo: one after another, since they share its folder. Each gives what it counted: `{ passed, failed }`, maybe
 * `skipped`, one text for each test that did not run, and a `note`.
 */
const CARGO = {
  format: () => commands([['cargo', 'fmt', '--check']]),
  lints: () => commands(FEATURE_SETS.map((options) => ['cargo', 'clippy', '--locked', ...options, '--', '-D', 'warnings'])),
  dependencies,
  docs: () => commands([['cargo', 'doc', '--locked', '--no-deps', '--features', 'portable,people']], { RUSTDOCFLAGS: '-D warnings' }),
  rust: rustTests,
};

/** The folders of tests that `node --test` runs, with the builds that they test. */
const NODE = {
  // One of its clients guards a server with the package; the benchmark has a peer to compile.
  workerd: [buildWorker, buildPackage, async () => (await import('../tests/bench/workers.mjs')).buildHello()],
  browser: [buildWorker, buildPackage],
  cli: [buildWorker, buildPackage],
  package: [buildPackage],
};

/** How many of the slowest files are named. */
const SLOWEST = 12;

const NAMES = [...Object.keys(CARGO), ...Object.keys(NODE)];

await main(async () => {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) {
    throw new Failure(`no runner is called ${unknown.join(', ')}`, `choose from ${NAMES.join(', ')}`);
  }
  const isChosen = (name) => chosen.length === 0 || chosen.includes(name);
  const started = performance.now();
  const folders = Object.keys(NODE).filter(isChosen);
  const broken = await prepare(folders, isChosen);
  const lines = [`${'set-up'.padEnd(13)} ${elapsed(started)}`];
  const ready = folders.filter((folder) => broken[folder] === undefined);
  const results = {};
  const testing = performance.now();
  await Promise.all([
    inTurn(Object.keys(CARGO).filter(isChosen), async (name) => { results[name] = await timed(name, CARGO[name]); }),
    ready.length > 0 && nodeTests(ready).then((counts) => Object.assign(results, counts)),
  ]);
  Object.assign(results, broken);
  const sum = { passed: 0, failed: 0 };
  const notRun = [];
  for (const name of NAMES.filter(isChosen)) {
    const { passed, failed, skipped = [], note = '' } = results[name];
    sum.passed += passed;
    sum.failed += failed;
    notRun.push(...skipped.map((text) => `${name}: ${text}`));
    lines.push(`${name.padEnd(13)} ${passed} passed, ${failed} failed${note && `; ${note}`}`);
  }
  lines.push(`${'tests'.padEnd(13)} ${elapsed(testing)}`);
  console.log(`\n=== all\n${lines.join('\n')}\n`);
  if (notRun.length > 0) console.log(`${notRun.length} skipped:\n${notRun.map((text) => `  ${text}`).join('\n')}\n`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  if (sum.failed > 0) process.exitCode = 1;
});

/** Installs and compiles what the runners need, so that the time of the tests is theirs. Gives the folders whose builds failed, with their counts. */
async function prepare(folders, isChosen) {
  await setup({ tests: true });
  const broken = {};
  for (const folder of folders) {
    try {
      await Promise.all(NODE[folder].map((build) => build()));
    } catch (error) {
      report(error);
      broken[folder] = { passed: 0, failed: 1, note: 'its build failed' };
    }
  }
  // What does not compile is reported by the runners.
  if (isChosen('rust')) {
    await step('Rust tests', '2 minutes the first time', () => run('cargo', [...CARGO_TEST, '--no-run'], { check: false }));
  }
  if (isChosen('lints')) {
    await step('Rust dependencies of the lints', '3 minutes the first time', async () => {
      for (const options of FEATURE_SETS) await run('cargo', ['check', '--locked', ...options], { check: false });
    });
  }
  return broken;
}

async function inTurn(names, work) {
  for (const name of names) await work(name);
}

/** Runs a runner and says how long it took. One that dies or runs nothing has failed. */
async function timed(name, runner) {
  const started = performance.now();
  const result = await counted(runner);
  const took = elapsed(started);
  console.log(`=== ${name}: ${result.passed} passed, ${result.failed} failed, ${took}`);
  return { ...result, note: [took, result.note].filter(Boolean).join('; ') };
}

async function counted(runner) {
  try {
    const counts = await runner();
    return counts.passed + counts.failed > 0 ? counts : { passed: 0, failed: 1, note: 'it ran no test' };
  } catch (error) {
    report(error);
    return { passed: 0, failed: 1, note: 'it broke off' };
  }
}

// Each command's output is printed when it has ended, since other runners print, too.
async function commands(list, env) {
  const counts = { passed: 0, failed: 0 };
  for (const [command, ...args] of list) {
    const { code, output } = await run(command, args, { env, check: false });
    console.log(`$ ${[command, ...args].join(' ')}\n${output}`);
    if (code === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  return counts;
}

async function dependencies() {
  const counts = await commands([['cargo', 'deny', 'check', 'bans', 'licenses', 'sources']]);
  const { code, output } = await run('cargo', ['deny', 'check', 'advisories'], { check: false });
  console.log('$ cargo deny check advisories');
  if (code !== 0 && /failed to fetch advisory database/.test(output)) {
    counts.skipped = ['cargo deny check advisories: their database cannot be reached from here'];
    return counts;
  }
  console.log(output);
  return { ...counts, passed: counts.passed + (code === 0), failed: counts.failed + (code !== 0) };
}

async function rustTests() {
  const { code, output } = await run('cargo', [...CARGO_TEST, '--no-fail-fast'], { check: false });
  console.log(`$ cargo test\n${output}`);
  const counts = { passed: 0, failed: 0 };
  const results = output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm);
  for (const [, passed, failed] of results) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
  }
  const ignored = [...output.matchAll(/^test (.*) \.\.\. ignored(.*)$/gm)].map(([, name, why]) => `${name}${why}`);
  // The harness knows no test that finds out by itself that it cannot run, and counts it as passed.
  const withoutData = [...output.matchAll(/^SKIPPED (.*)$/gm)].map(([, text]) => text);
  counts.passed -= withoutData.length;
  counts.skipped = [...ignored, ...withoutData];
  return withExitCode(counts, code);
}

/** Runs the test files of these folders side by side, and gives the counts of each folder. */
async function nodeTests(folders) {
  const files = folders.flatMap((folder) => testFiles(join('tests', folder)));
  const scratch = mkdtempSync(join(tmpdir(), 'edgemint-test-'));
  const destination = join(scratch, 'counts.json');
  const started = performance.now();
  const options = [
    // One more than there are processors: a file waits for timers and for disks a third of its time.
    `--test-concurrency=${availableParallelism() + 1}`, '--test-timeout=900000',
    // A failed test may leave its server behind.
    '--test-force-exit',
    '--test-reporter=spec', '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, '.scripts', 'test-counts.mjs')}`, `--test-reporter-destination=${destination}`,
  ];
  try {
    const { code } = await run('node', ['--test', ...options, ...files], {
      // Each file is a process that loads wrangler or a browser's driver.
      env: { NODE_COMPILE_CACHE: join(toolsDir, 'compile-cache') },
      show: true, check: false,
    });
    const counts = JSON.parse(readFileSync(destination, 'utf8'));
    const results = Object.fromEntries(folders.map((folder) => [folder, sumOf(counts, files, join('tests', folder) + sep)]));
    console.log(`=== ${folders.join(', ')}: ${elapsed(started)}`);
    const slowest = Object.entries(counts).sort(([, one], [, other]) => other.seconds - one.seconds).slice(0, SLOWEST);
    for (const [file, { seconds }] of slowest) console.log(`    ${`${Math.round(seconds)} s`.padStart(6)} ${relative(root, file)}`);
    const failed = Object.values(results).some((result) => result.failed > 0);
    if (code !== 0 && !failed) results[folders[0]] = { ...results[folders[0]], failed: 1, note: `exit code ${code} without a failed test` };
    return results;
  } catch (error) {
    report(error);
    return Object.fromEntries(folders.map((folder) => [folder, { passed: 0, failed: 1, note: 'the runner broke off' }]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function testFiles(path) {
  const names = readdirSync(join(root, path), { recursive: true }).filter((name) => name.endsWith('.test.mjs'));
  if (names.length === 0) throw new Failure(`${path} holds no test`);
  return names.sort().map((name) => join(path, name));
}

/** Adds up the counts of the files below `folder`. A file that the runner did not report has failed. */
function sumOf(counts, files, folder) {
  const result = { passed: 0, failed: 0, skipped: [] };
  let seconds = 0;
  for (const file of files.filter((name) => name.startsWith(folder))) {
    const found = counts[join(root, file)] ?? { passed: 0, failed: 1, skipped: [], seconds: 0 };
    result.passed += found.passed;
    result.failed += found.failed;
    result.skipped.push(...found.skipped);
    seconds += found.seconds;
  }
  return { ...result, note: `${Math.round(seconds)} s, files added up` };
}

// A runner may fail for another reason than a test: a build that breaks, a process that is killed.
function withExitCode(counts, code) {
  if (code !== 0 && counts.failed === 0) return { ...counts, failed: 1, note: `exit code ${code} without a failed test` };
  return counts;
}
