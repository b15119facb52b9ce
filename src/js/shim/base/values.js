// Values in options: lists of scope values and authentication context classes, seconds, and functions.
import { invalidOption } from './readers.js';

/**
 * Reads the values of an option from a space-separated text or an array; none for undefined. Their syntax is that of scope values
 * (RFC 6749 section 3.3), so that every client reads them alike in a quoted string.
 */
export function readValues(name, value) {
  if (value === undefined) return [];
  const values = typeof value === 'string' ? value.split(' ') : value;
  // Scope values outside of the syntax could never be granted.
  const isValue = (one) => typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one);
  if (!(Array.isArray(values) && values.length > 0 && values.every(isValue))) {
    throw invalidOption(`${name} must be values with one space between them, or an array of them`);
  }
  return [...values];
}

/** Reads an optional number of whole seconds. */
export function readSeconds(name, value, least = 0) {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
    throw invalidOption(`${name} must be a whole number of seconds, at least ${least}`);
  }
  return value;
}

export function readFunction(name, value) {
  if (typeof value !== 'function') throw invalidOption(`${name} must be a function`);
  return value;
}
