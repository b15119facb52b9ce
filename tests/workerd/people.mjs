// A user's actions at a running Worker, in plain HTTP: a browser that keeps cookies and sends forms, without script; and a client's
// requests that follow. Contains no assertions.
import { createHash, randomBytes } from 'node:crypto';
import { admin, registerClient } from './admin.mjs';
import { basic, postForm } from './request.mjs';

export const REDIRECT_URI = 'https://app.example/cb';
export const PASSWORD = 'correct horse battery staple';

/** Creates a user, by default with every scope; returns `{ id, username, password }`. */
export async function createUser(server, description = {}) {
  const username = `user-${randomBytes(6).toString('hex')}`;
  const user = { username, password: PASSWORD, scope: null, ...description };
  const { status, text, json } = await admin(server, 'POST', '/admin/users', user);
  if (status !== 201) throw new Error(`no user: ${status} ${text}`);
  return { id: json.id, username: user.username, password: user.password };
}

/** Registers a public client that signs users in. */
export function registerPublicClient(server, metadata = {}) {
  return registerClient(server, {
    client_name: 'Test app', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'], scope: 'openid profile email offline_access read write', ...metadata,
  });
}

/** A browser without script: `open` and `submit` follow redirects as long as they stay on the server. */
export class Browser {
  constructor(server, headers = {}) {
    this.server = server;
    this.headers = headers;
    this.cookies = new Map();
  }

  /** Opens a page; returns `{ status, headers, url, html, location }`, `location` for a redirect that leaves the server. */
  async open(target, init = {}) {
    let url = new URL(target, this.server.url);
    let request = init;
    for (let hops = 0; hops < 10; hops += 1) {
      const headers = { ...this.headers, ...request.headers };
      if (this.cookies.size > 0) headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(url, { ...request, headers, redirect: 'manual' });
      const html = await response.text();
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
        if (/Max-Age=0/.test(cookie)) this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
      const location = response.headers.get('location');
      const page = { status: response.status, headers: response.headers, url, html, location };
      if (location === null) return page;
      const next = new URL(location, url);
      if (next.origin !== url.origin || init.stop) return { ...page, location: `${next}` };
      url = next;
      request = {};
    }
    throw new Error('too many redirects');
  }

  /** Sends the form of a page with these fields added; `button` chooses by `name=value`. */
  submit(page, fields = {}, { action, ...init } = {}) {
    const form = formOf(page, action);
    const body = new URLSearchParams({ ...form.fields, ...fields });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: this.server.issuer };
    return this.open(new URL(form.action, page.url), { method: 'POST', headers, body: `${body}`, ...init });
  }

  /** Signs in at the page that a request leads to. */
  async signIn(user, target = '/account') {
    const page = await this.open(target);
    return this.submit(page, { username: user.username, password: user.password });
  }
}

/** Sends a form of the test's own making with the browser's cookies; `headers` may set its origin. */
export function post(browser, path, fields, headers = {}) {
  const all = { 'content-type': 'application/x-www-form-urlencoded', origin: browser.server.issuer, ...headers };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return browser.open(path, { method: 'POST', headers: Object.fromEntries(present), body: `${new URLSearchParams(fields)}` });
}

/** The hidden fields by which the forms of a page prove their origin. */
export function csrfOf(page) {
  return formOf(page).fields.csrf;
}

/** The form of a page that has this action, or the only one: its action and its hidden fields. */
export function formOf(page, action) {
  const forms = [...page.html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, attributes, inner]) => ({
    action: attribute(attributes, 'action') ?? '',
    fields: Object.fromEntries([...inner.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag)
      .filter((tag) => attribute(tag, 'type') === 'hidden' && attribute(tag, 'name') !== undefined)
      .map((tag) => [attribute(tag, 'name'), attribute(tag, 'value') ?? ''])),
  }));
  const found = forms.filter((form) => action === undefined || form.action === action);
  if (found.length === 0) throw new Error(`no form${action ? ` to ${action}` : ''} at ${page.url} (${page.status}): ${page.html.slice(0, 500)}`);
  return found[0];
}

function attribute(tag, name) {
  const value = tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
  return value?.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** A PKCE pair. */
export function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The path of an authorization request; undefined members are left out. */
export function authorizationPath(client, proof, parameters = {}) {
  const all = {
    response_type: 'code', client_id: client.id, redirect_uri: REDIRECT_URI, scope: 'openid read', state: 'state-1',
    code_challenge: proof.challenge, code_challenge_method: 'S256', ...parameters,
  };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return `/oauth/authorize?${new URLSearchParams(present)}`;
}

/** Takes a browser through the sign-in and consent pages that it meets; returns the parameters of the client's response. */
export async function authorize(browser, user, client, proof, parameters = {}) {
  let page = await browser.open(authorizationPath(client, proof, parameters));
  for (let steps = 0; steps < 3 && page.location === null; steps += 1) {
    if (/name="password"/.test(page.html)) page = await browser.submit(page, { username: user.username, password: user.password });
    else if (/name="decision"/.test(page.html)) page = await browser.submit(page, { decision: 'allow' });
    else break;
  }
  if (page.location === null) throw new Error(`no answer: ${page.status} at ${page.url} ${page.html.slice(0, 800)}`);
  return Object.fromEntries(new URL(page.location).searchParams);
}

/** Redeems a code. */
export function redeem(server, client, code, proof, parameters = {}) {
  return tokenRequest(server, client, {
    grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: proof.verifier, ...parameters,
  });
}

/** Refreshes. */
export function refresh(server, client, token, parameters = {}) {
  return tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: token, ...parameters });
}

/** Sends a token request as a client, public or with a secret. Undefined parameters are left out. */
export function tokenRequest(server, client, parameters) {
  const present = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
  const form = client.secret === undefined ? { client_id: client.id, ...present } : present;
  return postForm(server, '/oauth/token', form, client.secret === undefined ? {} : basic(client));
}

/** The whole flow: a new browser, sign-in, consent, code, tokens. Returns `{ browser, tokens, code, proof }`. */
export async function signInAndRedeem(server, user, client, parameters = {}) {
  const browser = new Browser(server);
  const proof = pkce();
  const { code, error, error_description } = await authorize(browser, user, client, proof, parameters);
  if (code === undefined) throw new Error(`no code: ${error} ${error_description}`);
  const redirect_uri = parameters.redirect_uri ?? REDIRECT_URI;
  const { status, text, json } = await redeem(server, client, code, proof, { redirect_uri });
  if (status !== 200) throw new Error(`no tokens: ${status} ${text}`);
  return { browser, tokens: json, code, proof };
}
