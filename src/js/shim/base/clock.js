// The time by the caller's clock.
import { TokenError } from './errors.js';

/** Later than any claim may be: whoever returns milliseconds is told. */
const LATEST = 253_402_300_799;

/** In seconds, with their fraction: the times in a token may have one too (RFC 7519 section 2). */
export function readClock({ now }) {
  let seconds;
  try {
    seconds = now();
  } catch (cause) {
    throw new TokenError('invalid_option', 'now threw an error', { cause });
  }
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= LATEST)) {
    throw new TokenError('invalid_option', 'now must return the time in seconds');
  }
  return seconds;
}

export function systemTime() {
  return Date.now() / 1000;
}
