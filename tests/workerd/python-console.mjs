// A Python in which a test runs pieces of a program (tests/clients/python/console.py), and the pieces that the manual shows. Contains no
// assertions.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { oldPackages } from '../../.scripts/python.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { startPython } from './python.mjs';

/** Pieces run one after another, in one namespace. */
export class PythonConsole {
  /** `old`: with oauth2client 1.5.2. */
  constructor({ old = false } = {}) {
    this.child = startPython('console.py', [], undefined, old ? { PYTHONPATH: oldPackages } : {});
    this.said = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.said += text; });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Runs statements; rejects with the name and the message of an exception. */
  run(code) {
    return this.#send({ run: code });
  }

  /** Returns the value of an expression, as JSON writes it. */
  get(expression) {
    return this.#send({ get: expression });
  }

  stop() {
    this.child.stdin.end();
  }

  async #send(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value: line } = await this.answers.next();
    if (line === undefined) throw new Error(`Python has ended: ${this.said}`);
    const { value, error, message } = JSON.parse(line);
    if (error !== undefined) throw new Error(`${error}: ${message}`);
    return value;
  }
}

/** The pieces of Python below each heading of a page of the manual. */
export function piecesOf(page) {
  const text = readFileSync(join(root, 'src', 'manual', page), 'utf8');
  const sections = text.split(/^# /m).slice(1).map((section) => {
    const pieces = [...section.matchAll(/^```python\n([^]*?)^```$/gm)].map(([, piece]) => piece);
    return [section.split('\n')[0], pieces];
  });
  return Object.fromEntries(sections.filter(([, pieces]) => pieces.length > 0));
}
