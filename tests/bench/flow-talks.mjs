// The requests of clients, repeatedly: conversations for load.mjs with any OAuth server. Each is one client with one user.
//
// A server is `{ port, authorize, token, client }`: its port, the paths of its two endpoints, and the identifier of
// a public client that is registered there with REDIRECT_URI.
import { sign } from 'node:crypto';
import { JWT_BEARER, grantClaims } from '../workerd/assertion-grants.mjs';
import { DEVICE_GRANT } from '../workerd/devices.mjs';
import { REDIRECT_URI, pkce } from '../workerd/people.mjs';
import { bodyOf, requestBytes } from './load.mjs';

/** Refreshes repeatedly, each time with the latest refresh token. `tokens` are the latest. */
export function refreshing(server, tokens) {
  const ask = ({ refresh_token }) => tokenRequest(server, { grant_type: 'refresh_token', refresh_token });
  const talk = {
    tokens,
    request: ask(tokens),
    next(answer) {
      talk.tokens = JSON.parse(bodyOf(answer));
      return ask(talk.tokens);
    },
  };
  return talk;
}

/** Polls for a device repeatedly, much faster than it may: each response says so. */
export function polling(server, device_code) {
  const request = tokenRequest(server, { grant_type: DEVICE_GRANT, device_code });
  const next = (answer) => {
    if (!/"error":"(authorization_pending|slow_down)"/.test(answer)) throw new Error(`answered:\n${answer}`);
    return request;
  };
  return { request, next };
}

/** Presents assertions with these claims repeatedly, each with a `jti` of its own. */
export function asserting(server, key, { alg, kid }, { iss, sub }, parameters = {}) {
  const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = base64url({ alg, kid });
  const ask = () => {
    const input = `${header}.${base64url(grantClaims(server, iss, sub))}`;
    // Synchronously: a benchmark of the server must not wait for the pool of threads of this process.
    const signature = sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    const body = `${new URLSearchParams({ grant_type: JWT_BEARER, assertion: `${input}.${signature}`, ...parameters })}`;
    const headers = { Host: hostOf(server), 'Content-Type': 'application/x-www-form-urlencoded' };
    return requestBytes({ method: 'POST', path: '/oauth/token', headers, body });
  };
  const next = (answer) => {
    if (!bodyOf(answer).includes('"access_token"')) throw new Error(`answered:\n${answer}`);
    return ask();
  };
  return { request: ask(), next };
}

/** Requests a code with the cookies of a user with a remembered consent, and redeems it: two requests. `tokens` are the latest. */
export function authorizing(server, cookie, scope) {
  const proof = pkce();
  const headers = { Host: hostOf(server), Cookie: cookie };
  const ask = requestBytes({ method: 'GET', path: authorizationPath(server, proof, scope), headers });
  const talk = {
    tokens: undefined,
    request: ask,
    next(answer) {
      const location = answer.match(/^Location: (.*)\r$/mi)?.[1];
      if (location === undefined) {
        talk.tokens = JSON.parse(bodyOf(answer));
        return ask;
      }
      const code = URL.parse(location)?.searchParams.get('code');
      if (!code) throw new Error(`gave no code: ${location}`);
      return tokenRequest(server, {
        grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: proof.verifier,
      });
    },
  };
  return talk;
}

/** The path of an authorization request. */
export function authorizationPath(server, proof, scope, parameters = {}) {
  const query = new URLSearchParams({
    response_type: 'code', client_id: server.client, redirect_uri: REDIRECT_URI, scope, state: 'af0ifjsldkj',
    code_challenge: proof.challenge, code_challenge_method: 'S256', ...parameters,
  });
  return `${server.authorize}?${query}`;
}

/** The Host header of requests to a server. */
export function hostOf({ port }) {
  return `localhost:${port}`;
}

/** A request to the token endpoint by the server's client. */
export function tokenRequest(server, parameters) {
  return requestBytes({
    method: 'POST',
    path: server.token,
    headers: { Host: hostOf(server), 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `${new URLSearchParams({ client_id: server.client, ...parameters })}`,
  });
}
