// What all who read options share.
import { TokenError } from './errors.js';

/** An option is missing, unknown or wrong. */
export function invalidOption(message) {
  return new TokenError('invalid_option', message);
}

/** A misspelt check must not go missing. */
export function refuseUnknown(options, names) {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalidOption(`there is no option "${unknown}"`);
}

/** A `Uint8Array` of any realm, a `Buffer` too: test runners run code in a realm of its own. */
export function isBytes(value) {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}

export function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
