// Reads the bearer token of a request (RFC 6750 section 2.1) and builds the refusal (section 3). Tokens in the query or the body are
// ignored (RFC 9700 section 4.3.2).
import { isSecure } from '../fetch/discovery.js';
import { TokenError, refusalCodes } from '../base/errors.js';
import { invalidOption, isObject, refuseUnknown } from '../base/readers.js';
import { readScope } from '../base/scope.js';

/** The member with the scope values that a verifier requires by itself, for the challenge of a guard. */
export const askedScopes = Symbol('askedScopes');

/**
 * Returns the verified token of a request. `settings` come from `readChallenge`. Rejects with a TokenError that has `status` and, if there
 * is a challenge, `wwwAuthenticate`.
 */
export async function verifyRequest(request, verifier, settings = readChallenge()) {
  try {
    return admit(await verifier.verify(readBearer(request)), settings);
  } catch (thrown) {
    throw answered(thrown, verifier, settings);
  }
}

/** The same with the options of a challenge, which it reads. */
export async function verifyRequestBy(request, challenge, verifier) {
  let settings;
  try {
    settings = readChallenge(challenge);
  } catch (error) {
    throw answered(error, verifier, readChallenge());
  }
  return verifyRequest(request, verifier, settings);
}

/** The same synchronously; undefined if that is impossible. Throws the errors that `verifyRequest` rejects with. */
export function verifyRequestSync(request, verifier, settings = readChallenge()) {
  if (typeof verifier.verifySync !== 'function') return undefined;
  try {
    return admit(verifier.verifySync(readBearer(request)), settings);
  } catch (thrown) {
    if (thrown?.code === 'async_required') return undefined;
    throw answered(thrown, verifier, settings);
  }
}

/** Reads the options of the challenge: `scope`, `realm` and `resourceMetadata`. */
export function readChallenge(options = {}) {
  if (!isObject(options)) throw invalidOption('the challenge must be an object');
  refuseUnknown(options, CHALLENGE);
  const { scope, realm, resourceMetadata } = options;
  // The part of a quoted string (RFC 9110 section 5.6.4) that all clients read alike.
  if (realm !== undefined && !(typeof realm === 'string' && /^[\x20-\x7e]*$/.test(realm))) {
    throw invalidOption('realm must be printable ASCII text');
  }
  return { scopes: readScope(scope), realm, resourceMetadata: readMetadataUrl(resourceMetadata) };
}

/** Returns the status, the headers and the body of the response to a refused request. */
export function refusalOf({ code, wwwAuthenticate }) {
  const { status, error, sentence } = answerTo(code);
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  if (wwwAuthenticate !== undefined) headers['WWW-Authenticate'] = wwwAuthenticate;
  if (status === 503) headers['Retry-After'] = RETRY_AFTER_SECONDS;
  return { status, headers, body: JSON.stringify({ error, error_description: sentence }) };
}

