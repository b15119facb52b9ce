// Verifies this many tokens with one verifier; prints the memory of the process at ten points on the way, as JSON. Takes its
// options as JSON: `{ algorithm, verified, cache? }`; with a cache, each token is a new one.
const memories = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...args) {
    super(...args);
    memories.push(this.exports.memory);
  }
};

// Imported now only, because it creates its instances then.
const { createVerifier } = await import('edgemint');
const { AUDIENCE, ISSUER } = await import('./claims.mjs');
const { newKeys, newTokens, sign } = await import('./tokens.mjs');

const POINTS = 10;
const { algorithm, verified, cache } = JSON.parse(process.argv[2]);
const keys = newKeys(algorithm);
const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  cache: cache === undefined ? false : { max: cache },
  ...(algorithm === 'HS256' ? { key: keys.publicJwk } : { jwks: { keys: [keys.publicJwk] } }),
});
// The tokens are valid for an hour, which is longer than the longest run.
const tokens = newTokens(keys, 64);
const points = [];
for (let point = 1; point <= POINTS; point += 1) {
  for (let count = 0; count < verified / POINTS; count += 1) {
    verifier.verifySync(cache === undefined ? tokens[count % tokens.length] : sign(keys));
  }
  global.gc();
  const { heapUsed, rss } = process.memoryUsage();
  const wasm = memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  points.push({ done: verified / POINTS * point, heap: heapUsed, rss, wasm });
}
console.log(JSON.stringify(points));
