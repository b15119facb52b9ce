// The step runner: says what happens, how long it took, and what to do when it fails. Knows nothing of the project.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A failure that explains itself: what went wrong, what to do about it, and the end of the log. */
export class Failure extends Error {
  constructor(message, advice = '', log = '') {
    super(message);
    this.advice = advice;
    this.log = log;
  }
}

/** Whether the module of this URL is the script that node was started with. */
export function isScript(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

/** Runs a script: shows a failure and ends with its exit code; a signal ends every command that still runs. */
export async function main(work) {
  for (const [signal, code] of [['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143]]) {
    process.once(signal, () => process.exit(code));
  }
  try {
    await work();
  } catch (error) {
    report(error);
    process.exit(1);
  }
}

/** Does `work` under a name, with the time to expect and the time it took. */
export async function step(what, expected, work) {
  console.log(`${dim('...')} ${what} ${dim(`(${expected})`)}`);
  const started = performance.now();
  try {
    const result = await work();
    console.log(`${green('ok ')} ${what}: ${elapsed(started)}`);
    return result;
  } catch (error) {
    error.step ??= `${what}: failed after ${elapsed(started)}`;
    throw error;
  }
}

/** Seconds since `started`, for people. */
export function elapsed(started) {
  const seconds = (performance.now() - started) / 1000;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/**
 * Runs a command to its end and keeps what it prints. Options: `cwd`, `env` (all of its environment), `input`,
 * `show` (also print it), `check` (fail unless it exits with 0; default true), `advice` (what to do when it fails: a text, or a
 * function that makes one of what the command has printed),
 * `endSignal` (what ends it when this script is stopped; npm goes on after anything weaker than the default).
 */
export function run(command, args = [], options = {}) {
  const { cwd, env, input, show = false, check = true, advice, endSignal = 'SIGKILL' } = options;
  const child = spawn(command, args, {
    cwd,
    env,
    // A group of its own, so that ending it ends what it has started too.
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  running.set(child, endSignal);
  let stdout = '';
  let output = '';
  const collect = (stream, copy) => stream.setEncoding('utf8').on('data', (text) => {
    output += text;
    if (stream === child.stdout) stdout += text;
    if (show) copy.write(text);
  });
  collect(child.stdout, process.stdout);
  collect(child.stderr, process.stderr);
  child.stdin?.end(input);
  const adviceFor = (printed) => (typeof advice === 'function' ? advice(printed) : advice);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      running.delete(child);
      reject(new Failure(`${command} could not be started: ${error.message}`, adviceFor(error.message)));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (check && code !== 0) {
        const how = signal === null ? `exit code ${code}` : signal;
        reject(new Failure(`\`${[command, ...args].join(' ')}\` ended with ${how}`, adviceFor(output), show ? '' : output));
      } else {
        resolve({ code, stdout, output });
      }
    });
  });
}

/** Shows a failure: where, the end of the log, what is wrong, what to do. */
export function report(error) {
  if (error.step) console.error(`${red('!! ')} ${error.step}`);
  if (!(error instanceof Failure)) {
    console.error(error);
    return;
  }
  const lines = error.log.trimEnd().split('\n');
  if (lines.length > LOG_LINES) console.error(dim(`[${lines.length - LOG_LINES} lines omitted]`));
  if (error.log !== '') console.error(lines.slice(-LOG_LINES).join('\n'));
  console.error(`\n${error.message}`);
  if (error.advice) console.error(`What to do: ${error.advice}`);
}

const LOG_LINES = 60;
const running = new Map();
process.on('exit', () => {
  for (const [child, signal] of running) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
});

function paint(code, text) {
  return process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[${code}m${text}\x1b[0m` : text;
}

function dim(text) {
  return paint(2, text);
}

function red(text) {
  return paint(31, text);
}

function green(text) {
  return paint(32, text);
}
