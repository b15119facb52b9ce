// A user's actions on the server's pages, in a real browser, and a client's site. Its only assertions hold on every page: no
// request goes to another origin, and the browser reports nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { authorizationPath, pkce, redeem, registerPublicClient } from '../workerd/people.mjs';
import { open } from './chromium.mjs';

/**
 * Starts a client's site, on another site than the server: 127.0.0.1 is not localhost. `pages` are more of its pages:
 * path to `[type, text]`.
 *
 * Returns `{ origin, callback, arrivals, hold, onward, stop() }`. `arrivals` are the responses that reached the callback: each
 * `{ method, parameters }`. While `hold` is a promise, the callback waits for it before it responds; with `onward`, it
 * redirects there.
 */
export async function startClient(pages = {}) {
  const client = { arrivals: [], hold: undefined };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, client.origin);
    let [type, text] = pages[url.pathname] ?? [];
    if (url.pathname === '/cb' && type === undefined) {
      let body = '';
      for await (const chunk of request) body += chunk;
      const parameters = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
      client.arrivals.push({ method: request.method, parameters: Object.fromEntries(parameters) });
      await client.hold;
      if (client.onward !== undefined) return response.writeHead(303, { location: client.onward }).end();
      [type, text] = ['text/html', page('<h1>At the client</h1>')];
    }
    if (type === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client.origin = `http://127.0.0.1:${server.address().port}`;
  client.callback = `${client.origin}/cb`;
  client.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return client;
}

/** A page of a client, which requests no icon. */
export function page(content) {
  return `<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,">${content}`;
}

/**
 * Opens a page in a context of its own, for as long as the test lasts; returns what `open` returns. At the end of the test
 * no request may have gone to another origin than `origins`, and the browser must have reported nothing but responses
 * that are refusals.
 */
export async function visit(t, browser, url, { origins, ...options }) {
  const opened = await open(browser, url, options);
  opened.page.context().setDefaultTimeout(15_000);
  t.after(async () => {
    const requests = await Promise.all(opened.seen.requests.map((request) => request.catch(() => undefined)));
    await opened.page.context().close();
    const asked = requests.filter((request) => /^http/.test(request?.url)).map((request) => new URL(request.url).origin);
    assert.deepEqual([...new Set(asked)].filter((origin) => !origins.includes(origin)), [], 'no request to another origin');
    const refusal = /^Failed to load resource: the server responded with a status of 4\d\d /;
    assert.deepEqual(opened.seen.complaints.filter((complaint) => !refusal.test(complaint)), []);
  });
  return opened;
}

/** Registers a public client at this site. */
export function registerAt(server, site, metadata = {}) {
  return registerPublicClient(server, { redirect_uris: [site.callback], ...metadata });
}

/** An authorization request of a client at its site: `{ url, proof }`. */
export function requestOf(server, site, client, parameters = {}) {
  const proof = pkce();
  const path = authorizationPath(client, proof, { redirect_uri: site.callback, ...parameters });
  return { url: server.url + path, proof };
}

/** Redeems the code of the last response that reached a client. */
export function redeemLast(server, site, client, { proof }) {
  return redeem(server, client, site.arrivals.at(-1).parameters.code, proof, { redirect_uri: site.callback });
}

/** Fills in the sign-in page and sends it. */
export async function signIn(page, { username, password }) {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Submits the consent page. */
export function decide(page, decision) {
  return page.locator(`button[name=decision][value=${decision}]`).click();
}

/** Waits until the user is back at the client. */
export function atClient(page) {
  return page.getByRole('heading', { name: 'At the client' }).waitFor();
}

/** The whole flow from a request to the client. */
export async function goThrough(page, user, { url }) {
  await page.goto(url);
  await signIn(page, user);
  await decide(page, 'allow');
  await atClient(page);
}

/** The level-1 heading of the page, once it is there. */
export function heading(page, name) {
  return page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Replaces the value of a hidden field, and returns the previous one. */
export function alter(page, name, value) {
  return page.locator(`input[type=hidden][name=${name}]`).first().evaluate((field, other) => {
    const before = field.value;
    field.value = other ?? before;
    return before;
  }, value);
}
