// HTTP requests to a running Worker, and their responses as plain values. Contains no assertions.

/** Sends a request; returns `{ status, headers, text, json }`. `json` is present only if the content type says so. */
export async function send(server, path, init = {}) {
  return received(await fetch(`${server.url}${path}`, { redirect: 'manual', ...init }));
}

/** A response as `send` returns it. */
export async function received(response) {
  const text = await response.text();
  const headers = Object.fromEntries(response.headers);
  // Added by the connection, not by the Worker.
  for (const name of ['connection', 'date', 'keep-alive']) delete headers[name];
  const isJson = /^application\/([a-z-]+\+)?json$/.test(headers['content-type'] ?? '');
  return { status: response.status, headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

/** Posts a form: its text as it is, or any argument of URLSearchParams. */
export function postForm(server, path, form, headers = {}) {
  return send(server, path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : `${new URLSearchParams(form)}`,
  });
}

/** The headers with a client's secret as most clients send it: not percent-encoded. */
export function basic({ id, secret }) {
  return { authorization: `Basic ${btoa(`${id}:${secret}`)}` };
}

/** The headers with an access token. */
export function bearer(token) {
  return { authorization: `Bearer ${token}` };
}

/** Resolves once `condition` returns something true, and returns that; retries for at most `seconds`. */
export async function until(condition, what, seconds = 60) {
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    const result = await condition();
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain: ${what}`);
}
