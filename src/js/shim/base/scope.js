// Scope values in options.
import { invalidOption } from './readers.js';

/** Reads scope values from a space-separated text or an array (RFC 6749 section 3.3); none for undefined. */
export function readScope(value) {
  if (value === undefined) return [];
  const scopes = typeof value === 'string' ? value.split(' ') : value;
  // Values outside of the syntax could never be granted.
  const isScope = (scope) => typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);
  if (!(Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope))) {
    throw invalidOption('scope must be scope values with one space between them, or an array of them');
  }
  return [...scopes];
}
