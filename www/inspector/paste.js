// Finds the token in pasted text, and decodes its parts for display. Checks nothing: the package does that.

/** The maximum length of a token in bytes: the default of the package's verifier. */
export const MAX_BYTES = 16 * 1024;

/** Returns the token in the pasted text, and a sentence if text around it was removed. */
export function readPaste(text) {
  const trimmed = text.trim();
  const member = tokenInJson(trimmed);
  if (member !== undefined) return { token: member.token, note: `Taken from ${member.name} in the JSON around it.` };
  const [, scheme, rest] = /^((?:authorization:\s*)?bearer\s+)?(.*)$/is.exec(trimmed);
  const bare = rest.replace(/^(["'])(.*)\1$/s, '$2');
  const joined = bare.replace(/\s+/g, '');
  // A terminal breaks long lines. Prose stays unchanged: it is no token either way.
  const isBroken = joined !== bare && /^[\w-]+(\.[\w-]*)+$/.test(joined);
  const notes = [];
  if (scheme !== undefined) notes.push('The word Bearer was removed.');
  if (bare !== rest) notes.push('The quotation marks were removed.');
  if (isBroken) notes.push('Line breaks and spaces were removed.');
  return { token: isBroken ? joined : bare, note: notes.join(' ') };
}

/** How many bytes the verifier would have to read. */
export function byteLength(token) {
  return new TextEncoder().encode(token).length;
}

/**
 * Returns the parts between the dots, and their content: `header` and `claims` are `{ json, members }`, or
 * undefined if they cannot be decoded. Of an encrypted token only the header can.
 */
export function openToken(token) {
  const parts = token.split('.');
  return {
    parts,
    header: parts.length > 1 ? openPart(parts[0]) : undefined,
    claims: parts.length === 3 ? openPart(parts[1]) : undefined,
  };
}

/** The same JSON on lines of its own: every number and every name stays exactly as it was signed. */
export function indentJson(json) {
  let depth = 0;
  // Deeper levels share one indent, or a few bytes of brackets would make megabytes of blanks.
  const line = () => `\n${'  '.repeat(Math.min(depth, 12))}`;
  return json.replace(/"(?:\\.|[^"\\])*"|\{\s*\}|\[\s*\]|[{}[\],:]|\s+/g, (piece) => {
    switch (piece) {
      case '{': case '[':
        depth += 1;
        return piece + line();
      case '}': case ']':
        depth -= 1;
        return line() + piece;
      case ',': return piece + line();
      case ':': return ': ';
      default: return piece.trim();
    }
  });
}

/** The response of a token endpoint (RFC 6749 section 5.1), pasted whole. */
function tokenInJson(text) {
  if (!text.startsWith('{')) return undefined;
  try {
    const answer = JSON.parse(text);
    const name = ['access_token', 'id_token'].find((name) => typeof answer[name] === 'string');
    return name && { name, token: answer[name].trim() };
  } catch {
    return undefined;
  }
}

function openPart(part) {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    const json = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (byte) => byte.charCodeAt(0)));
    const members = JSON.parse(json, keepDigits);
    const isObject = members !== null && typeof members === 'object' && !Array.isArray(members);
    return isObject ? { json, members } : undefined;
  } catch {
    return undefined;
  }
}

/** Integers too large for a double keep the digits that were signed, where the browser knows how. */
function keepDigits(_, value, context) {
  const isRounded = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return isRounded && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}
