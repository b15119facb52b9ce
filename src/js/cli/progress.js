// Progress of long work on stderr: a spinner on a terminal, otherwise a line every few seconds.
import { spinner } from '@clack/prompts';

const EVERY_MS = 5000;

/** Shows progress; `update` changes its words, `stop` ends it. Nothing is shown of work that takes less than half a second. */
export function progress(output, words) {
  if (output.quiet) return { update: () => {}, stop: () => {} };
  let current = words;
  if (!process.stderr.isTTY) {
    const timer = setInterval(() => output.say(current), EVERY_MS).unref();
    return { update: (next) => { current = next; }, stop: () => clearInterval(timer) };
  }
  let shown;
  const timer = setTimeout(() => {
    shown = spinner({ output: process.stderr, indicator: 'timer' });
    shown.start(current);
  }, 500).unref();
  return {
    update: (next) => {
      current = next;
      shown?.message(next);
    },
    stop: () => {
      clearTimeout(timer);
      shown?.stop(current);
    },
  };
}
