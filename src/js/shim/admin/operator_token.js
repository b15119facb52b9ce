// The access token of the operator: given, or requested with client credentials and kept until it expires.
import { AdminError, refusedWith } from './admin_error.js';

/** A token is renewed this many seconds before it expires. */
const MARGIN = 30;

/**
 * Returns a function that resolves to the token. Called with `renew`, it requests another one, unless that is impossible: then it
 * resolves to undefined.
 */
export function operatorToken({ issuer, token, client, scope, send, now }) {
  if (typeof token === 'string') return async ({ renew }) => (renew ? undefined : token);
  if (typeof token === 'function') return (request) => token(request);
  let kept;
  return async ({ renew, signal }) => {
    if (!renew && kept !== undefined && now() < kept.until) return kept.token;
    const { access_token: fresh, expires_in: lifetime } = await requestToken({ issuer, client, scope, send, signal });
    kept = { token: fresh, until: now() + (Number(lifetime) || 0) - MARGIN };
    return fresh;
  };
}

/** Requests a token for this server itself (RFC 6749 section 4.4, RFC 8707). */
async function requestToken({ issuer, client: { id, secret }, scope, send, signal }) {
  const call = 'POST /oauth/token';
  const response = await send(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic(id, secret)}`, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    // The default resource of the server may be another API.
    body: `${new URLSearchParams({ grant_type: 'client_credentials', scope, resource: issuer })}`,
    signal,
  }, call);
  const text = await response.text();
  if (response.status !== 200) throw refusedWith(response, text, call);
  try {
    const reply = JSON.parse(text);
    if (typeof reply.access_token === 'string') return reply;
  } catch {
    // Reported below.
  }
  throw new AdminError('invalid_response', 'the token endpoint responded without an access token', { status: response.status, call });
}

/** The credentials of HTTP Basic (RFC 6749 section 2.3.1). */
function basic(id, secret) {
  const encode = (text) => encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return btoa(`${encode(id)}:${encode(secret)}`);
}
