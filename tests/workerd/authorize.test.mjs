// The authorization endpoint: which errors are shown on a page, which are sent to the client, and that it redirects nowhere
// else. Sign-in and consent are in authorize-prompt.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, authorize, createUser, formOf, pkce, post, redeem, registerPublicClient,
} from './people.mjs';
import { send } from './request.mjs';

const HOSTILE = '"><script>alert(1)</script><img src=x onerror=\'alert(1)\'>';
const proof = pkce();
let server;
let client;
let several;
let native;
let user;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { resources: ['https://api.example/v1'] });
  several = await registerPublicClient(server, { redirect_uris: [REDIRECT_URI, 'https://app.example/other?tenant=1'] });
  native = await registerPublicClient(server, {
    redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]:1234/cb', 'com.example.app:/cb'],
  });
  user = await createUser(server);
});

after(() => server?.stop());

// Shown on a page: no redirect URI has been validated.
for (const [what, parameters] of [
  ['no client', { client_id: undefined }],
  ['an unknown client', { client_id: 'unknown' }],
  ['an unknown client with a hostile name', { client_id: HOSTILE }],
  ['a client_id with invalid characters', { client_id: 'caf\u00e9' }],
  ['the root client, which has no redirect URI', { client_id: 'root' }],
  ['a redirect URI of another client', { redirect_uri: 'https://app.example/other' }],
  ['a redirect URI with a registered prefix', { redirect_uri: `${REDIRECT_URI}/deeper` }],
  ['a redirect URI with a query added', { redirect_uri: `${REDIRECT_URI}?x=1` }],
  ['a redirect URI in another case', { redirect_uri: REDIRECT_URI.toUpperCase() }],
  ['a redirect URI on another port', { redirect_uri: 'https://app.example:8443/cb' }],
  ['a redirect URI with the default port', { redirect_uri: 'https://app.example:443/cb' }],
  ['a redirect URI with a step back', { redirect_uri: 'https://app.example/x/../cb' }],
  ['a redirect URI with a fragment', { redirect_uri: `${REDIRECT_URI}#x` }],
  ['a redirect URI with user information', { redirect_uri: 'https://app.example@evil.example/cb' }],
  ['a redirect URI without a scheme', { redirect_uri: '//evil.example/cb' }],
  ['a redirect URI with a backslash', { redirect_uri: 'https://app.example\\@evil.example/cb' }],
  ['a redirect URI with a line break', { redirect_uri: `${REDIRECT_URI}\r\nSet-Cookie: x=1` }],
  ['a redirect URI with an encoded line break', { redirect_uri: `${REDIRECT_URI}%0d%0aSet-Cookie:x=1` }],
  ['a redirect URI with a zero byte', { redirect_uri: `${REDIRECT_URI}\0.evil.example` }],
  ['a relative redirect URI', { redirect_uri: '/account' }],
  ['a script as redirect URI', { redirect_uri: 'javascript:alert(1)' }],
  ['a document as redirect URI', { redirect_uri: 'data:text/html,<script>alert(1)</script>' }],
  ['plain http', { redirect_uri: 'http://app.example/cb' }],
  ['a hostile redirect URI', { redirect_uri: `https://evil.example/${HOSTILE}` }],
]) {
  test(`shown on a page: ${what}`, () => shownHere(authorizationPath(client, proof, { state: HOSTILE, ...parameters })));
}

test('shown on a page: no redirect URI where several are registered', () => shownHere(authorizationPath(several, proof, { redirect_uri: undefined })));

test('shown on a page: a malformed query, a repeated parameter', async () => {
  const path = authorizationPath(client, proof);
  for (const more of [
    '&client_id=root', '&state=a', '&redirect_uri=https%3A%2F%2Fevil.example', '&scope=openid', '&x=1&x=1', '&%73tate=a',
    '&x=%', '&x=%zz', '&x=%FF', `&${Array.from({ length: 60 }, (_, index) => `p${index}=1`).join('&')}`,
  ]) await shownHere(path + more);
});

test('a loopback address may have any port, and nothing else may differ', async () => {
  const at = (redirect_uri) => authorizationPath(native, proof, { redirect_uri, response_type: 'token' });
  for (const good of ['http://127.0.0.1/cb', 'http://127.0.0.1:51234/cb', 'http://[::1]:9/cb', 'com.example.app:/cb']) {
    const { location } = await new Browser(server).open(at(good));
    assert.ok(location?.startsWith(`${good}?error=`), `${good}: ${location}`);
  }
  for (const bad of [
    'http://localhost:51234/cb', 'http://127.0.0.2/cb', 'http://127.0.0.1:51234/other', 'http://127.0.0.1:51234/cb?x=1',
    'http://127.0.0.1:0/cb', 'http://127.0.0.1:99999/cb', 'http://127.0.0.1@evil.example/cb', 'http://127.0.0.1.evil.example/cb',
    'http://127.0.0.1:80@evil.example/cb', 'https://127.0.0.1/cb', 'com.example.app://cb', 'com.example.other:/cb',
    'http://[::1]evil.example/cb', 'http://[::2]/cb',
  ]) await shownHere(at(bad));
});

