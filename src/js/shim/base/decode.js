// Reads a token without checking it: for display, or to choose a verifier. Never for access control.
import { fromBase64url } from './base64.js';
import { TokenError } from './errors.js';
import { TextDecoder } from './globals.js';

const MAX_LENGTH = 1024 * 1024;

/** Returns the unverified header and claims of a compact JWS. */
export function decodeUnverified(token) {
  if (typeof token !== 'string') throw malformed();
  if (token.length > MAX_LENGTH) throw new TokenError('too_large', 'the token is longer than allowed');
  const parts = token.split('.');
  if (parts.length === 5 || token.startsWith('{')) {
    throw new TokenError('unsupported', 'the token uses an unsupported JOSE feature');
  }
  if (parts.length !== 3 || !isBase64url(parts[2])) throw malformed();
  return { header: parseObject(parts[0]), claims: parseObject(parts[1]) };
}

function parseObject(part) {
  if (!isBase64url(part)) throw malformed();
  let value;
  try {
    // A byte order mark is kept, for JSON.parse to refuse.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fromBase64url(part)));
  } catch {
    // The cause is dropped: it quotes the token.
    throw malformed();
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed();
  return value;
}

/** Returns whether the text is canonical, unpadded base64url (RFC 7515 section 2), without stray bits at the end. */
export function isBase64url(text) {
  if (!/^[\w-]*$/.test(text)) return false;
  switch (text.length % 4) {
    case 0: return true;
    case 2: return /[AQgw]$/.test(text);
    case 3: return /[AEIMQUYcgkosw048]$/.test(text);
    default: return false;
  }
}

function malformed() {
  return new TokenError('malformed');
}
