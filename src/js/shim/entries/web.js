// Entry for browsers and their bundlers: fetches the wasm beside it when first needed.
import { bindApi } from './bind.js';
import { start } from '../wasm/memory.js';
import { webPlatform } from '../platform/platform_web.js';

const TROUBLE = 'edgemint.wasm could not be loaded: serve it beside the script, or import edgemint/inline';

async function loadWasm() {
  // Bundlers recognise this expression and emit the file.
  const url = new URL('./edgemint.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} responded with status ${response.status}`);
  await start(await compile(response));
}

async function compile(response) {
  // Streaming requires the media type, which not every server sends.
  const isStreamable = /^application\/wasm$/i.test(response.headers.get('content-type') ?? '');
  return isStreamable ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(webPlatform(loadWasm, TROUBLE));
export * from './api.js';