// Sent to the client: its redirect URI has been validated. These errors require no sign-in.
for (const [what, parameters, error] of [
  ['no response type', { response_type: undefined }, 'invalid_request'],
  ['an empty response type', { response_type: '' }, 'invalid_request'],
  ['the implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
  ['the hybrid flow', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['an unknown response mode', { response_mode: 'web_message' }, 'invalid_request'],
  ['the fragment', { response_mode: 'fragment' }, 'invalid_request'],
  ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
  ['an address of a request object', { request_uri: 'https://app.example/request' }, 'request_uri_not_supported'],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['PKCE without a method, which is plain', { code_challenge_method: undefined }, 'invalid_request'],
  ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a method in lower case', { code_challenge_method: 's256' }, 'invalid_request'],
  ['a short challenge', { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw' }, 'invalid_request'],
  ['a padded challenge', { code_challenge: `${proof.challenge}=` }, 'invalid_request'],
  ['a challenge in hexadecimal', { code_challenge: 'ab'.repeat(32) }, 'invalid_request'],
  ['a challenge in another alphabet', { code_challenge: '+'.repeat(43) }, 'invalid_request'],
  ['a scope without any registered value', { scope: 'admin everything' }, 'invalid_scope'],
  ['a scope with a quote', { scope: 'openid "read"' }, 'invalid_scope'],
  ['an unknown resource', { resource: 'https://evil.example' }, 'invalid_target'],
  ['a resource that only begins right', { resource: 'https://api.example/v1/deeper' }, 'invalid_target'],
  ['a relative resource', { resource: '/v1' }, 'invalid_target'],
  ['a resource with a fragment', { resource: 'https://api.example/v1#x' }, 'invalid_target'],
  ['an unknown prompt', { prompt: 'create' }, 'invalid_request'],
  ['a prompt in capitals', { prompt: 'NONE' }, 'invalid_request'],
  ['none with another prompt', { prompt: 'none login' }, 'invalid_request'],
  ['a negative age', { max_age: '-1' }, 'invalid_request'],
  ['half a second', { max_age: '0.5' }, 'invalid_request'],
  ['an age beyond numbers', { max_age: '99999999999999999999' }, 'invalid_request'],
  ['an age in words', { max_age: 'ten' }, 'invalid_request'],
  ['a long nonce', { nonce: 'x'.repeat(1001) }, 'invalid_request'],
]) {
  test(`sent to the client: ${what}`, async () => {
    const { location, html } = await new Browser(server).open(authorizationPath(client, proof, parameters));
    const { error_description, ...rest } = told(location);
    assert.deepEqual(rest, { error, state: 'state-1', iss: server.issuer });
    assert.ok(error_description.length > 10);
    assert.equal(html, '');
  });
}

test('sent to the client: the grant type is not registered', async () => {
  const other = await registerClient(server, { redirect_uris: [REDIRECT_URI], grant_types: ['client_credentials'] });
  const { location } = await new Browser(server).open(authorizationPath(other, proof));
  assert.equal(told(location).error, 'unauthorized_client');
});

test('adds the response to the query of the redirect URI, also without a state', async () => {
  const redirect_uri = 'https://app.example/other?tenant=1';
  const path = authorizationPath(several, proof, { redirect_uri, prompt: 'none', state: undefined });
  const { location } = await new Browser(server).open(path);
  assert.ok(location.startsWith(`${redirect_uri}&error=login_required&error_description=`), location);
  assert.deepEqual(new URL(location).searchParams.has('state'), false);
});

test('returns the state byte for byte, and adds no parameter of its text', async () => {
  for (const state of [HOSTILE, 'a b+c%20d', '&error=x&code=y#z', '\r\nSet-Cookie: x=1', '%0d%0aSet-Cookie:%20x=1', '\u00e9\u{1f600}', '\0']) {
    const page = await new Browser(server).open(authorizationPath(client, proof, { state, prompt: 'none' }));
    const { state: back, error, code } = told(page.location);
    assert.deepEqual([back, error, code], [state, 'login_required', undefined]);
    assert.deepEqual(page.headers.getSetCookie(), []);
  }
});

test('sends an error by form_post in a page without scripts of the request', async () => {
  const parameters = { response_mode: 'form_post', prompt: 'none', state: HOSTILE };
  const page = await new Browser(server).open(authorizationPath(client, proof, parameters));
  assert.deepEqual([page.status, page.location], [200, null]);
  const { action, fields } = formOf(page);
  assert.equal(action, REDIRECT_URI);
  assert.deepEqual(Object.keys(fields), ['error', 'error_description', 'state', 'iss']);
  assert.deepEqual([fields.error, fields.state, fields.iss], ['login_required', HOSTILE, server.issuer]);
  guarded(page, ' https:');
});

test('sends code, state and issuer, in the query and by form_post', async () => {
  const browser = new Browser(server);
  assert.deepEqual(Object.keys(await authorize(browser, user, client, proof)), ['code', 'state', 'iss']);
  const page = await browser.open(authorizationPath(client, proof, { response_mode: 'form_post', state: HOSTILE }));
  const { action, fields } = formOf(page);
  assert.equal(action, REDIRECT_URI);
  assert.deepEqual(Object.keys(fields), ['code', 'state', 'iss']);
  assert.deepEqual([fields.state, fields.iss], [HOSTILE, server.issuer]);
  guarded(page, ' https:');
  assert.equal((await redeem(server, client, fields.code, proof)).status, 200);
});

test('grants the registered part of the scope, and the response says so', async () => {
  const browser = new Browser(server);
  const grant = async (scope) => {
    const { code } = await authorize(browser, user, client, proof, { scope });
    const { json } = await redeem(server, client, code, proof);
    assert.equal(decode(json.access_token).claims.scope, json.scope);
    return json;
  };
  assert.equal((await grant('openid admin read edgemint:admin')).scope, 'openid read');
  const all = await grant(undefined);
  assert.equal(all.scope, 'openid profile email offline_access read write', 'the registered scope is the default');
  const plain = await grant('read');
  assert.deepEqual([plain.scope, plain.id_token], ['read', undefined]);
});

test('POST is redirected to GET, since cross-site forms carry no cookies', async () => {
  const path = authorizationPath(client, proof);
  const fields = Object.fromEntries(new URL(path, server.url).searchParams);
  const page = await post(new Browser(server), '/oauth/authorize', fields, { origin: 'https://app.example' });
  assert.equal(page.url.pathname, '/account/sign-in');
  assert.equal(formOf(page, '/account/sign-in').fields.continue, new URL(path, server.url).search.slice(1));
  const wrong = await post(new Browser(server), '/oauth/authorize', { ...fields, response_type: 'token' });
  assert.equal(told(wrong.location).error, 'unsupported_response_type');
  await shownHere('/oauth/authorize', { method: 'POST', body: new URLSearchParams({ ...fields, client_id: 'unknown' }) });
  await shownHere('/oauth/authorize', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  await shownHere(path, { method: 'POST', body: new URLSearchParams(fields) });
});

test('HEAD responds as GET does, without a body', async () => {
  for (const path of [authorizationPath(client, proof), authorizationPath(client, proof, { client_id: 'unknown' }), '/account/sign-in']) {
    const [get, head] = [await send(server, path), await send(server, path, { method: 'HEAD' })];
    assert.deepEqual([head.status, head.text], [get.status, '']);
    assert.equal(head.headers.location, get.headers.location);
  }
});

test('a sign-in continues at paths of this server only', async () => {
  for (const onward of [
    'https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '\r\nLocation: https://evil.example',
    HOSTILE, 'redirect_uri=https%3A%2F%2Fevil.example',
  ]) {
    const browser = new Browser(server);
    const page = await browser.open(`/account/sign-in?${new URLSearchParams({ continue: onward })}`);
    assert.equal(page.status, 200);
    assert.ok(!page.html.includes('<script>alert'), onward);
    const { username, password } = user;
    const signedIn = await browser.submit(page, { username, password }, { action: '/account/sign-in', stop: true });
    assert.deepEqual([signedIn.status, new URL(signedIn.location).href], [303, `${server.url}/account`], onward);
  }
  const query = `client_id=${client.id}&redirect_uri=https%3A%2F%2Fevil.example`;
  await shownHere(`/account/sign-in?${new URLSearchParams({ continue: query })}`);
});

// The parameters of a response that reaches the client.
function told(location) {
  assert.ok(location?.startsWith(`${REDIRECT_URI}?`), `${location}`);
  return Object.fromEntries(new URL(location).searchParams);
}

async function shownHere(path, init = {}) {
  const page = await new Browser(server).open(path, init);
  assert.deepEqual([page.status, page.location], [400, null], `${page.location}`);
  assert.ok(!/<script>alert|onerror='/.test(page.html), 'parameters are shown as text');
  guarded(page);
}

function guarded({ headers }, target = '') {
  assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(headers.get('cache-control'), 'no-store');
  const policy = headers.get('content-security-policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", `form-action 'self'${target}`]) {
    assert.ok(policy.split('; ').includes(part), `${part}: ${policy}`);
  }
}
