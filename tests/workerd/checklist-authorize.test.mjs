// The authorization endpoint, item by item of tests/checklists/oauch.json: the form of a request, the target of the
// response, and the protection of the pages.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, authorize, createUser, formOf, pkce, redeem, registerPublicClient,
} from './people.mjs';
import { send } from './request.mjs';

let server;
let user;
let client;
let proof;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
  client = await registerPublicClient(server);
  proof = pkce();
});

after(() => server?.stop());

test('the authorization endpoint\'s URL has no fragment', async () => {
  const { json } = await send(server, '/.well-known/oauth-authorization-server');
  assert.equal(json.authorization_endpoint, `${server.issuer}/oauth/authorize`);
});

test('the response has the state, byte for byte, and the issuer', async () => {
  for (const state of ['state-1', 'a b&c=d#e%20+/é', 'x'.repeat(1000)]) {
    const answer = await authorize(new Browser(server), user, client, proof, { state });
    assert.deepEqual(Object.keys(answer), ['code', 'state', 'iss']);
    assert.equal(answer.state, state);
    assert.equal(answer.iss, server.issuer);
  }
  const { state, ...answer } = await authorize(new Browser(server), user, client, proof, { state: undefined });
  assert.equal(state, undefined);
  assert.deepEqual(Object.keys(answer), ['code', 'iss']);
});

test('an error response has the state and the issuer', async () => {
  const { error, state, iss } = await refused({ response_type: 'token' });
  assert.deepEqual([error, state, iss], ['unsupported_response_type', 'state-1', server.issuer]);
});

