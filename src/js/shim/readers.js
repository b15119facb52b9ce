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

export function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
