// The client of the admin API. See types/admin.d.ts.
import { AdminError, refusedWith } from './admin_error.js';
import { CALLS } from './calls.js';
import { operatorToken } from './operator_token.js';
import { Pages } from './pages.js';

const OPTIONS = ['issuer', 'token', 'client', 'scope', 'fetch', 'timeout', 'retries', 'now'];
/** A longer wait is left to the caller, seconds. */
const LONGEST_WAIT = 30;
/** Repeating these changes no more than the first request did. */
const REPEATABLE = ['GET', 'HEAD', 'PUT'];

export class AdminClient {
  #issuer;
  #fetch;
  #token;
  #timeout;
  #retries;

  constructor(options) {
    const { issuer, token, client, scope = 'edgemint:admin', fetch, timeout = 30, retries = 2, now = () => Date.now() / 1000 } = checked(options);
    this.#issuer = issuer;
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#timeout = timeout;
    this.#retries = retries;
    const send = (url, init, call) => this.#send(url, init, call);
    this.#token = operatorToken({ issuer, token, client, scope, send, now });
  }

  get issuer() {
    return this.#issuer;
  }

  async fetch(path, { method = 'GET', headers, body, signal } = {}) {
    if (typeof path !== 'string' || !path.startsWith('/') || path.startsWith('//')) throw invalid('path must begin with a single slash');
    const call = `${method} ${path.split('?')[0]}`;
    const attempt = async (token) => this.#send(this.#issuer + path, {
      method, body, signal, headers: { accept: 'application/json', ...headers, authorization: `Bearer ${token}` },
    }, call);
    let response = await attempt(await this.#token({ renew: false, signal }));
    if (response.status === 401) {
      // Nothing was done, so the request can be repeated with another token.
      const fresh = await this.#token({ renew: true, signal });
      if (fresh === undefined) return response;
      await discard(response);
      response = await attempt(fresh);
    }
    for (let retry = 0; retry < this.#retries && REPEATABLE.includes(method) && response.status === 503; retry += 1) {
      const header = response.headers.get('retry-after');
      if (header === null || !/^\d+$/.test(header) || Number(header) > LONGEST_WAIT) break;
      await discard(response);
      await wait(Number(header), signal);
      response = await attempt(await this.#token({ renew: false, signal }));
    }
    return response;
  }

  async request(method, path, { query, body, signal } = {}) {
    const parameters = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined).map(([name, value]) => [name, `${value}`]));
    const response = await this.fetch(`${path}${parameters.size === 0 ? '' : `?${parameters}`}`, {
      method, signal, ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const call = `${method} ${path}`;
    const text = await bodyOf(response, call, signal);
    if (response.status < 200 || response.status > 299) throw refusedWith(response, text, call);
    return text === '' ? undefined : parsed(response, text, call);
  }

  /** Sends one request within the time limit. The signal also covers the body of the response. */
  async #send(url, init, call) {
    const limit = AbortSignal.timeout(this.#timeout * 1000);
    const signal = init.signal === undefined ? limit : AbortSignal.any([init.signal, limit]);
    try {
      // Not 'error', which workerd does not support.
      return await this.#fetch(url, { ...init, redirect: 'manual', signal });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw unreachable(cause, limit.aborted, call);
    }
  }
}

for (const [name, { method, path, takes = [], page }] of Object.entries(CALLS)) {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, id]) => id);
  const value = function (...args) {
    const ids = args.slice(0, names.length);
    const target = path.replaceAll(/\{(\w+)\}/g, (_, id) => segment(id, ids[names.indexOf(id)]));
    const rest = args.slice(names.length);
    const taken = Object.fromEntries(takes.map((what, index) => [what, rest[index]]));
    const { signal } = rest[takes.length] ?? {};
    if (takes.includes('body') && (typeof taken.body !== 'object' || taken.body === null)) throw invalid(`${name} needs a body: an object`);
    if (page === undefined) return this.request(method, target, { ...taken, signal });
    const { cursor: first, ...query } = taken.query ?? {};
    return new Pages((cursor) => this.request(method, target, { query: { ...query, cursor }, signal }), page, first);
  };
  Object.defineProperty(value, 'name', { value: name });
  Object.defineProperty(AdminClient.prototype, name, { value, writable: true, configurable: true });
}

function checked(options) {
  if (typeof options !== 'object' || options === null) throw invalid('AdminClient needs options: issuer, and token or client');
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw invalid(`there is no option ${unknown}`);
  const { issuer, token, client, timeout = 30, retries = 2 } = options;
  if (!isOrigin(issuer)) throw invalid('issuer must be an origin without a slash at its end: https, or http on this machine');
  if ((token === undefined) === (client === undefined)) throw invalid('one of token and client must be given');
  if (token !== undefined && typeof token !== 'function' && !isToken(token)) throw invalid('token must be an access token, or a function that resolves to one');
  if (client !== undefined && !(isText(client?.id) && isText(client?.secret))) throw invalid('client must have an id and a secret');
  if (!(timeout > 0)) throw invalid('timeout must be a number of seconds');
  if (!Number.isInteger(retries) || retries < 0) throw invalid('retries must be a whole number');
  return options;
}

function isOrigin(issuer) {
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) return false;
  const { origin, protocol, hostname } = new URL(issuer);
  const isHere = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return origin === issuer && (protocol === 'https:' || (protocol === 'http:' && isHere));
}

const isText = (value) => typeof value === 'string' && value !== '';
// RFC 6750 section 2.1; any other character could not be a header.
const isToken = (value) => typeof value === 'string' && /^[\w.~+/-]+=*$/.test(value);

/** An identifier as a segment of a path. `.` and `..` would name another path. */
function segment(name, id) {
  if (!isText(id) || id === '.' || id === '..') throw invalid(`${name} must be a text, and neither empty nor . or ..`);
  return encodeURIComponent(id);
}

async function bodyOf(response, call, signal) {
  try {
    return await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(cause, cause?.name === 'TimeoutError', call);
  }
}

function parsed(response, text, call) {
  const type = response.headers.get('content-type') ?? '';
  if (!/^application\/([a-z-]+\+)?json\b/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AdminError('invalid_response', 'the response is not valid JSON', { status: response.status, call, cause });
  }
}

function unreachable(cause, isLate, call) {
  return isLate ? new AdminError('timeout', 'the server did not respond in time', { call, cause }) : new AdminError('unreachable', 'the server could not be reached', { call, cause });
}

function invalid(sentence) {
  return new AdminError('invalid_option', sentence);
}

async function discard(response) {
  await response.body?.cancel?.().catch(() => {});
}

function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
