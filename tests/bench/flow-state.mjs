// Creates users, sessions and grants in servers, for the benchmark of the flows.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../.scripts/toolbox.mjs';
import { freePort, startWorker, token } from '../workerd/harness.mjs';
import { Browser, REDIRECT_URI, authorize, createUser, pkce, registerPublicClient } from '../workerd/people.mjs';
import { authorizationPath, authorizing, hostOf } from './flow-talks.mjs';
import { load, requestBytes } from './load.mjs';

/** A file system in memory, if there is one. */
const MEMORY = '/dev/shm';
export const hasMemory = existsSync(MEMORY);

/**
 * Starts our Worker on empty state, `inMemory` if possible; returns what the harness returns, and `client`, which
 * registers a public client and returns it as a server for conversations.
 */
export async function startOurs({ inMemory = false, beside = [] } = {}) {
  const port = await freePort();
  const persist = mkdtempSync(join(inMemory && hasMemory ? MEMORY : tmpdir(), 'edgemint-'));
  const forget = () => rmSync(persist, { recursive: true, force: true });
  process.once('exit', forget);
  // Preparing takes longer than an access token is valid by default, and introspection needs an active one.
  const harness = await startWorker({ port, persist, assets: false, logsToFile: true, vars: { ACCESS_TOKEN_TTL: '3600' }, beside });
  const client = async (metadata) => {
    const { id } = await registerPublicClient(harness, metadata);
    return { port, authorize: '/oauth/authorize', token: '/oauth/token', client: id };
  };
  const stop = async () => {
    await harness.stop();
    process.off('exit', forget);
    forget();
  };
  return { ...harness, port, client, stop };
}

/**
 * Creates users in our Worker who have a session, and have allowed `server`'s client this scope; returns each one's cookies.
 * Each has a password, and so costs two runs of Argon2.
 */
export async function ourPeople(ours, server, scope, count) {
  const cookies = [];
  for (let made = 0; made < count; made += 1) {
    const browser = new Browser(ours);
    const { code } = await authorize(browser, await createUser(ours), { id: server.client }, pkce(), { scope });
    assert.ok(code);
    cookies.push(cookiesOf(browser));
  }
  return cookies;
}

/** Creates users without a password: they exist, without session and grant. */
export async function ballast(ours, count) {
  const { access_token: admin } = await token(ours);
  const headers = { Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json' };
  const conversations = Array.from({ length: Math.min(count, 16) }, (_, connection) => {
    let made = 0;
    const create = () => {
      made += 1;
      const body = JSON.stringify({ username: `ballast-${connection}-${made}` });
      return requestBytes({ method: 'POST', path: '/admin/users', headers, body });
    };
    const next = (answer) => {
      assert.ok(answer.startsWith('HTTP/1.1 201 '), answer);
      return create();
    };
    return { request: create(), next };
  });
  if (count > 0) await load({ port: ours.port, conversations, answers: Math.ceil(count / conversations.length) });
}

/** Creates a number of grants for each of these users, with remembered consent; returns the tokens of each one's last. */
export async function grants(server, cookies, scope, count) {
  const conversations = cookies.map((cookie) => authorizing(server, cookie, scope));
  await load({ port: server.port, conversations, answers: 2 * count });
  return conversations.map(({ tokens }) => tokens);
}

/** Registers a client at the Worker with @cloudflare/workers-oauth-provider. */
export async function oauthProviderClient(port) {
  const response = await fetch(`http://localhost:${port}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Benchmark', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }),
  });
  const text = await response.text();
  assert.equal(response.status, 201, text);
  return { port, authorize: '/authorize', token: '/token', client: JSON.parse(text).client_id };
}

/** Starts oidc-provider; returns it as a server, with `stop`. */
export async function startOidcProvider() {
  const port = await freePort();
  const script = join(root, 'tests', 'bench', 'oidc-provider.mjs');
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn(process.execPath, [script, `${port}`], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { complaints += text; });
  const closed = once(child, 'close');
  const listening = new Promise((resolve) => {
    child.stdout.on('data', (text) => { if (`${text}`.includes('listening')) resolve(true); });
  });
  if (await Promise.race([listening, closed]) !== true) throw new Error(`oidc-provider did not start: ${complaints}`);
  const stop = async () => {
    process.off('exit', end);
    end();
    await closed;
  };
  return { port, authorize: '/auth', token: '/token', client: 'app', stop };
}

/** Creates users in oidc-provider who have a session and have consented to everything; returns each one's cookies. */
export async function oidcProviderPeople(server, scope, count) {
  const cookies = [];
  for (let made = 0; made < count; made += 1) {
    const url = `http://${hostOf(server)}`;
    const browser = new Browser({ url, issuer: url });
    const path = authorizationPath(server, pkce(), scope, { login_hint: `user-${made}`, prompt: 'consent' });
    const page = await browser.open(path);
    assert.ok(page.location?.startsWith(`${REDIRECT_URI}?code=`), `${page.status} ${page.location} ${page.html}`);
    cookies.push(cookiesOf(browser));
  }
  return cookies;
}

function cookiesOf(browser) {
  return [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}
