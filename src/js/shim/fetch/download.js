// Fetches one document over HTTP: bounded in time and size, without following redirects.
import { TokenError } from '../base/errors.js';
import { joined } from './pieces.js';

const MAX_BYTES = 512 * 1024;

/**
 * Returns the body and the headers of a response with status 200; `bytes` is undefined if the document with this `etag` is current (RFC
 * 9110 section 13.1.2). With an array `missing`, returns undefined for a document that does not exist, and adds the reason to the array.
 * Rejects with a TokenError of this `code` for everything else.
 */
export async function download(url, request) {
  const { fetch, requestInit, signal, code, missing, accept = 'application/json', etag } = request;
  const place = `${url.origin}${url.pathname}`;
  const fail = (what, cause) => new TokenError(code, `${place} ${what}`, { cause });
  const absent = (isAbsent, failure) => {
    if (missing === undefined || !isAbsent) throw failure;
    missing.push(failure);
  };
  // The race is for a caller's `fetch` that ignores the signal.
  const bounded = (promise) => Promise.race([promise, aborted(signal)]);
  let response;
  try {
    response = await bounded(fetch(url.href, {
      ...requestInit,
      headers: { accept, ...(etag !== undefined && { 'if-none-match': etag }) },
      // Not 'error', which workerd does not support. A redirect then has status 3xx, or 0 in browsers.
      redirect: 'manual',
      signal,
    }));
  } catch (cause) {
    // Browsers also report a 404 without CORS headers like this.
    return absent(!signal.aborted, fail(signal.aborted ? 'did not respond in time' : 'could not be reached', cause));
  }
  if (response.status === 304 && etag !== undefined) return { bytes: undefined, headers: response.headers };
  if (response.status !== 200) {
    void response.body?.cancel?.()?.catch?.(() => {});
    const { status } = response;
    const redirects = response.type === 'opaqueredirect' || (status >= 300 && status < 400);
    const failure = fail(redirects ? 'redirects, which is not allowed' : `responded with status ${status}`);
    // A busy or failing server may have the document nevertheless.
    return absent(redirects || (status >= 400 && status < 500 && status !== 429), failure);
  }
  let bytes;
  try {
    bytes = await bounded(readBounded(response));
  } catch (cause) {
    throw fail(signal.aborted ? 'did not respond in time' : 'closed the connection before the end of the response', cause);
  }
  if (bytes === undefined) throw fail(`sent more than ${MAX_BYTES / 1024} KiB`);
  return { bytes, headers: response.headers };
}

/** Returns the body, or undefined if it is too long. Reads it in pieces, so that memory stays within the bound. */
async function readBounded(response) {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(pieces, length);
    length += value.byteLength;
    if (length > MAX_BYTES) {
      void reader.cancel().catch(() => {});
      return undefined;
    }
    pieces.push(value);
  }
}

function aborted(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
