// Output: data on stdout, as tables on a terminal and as JSON otherwise; words on stderr.
import Table from 'cli-table3';
import pc from 'picocolors';
import { masked } from './secrets.js';

/** Borders of nothing: rows can be printed page by page, and copied. */
const PLAIN = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
};
const NARROWEST = 8;

export class Output {
  #stdout;
  #stderr;
  #reveal;

  /** `format`: `table`, `json`, or undefined to choose by the terminal. */
  constructor({ stdout, stderr, format, reveal = false, quiet = false, color }) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#reveal = reveal;
    this.isTable = format === undefined ? Boolean(stdout.isTTY) : format === 'table';
    this.isTerminal = Boolean(stdout.isTTY);
    this.quiet = quiet;
    this.colors = pc.createColors(color ?? (Boolean(stdout.isTTY) && !process.env.NO_COLOR));
    this.talkColors = pc.createColors(color ?? (Boolean(stderr.isTTY) && !process.env.NO_COLOR));
  }

  /** Writes a line for people. */
  say(text) {
    if (!this.quiet) this.#stderr.write(`${text}\n`);
  }

  warn(text) {
    this.#stderr.write(`${this.talkColors.yellow('warning:')} ${printable(text)}\n`);
  }

  fail({ message, hint }) {
    this.#stderr.write(`${this.talkColors.red('error:')} ${printable(message)}\n${hint === undefined ? '' : `${this.talkColors.dim('hint:')} ${printable(hint)}\n`}`);
  }

  /** Writes text as it is. Resolves when the reader has taken it. */
  write(text) {
    return new Promise((resolve, reject) => {
      this.#stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** A record: name and value in two columns, or one JSON document. */
  async record(value) {
    const shown = this.#shown(value);
    if (!this.isTable) return this.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    if (typeof shown !== 'object' || shown === null) return this.write(`${cell('', shown)}\n`);
    const rows = Object.entries(shown).map(([name, member]) => [this.colors.bold(name), cell(name, member)]);
    const names = Math.max(...rows.map(([name]) => widthOf(name)), 0);
    const values = Math.max(...rows.map(([, value]) => widthOf(value)), 1);
    return this.#table(rows, [names, Math.min(values, Math.max(this.#width() - names - 2, 20))], true);
  }

  /**
   * A list, as it arrives: rows under `columns`, each a member or `[title, value of a row]`, or one JSON object a line. `limit` is the
   * most items, by default 100 on a terminal and no limit elsewhere; `more` tells how to get the others. With `isLive` no item waits for
   * the next; with `wraps` long cells are wrapped instead of cut off.
   */
  async list(items, columns, { limit = this.isTable && this.isTerminal ? 100 : Infinity, more = '--limit NUMBER shows more', isLive = false, wraps = false } = {}) {
    const titles = columns.map((column) => (typeof column === 'string' ? column : column[0]));
    let widths;
    let batch = [];
    let count = 0;
    const flush = async () => {
      const rows = batch.map((item) => columns.map((column) => (typeof column === 'string' ? cell(column, item[column]) : column[1](item, this.colors))));
      batch = [];
      if (widths === undefined) {
        widths = widthsOf([titles, ...rows], this.#width());
        await this.#table([titles.map((title) => this.colors.dim(title))], widths);
      }
      if (rows.length > 0) await this.#table(rows, widths, wraps);
    };
    for await (const item of items) {
      if (count === limit) {
        if (this.isTable) await flush();
        this.say(`${count} shown; there are more: ${more}`);
        return count;
      }
      count += 1;
      const shown = this.#shown(item);
      if (!this.isTable) await this.write(`${JSON.stringify(shown)}\n`);
      else if (batch.push(shown) === BATCH || isLive) await flush();
    }
    if (this.isTable && (batch.length > 0 || widths === undefined) && count > 0) await flush();
    if (count === 0) this.say('nothing found');
    return count;
  }

  #shown(value) {
    const shown = this.#reveal ? value : masked(value);
    return this.isTable ? withoutControls(shown) : shown;
  }

  #width() {
    return this.#stdout.columns ?? UNBOUNDED;
  }

  #table(rows, widths, wraps = false) {
    const table = new Table({
      chars: PLAIN, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colWidths: widths,
    });
    // Colours would be counted as text, so coloured cells, which are short, are not wrapped.
    const wrapped = (content) => (wraps && !content.includes('\u001b') ? { content, wordWrap: true, wrapOnWordBoundary: false } : content);
    table.push(...rows.map((row) => row.map(wrapped)));
    return this.write(`${table.toString().split('\n').map((line) => line.trimEnd()).join('\n')}\n`);
  }
}

/** The width of a pipe: nothing is cut off. */
const UNBOUNDED = 100_000;
/** Rows are formatted this many at a time. */
const BATCH = 50;

const TIMES = /(_at|_used|_from|_until|_time|^time|^before|^until|^since|^exp|^iat|^nbf|_issued_at)$/;

/** A value as the text of a cell. */
export function cell(name, value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' && TIMES.test(name) && value > 1e8) return when(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A time in the zone of the user. */
export function when(seconds) {
  const date = new Date(seconds * 1000);
  const pad = (number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** Names come from users: control characters, and those that turn the direction of text, would command the terminal. */
function printable(text) {
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

function withoutControls(value) {
  if (typeof value === 'string') return printable(value).replaceAll('\n', '\ufffd');
  if (Array.isArray(value)) return value.map(withoutControls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [printable(name), withoutControls(member)]));
}

const ESCAPES = /\u001b\[[\d;]*m/g;
const widthOf = (text) => text.replaceAll(ESCAPES, '').length;

/** Column widths for these rows; the widest are narrowed until they fit. */
function widthsOf(rows, room) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]))));
  const over = () => widths.reduce((sum, width) => sum + width + 2, -2) - room;
  for (let excess = over(); excess > 0; excess = over()) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest] <= NARROWEST) break;
    widths[widest] -= 1;
  }
  return widths;
}
