// Gives every request an isolate of its own, which verifies its first token. The first request has the isolates' code, by name.
const codes = new Map();
let count = 0;

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    if (request.method === 'PUT') {
      const { compatibilityDate, main, wasm } = await request.json();
      const modules = { 'main.js': main };
      for (const [file, base64] of Object.entries(wasm)) modules[file] = { wasm: bytesOf(base64).buffer };
      codes.set(name, { compatibilityDate, mainModule: 'main.js', modules });
      return new Response('known');
    }
    count += 1;
    return env.LOADER.get(`${name}-${count}`, () => codes.get(name)).getEntrypoint().fetch(request);
  },
};

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
