// The token endpoint: the form of a request, the claims of a token, and the response to each error.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { registerPublicClient } from './people.mjs';
import { basic, postForm, send } from './request.mjs';

const PATH = '/oauth/token';
const GRANT = { grant_type: 'client_credentials' };
const API = 'https://api.example/v1';
let server;
let client;

before(async () => {
  server = await startWorker();
  client = await registerClient(server, { scope: 'read write', resources: [API, 'urn:example:other'] });
});

after(() => server?.stop());

test('returns a token response with the documented claims', async () => {
  const before = Math.floor(Date.now() / 1000);
  const answer = await ask(GRANT);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers.pragma, 'no-cache');
  assert.equal(answer.headers['content-type'], 'application/json');
  const { access_token, ...rest } = answer.json;
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 600, scope: 'read write' });

  const { header, claims } = decode(access_token);
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ']);
  assert.deepEqual([header.alg, header.typ], ['ES256', 'at+jwt']);
  const { iat, exp, jti, status, ...others } = claims;
  assert.deepEqual(Object.keys(status), ['status_list']);
  assert.deepEqual(others, {
    iss: server.issuer, sub: client.id, aud: server.issuer, client_id: client.id, scope: 'read write',
  });
  assert.equal(exp - iat, 600);
  assert.ok(iat >= before && iat <= Date.now() / 1000, `issued at ${iat}`);
  assert.match(jti, /^[A-Za-z0-9_-]{22}$/, '128 random bits');
});

test('every token has its own jti', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(GRANT)));
  const identifiers = answers.map(({ json }) => decode(json.access_token).claims.jti);
  assert.equal(new Set(identifiers).size, 100);
});

test('accepts a media type with parameters, parameters without a value, and unknown parameters', async () => {
  const headers = { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' };
  const answer = await ask('grant_type=client_credentials&scope=&resource=&x=1&&y', headers);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.scope, 'read write');
});

for (const [what, form, error] of [
  ['no grant_type', {}, 'invalid_request'],
  ['an empty grant_type', { grant_type: '' }, 'invalid_request'],
  ['an unknown grant', { grant_type: 'password' }, 'unsupported_grant_type'],
  ['a grant in capitals', { grant_type: 'CLIENT_CREDENTIALS' }, 'unsupported_grant_type'],
  ['grant_type twice', 'grant_type=client_credentials&grant_type=client_credentials', 'invalid_request'],
  ['scope twice', 'grant_type=client_credentials&scope=read&scope=write', 'invalid_request'],
  ['a parameter twice, once percent-encoded', 'grant_type=client_credentials&x=1&%78=1', 'invalid_request'],
  ['65 parameters', many(64), 'invalid_request'],
  ['a stray percent sign', 'grant_type=client_credentials&x=%', 'invalid_request'],
  ['a percent sign without two digits', 'grant_type=client_credentials&x=%4g', 'invalid_request'],
  ['percent-encoded bytes that are not UTF-8', 'grant_type=client_credentials&x=%FF', 'invalid_request'],
  ['a scope that the client does not have', { ...GRANT, scope: 'read admin' }, 'invalid_scope'],
  ['the admin scope', { ...GRANT, scope: 'edgemint:admin' }, 'invalid_scope'],
  ['a scope in capitals', { ...GRANT, scope: 'READ' }, 'invalid_scope'],
  ['a scope with a quote', { ...GRANT, scope: 'read"' }, 'invalid_scope'],
  ['a scope with a line break', { ...GRANT, scope: 'read\nwrite' }, 'invalid_scope'],
  ['a scope beyond ASCII', { ...GRANT, scope: 'lesé' }, 'invalid_scope'],
  ['an unknown resource', { ...GRANT, resource: 'https://evil.example' }, 'invalid_target'],
  ['a resource that only begins like the client\'s', { ...GRANT, resource: `${API}/deeper` }, 'invalid_target'],
  ['a valid and an unknown resource', `grant_type=client_credentials&resource=${API}&resource=urn:x:y`, 'invalid_target'],
  ['a relative resource', { ...GRANT, resource: '/v1' }, 'invalid_target'],
  ['a resource with a fragment', { ...GRANT, resource: `${API}#part` }, 'invalid_target'],
]) {
  test(`refuses ${what}`, async () => refused(await ask(form), 400, error));
}

test('accepts 64 parameters', async () => assert.equal((await ask(many(63))).status, 200));

test('narrows the scope to the requested one, in the client\'s order and without duplicates', async () => {
  const answer = await ask({ ...GRANT, scope: 'write read write' });
  assert.equal(answer.json.scope, 'write read');
  assert.equal(decode(answer.json.access_token).claims.scope, 'write read');
  const narrowed = await ask({ ...GRANT, scope: 'write' });
  assert.equal(decode(narrowed.json.access_token).claims.scope, 'write');
});

test('a client without scope gets a token without one', async () => {
  const { id, secret } = await registerClient(server);
  const answer = await token(server, {}, { id, secret });
  assert.equal(Object.hasOwn(answer, 'scope'), false);
  assert.equal(Object.hasOwn(decode(answer.access_token).claims, 'scope'), false);
});

test('one resource is the audience as text, several are a list', async () => {
  const audience = async (...resources) => {
    const form = new URLSearchParams(GRANT);
    for (const resource of resources) form.append('resource', resource);
    const answer = await ask(form);
    assert.equal(answer.status, 200, answer.text);
    return decode(answer.json.access_token).claims.aud;
  };
  assert.equal(await audience(API), API);
  assert.equal(await audience(`${server.issuer}/`), server.issuer, 'an origin equals the same with a slash');
  assert.equal(await audience(API, API), API);
  assert.deepEqual(await audience('urn:example:other', API, server.issuer), ['urn:example:other', API, server.issuer]);
});

