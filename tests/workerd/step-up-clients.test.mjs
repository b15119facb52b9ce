// The whole loop of RFC 9470 with unmodified clients: an API that the packed package guards demands a passkey, the client reads the
// challenge, sends the user to sign in again, and repeats the request with the new token.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { importFrom, install } from '../package/shared/consumer.mjs';
import { startWorker } from './harness.mjs';
import { Browser, REDIRECT_URI, createUser, registerPublicClient } from './people.mjs';
import { addPasskey, usePasskey } from './passkeys.mjs';
import { INSECURE, rejection } from './relying-party.mjs';
import { visit } from './visit.mjs';

const API = 'https://api.example/payments';
let server;
let client;
let api;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { resources: [API] });
  const { createVerifier, guard } = await importFrom(await install());
  const verifier = createVerifier({ issuer: server.issuer, audience: API });
  const handle = (_request, _env, _context, { claims }) => Response.json({ sub: claims.sub, acr: claims.acr });
  api = guard({ verifier, scope: 'read', acr: ['phr'], maxAge: 300 }, handle);
});

after(() => server?.stop());

/** The API, as a client's `fetch` reaches it. */
const atApi = (url, init) => api(new Request(url, init), {}, {});

/** A user with a passkey, in a browser that is signed in by password; `go` leads through the pages to the client's redirect URI. */
async function person() {
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  const { passkey } = await addPasskey(browser);
  let count = 1;
  const go = async (url) => {
    const { page, answer } = await visit(browser, user, url);
    if (answer !== undefined) return answer;
    assert.match(page.html, /requires a passkey/);
    return new URL((await usePasskey(browser, page, passkey, count += 1)).location);
  };
  return { user, go };
}

/** Runs the loop: `signIn(parameters)` returns an access token, `call(token)` the response of the API or the library's error. */
async function loop(user, signIn, call) {
  const parameters = { scope: 'openid read', resource: API };
  const refused = await rejection(call(await signIn(parameters)));
  const [{ scheme, parameters: challenge }] = refused.cause;
  const { error, acr_values, max_age, scope } = challenge;
  assert.deepEqual([scheme, error, acr_values, max_age, scope], ['bearer', 'insufficient_user_authentication', 'phr', '300', 'read']);
  const response = await call(await signIn({ ...parameters, acr_values, max_age }));
  assert.deepEqual([response.status, await response.json()], [200, { sub: user.id, acr: 'phr' }]);
}

test('oauth4webapi: 401, sign-in with the passkey, 200', async () => {
  const { user, go } = await person();
  const issuer = new URL(server.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const party = { client_id: client.id };
  const signIn = async (parameters) => {
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const url = `${as.authorization_endpoint}?${new URLSearchParams({
      client_id: client.id, response_type: 'code', redirect_uri: REDIRECT_URI, state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
    })}`;
    const code = oauth.validateAuthResponse(as, party, await go(url), state);
    const response = await oauth.authorizationCodeGrantRequest(as, party, oauth.None(), code, REDIRECT_URI, verifier, INSECURE);
    const maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age);
    return (await oauth.processAuthorizationCodeResponse(as, party, response, { maxAge })).access_token;
  };
  await loop(user, signIn, (token) => (
    oauth.protectedResourceRequest(token, 'GET', new URL(API), new Headers(), null, { [oauth.customFetch]: atApi })));
});

test('openid-client: 401, sign-in with the passkey, 200', async () => {
  const { user, go } = await person();
  const config = await openid.discovery(new URL(server.issuer), client.id, {}, openid.None(), { execute: [openid.allowInsecureRequests] });
  config[openid.customFetch] = (url, init) => (url.startsWith(API) ? atApi(url, init) : fetch(url, init));
  const signIn = async (parameters) => {
    const [verifier, state] = [openid.randomPKCECodeVerifier(), openid.randomState()];
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI, state, code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
    });
    const maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, maxAge };
    return (await openid.authorizationCodeGrant(config, await go(url), checks)).access_token;
  };
  await loop(user, signIn, (token) => openid.fetchProtectedResource(config, token, new URL(API), 'GET'));
});
