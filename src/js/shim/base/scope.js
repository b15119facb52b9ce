// Scope values as options name them.
import { invalidOption } from './readers.js';

/** The values of a text with spaces, or of an array (RFC 6749 section 3.3); none for undefined. */
export function readScope(value) {
  if (value === undefined) return [];
  const scopes = typeof value === 'string' ? value.split(' ') : value;
  // What breaks the syntax could never be granted.
  const isScope = (scope) => typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);
  if (!(Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope))) {
    throw invalidOption('scope must be scope values with one space between them, or an array of them');
  }
  return [...scopes];
}
