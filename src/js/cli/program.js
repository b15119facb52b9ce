// Makes the parser, the help and the completions from the table of commands.
import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError, Option } from 'commander';
import { EXIT, CliFailure } from './failures.js';
import { COMMON_OPTIONS, SERVER_OPTIONS, YES } from './options.js';
import { COMMANDS, GROUPS } from './table.js';

const SUMMARY = 'The command line of Edgemint, an OAuth 2.1 authorization server and OpenID provider.';

/** Returns the options of a row, with those that come with its kind. */
function optionsOf({ options = [], isOffline, destroys }) {
  return [...options, ...(destroys ? [YES] : []), ...(isOffline ? [] : SERVER_OPTIONS), ...COMMON_OPTIONS];
}

const FORM_OF_IDS = /^-[\w-]{20,}$/;
/** No argument of a process can contain it. */
const MARK = '\u0000';

/**
 * Marks the arguments that are identifiers and begin with a hyphen, as one random identifier in 64 does: commander would read them as
 * options. `unmarked` takes the marks away.
 */
export function marked(argv) {
  const known = new Set(COMMANDS.flatMap((row) => optionsOf(row).map(([form]) => form.split(' ')[0])));
  return argv.map((argument) => (FORM_OF_IDS.test(argument) && !known.has(argument) ? MARK + argument : argument));
}

/** Takes the marks from texts, also from those in lists and objects. */
export function unmarked(value) {
  if (typeof value === 'string') return value.replaceAll(MARK, '');
  if (Array.isArray(value)) return value.map(unmarked);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unmarked(member)])) : value;
}

/** The commander program. `run` is called with the row, the arguments by name and the options. */
export function program({ version, run }) {
  const root = plain(new Command('edgemint')).description(SUMMARY).version(version, '--version', 'print the version');
  const groups = new Map();
  const groupOf = (name) => {
    if (!groups.has(name)) groups.set(name, plain(root.command(name)).description(GROUPS[name]));
    return groups.get(name);
  };
  for (const row of COMMANDS) {
    const words = row.name.split(' ');
    const parent = words.length === 1 ? root : groupOf(words[0]);
    const command = plain(parent.command(words.at(-1))).description(row.summary);
    for (const [form, description] of row.arguments ?? []) command.argument(form, description);
    for (const [form, description, choices] of optionsOf(row)) {
      const option = new Option(form, description);
      if (choices) option.choices(choices);
      if (row.repeatable?.includes(option.long)) option.argParser((value, before = []) => [...before, value]);
      command.addOption(option);
    }
    if (row.examples) command.addHelpText('after', `\nExamples:\n${row.examples.map((example) => `  ${example}`).join('\n')}`);
    const names = command.registeredArguments.map((argument) => argument.name().replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase()));
    command.action((...given) => run(row, unmarked(Object.fromEntries(names.map((name, index) => [name, given[index]]))), unmarked(command.opts())));
  }
  tab(root, { completionCommandName: 'completion' });
  return root;
}

/** Errors are thrown, and never printed by commander. */
function plain(command) {
  return command.exitOverride().configureOutput({ writeErr: () => {} }).showSuggestionAfterError(true).helpCommand(false).helpOption('--help', 'show the help');
}

/** The failure of a command line that commander refuses. Help and version are no failures: undefined. */
export function failureOfParsing(error, words) {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0) return undefined;
  const asked = words.filter((word) => !word.startsWith('-')).slice(0, 2).join(' ');
  return new CliFailure(EXIT.usage, unmarked(error.message).replace(/^error: /, '') || 'the command is incomplete', `edgemint ${asked ? `${asked} ` : ''}--help`);
}

/** The commands below the given words, for programs. */
export function helpAsJson(words) {
  const prefix = words.join(' ');
  const found = COMMANDS.filter(({ name }) => prefix === '' || name === prefix || name.startsWith(`${prefix} `));
  return found.map((row) => ({
    command: `edgemint ${row.name}`,
    summary: row.summary,
    arguments: (row.arguments ?? []).map(([form, description]) => ({ form, description })),
    options: optionsOf(row).map(([form, description, choices]) => ({ form, description, ...(choices && { choices }) })),
    ...(row.examples && { examples: row.examples }),
    offline: row.isOffline === true,
    destroys: row.destroys === true,
  }));
}
