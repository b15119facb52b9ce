// What comes in pieces.

/** All of them in one; `length` is their sum. */
export function joined(pieces, length) {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}
