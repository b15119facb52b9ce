// Base64url and PEM.

/** Decodes base64url that the core wrote or found canonical. */
export function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** Encodes as unpadded base64url. */
export function toBase64url(bytes) {
  // A Buffer of Node.
  if (typeof bytes.base64urlSlice === 'function') return bytes.base64urlSlice(0, bytes.length);
  // Recent engines.
  if (typeof bytes.toBase64 === 'function') return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Encodes DER as PEM text, in lines of 64 characters (RFC 7468 section 2). */
export function toPem(label, der) {
  return [`-----BEGIN ${label}-----`, ...toBase64(der).match(/.{1,64}/g), `-----END ${label}-----`, ''].join('\n');
}

/** Encodes any number of bytes: `fromCharCode(...bytes)` would have a limit. */
function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
