// `npm test`: every check and test of the project, to the end, with one line for each runner and the sum at last.
// `npm test -- NAME...` runs only the runners of these names.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { setup } from './setup.mjs';
import { Failure, elapsed, main, report, run } from './steps.mjs';
import { root } from './toolbox.mjs';

const WASM = ['--target', 'wasm32-unknown-unknown'];
const FEATURE_SETS = [
  [],
  ['--all-targets', '--features', 'portable,people'],
  [...WASM, '--features', 'worker'],
  [...WASM, '--features', 'js'],
];

/** Each gives what it counted: `{ passed, failed }`, maybe `skipped`, one text for each test that did not run, and a `note`. */
const RUNNERS = {
  format: () => commands([['cargo', 'fmt', '--check']]),
  lints: () => commands(FEATURE_SETS.map((options) => ['cargo', 'clippy', '--locked', ...options, '--', '-D', 'warnings'])),
  dependencies,
  docs: () => commands([['cargo', 'doc', '--locked', '--no-deps', '--features', 'portable,people']], { RUSTDOCFLAGS: '-D warnings' }),
  rust: rustTests,
  // One of its clients guards a server with the package.
  workerd: () => nodeTests('workerd', buildWorker, buildPackage),
  package: () => nodeTests('package', buildPackage),
  browser: () => nodeTests('browser', buildWorker, buildPackage),
};

await main(async () => {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => !Object.hasOwn(RUNNERS, name));
  if (unknown.length > 0) {
    throw new Failure(`no runner is called ${unknown.join(', ')}`, `choose from ${Object.keys(RUNNERS).join(', ')}`);
  }
  await setup({ tests: true });
  const lines = [];
  const sum = { passed: 0, failed: 0 };
  const notRun = [];
  for (const name of Object.keys(RUNNERS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    console.log(`\n=== ${name}`);
    const started = performance.now();
    const { passed, failed, skipped = [], note = '' } = await counted(RUNNERS[name]);
    sum.passed += passed;
    sum.failed += failed;
    notRun.push(...skipped.map((text) => `${name}: ${text}`));
    lines.push(`${name.padEnd(13)} ${passed} passed, ${failed} failed, ${elapsed(started)}${note && `; ${note}`}`);
    console.log(lines.at(-1));
  }
  console.log(`\n=== all\n${lines.join('\n')}\n`);
  if (notRun.length > 0) console.log(`${notRun.length} skipped:\n${notRun.map((text) => `  ${text}`).join('\n')}\n`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  if (sum.failed > 0) process.exitCode = 1;
});

// A runner that dies or runs nothing has failed, whatever it meant to say.
async function counted(runner) {
  try {
    const counts = await runner();
    return counts.passed + counts.failed > 0 ? counts : { passed: 0, failed: 1, note: 'it ran no test' };
  } catch (error) {
    report(error);
    return { passed: 0, failed: 1, note: 'it broke off' };
  }
}

async function commands(list, env) {
  const counts = { passed: 0, failed: 0 };
  for (const [command, ...args] of list) {
    console.log(`$ ${[command, ...args].join(' ')}`);
    const { code } = await run(command, args, { env, show: true, check: false });
    if (code === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  return counts;
}

async function dependencies() {
  const counts = await commands([['cargo', 'deny', 'check', 'bans', 'licenses', 'sources']]);
  console.log('$ cargo deny check advisories');
  const { code, output } = await run('cargo', ['deny', 'check', 'advisories'], { check: false });
  if (code !== 0 && /failed to fetch advisory database/.test(output)) {
    counts.skipped = ['cargo deny check advisories: their database cannot be reached from here'];
    return counts;
  }
  console.log(output);
  return { passed: counts.passed + (code === 0), failed: counts.failed + (code !== 0) };
}

async function rustTests() {
  const args = ['test', '--locked', '--features', 'portable,people', '--no-fail-fast'];
  const { code, output } = await run('cargo', args, { show: true, check: false });
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

async function nodeTests(folder, ...builds) {
  for (const build of builds) await build();
  const path = join('tests', folder);
  const files = readdirSync(join(root, path), { recursive: true }).filter((name) => name.endsWith('.test.mjs')).map((name) => join(path, name));
  if (files.length === 0) throw new Failure(`${path} holds no test`);
  const scratch = mkdtempSync(join(tmpdir(), 'edgemint-test-'));
  try {
    const tap = join(scratch, 'tap');
    const options = [
      // One file at a time: they measure, and each starts a server or a browser of its own.
      '--test-concurrency=1', '--test-timeout=900000',
      // A failed test may leave its server behind.
      '--test-force-exit',
      '--test-reporter=spec', '--test-reporter-destination=stdout',
      '--test-reporter=tap', `--test-reporter-destination=${tap}`,
    ];
    const { code } = await run('node', ['--test', ...options, ...files], { show: true, check: false });
    const summary = readFileSync(tap, 'utf8');
    const number = (name) => Number(summary.match(new RegExp(`^# ${name} (\\d+)$`, 'm'))?.[1] ?? NaN);
    const counts = { passed: number('pass'), failed: number('fail') + number('cancelled') };
    if (Number.isNaN(counts.passed + counts.failed)) throw new Failure('the test runner ended without its counts');
    const named = [...summary.matchAll(/^ *(?:not )?ok \d+ - (.*) # (?:SKIP|TODO)(.*)$/gm)];
    counts.skipped = named.map(([, name, why]) => (why === '' ? name : `${name}:${why}`));
    const skipped = number('skipped') + number('todo');
    if (skipped > named.length) counts.skipped.push(`${skipped - named.length} more, which the runner does not name`);
    return withExitCode(counts, code);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

// A runner may fail for another reason than a test: a build that breaks, a process that is killed.
function withExitCode(counts, code) {
  if (code !== 0 && counts.failed === 0) return { ...counts, failed: 1, note: `exit code ${code} without a failed test` };
  return counts;
}
