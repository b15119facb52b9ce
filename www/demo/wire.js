// A fetch that records requests and responses, as plain values to show and store. Changes nothing.

/**
 * Returns `{ fetch, exchanges, about(caption) }`. Every exchange is `{ caption, request, answer }`: the request with
 * `method`, `url`, `headers` and `body`; the response with `status`, `words`, `headers` and `body`, or `isHidden` for a
 * redirect that the browser hides, or absent if there was none.
 */
export function recordWire() {
  const exchanges = [];
  let next = '';
  return {
    exchanges,
    /** Sets the caption of the next request. */
    about(caption) {
      next = caption;
    },
    async fetch(url, init = {}) {
      const { method = 'GET', headers, body } = init;
      const request = { method, url: String(url), headers: [...new Headers(headers)], body: body ? String(body) : '' };
      const exchange = { caption: next, request };
      next = '';
      exchanges.push(exchange);
      const response = await fetch(url, init);
      exchange.answer = await describe(response);
      return response;
    },
  };
}

async function describe(response) {
  if (response.type === 'opaqueredirect') return { isHidden: true };
  const { status, statusText, headers } = response;
  return { status, words: statusText, headers: [...headers], body: await response.clone().text() };
}
