// A stand-in for an upstream OpenID provider, whose responses a test chooses. Contains no assertions.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import * as jose from 'jose';

export const CALLBACK = '/account/sign-in/upstream/callback';

/**
 * Starts a provider. `document` is added to its metadata.
 *
 * Returns `{ issuer, tokenRequests, back(location, answer), publish(keys), stop() }`. `back` takes the URL that a browser was
 * redirected to, and returns the path that leads it back. `answer` is the provider's response to that code: `claims` are added to
 * those of the ID token, which `sign(claims)` signs if present; `userinfo` is an object, or a function that takes
 * `{ issuer, sign }` and returns `{ status, type, body }`. `publish` replaces the keys of the key set; without arguments it
 * restores the provider's own.
 */
export async function startProvider({ document = {} } = {}) {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256');
  const jwk = { ...await jose.exportJWK(publicKey), kid: 'k', alg: 'ES256' };
  const sign = (claims, key = privateKey) => new jose.SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(key);
  const codes = new Map();
  let published = [jwk];
  const tokenRequests = [];
  const http = createServer(async (request, response) => {
    const issuer = `http://localhost:${http.address().port}`;
    const reply = (status, body, type = 'application/json') => {
      response.writeHead(status, { 'content-type': type });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (request.url === '/jwks') return reply(200, { keys: published });
    if (request.url === '/token') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Object.fromEntries(new URLSearchParams(`${Buffer.concat(chunks)}`));
      tokenRequests.push({ authorization: request.headers.authorization, body });
      const { nonce, claims, sign: signed = sign } = codes.get(body.code);
      const now = Math.floor(Date.now() / 1000);
      const idToken = await signed({ iss: issuer, aud: 'em', sub: 'upstream-user', nonce, iat: now, exp: now + 60, ...claims });
      return reply(200, { id_token: idToken, access_token: body.code });
    }
    if (request.url === '/userinfo') {
      const { claims, userinfo } = codes.get(request.headers.authorization?.replace('Bearer ', ''));
      if (typeof userinfo !== 'function') return reply(200, { sub: claims?.sub ?? 'upstream-user', ...userinfo });
      const { status = 200, type, body } = await userinfo({ issuer, sign });
      return reply(status, body, type);
    }
    return reply(200, {
      issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`, ...document,
    });
  });
  http.listen(0);
  await once(http, 'listening');
  return {
    issuer: `http://localhost:${http.address().port}`,
    tokenRequests,
    back(location, answer = {}) {
      const there = new URL(location).searchParams;
      const code = randomBytes(8).toString('hex');
      codes.set(code, { nonce: there.get('nonce'), ...answer });
      return `${CALLBACK}?${new URLSearchParams({ code, state: there.get('state') })}`;
    },
    publish(keys = [jwk]) {
      published = keys;
    },
    stop() {
      http.closeAllConnections();
      http.close();
    },
  };
}

/** Follows the link to the provider on a sign-in page, or starts there directly; returns the URL at the provider. */
export async function depart(browser, page) {
  const link = page?.html.match(/href="(\/account\/sign-in\/upstream[^"]*)"/)[1].replaceAll('&amp;', '&');
  return (await browser.open(link ?? '/account/sign-in/upstream')).location;
}
