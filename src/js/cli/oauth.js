// The OAuth requests of the command line, by oauth4webapi: metadata, sign-in in a browser and by device, refresh, introspection, revocation.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import * as oauth from 'oauth4webapi';
import { EXIT, CliFailure, interrupted, refused, usage } from './failures.js';

/** The client of the command line, unless `--client-id` names another. */
export const CLI_CLIENT = 'edgemint-cli';
export const ADMIN_SCOPE = 'edgemint:admin';
/** Its metadata; the port of the redirect URI is free (RFC 8252 section 7.3). */
export const CLI_METADATA = {
  client_id: CLI_CLIENT,
  client_name: 'Edgemint command line',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: ['http://127.0.0.1/callback'],
  scope: ADMIN_SCOPE,
};

const TIMEOUT_MS = 30_000;
const SIGN_IN_MS = 10 * 60_000;

/** Options of requests to this issuer: http is for this machine alone. */
function requestOptions(issuer, signal) {
  return {
    [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
    signal: () => (signal === undefined ? AbortSignal.timeout(TIMEOUT_MS) : AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])),
  };
}

/** The metadata of the issuer (RFC 8414). */
export async function metadataOf(issuer, signal) {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...requestOptions(issuer, signal), algorithm: 'oauth2' }));
}

/** What a profile keeps of a token response. */
function tokensOf({ access_token, refresh_token, expires_in, scope }, before = {}) {
  return {
    ...before,
    access_token,
    expires_at: Math.floor(Date.now() / 1000) + (expires_in ?? 0),
    ...(refresh_token !== undefined && { refresh_token }),
    ...(scope !== undefined && { scope }),
  };
}

/** Signs in with the authorization code flow, PKCE and a redirect to this machine (RFC 8252). */
export async function signInByBrowser({ issuer, clientId, output, signal, open = openBrowser }) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id: clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const listening = await listen(signal);
  try {
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: clientId, response_type: 'code', redirect_uri: listening.redirectUri, scope: ADMIN_SCOPE, resource: issuer, state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    });
    output.say(`Sign in in the browser. If none opens, open this address on this machine:\n\n  ${url}\n`);
    open(`${url}`);
    const { callback, reply } = await listening.callback;
    try {
      const parameters = oauth.validateAuthResponse(as, client, callback, state);
      const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, listening.redirectUri, verifier, requestOptions(issuer, signal));
      const tokens = tokensOf(await oauth.processAuthorizationCodeResponse(as, client, response));
      reply('You are signed in. Close this page and return to the terminal.');
      return tokens;
    } catch (error) {
      reply('The sign-in failed. The terminal says why.');
      throw error;
    }
  } finally {
    listening.close();
  }
}

/** Listens on the loopback address for one response to an authorization request. */
async function listen(signal) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${server.address().port}/callback`;
  const callback = new Promise((resolve, reject) => {
    server.on('request', (request, response) => {
      const url = new URL(request.url, redirectUri);
      // Browsers request icons, too; and any page can send requests here.
      if (request.method !== 'GET' || url.pathname !== '/callback') return response.writeHead(404).end();
      const reply = (text) => response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', connection: 'close' }).end(`${text}\n`);
      resolve({ callback: url, reply });
    });
    const late = AbortSignal.timeout(SIGN_IN_MS);
    late.addEventListener('abort', () => reject(new CliFailure(EXIT.signIn, 'no sign-in within ten minutes', 'edgemint login')));
    signal?.addEventListener('abort', () => reject(interrupted()));
  });
  callback.catch(() => {});
  return { redirectUri, callback, close: () => { server.close(); server.closeIdleConnections(); } };
}

const OPENERS = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };

function openBrowser(url) {
  const [command, ...args] = process.env.BROWSER ? [process.env.BROWSER] : OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  // The address was printed.
  child.on('error', () => {});
  child.unref();
}

/** Signs in with a code that is entered on any device (RFC 8628). */
export async function signInByDevice({ issuer, clientId, output, signal }) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id: clientId };
  const parameters = new URLSearchParams({ scope: ADMIN_SCOPE, resource: issuer });
  const started = await oauth.processDeviceAuthorizationResponse(as, client,
    await oauth.deviceAuthorizationRequest(as, client, oauth.None(), parameters, requestOptions(issuer, signal)));
  output.say(`Open ${started.verification_uri} on any device and enter the code\n\n  ${output.talkColors.bold(started.user_code)}\n\nor open ${started.verification_uri_complete}`);
  let interval = started.interval ?? 5;
  for (const end = Date.now() + started.expires_in * 1000; Date.now() < end;) {
    await pause(interval * 1000, undefined, { signal });
    try {
      const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, requestOptions(issuer, signal));
      return tokensOf(await oauth.processDeviceCodeResponse(as, client, response));
    } catch (error) {
      if (error.error === 'slow_down') interval += 5;
      else if (error.error === 'access_denied') throw refused('the user denied the request');
      else if (error.error !== 'authorization_pending') throw error;
    }
  }
  throw new CliFailure(EXIT.signIn, 'the code has expired', 'edgemint login --device');
}

/** A token for the client itself (RFC 6749 section 4.4). */
export async function clientToken({ issuer, clientId, secret, scope, resource = issuer, signal }) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id: clientId };
  const parameters = new URLSearchParams({ ...(scope !== undefined && { scope }), resource });
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic(secret), parameters, requestOptions(issuer, signal));
  return tokensOf(await oauth.processClientCredentialsResponse(as, client, response));
}

/** The profile with new tokens, by its refresh token. */
export async function refreshed({ issuer, client_id, refresh_token, ...profile }, signal) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id };
  const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refresh_token, requestOptions(issuer, signal));
  return tokensOf(await oauth.processRefreshTokenResponse(as, client, response), { issuer, client_id, refresh_token, ...profile });
}

/** Introspection (RFC 7662) as a client with a secret. */
export async function introspected({ issuer, clientId, secret, token, signal }) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id: clientId };
  const response = await oauth.introspectionRequest(as, client, oauth.ClientSecretBasic(secret), token, requestOptions(issuer, signal));
  return oauth.processIntrospectionResponse(as, client, response);
}

/** Revokes the refresh token of a profile, or else its access token (RFC 7009). */
export async function revoked({ issuer, client_id, client_secret, refresh_token, access_token }, signal) {
  const as = await metadataOf(issuer, signal);
  const client = { client_id };
  const authentication = client_secret === undefined ? oauth.None() : oauth.ClientSecretBasic(client_secret);
  const response = await oauth.revocationRequest(as, client, authentication, refresh_token ?? access_token, requestOptions(issuer, signal));
  await oauth.processRevocationResponse(response);
}

/** An issuer as it was typed: an origin, https, or http on this machine. */
export function issuerOf(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname);
  const isPlain = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (!isPlain || !(url.protocol === 'https:' || (url.protocol === 'http:' && isHere))) {
    throw usage(`${text} is no issuer`, 'an issuer is an origin such as https://auth.example.com; http is for this machine alone');
  }
  return url.origin;
}
