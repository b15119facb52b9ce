// Byte arrays in pieces.

/** Joins the pieces; `length` is the sum of their lengths. */
export function joined(pieces, length) {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}
