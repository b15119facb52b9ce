// The operator's requests to a running Worker: registers and changes clients, as the client root.
import { AdminClient } from '../../src/js/shim/entries/admin.js';
import { received } from './request.mjs';

/** The client of the admin API as `root`. Nothing is repeated or given up: tests see each response. */
export function operator(server, { around = fetch } = {}) {
  return new AdminClient({
    issuer: server.issuer, client: { id: 'root', secret: server.rootSecret }, retries: 0, timeout: 600,
    // A test may give the server another name than its address.
    fetch: (url, init) => around(url.replace(server.issuer, server.url), init),
  });
}

/** Requests an admin endpoint with a new token; `metadata`, if given, is the JSON body. */
export async function admin(server, method, path, metadata) {
  const json = metadata !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(metadata) };
  return received(await operator(server).fetch(path, { method, ...json }));
}

/** Registers a client; returns `{ id, secret }` and the whole `information`, or throws. */
export async function registerClient(server, metadata = {}) {
  const information = await operator(server).createClient(metadata);
  return { id: information.client_id, secret: information.client_secret, information };
}

/** The path of a client's record. */
export function clientPath(id) {
  return `/admin/clients/${encodeURIComponent(id)}`;
}
