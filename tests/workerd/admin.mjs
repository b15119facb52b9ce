// The operator's requests to a running Worker: registers and changes clients, as the client root.
import { token } from './harness.mjs';
import { bearer, send } from './request.mjs';

/** Requests an admin endpoint; `metadata`, if given, is the JSON body. */
export async function admin(server, method, path, metadata) {
  const { access_token } = await token(server);
  const headers = bearer(access_token);
  if (metadata !== undefined) headers['content-type'] = 'application/json';
  return send(server, path, { method, headers, body: metadata && JSON.stringify(metadata) });
}

/** Registers a client; returns `{ id, secret }` and the whole `information`, or throws. */
export async function registerClient(server, metadata = {}) {
  const { status, text, json } = await admin(server, 'POST', '/admin/clients', metadata);
  if (status !== 201) throw new Error(`no client: ${status} ${text}`);
  return { id: json.client_id, secret: json.client_secret, information: json };
}

/** The path of a client's record. */
export function clientPath(id) {
  return `/admin/clients/${encodeURIComponent(id)}`;
}
