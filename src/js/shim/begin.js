// The first step of a verification: everything that can be told without the signature.
import { TokenError, toTokenError } from './errors.js';

/** What is to be checked with which key. Asks for newer keys if none of those at hand fits. */
export async function begin(token, source, settings) {
  const { generation } = source;
  const waiting = source.prepare();
  if (waiting !== undefined) await waiting;
  try {
    return beginNow(token, source, settings);
  } catch (thrown) {
    const refusal = toTokenError(thrown);
    if (refusal.code !== 'key_not_found' || !(await source.renew(generation))) throw refusal;
    return beginNow(token, source, settings);
  }
}

/** Nothing is awaited in here: the slot counts for the imported keys of the very same key set. */
function beginNow(token, source, settings) {
  const verification = source.core.begin(token, readClock(settings));
  return { verification, slot: verification.slot, imported: source.imported };
}

/** Later than any claim may be: whoever returns milliseconds is told. */
const LATEST = 253_402_300_799;

/** The time in seconds, by the caller's clock. */
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
