// Codes, refresh tokens and their cost, as clients see them: shared by the tests about grants.
import assert from 'node:assert/strict';
import { registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { REDIRECT_URI, authorize, pkce, redeem, registerPublicClient, tokenRequest } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

/** The scope of grants that end with the session, and of offline grants. */
export const ONLINE = { scope: 'openid read' };
export const OFFLINE = { scope: 'openid read offline_access' };

/** Registers a client that signs users in and has a secret. */
export function registerConfidentialClient(server, metadata = {}) {
  return registerPublicClient(server, { token_endpoint_auth_method: 'client_secret_basic', ...metadata });
}

/** A client that only introspects tokens: any authenticated client may. */
export function registerResourceServer(server) {
  return registerClient(server, { client_name: 'Resource server' });
}

/** A code from a browser that is signed in or signs in; returns `{ code, proof }`, or throws. */
export async function newCode(browser, user, client, parameters = OFFLINE) {
  const proof = pkce();
  const { code, error } = await authorize(browser, user, client, proof, parameters);
  if (code === undefined) throw new Error(`no code: ${error}`);
  return { code, proof };
}

/** Another grant of the same browser; returns its tokens, or throws. */
export async function newGrant(server, browser, user, client, parameters = OFFLINE) {
  const { code, proof } = await newCode(browser, user, client, parameters);
  const { status, text, json } = await redeem(server, client, code, proof, { redirect_uri: parameters.redirect_uri ?? REDIRECT_URI });
  if (status !== 200) throw new Error(`no tokens: ${status} ${text}`);
  return json;
}

/** Runs it this many times concurrently; returns all results. */
export function atOnce(count, work) {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

/** Asserts the response to every code and refresh token that is refused: all have the same bytes. */
export function assertRefused(answer, what) {
  assert.equal(answer.status, 400, what);
  assert.deepEqual(answer.json, {
    error: 'invalid_grant',
    error_description: 'The code, refresh token or assertion is invalid, expired, used, revoked or issued to another client. Start again.',
  }, what);
  assert.equal(answer.headers['cache-control'], 'no-store', what);
}

/** A response without its random parts. */
export function bytes({ status, headers, text }) {
  return { status, headers, text };
}

/** Whether an access token is active: at userinfo, and at introspection by a client that is not its audience. */
export async function standing(server, access_token) {
  const [userinfo, introspection] = await Promise.all([
    send(server, '/oauth/userinfo', { headers: bearer(access_token) }),
    introspect(server, access_token),
  ]);
  return { userinfo: userinfo.status, active: introspection.json.active };
}

export async function assertCounts(server, access_token, what) {
  assert.deepEqual(await standing(server, access_token), { userinfo: 200, active: true }, what);
}

export async function assertEnded(server, access_token, what) {
  assert.deepEqual(await standing(server, access_token), { userinfo: 401, active: false }, what);
}

/** Introspection, by root by default. */
export function introspect(server, token, by = { id: 'root', secret: server.rootSecret }) {
  return postForm(server, '/oauth/introspect', { token }, basic(by));
}

/** Waits until the replay window of so many seconds, which began when these tokens were issued, is over. */
export async function windowOver({ access_token }, window) {
  const { iat } = decode(access_token).claims;
  await until(() => Date.now() / 1000 >= iat + window + 1, 'the end of the replay window');
}

/** Revocation by a client, public or with a secret. */
export function revoke(server, client, token) {
  const form = client.secret === undefined ? { client_id: client.id, token } : { token };
  return postForm(server, '/oauth/revoke', form, client.secret === undefined ? {} : basic(client));
}

/** The grant that an access token names, and the generation of its refresh token. */
export function grantOf(tokens) {
  return decode(tokens.access_token).claims.jti.split('.')[0];
}
export function generation(refresh_token) {
  return Number(refresh_token.split('.')[2]);
}

/** Forged handles, made from a valid one: each differs from it in one respect. */
export function forgeries(handle) {
  const [prefix, rest] = [handle.slice(0, 4), handle.slice(4)];
  const [account, record, number, mac] = rest.split('.');
  const other = (text) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`;
  const made = (...parts) => prefix + parts.join('.');
  return {
    'another MAC': made(account, record, number, other(mac)),
    'another account': made(other(account), record, number, mac),
    'another grant': made(account, other(record), number, mac),
    'the next generation': made(account, record, Number(number) + 1, mac),
    'the generation before': made(account, record, Number(number) - 1, mac),
    'the generation written otherwise': made(account, record, `0${number}`, mac),
    'without the MAC': made(account, record, number),
    'an empty MAC': made(account, record, number, ''),
    'a part too many': `${handle}.x`,
    'a character too many': `${handle}A`,
    'a character too few': handle.slice(0, -1),
    'a space behind': `${handle} `,
    'without the prefix': rest,
    'the prefix alone': prefix,
    'a prefix in capitals': prefix.toUpperCase() + rest,
    garbage: 'garbage',
    'a long text': `${prefix}${'A'.repeat(20_000)}`,
    'no text of ASCII': `${prefix}\u{1f511}`,
  };
}

/** Sends every forgery in place of a code or refresh token; `[what, response]` of each. */
export function askWithForgeries(server, client, handle, form) {
  return Promise.all(Object.entries(forgeries(handle))
    .map(async ([what, forged]) => [what, await tokenRequest(server, client, form(forged))]));
}

/**
 * The cost of `work`, which makes this many `requests`: needs `COST_LOG`. Returns `{ object_calls, kv_reads, rows_read,
 * rows_written }`, the sum over all requests and objects, without work after the response.
 */
export async function cost(server, requests, work) {
  const from = server.logs.length;
  await work();
  const lines = () => server.logs.slice(from).map(costLine).filter((line) => line !== undefined);
  // Each object logs before its request does; but log lines are not ordered with responses, and may arrive later.
  await until(() => lines().filter(({ endpoint }) => endpoint).length >= requests, `${requests} requests in the log`);
  const all = lines();
  assert.equal(all.filter(({ endpoint }) => endpoint).length, requests, 'as many requests as expected');
  const sum = (name) => all.reduce((total, line) => total + (line[name] ?? 0), 0);
  return Object.fromEntries(['object_calls', 'kv_reads', 'rows_read', 'rows_written'].map((name) => [name, sum(name)]));
}

function costLine(line) {
  try {
    const parsed = JSON.parse(line);
    const waitedFor = parsed.background === undefined && parsed.object !== 'events';
    return parsed.event === 'cost' && waitedFor ? parsed : undefined;
  } catch {
    return undefined;
  }
}
