// Status lists as an offline verifier reads them, with third-party code: jose verifies the list, another library decodes it.
// Contains no assertions.
import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { send, until } from './request.mjs';

/** The status list entry of a token: `{ idx, uri }`, or undefined. */
export function entryOf(token) {
  return decodeJwt(token).status?.status_list;
}

/** The response at the URL of a list. */
export function fetchList(server, uri, headers = {}) {
  return send(server, new URL(uri).pathname, { headers: { accept: 'application/statuslist+jwt', ...headers } });
}

/** The list at this URL, checked as the specification says: `{ payload, statuses }`. */
export async function readList(server, uri) {
  const { status, text } = await fetchList(server, uri);
  if (status !== 200) throw new Error(`no list: ${status} ${text}`);
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.url));
  const { payload } = await jwtVerify(text, keys, { typ: 'statuslist+jwt', subject: uri, issuer: server.issuer });
  return { payload, statuses: getListFromStatusListJWT(text) };
}

/** The status of a token in its list: 0 is valid, 1 is revoked. */
export async function statusOf(server, token) {
  const { idx, uri } = entryOf(token);
  return (await readList(server, uri)).statuses.getStatus(idx);
}

/** Waits until the list says that a token is revoked; returns how long that took, in seconds. Those who wait at the same time share a reader. */
export async function untilRevoked(server, token, what) {
  const started = performance.now();
  const { idx, uri } = entryOf(token);
  await until(async () => (await readTogether(server, uri)).statuses.getStatus(idx) === 1, `the list says so: ${what}`, 60);
  return (performance.now() - started) / 1000;
}

const reading = new Map();

/** The list as one of several readers: the first of them asks, the others get the same. */
async function readTogether(server, uri) {
  const key = `${server.url} ${uri}`;
  if (!reading.has(key)) reading.set(key, readList(server, uri).finally(() => reading.delete(key)));
  return reading.get(key);
}
