// Shared by the tests of the guards: the installed package, an issuer with real keys, and the expected responses.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './consumer.mjs';
import { startIssuer } from './issuer.mjs';
import { AUDIENCE, newKey, sign } from './signer.mjs';

const folder = await install();
writeFileSync(join(folder, 'guarded.mjs'), `
  export * from 'edgemint';
  export { guard as honoGuard, protectedResource as honoResource } from 'edgemint/hono';
  export { guard as expressGuard, protectedResource as expressResource } from 'edgemint/express';
  export { protectedResource } from 'edgemint/resource';
`);
/** Everything that the package exports, found by the conditions of this runtime. */
export const {
  TokenError, createVerifier, expressGuard, expressResource, guard, honoGuard, honoResource, protectedResource,
} = await import(pathToFileURL(join(folder, 'guarded.mjs')));

const seconds = () => Math.floor(Date.now() / 1000);

/** An issuer on loopback with one key, `options` that accept its tokens, and `token(claims)` that mints one. */
export async function startIssuerWithKey() {
  const key = await newKey('ES256');
  const issuer = await startIssuer({ keys: [key] });
  const token = (claims, signer = key) => {
    const times = { iat: seconds(), exp: seconds() + 86_400 };
    return sign(signer, { claims: { iss: issuer.issuer, ...times, ...claims } });
  };
  return { issuer, key, token, options: { issuer: issuer.issuer, audience: AUDIENCE } };
}

const SENTENCES = {
  invalid_request: 'The Authorization header is malformed.',
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource. Get a new one.',
  insufficient_user_authentication: 'The user authentication is too old or too weak for this resource.',
  insufficient_scope: 'The access token lacks a scope that this resource asks for.',
  temporarily_unavailable: 'Access tokens cannot be checked at the moment. Try again later.',
  server_error: 'Access tokens cannot be checked.',
};

/** The challenge of an error, with the parameters before and after it. */
export function challengeOf(error, { before = '', after = '' } = {}) {
  return `Bearer ${before}error="${error}", error_description="${SENTENCES[error]}"${after}`;
}

/** The expected response without a token. */
export const MISSING = {
  status: 401,
  challenge: 'Bearer realm="api"',
  body: { error_description: 'Send an access token: Authorization: Bearer TOKEN.' },
};

/** The expected response for an error of RFC 6750, or for a fault. */
export function expected(status, error, challenge = status < 500 ? challengeOf(error) : null) {
  return { status, challenge, body: { error, error_description: SENTENCES[error] } };
}

/** The expected response for a token that lacks one of these scopes. */
export function lacking(scope, before) {
  return expected(403, 'insufficient_scope', challengeOf('insufficient_scope', { before, after: `, scope="${scope}"` }));
}

/** The expected response for every refused token. */
export const REFUSED = expected(401, 'invalid_token');
/** The expected response for a malformed Authorization. */
export const MALFORMED = expected(400, 'invalid_request');

/** The request options of `fetch` and its kin with this token. */
export function withBearer(text, init) {
  return { ...init, headers: { authorization: `Bearer ${text}`, ...init?.headers } };
}

/** A browser's preflight of a request with a token. */
export const PREFLIGHT = {
  method: 'OPTIONS',
  headers: {
    origin: 'https://app.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization',
  },
};

/** Asserts that a Response is the expected refusal, including every header. */
export async function assertRefused(response, { status, challenge, body }, message) {
  assert.deepEqual(
    { status: response.status, challenge: response.headers.get('www-authenticate'), body: await response.json() },
    { status, challenge, body },
    message,
  );
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.match(response.headers.get('content-type'), /^application\/json(;|$)/);
  assert.equal(response.headers.get('retry-after'), status === 503 ? '5' : null);
}

/** Values of an Authorization header, how each is read, and whether it can be sent at all. */
export const HEADERS = [
  ['no scheme but "Bearer" itself', 'Bearer', 'malformed'],
  ['no token', 'Bearer ', 'malformed', 'trimmed'],
  ['two tokens', 'Bearer abc def', 'malformed'],
  ['two headers in one', 'Bearer abc, Bearer def', 'malformed'],
  ['a comma', 'Bearer abc,def', 'malformed'],
  ['a comma at the end', 'Bearer abc,', 'malformed'],
  ['parameters', 'Bearer token="abc"', 'malformed'],
  ['a quoted token', 'Bearer "abc"', 'malformed'],
  ['a tab after the scheme', 'Bearer\tabc', 'malformed'],
  ['a tab after the space', 'Bearer \tabc', 'malformed'],
  ['a tab in the token', 'Bearer abc\tdef', 'malformed'],
  ['a space at the end', 'Bearer abc ', 'malformed', 'trimmed'],
  ['a space at the start', ' Bearer abc', 'malformed', 'trimmed'],
  ['"=" in the middle', 'Bearer ab=c', 'malformed'],
  ['only "="', 'Bearer ==', 'malformed'],
  ['a null byte', 'Bearer abc\0', 'malformed', 'refused'],
  ['a line break', 'Bearer abc\r\nX-Other: 1', 'malformed', 'refused'],
  ['a line feed at the end', 'Bearer abc\n', 'malformed', 'trimmed'],
  ['a lone surrogate', 'Bearer abc\ud800', 'malformed', 'refused'],
  ['a letter beyond Latin-1', 'Bearer ab\u212a', 'malformed', 'refused'],
  ['a letter of Latin-1', 'Bearer ab\u00e9', 'malformed'],
  ['no scheme', '=abc', 'malformed'],
  ['nothing', '', 'missing'],
  ['another scheme', 'Basic YWJj', 'missing'],
  ['DPoP', 'DPoP abc', 'missing'],
  ['a scheme that begins like it', 'Bearers abc', 'missing'],
  ['a scheme that ends like it', 'XBearer abc', 'missing'],
  ['a token without scheme', 'abc.def.ghi', 'missing'],
  ['another scheme before it', 'Basic YWJj, Bearer abc', 'missing'],
  ['a letter that looks like the scheme', 'Be\u0430rer abc', 'malformed', 'refused'],
];
