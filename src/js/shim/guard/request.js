// Reads the bearer token of a request (RFC 6750 section 2.1) and builds the refusal (section 3). Tokens in the query or the body are
// ignored (RFC 9700 section 4.3.2).
import { readUrl } from '../fetch/discovery.js';
import { TokenError, refusalCodes } from '../base/errors.js';
import { invalidOption, isObject, refuseUnknown } from '../base/readers.js';
import { readValues } from '../base/values.js';
import { checkStepUp, readStepUp } from './step_up.js';

/**
 * The member of a verifier that returns what a guard needs to know of its policy for the claims of a token: the `scopes` that it requires
 * by itself, its clock `now` and its `clockTolerance`. Another implementation of a verifier has no such member.
 */
export const policyFor = Symbol('policyFor');

/**
 * Returns the verified token of a request. `settings` come from `readChallenge`. Rejects with a TokenError that has `status` and, if there
 * is a challenge, `wwwAuthenticate`.
 */
export async function verifyRequest(request, verifier, settings = readChallenge()) {
  try {
    return admit(await verifier.verify(readBearer(request)), settings, verifier);
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
    throw answered(error, verifier);
  }
  return verifyRequest(request, verifier, settings);
}

/** The same synchronously; undefined if that is impossible. Throws the errors that `verifyRequest` rejects with. */
export function verifyRequestSync(request, verifier, settings = readChallenge()) {
  if (typeof verifier.verifySync !== 'function') return undefined;
  try {
    return admit(verifier.verifySync(readBearer(request)), settings, verifier);
  } catch (thrown) {
    if (thrown?.code === 'async_required') return undefined;
    throw answered(thrown, verifier, settings);
  }
}

/** Reads the options of the challenge: those that `CHALLENGE` names. */
export function readChallenge(options = {}) {
  if (!isObject(options)) throw invalidOption('the challenge must be an object');
  refuseUnknown(options, CHALLENGE);
  const { scope, realm, resourceMetadata } = options;
  // The part of a quoted string (RFC 9110 section 5.6.4) that all clients read alike.
  if (realm !== undefined && !(typeof realm === 'string' && /^[\x20-\x7e]*$/.test(realm))) {
    throw invalidOption('realm must be printable ASCII text');
  }
  return { scopes: readValues('scope', scope), realm, resourceMetadata: readMetadataUrl(resourceMetadata), ...readStepUp(options) };
}

/** Returns the status, the headers and the body of the response to a refused request. */
export function refusalOf({ code, wwwAuthenticate }) {
  const { status, error, sentence } = answerTo(code);
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  if (wwwAuthenticate !== undefined) headers['WWW-Authenticate'] = wwwAuthenticate;
  if (status === 503) headers['Retry-After'] = RETRY_AFTER_SECONDS;
  return { status, headers, body: JSON.stringify({ error, error_description: sentence }) };
}

const CHALLENGE = ['acr', 'maxAge', 'realm', 'resourceMetadata', 'scope'];
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
  if (value.length > MAX_LENGTH) throw new TokenError('too_large');
  throw malformed('the Authorization header must be "Bearer", a space and one token');
}

/** Returns the header's value from a Fetch Request, from a message of Node, or the value itself. */
function readAuthorization(request) {
  if (request === null || typeof request !== 'object') return request;
  const { headers, rawHeaders } = request;
  if (typeof headers?.get === 'function') return headers.get('authorization');
  if (headers === null || typeof headers !== 'object') {
    throw invalidOption('the request must be a Request, a message of node:http or an Authorization header');
  }
  // Node silently keeps the first of several; a proxy in front may have checked another.
  const isAuthorization = (name, index) => index % 2 === 0 && name.length === 13 && name.toLowerCase() === 'authorization';
  if (rawHeaders?.filter(isAuthorization).length > 1) throw malformed('the request has several Authorization headers');
  return headers.authorization;
}

/**
 * Refuses a token that is bound to a key (RFC 9449 section 6, RFC 8705 section 3), then one from an insufficient authentication, then one
 * that lacks a scope. The challenge of the authentication names the scope too, so that one authorization request can satisfy both.
 */
