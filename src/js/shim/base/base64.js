// Bytes and the texts that stand for them.

/** The bytes of base64url that the core has written or found canonical. */
export function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** Unpadded base64url. */
export function toBase64url(bytes) {
  // What Node's own bytes can do by themselves.
  if (typeof bytes.base64urlSlice === 'function') return bytes.base64urlSlice(0, bytes.length);
  // What every Uint8Array can do in engines of today.
  if (typeof bytes.toBase64 === 'function') return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** PEM text of some DER, in lines of 64 (RFC 7468 section 2). */
export function toPem(label, der) {
  return [`-----BEGIN ${label}-----`, ...toBase64(der).match(/.{1,64}/g), `-----END ${label}-----`, ''].join('\n');
}

/** Of however many bytes. */
function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