const CHALLENGE = ['realm', 'resourceMetadata', 'scope'];
/** The maximum length of a header value: longer than any token that a verifier accepts, with its scheme. */
const MAX_LENGTH = 1024 * 1024 + 1024;
/** The scheme in upper or lower case (RFC 9110 section 11.1), and one b64token. */
const CREDENTIALS = /^bearer +([\w~+/.-]+=*)$/i;
/** A character that no scheme contains (RFC 9110 section 5.6.2). */
const NO_SCHEME = /[^\w!#$%&'*+.^`|~-]/;

function readBearer(request) {
  const value = readAuthorization(request);
  if (value === undefined || value === null || value === '') throw missing(request);
  if (typeof value !== 'string') throw malformed('the Authorization header must be text');
  const token = value.length > MAX_LENGTH ? undefined : CREDENTIALS.exec(value)?.[1];
  if (token !== undefined) return token;
  const [scheme] = value.split(' ', 1);
  if (scheme === '' || NO_SCHEME.test(scheme)) throw malformed('the Authorization header must start with a scheme');
  if (scheme.toLowerCase() !== 'bearer') throw missing(request);
  if (value.length > MAX_LENGTH) throw new TokenError('too_large', 'the token is longer than allowed');
  throw malformed('the Authorization header must be "Bearer", a space and one token');
}

/** Returns the header's value from a Fetch Request, from a message of Node, or the value itself. */
function readAuthorization(request) {
  if (request === null || typeof request !== 'object') return request;
  const { headers, rawHeaders } = request;
  if (typeof headers?.get === 'function') return headers.get('authorization');
  if (headers === null || typeof headers !== 'object') {
    throw invalidOption('the request must be a Request, a message of node:http, or the value of an Authorization header');
  }
  // Node silently keeps the first of several; a proxy in front may have checked another.
  const isAuthorization = (name, index) => index % 2 === 0 && name.length === 13 && name.toLowerCase() === 'authorization';
  if (rawHeaders?.filter(isAuthorization).length > 1) throw malformed('the request has several Authorization headers');
  return headers.authorization;
}

/** Refuses a token that is bound to a key (RFC 9449 section 6, RFC 8705 section 3), or that lacks a scope. */
function admit(token, { scopes }) {
  const { cnf, scope } = token.claims;
  if (cnf !== undefined) {
    throw new TokenError('proof_missing', 'the token is bound to a key and requires a proof of possession', { claim: 'cnf' });
  }
  if (scopes.length > 0) {
    // One text, or an array of texts.
    const granted = [scope].flat().join(' ').split(' ');
    if (!scopes.every((wanted) => granted.includes(wanted))) {
      throw new TokenError('scope_insufficient', 'the token lacks a required scope', { claim: 'scope' });
    }
  }
  return token;
}

const SENTENCES = {
  invalid_request: 'The Authorization header is malformed.',
  // One sentence for all reasons: a client must not learn which check failed.
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource. Get a new one.',
  insufficient_scope: 'The access token lacks a scope that this resource asks for.',
  temporarily_unavailable: 'Access tokens cannot be checked at the moment. Try again later.',
  server_error: 'Access tokens cannot be checked.',
};
const RETRY_AFTER_SECONDS = '5';

const answer = (status, error, sentence = SENTENCES[error]) => ({ status, error, sentence });
const INVALID_TOKEN = answer(401, 'invalid_token');
const UNAVAILABLE = answer(503, 'temporarily_unavailable');
const SERVER_ERROR = answer(500, 'server_error');

/** The answer to each code (RFC 6750 section 3.1). */
const ANSWERS = {
  __proto__: null,
  ...Object.fromEntries(refusalCodes.map((code) => [code, INVALID_TOKEN])),
  // A request without credentials gets no error code (RFC 6750 section 3.1).
  token_missing: answer(401, undefined, 'Send an access token: Authorization: Bearer TOKEN.'),
  proof_missing: INVALID_TOKEN,
  request_invalid: answer(400, 'invalid_request'),
  scope_insufficient: answer(403, 'insufficient_scope'),
  discovery_failed: UNAVAILABLE,
  keys_unavailable: UNAVAILABLE,
  status_unavailable: UNAVAILABLE,
  wasm_unavailable: UNAVAILABLE,
};

/** Any other code is a fault of this side. */
function answerTo(code) {
  return ANSWERS[code] ?? SERVER_ERROR;
}

function answered(thrown, verifier, settings) {
  // By name, not by class: a verifier may come from another copy of this package or another realm.
  const isTokenError = isObject(thrown) && thrown.name === 'TokenError';
  const error = isTokenError ? thrown : new TokenError('internal_error', 'the verifier threw an error that is no TokenError', { cause: thrown });
  const { status } = answerTo(error.code);
  error.status = status;
  if (status < 500) error.wwwAuthenticate = challenge(error.code, verifier, settings);
  return error;
}

/** The challenge (RFC 6750 section 3, RFC 9728 section 5.1). */
function challenge(code, verifier, { scopes, realm, resourceMetadata }) {
  const { error, sentence } = answerTo(code);
  const parameters = [];
  const add = (name, value) => parameters.push(`${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`);
  if (realm !== undefined) add('realm', realm);
  if (resourceMetadata !== undefined) add('resource_metadata', resourceMetadata);
  if (error !== undefined) {
    add('error', error);
    add('error_description', sentence);
  }
  // The scope is named to clients without a token, or with one that lacks a scope.
  const wanted = new Set([...verifier[askedScopes] ?? [], ...scopes]);
  if (wanted.size > 0 && (error === undefined || error === 'insufficient_scope')) add('scope', [...wanted].join(' '));
  // RFC 6750 section 3: at least one parameter is required.
  if (parameters.length === 0) add('realm', 'api');
  return `Bearer ${parameters.join(', ')}`;
}

function readMetadataUrl(value) {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : value?.href;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isSecure(url) || url.hash !== '') {
    throw invalidOption('resourceMetadata must be an https URL, or http on this machine, without fragment');
  }
  return url.href;
}

function missing(request) {
  const isPreflight = request?.method === 'OPTIONS' && hasRequestMethod(request.headers);
  return new TokenError('token_missing', isPreflight
    ? 'a CORS preflight carries no token: it must be answered before it gets here'
    : 'there is no Authorization header, or one of another scheme');
}

function hasRequestMethod(headers) {
  const name = 'access-control-request-method';
  return typeof headers.get === 'function' ? headers.has(name) : headers[name] !== undefined;
}

function malformed(message) {
  return new TokenError('request_invalid', message);
}