for (const [what, parameters, expected] of [
  ['a response type that is not code', { response_type: 'token' }, 'unsupported_response_type'],
  ['a response type that has code and more', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['a response type in capitals', { response_type: 'CODE' }, 'unsupported_response_type'],
  ['no response type', { response_type: undefined }, 'invalid_request'],
  ['a scope that the client does not have', { scope: 'admin' }, 'invalid_scope'],
  ['no code challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a challenge without a method, which would be plain', { code_challenge_method: undefined }, 'invalid_request'],
  ['a challenge that is no digest', { code_challenge: 'short' }, 'invalid_request'],
  ['a request object', { request: 'e30.e30.' }, 'request_not_supported'],
  ['the URL of a request object', { request_uri: 'https://app.example/request' }, 'request_uri_not_supported'],
]) {
  test(`sends an error to the client: ${what}`, async () => assert.equal((await refused(parameters)).error, expected));
}

for (const [what, uri] of [
  ['another host', 'https://evil.example/cb'],
  ['a longer host', 'https://app.example.evil.example/cb'],
  ['another port', 'https://app.example:8443/cb'],
  ['another scheme', 'http://app.example/cb'],
  ['user information before the host', 'https://app.example@evil.example/cb'],
  ['another path', 'https://app.example/other'],
  ['a longer path', 'https://app.example/cb/more'],
  ['a shorter path', 'https://app.example/'],
  ['a trailing slash', 'https://app.example/cb/'],
  ['the path in capitals', 'https://app.example/CB'],
  ['a query that was not registered', 'https://app.example/cb?next=1'],
  ['a code in the query', 'https://app.example/cb?code=planted'],
  ['an empty query', 'https://app.example/cb?'],
  ['a fragment', 'https://app.example/cb#part'],
  ['an encoded letter', 'https://app.example/c%62'],
  ['a step up', 'https://app.example/cb/../evil'],
  ['an encoded step up', 'https://app.example/cb/%2e%2e/evil'],
  ['an encoded slash', 'https://app.example/cb%2f..%2fevil'],
  ['a path parameter', 'https://app.example/cb;evil'],
  ['a backslash', 'https://app.example\\@evil.example/cb'],
  ['two slashes', 'https://app.example//cb'],
  ['a line break', 'https://app.example/cb\n'],
  ['a null byte', 'https://app.example/cb\0'],
  ['a path only', '/cb'],
  ['a script', 'javascript:alert(1)'],
  ['an empty one, of a client that registered two', ''],
]) {
  test(`a redirect URI with ${what} is shown as an error, without a redirect`, async () => {
    const several = await registerPublicClient(server, { redirect_uris: [REDIRECT_URI, 'https://app.example/cb2'] });
    for (const browser of [new Browser(server), await signedIn()]) {
      const page = await browser.open(authorizationPath(several, proof, { redirect_uri: uri }));
      assert.equal(page.status, 400);
      assert.equal(page.location, null);
      assert.equal(page.headers.get('refresh'), null);
      assert.match(page.headers.get('content-type'), /^text\/html/);
      assert.doesNotMatch(page.html, /evil\.example|http-equiv|alert\(1\)/);
    }
  });
}

test('an unknown client is shown as an error, without a redirect', async () => {
  for (const id of ['unknown', '', undefined]) {
    const page = await new Browser(server).open(authorizationPath({ id }, proof));
    assert.deepEqual([page.status, page.location], [400, null]);
  }
});

test('a request cannot plant parameters in the response', async () => {
  for (const parameters of [{ code: 'planted' }, { state: 's&code=planted' }, { state: 's#&code=planted' }, { iss: 'planted' }]) {
    const browser = await signedIn();
    let page = await browser.open(authorizationPath(client, proof, parameters));
    if (page.location === null) page = await browser.submit(page, { decision: 'allow' });
    const { searchParams, hash } = new URL(page.location);
    assert.equal(searchParams.getAll('code').length, 1);
    assert.match(searchParams.get('code'), /^emc_/);
    assert.deepEqual(searchParams.getAll('iss'), [server.issuer]);
    assert.equal(hash, '');
  }
});

test('refuses a repeated parameter', async () => {
  for (const [name, value] of Object.entries({ state: 's', client_id: client.id, redirect_uri: REDIRECT_URI, scope: 'read', x: '1' })) {
    const first = new URLSearchParams({ [name]: value });
    const parameters = name === 'x' ? { x: '1' } : {};
    const page = await new Browser(server).open(`${authorizationPath(client, proof, parameters)}&${first}`);
    assert.equal(page.status, 400, name);
    assert.equal(page.location, null, name);
  }
});

test('ignores an unknown parameter', async () => {
  const { code } = await authorize(new Browser(server), user, client, proof, { some_extension: 'x', claims: '{}' });
  assert.equal((await redeem(server, client, code, proof)).status, 200);
});

test('accepts a request by POST', async () => {
  const browser = await signedIn();
  const body = authorizationPath(client, proof).split('?')[1];
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  let page = await browser.open('/oauth/authorize', { method: 'POST', headers, body });
  if (page.location === null) page = await browser.submit(page, { decision: 'allow' });
  const code = new URL(page.location).searchParams.get('code');
  assert.equal((await redeem(server, client, code, proof)).status, 200);
});

test('form_post sends the response in a form, not in a URL', async () => {
  const browser = await signedIn();
  let page = await browser.open(authorizationPath(client, proof, { response_mode: 'form_post' }));
  if (/name="decision"/.test(page.html)) page = await browser.submit(page, { decision: 'allow' });
  assert.deepEqual([page.status, page.location], [200, null]);
  guarded(page);
  const { action, fields } = formOf(page);
  assert.equal(action, REDIRECT_URI);
  assert.deepEqual(Object.keys(fields), ['code', 'state', 'iss']);
  assert.equal((await redeem(server, client, fields.code, proof)).status, 200);
});

test('asks for consent before a client gets anything', async () => {
  const own = await registerPublicClient(server);
  const browser = await signedIn();
  const page = await browser.open(authorizationPath(own, proof));
  assert.equal(page.status, 200);
  assert.match(page.html, /name="decision"/);
  const denied = await browser.submit(page, { decision: 'deny' });
  assert.equal(new URL(denied.location).searchParams.get('error'), 'access_denied');
  const silent = await browser.open(authorizationPath(own, proof, { prompt: 'none' }));
  assert.equal(new URL(silent.location).searchParams.get('error'), 'consent_required');
});

test('asks for consent each time when a public client uses a loopback redirect URI', async () => {
  const redirect_uri = 'http://127.0.0.1:49152/cb';
  const local = await registerPublicClient(server, { redirect_uris: ['http://127.0.0.1/cb'] });
  const browser = await signedIn();
  for (let time = 0; time < 2; time += 1) {
    const page = await browser.open(authorizationPath(local, proof, { redirect_uri }));
    assert.match(page.html, /name="decision"/, `time ${time}`);
    const { location } = await browser.submit(page, { decision: 'allow' });
    assert.ok(location.startsWith(`${redirect_uri}?code=`), location);
  }
});

test('no page can be framed, and none sends a referrer', async () => {
  const browser = new Browser(server);
  const own = await registerPublicClient(server);
  const signIn = await browser.open(authorizationPath(own, proof));
  guarded(signIn);
  const consent = await browser.submit(signIn, { username: user.username, password: user.password });
  guarded(consent);
  guarded(await browser.open(authorizationPath(own, proof, { redirect_uri: 'https://evil.example' })));
});

async function signedIn() {
  const browser = new Browser(server);
  await browser.signIn(user);
  return browser;
}

/** Sends a request that is refused at the redirect URI; returns the parameters of the response. */
async function refused(parameters) {
  const page = await new Browser(server).open(authorizationPath(client, proof, parameters));
  assert.ok(page.location?.startsWith(`${REDIRECT_URI}?`), `${page.status} ${page.location}`);
  return Object.fromEntries(new URL(page.location).searchParams);
}

function guarded({ headers }) {
  const policy = headers.get('content-security-policy');
  assert.match(policy, /(^|; )default-src 'none'(;|$)/);
  assert.match(policy, /(^|; )frame-ancestors 'none'(;|$)/);
  assert.equal(headers.get('x-frame-options'), 'DENY');
  assert.match(headers.get('referrer-policy'), /^(no-referrer|same-origin)$/);
  assert.equal(headers.get('cache-control'), 'no-store');
}
