// Inflates a zlib stream (RFC 1950) by the runtime's DecompressionStream, up to a maximum size.
import { newInflater } from '../base/globals.js';
import { joined } from '../fetch/pieces.js';

/** Bytes written at a time: even the best compression makes at most 4 MiB of them. Some runtimes inflate all that they are given at once. */
const SLICE = 4 * 1024;

/** Returns the inflated bytes. Rejects with a RangeError if there are more than `most`, with another error for an invalid or incomplete stream. */
export async function inflate(bytes, most) {
  const { readable, writable } = newInflater();
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  // The same errors reach the reads below.
  const leave = (promise) => void promise.catch(() => {});
  leave(reader.closed);
  leave(writer.closed);
  const pieces = [];
  let length = 0;
  let reading;
  // Reads until the end or, before the last slice, until nothing more arrives for now.
  const drain = async (isLast) => {
    for (;;) {
      reading ??= reader.read();
      const piece = await (isLast ? reading : Promise.race([reading, pause()]));
      if (piece === undefined) return;
      reading = undefined;
      if (piece.done) return;
      length += piece.value.byteLength;
      if (length > most) throw new RangeError('too large');
      pieces.push(piece.value);
    }
  };
  try {
    for (let start = 0; start < bytes.length; start += SLICE) {
      if (start > 0) await drain(false);
      leave(writer.write(bytes.subarray(start, start + SLICE)));
    }
    leave(writer.close());
    await drain(true);
  } catch (thrown) {
    reading?.catch(() => {});
    leave(reader.cancel());
    leave(writer.abort());
    throw thrown;
  }
  const inflated = joined(pieces, length);
  // Not every runtime minds what follows the end.
  if (adler32(inflated) !== bigEndian(bytes.subarray(-4))) throw new TypeError('the checksum does not match');
  return inflated;
}

/** The checksum with which a zlib stream ends (RFC 1950 section 8.2). */
function adler32(bytes) {
  let [low, high] = [1, 0];
  for (let start = 0; start < bytes.length; start += 4096) {
    const end = Math.min(start + 4096, bytes.length);
    for (let place = start; place < end; place += 1) {
      low += bytes[place];
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return high * 65536 + low;
}

function bigEndian(bytes) {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

function pause() {
  return new Promise((resolve) => { setTimeout(resolve); });
}
