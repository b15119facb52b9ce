// The program `edgemint`: runs one command and ends with its exit code.
import { readFileSync } from 'node:fs';
import { EXIT, failureOf, usage } from './failures.js';
import { wholeNumber } from './input.js';
import { Output } from './output.js';
import { Profiles } from './profiles.js';
import { failureOfParsing, helpAsJson, marked, program } from './program.js';
import { refuseSecrets } from './secrets.js';
import { Session } from './session.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const argv = process.argv.slice(2);
const interruption = new AbortController();
const streams = { stdout: process.stdout, stderr: process.stderr };
let output = new Output(streams);
/** The command that runs. */
let running;

// The reader of the pipe has what it wanted.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed));
process.once('SIGINT', () => {
  interruption.abort();
  // What does not listen to the signal is ended here.
  setTimeout(() => process.exit(EXIT.interrupted), 200).unref();
});

async function run(row, args, options) {
  running = row.name;
  if (options.json && options.table) throw usage('--json and --table exclude each other');
  const { reveal, quiet } = options;
  output = new Output({ ...streams, reveal, quiet, format: options.json ? 'json' : options.table ? 'table' : undefined });
  const profiles = new Profiles({ warn: (text) => output.warn(text) });
  const session = new Session({ options, profiles, signal: interruption.signal });
  const limit = options.limit === undefined ? {} : { limit: wholeNumber(options.limit, '--limit') };
  await row.run({ output, profiles, session, signal: interruption.signal, version, limit }, args, options);
}

async function main() {
  // Completion requests contain what is being typed.
  if (argv[0] === 'complete') return program({ version, run }).parseAsync(argv, { from: 'user' });
  refuseSecrets(argv);
  const words = argv.filter((word) => !word.startsWith('-'));
  if (argv.includes('--help') && argv.includes('--json')) return output.write(`${JSON.stringify(helpAsJson(words), undefined, 2)}\n`);
  const commands = program({ version, run });
  if (argv.length === 0) return commands.outputHelp();
  try {
    await commands.parseAsync(marked(argv), { from: 'user' });
  } catch (error) {
    if (!error.code?.startsWith?.('commander.')) throw error;
    const failure = failureOfParsing(error, words);
    if (failure !== undefined) throw failure;
  }
}

try {
  await main();
} catch (error) {
  const failure = failureOf(interruption.signal.aborted ? new DOMException('', 'AbortError') : error);
  if (failure.exit === EXIT.usage) failure.hint ??= `edgemint ${running === undefined ? '' : `${running} `}--help`;
  output.fail(failure);
  process.exitCode = failure.exit;
}