function admit(token, settings, verifier) {
  const { claims } = token;
  const { scopes } = settings;
  if (claims.cnf !== undefined) throw new TokenError('proof_missing', undefined, { claim: 'cnf' });
  checkStepUp(claims, settings, verifier[policyFor]?.(claims));
  if (scopes.length > 0) {
    // One text, or an array of texts.
    const granted = [claims.scope].flat().join(' ').split(' ');
    if (!scopes.every((wanted) => granted.includes(wanted))) throw new TokenError('scope_insufficient', undefined, { claim: 'scope' });
  }
  return token;
}

const RETRY_AFTER_SECONDS = '5';

const answer = (status, error, sentence) => ({ status, error, sentence });
// One sentence for all reasons: a client must not learn which check failed.
const INVALID_TOKEN = answer(401, 'invalid_token', 'The access token is malformed, expired, revoked or not meant for this resource. Get a new one.');
const MALFORMED = answer(400, 'invalid_request', 'The Authorization header is malformed.');
const UNAVAILABLE = answer(503, 'temporarily_unavailable', 'Access tokens cannot be checked at the moment. Try again later.');
const SERVER_ERROR = answer(500, 'server_error', 'Access tokens cannot be checked.');
// RFC 9470 section 3.
const STEP_UP = answer(401, 'insufficient_user_authentication', 'The user authentication is too old or too weak for this resource.');

/** The answer to each code (RFC 6750 section 3.1). */
const ANSWERS = {
  __proto__: null,
  ...Object.fromEntries(refusalCodes.map((code) => [code, INVALID_TOKEN])),
  // A request without credentials gets no error code (RFC 6750 section 3.1).
  token_missing: answer(401, undefined, 'Send an access token: Authorization: Bearer TOKEN.'),
  proof_missing: INVALID_TOKEN,
  request_invalid: MALFORMED,
  authentication_insufficient: STEP_UP,
  scope_insufficient: answer(403, 'insufficient_scope', 'The access token lacks a scope that this resource asks for.'),
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
  const error = isTokenError ? thrown : new TokenError('internal_error', 'the verifier threw no TokenError', { cause: thrown });
  const reply = answerTo(error.code);
  error.status = reply.status;
  if (reply.status < 500) error.wwwAuthenticate = challenge(reply, verifier, settings);
  return error;
}

/** The challenge (RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1). */
function challenge(reply, verifier, { scopes, realm, resourceMetadata, acrs, maxAge }) {
  const parameters = [];
  const add = (name, value) => parameters.push(`${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`);
  if (realm !== undefined) add('realm', realm);
  if (resourceMetadata !== undefined) add('resource_metadata', resourceMetadata);
  if (reply.error !== undefined) {
    add('error', reply.error);
    add('error_description', reply.sentence);
  }
  if (reply === STEP_UP) {
    if (acrs.length > 0) add('acr_values', acrs.join(' '));
    if (maxAge !== undefined) add('max_age', `${maxAge}`);
  }
  // The scope is named to clients that need another authorization request: without a token, or with a valid one that is not sufficient.
  const wanted = new Set([...verifier[policyFor]?.({}).scopes ?? [], ...scopes]);
  if (wanted.size > 0 && reply !== INVALID_TOKEN && reply !== MALFORMED) add('scope', [...wanted].join(' '));
  // RFC 6750 section 3: at least one parameter is required.
  if (parameters.length === 0) add('realm', 'api');
  return `Bearer ${parameters.join(', ')}`;
}

function readMetadataUrl(value) {
  if (value === undefined) return undefined;
  const url = readUrl('resourceMetadata', value?.metadataUrl ?? value);
  if (url.hash !== '') throw invalidOption('resourceMetadata must not have a fragment');
  return url.href;
}

function missing(request) {
  const isPreflight = request?.method === 'OPTIONS' && hasRequestMethod(request.headers);
  return new TokenError('token_missing', isPreflight
    ? 'a CORS preflight carries no token: answer it before the guard'
    : undefined);
}

function hasRequestMethod(headers) {
  const name = 'access-control-request-method';
  return typeof headers.get === 'function' ? headers.has(name) : headers[name] !== undefined;
}

function malformed(message) {
  return new TokenError('request_invalid', message);
}