test('refuses parameters in the query', async () => {
  refused(await ask(GRANT, {}, `${PATH}?grant_type=client_credentials`), 400, 'invalid_request');
  const inQuery = `${PATH}?client_id=${client.id}&client_secret=${client.secret}`;
  refused(await postForm(server, inQuery, GRANT), 400, 'invalid_request');
});

for (const [what, type, body] of [
  ['JSON', 'application/json', JSON.stringify(GRANT)],
  [
    'a multipart form', 'multipart/form-data; boundary=x',
    '--x\r\ncontent-disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n',
  ],
  ['plain text', 'text/plain', 'grant_type=client_credentials'],
  ['another type that begins the same', 'application/x-www-form-urlencoded-not', 'grant_type=client_credentials'],
]) {
  test(`refuses ${what}`, async () => refused(await ask(body, { 'content-type': type }), 400, 'invalid_request'));
}

test('refuses a request without a content type', async () => {
  const body = new TextEncoder().encode('grant_type=client_credentials');
  refused(await send(server, PATH, { method: 'POST', headers: basic(client), body }), 400, 'invalid_request');
});

test('refuses a body beyond 64 KiB, with and without a Content-Length', async () => {
  const padding = 'x'.repeat(64 * 1024 - 'grant_type=client_credentials&x='.length);
  const largest = `grant_type=client_credentials&x=${padding}`;
  assert.equal((await ask(largest)).status, 200);
  assert.equal((await ask(stream(largest))).status, 200);
  refused(await ask(`${largest}x`), 413, 'invalid_request');
  refused(await ask(stream(`${largest}x`)), 413, 'invalid_request');
});

test('refuses bytes that are not UTF-8, with and without a Content-Length', async () => {
  const bytes = Buffer.from('grant_type=client_credentials&x=\xff', 'latin1');
  refused(await ask(bytes), 400, 'invalid_request');
  refused(await ask(stream(bytes)), 400, 'invalid_request');
});

test('reads characters beyond ASCII that a form should encode, but not U+FFFD, which stands for bytes that are not UTF-8', async () => {
  for (const wrap of [(text) => text, stream]) {
    assert.equal((await ask(wrap('grant_type=client_credentials&x=caf\u00e9 \u6e2c \u{1f511}'))).status, 200);
    refused(await ask(wrap('grant_type=client_credentials&scope=\u6e2c')), 400, 'invalid_scope');
  }
  refused(await ask('grant_type=client_credentials&x=\ufffd'), 400, 'invalid_request');
  assert.equal((await ask('grant_type=client_credentials&x=%EF%BF%BD')).status, 200);
});

test('refuses a request without a body', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basic(client) };
  refused(await send(server, PATH, { method: 'POST', headers }), 400, 'invalid_request');
});

test('refuses an Authorization header beyond 20 KiB', async () => {
  const authorization = `Basic ${'A'.repeat(20 * 1024)}`;
  refused(await postForm(server, PATH, GRANT, { authorization }), 431, 'invalid_request');
});

test('refuses other methods', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await send(server, PATH, { method, headers: basic(client) });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.allow, 'POST, OPTIONS', method);
  }
});

test('refuses a client_id alone, unless the client is public', async () => {
  const nameOnly = (client_id, form = GRANT) => postForm(server, PATH, { ...form, client_id });
  const unknown = await nameOnly('unknown');
  refused(unknown, 401, 'invalid_client');
  // A confidential client has to authenticate; the response is the same.
  assert.deepEqual(await nameOnly(client.id), unknown);
  assert.deepEqual(await nameOnly('root'), unknown);
  const open = await registerPublicClient(server);
  refused(await nameOnly(open.id), 400, 'unauthorized_client');
  refused(await nameOnly(open.id, { grant_type: 'refresh_token', refresh_token: 'emr_x' }), 400, 'invalid_grant');
  const withSecret = await postForm(server, PATH, { ...GRANT, client_id: open.id, client_secret: 'x' });
  assert.deepEqual(withSecret, unknown);
});

test('ACCESS_TOKEN_TTL and DEFAULT_RESOURCE are applied', async (t) => {
  const other = await startWorker({ vars: { ACCESS_TOKEN_TTL: '86400', DEFAULT_RESOURCE: 'https://api.example' } });
  t.after(() => other.stop());
  const { access_token, expires_in } = await token(other);
  const { claims } = decode(access_token);
  assert.equal(expires_in, 86400);
  assert.equal(claims.exp - claims.iat, 86400);
  assert.equal(claims.aud, 'https://api.example');
  const own = await token(other, { resource: other.issuer });
  assert.equal(decode(own.access_token).claims.aud, other.issuer);
});

function ask(form, headers = {}, path = PATH) {
  const init = { ...basic(client), ...headers };
  if (typeof form === 'string' || form.constructor === Object || form instanceof URLSearchParams) {
    return postForm(server, path, form, init);
  }
  return send(server, path, {
    method: 'POST', duplex: 'half', body: form, headers: { 'content-type': 'application/x-www-form-urlencoded', ...init },
  });
}

function refused(answer, status, error) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.error, error, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['error', 'error_description']);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
}

function many(count) {
  return `grant_type=client_credentials&${Array.from({ length: count }, (_, index) => `p${index}=1`).join('&')}`;
}

// Without a Content-Length: a streamed body.
function stream(content) {
  const bytes = Buffer.from(content);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 10_000) pieces.push(bytes.subarray(at, at + 10_000));
  return ReadableStream.from(pieces);
}
