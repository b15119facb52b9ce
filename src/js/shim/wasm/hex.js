// Hexadecimal.

/** Decodes lower-case hexadecimal digits. */
export function fromHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = digit(text, 2 * place) * 16 + digit(text, 2 * place + 1);
  return bytes;
}

function digit(text, place) {
  const code = text.charCodeAt(place);
  // 0 to 9, or a to f.
  return code < 58 ? code - 48 : code - 87;
}
