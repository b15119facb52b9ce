// A fetch that writes down what goes over the wire, as plain values to be shown and kept. Changes nothing of it.

/**
 * Gives `{ fetch, exchanges, about(caption) }`. Every exchange is `{ caption, request, answer }`: the request with
 * `method`, `url`, `headers` and `body`; the answer with `status`, `words`, `headers` and `body`, or `isHidden` for a
 * redirect that the browser keeps to itself, or absent where there was none.
 */
export function recordWire() {
  const exchanges = [];
  let next = '';
  return {
    exchanges,
    /** What the next request is for. */
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
