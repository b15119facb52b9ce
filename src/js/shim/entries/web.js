// Entry for browsers and their bundlers: fetches the wasm that lies beside it, when first needed.
import { bindApi } from './bind.js';
import { start } from '../wasm/memory.js';
import { webPlatform } from '../platform/platform_web.js';

const TROUBLE = 'edgemint.wasm could not be loaded: serve it beside the script, or import edgemint/inline';

async function loadWasm() {
  // Bundlers recognise this expression, and put the file where the URL then points.
  const url = new URL('./edgemint.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered with status ${response.status}`);
  await start(await compile(response));
}

async function compile(response) {
  // Streaming insists on the media type, which not every server knows.
  const isStreamable = /^application\/wasm$/i.test(response.headers.get('content-type') ?? '');
  return isStreamable ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(webPlatform(loadWasm, TROUBLE));
export * from './api.js';
