// The caller's clock.
import { TokenError } from './errors.js';

/** 9999-12-31: a clock that returns milliseconds is later, and is refused. */
const LATEST = 253_402_300_799;

/** Returns the time in seconds with a fraction, which the times in a token may have too (RFC 7519 section 2). */
export function readClock({ now }) {
  let seconds;
  try {
    seconds = now();
  } catch (cause) {
    throw new TokenError('invalid_option', 'now must not throw', { cause });
  }
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= LATEST)) {
    throw new TokenError('invalid_option', 'now must return the time in seconds');
  }
  return seconds;
}

export function systemTime() {
  return Date.now() / 1000;
}
