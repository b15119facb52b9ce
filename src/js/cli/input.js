// Input: secrets, tokens and JSON from standard input, files and prompts; times in the forms that people write.
import { readFileSync } from 'node:fs';
import { text as streamText } from 'node:stream/consumers';
import { confirm, isCancel, password } from '@clack/prompts';
import { interrupted, usage } from './failures.js';

const MOST_BYTES = 1024 * 1024;
let stdinTaken = false;

/** The text of a file; `-` is standard input, which can be read once. */
export async function textOf(path, what = 'the input') {
  if (path !== '-') return bounded(readFileSync(path, 'utf8'), what);
  if (stdinTaken) throw usage(`standard input was read before: ${what} needs a file`);
  stdinTaken = true;
  if (process.stdin.isTTY) process.stderr.write(`reading ${what} from standard input; end with Ctrl-D\n`);
  return bounded(await streamText(process.stdin), what);
}

function bounded(text, what) {
  if (text.length > MOST_BYTES) throw usage(`${what} is longer than 1 MiB`);
  return text;
}

export async function jsonOf(path, what) {
  const text = await textOf(path, what);
  try {
    return JSON.parse(text);
  } catch {
    throw usage(`${what} must be JSON`);
  }
}

/**
 * A secret: from `--NAME-file`, `--NAME-stdin`, or a prompt on a terminal. Without any of them and `isOptional`, undefined.
 */
export async function secretOf(options, name, { label = name, isOptional = false } = {}) {
  const camel = name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
  const path = options[`${camel}Stdin`] ? '-' : options[`${camel}File`];
  if (path !== undefined) return oneLine(await textOf(path, `the ${label}`), label);
  if (isOptional) return undefined;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw usage(`the ${label} is missing`, `add --${name}-stdin or --${name}-file FILE`);
  return oneLine(answered(await password({ message: `The ${label}`, output: process.stderr })) ?? '', label);
}

function oneLine(text, label) {
  const line = text.replace(/\r?\n$/, '');
  if (line === '' || /[\r\n]/.test(line)) throw usage(`the ${label} must be one line that is not empty`);
  return line;
}

/** Asks before something is destroyed. Without a terminal, `--yes` has to say so. */
export async function confirmed(options, question) {
  if (options.yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw usage(`a confirmation is needed: ${question}`, 'add --yes');
  if (!answered(await confirm({ message: question, initialValue: false, output: process.stderr }))) throw interrupted();
}

function answered(answer) {
  if (isCancel(answer)) throw interrupted();
  return answer;
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds since 1970 of a text: those seconds, an ISO 8601 date, or a span such as `90m` or `7d`, before now or, with `ahead`, after it. */
export function timeOf(text, { ahead = false, now = Date.now() / 1000 } = {}) {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const [, number, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (unit !== undefined) return Math.floor(now + (ahead ? 1 : -1) * Number(number) * UNITS[unit]);
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(date)) throw usage(`${text} is no time`, 'write 2026-11-30, 2026-11-30T18:00:00Z, 90m, 7d, or seconds since 1970');
  return Math.floor(date / 1000);
}

export function wholeNumber(text, name) {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw usage(`${name} must be a whole number of at least 1`);
  return Number(text);
}
