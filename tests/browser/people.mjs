// What a person does on the authority's pages, in a real browser, and a client for them to come from. Judges nothing
// but what holds on every page: nothing is asked of strangers, and the browser has no complaint.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { authorizationPath, pkce, redeem, registerPublicClient } from '../workerd/people.mjs';
import { open } from './chromium.mjs';

/**
 * Starts a client's site, on another site than the authority: 127.0.0.1 is not localhost. `pages` are more of its pages:
 * path to `[type, text]`.
 *
 * Gives `{ origin, callback, arrivals, hold, onward, stop() }`. `arrivals` are the answers that came to the callback: each
 * `{ method, parameters }`. While `hold` is a promise, the callback waits for it before it answers; with `onward`, it
 * sends people on to there.
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

/** A page of a client, which asks for no icon. */
export function page(content) {
  return `<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,">${content}`;
}

/**
 * Opens a page in a context of its own, for as long as the test lasts; gives what `open` gives. At the end of the test
 * nothing may have been asked of another origin than `origins`, and the browser must have had nothing to complain of
 * but answers that are refusals.
 */
export async function visit(t, browser, url, { origins, ...options }) {
  const opened = await open(browser, url, options);
  opened.page.context().setDefaultTimeout(15_000);
  t.after(async () => {
    const requests = await Promise.all(opened.seen.requests.map((request) => request.catch(() => undefined)));
    await opened.page.context().close();
    const asked = requests.filter((request) => /^http/.test(request?.url)).map((request) => new URL(request.url).origin);
    assert.deepEqual([...new Set(asked)].filter((origin) => !origins.includes(origin)), [], 'nothing of strangers');
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

/** Redeems the code of the last answer that came to a client. */
export function redeemLast(server, site, client, { proof }) {
  return redeem(server, client, site.arrivals.at(-1).parameters.code, proof, { redirect_uri: site.callback });
}

/** Fills in the sign-in page and sends it. */
export async function signIn(page, { username, password }) {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Answers the consent page. */
export function decide(page, decision) {
  return page.locator(`button[name=decision][value=${decision}]`).click();
}

/** Waits until the person is back at the client. */
export function atClient(page) {
  return page.getByRole('heading', { name: 'At the client' }).waitFor();
}

/** The whole way from a request to the client. */
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

/** Puts another value into a hidden field, and gives the one that was there. */
export function alter(page, name, value) {
  return page.locator(`input[type=hidden][name=${name}]`).first().evaluate((field, other) => {
    const before = field.value;
    field.value = other ?? before;
    return before;
  }, value);
}
