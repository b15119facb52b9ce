// Shared by all modules that read options.
import { TokenError } from './errors.js';

/** Returns the error for an option that is missing, unknown or invalid. */
export function invalidOption(message) {
  return new TokenError('invalid_option', message);
}

/** Throws for an unknown option: a misspelt check must not be skipped silently. */
export function refuseUnknown(options, names) {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalidOption(`unknown option "${unknown}"`);
}

/** Returns whether the value is a `Uint8Array` of any realm, or a `Buffer`: test runners run code in another realm. */
export function isBytes(value) {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}

export function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
