// The calculation that replaces a wait: numbers whose SHA-256 begins with zero bits, as in the manual's page on
// threats. Computed here and not by WebCrypto, whose calls are asynchronous and take far longer than one small hash.

/** The numbers of a proof: many easy ones take about the same time in total, a single hard one does not. */
export const PARTS = 32;

/**
 * Searches the numbers in portions: each `next()` tries up to `tries` of them and yields how many have been found.
 * Returns the proof. `seed` are the 32 bytes that the server chose, `bits` the required zero bits.
 */
export function* solve(seed, bits, tries = 1000) {
  const words = new Int32Array(16);
  const view = new DataView(seed.buffer, seed.byteOffset);
  for (let at = 0; at < 8; at += 1) words[at] = view.getInt32(4 * at);
  // Seed, part and number are 40 bytes; the rest of the block is SHA-256's padding.
  words[10] = 0x80000000;
  words[15] = 320;
  const found = [];
  let left = tries;
  for (let part = 0; part < PARTS; part += 1) {
    words[8] = part;
    for (let number = 0; ; number += 1) {
      words[9] = number;
      if (firstWord(words) >>> (32 - bits) === 0) {
        found.push(number);
        break;
      }
      left -= 1;
      if (left === 0) {
        yield found.length;
        left = tries;
      }
    }
  }
  return found.join('.');
}

const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const schedule = new Int32Array(64);

/** The first word of the SHA-256 of one padded block (FIPS 180-4 section 6.2.2). */
function firstWord(block) {
  const w = schedule;
  for (let t = 0; t < 16; t += 1) w[t] = block[t];
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1 | 0;
  }
  let [a, b, c, d] = [0x6a09e667, 0xbb67ae85 | 0, 0x3c6ef372, 0xa54ff53a | 0];
  let [e, f, g, h] = [0x510e527f, 0x9b05688c | 0, 0x1f83d9ab, 0x5be0cd19];
  for (let t = 0; t < 64; t += 1) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const one = h + s1 + (e & f ^ ~e & g) + K[t] + w[t] | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const two = s0 + (a & b ^ a & c ^ b & c) | 0;
    h = g;
    g = f;
    f = e;
    e = d + one | 0;
    d = c;
    c = b;
    b = a;
    a = one + two | 0;
  }
  return a + 0x6a09e667 | 0;
}
