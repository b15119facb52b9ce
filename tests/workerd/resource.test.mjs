// The sample resource: which tokens it accepts, and that its refusal does not say why a token is invalid.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import { admin, clientPath, registerClient } from './admin.mjs';
import { decode, forge, signedWithPublicKey, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const PATH = '/api/whoami';
let server;
let client;

before(async () => {
  server = await startWorker({ vars: { SAMPLE_SCOPE: 'read profile' } });
  client = await registerClient(server, { scope: 'read profile write', resources: ['https://api.example'] });
});

after(() => server?.stop());

test('returns the claims of a valid token', async () => {
  const text = await newToken();
  const answer = await whoami(text);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, decode(text).claims);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(Object.hasOwn(answer.headers, 'www-authenticate'), false);
  const lower = await send(server, PATH, { headers: { authorization: `bearer ${text}` } });
  assert.equal(lower.status, 200);
});

test('HEAD responds as GET does, without the body', async () => {
  const headers = bearer(await newToken());
  const [get, head] = [await send(server, PATH, { headers }), await send(server, PATH, { method: 'HEAD', headers })];
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal(head.headers['content-type'], get.headers['content-type']);
  const refused = await send(server, PATH, { method: 'HEAD' });
  assert.deepEqual([refused.status, refused.text, refused.headers['www-authenticate']], [401, '', challenge()]);
});

test('without a token it responds 401, and the challenge has no error', async () => {
  for (const authorization of [undefined, '', 'Bearer', 'Bearer ', basic(client).authorization]) {
    const answer = await send(server, PATH, { headers: authorization === undefined ? {} : { authorization } });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['www-authenticate'], challenge());
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(Object.keys(answer.json), ['error', 'error_description']);
  }
});

test('with too little scope it responds 403, and the challenge names the required scope', async () => {
  for (const scope of ['read', 'write', 'profile write']) {
    const answer = await whoami(await newToken({ scope }));
    assert.equal(answer.status, 403);
    assert.equal(answer.json.error, 'insufficient_scope');
    assert.equal(answer.headers['www-authenticate'], challenge({
      error: 'insufficient_scope', error_description: answer.json.error_description, scope: 'read profile',
    }));
  }
});

test('refuses a token in the query, alone or beside one in the header', async () => {
  const text = await newToken();
  for (const headers of [{}, bearer(text)]) {
    const answer = await send(server, `${PATH}?access_token=${text}`, { headers });
    assert.equal(answer.status, 400);
    assert.equal(answer.json.error, 'invalid_request');
    assert.equal(answer.headers['www-authenticate'], challenge({
      error: 'invalid_request', error_description: answer.json.error_description,
    }));
  }
  const encoded = await send(server, `${PATH}?%61ccess_token=${text}`, {});
  assert.notEqual(encoded.status, 200);
});

test('every invalid token gets the same response, to the byte', async (t) => {
  const stranger = await startWorker({ vars: { SAMPLE_SCOPE: 'read profile' } });
  t.after(() => stranger.stop());
  const text = await newToken();
  const { header, claims } = decode(text);
  const foreign = (await token(stranger)).access_token;
  const own = await generateKeyPair('ES256');
  const resign = (changes, newHeader = {}) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...header, ...newHeader }).sign(own.privateKey);
  const [jwk] = (await send(server, '/.well-known/jwks.json')).json.keys;
  const spki = await exportSPKI(await importJWK(jwk, 'ES256', { extractable: true }));

  const revoked = await newToken();
  assert.equal((await postForm(server, '/oauth/revoke', { token: revoked }, basic(client))).status, 200);
  const removed = await registerClient(server, { scope: 'read profile' });
  const ofRemoved = (await token(server, {}, removed)).access_token;
  assert.equal((await admin(server, 'DELETE', clientPath(removed.id))).status, 204);

  const bad = {
    garbage: 'garbage',
    'three dots': '...',
    'a header alone': text.split('.')[0],
    'no signature': text.slice(0, text.lastIndexOf('.') + 1),
    'half a signature': text.slice(0, -20),
    'something behind it': `${text}x`,
    'a second token behind it': `${text} ${text}`,
    'a comma behind it': `${text},`,
    'another signature': withOtherSignature(text),
    'more scope': withClaims(text, { scope: 'edgemint:admin' }),
    'a later end': withClaims(text, { exp: claims.exp + 1 }),
    'alg none': unsigned(text),
    'alg None': forge({ ...header, alg: 'None' }, claims),
    'the public key as a shared secret, PEM': signedWithPublicKey(text, spki),
    'the public key as a shared secret, JWK': signedWithPublicKey(text, JSON.stringify(jwk)),
    'an empty shared secret': signedWithPublicKey(text, ''),
    'a key of the attacker under our kid': await resign({}),
    'a key of the attacker that the header brings along': await resign({}, { jwk: await exportJWK(own.publicKey) }),
    'a key at the attacker\'s address': await resign({}, { jku: 'https://evil.example/jwks.json' }),
    'no kid': await resign({}, { kid: undefined }),
    'of another issuer': foreign,
    'of another issuer, in our name': withClaims(foreign, { iss: server.issuer, aud: server.issuer }),
    'for another resource': await newToken({ resource: 'https://api.example' }),
    revoked,
    'of a removed client': ofRemoved,
    'longer than any token': 'x'.repeat(18_000),
  };
  const expected = await whoami('garbage');
  assert.equal(expected.status, 401);
  assert.equal(expected.json.error, 'invalid_token');
  assert.equal(expected.headers['www-authenticate'], challenge({
    error: 'invalid_token', error_description: expected.json.error_description,
  }));
  for (const [what, forgery] of Object.entries(bad)) assert.deepEqual(await whoami(forgery), expected, what);
  assert.equal((await whoami(text)).status, 200);
});

test('an expired token gets that response too', async (t) => {
  const short = await startWorker({ vars: { ACCESS_TOKEN_TTL: '3' } });
  t.after(() => short.stop());
  const { access_token } = await token(short);
  assert.equal((await whoami(access_token, short)).status, 200);
  await until(() => Date.now() / 1000 >= decode(access_token).claims.exp, 'the end of the token');
  assert.deepEqual(await whoami(access_token, short), await whoami('garbage', short));
});

test('accepts a token for several resources', async () => {
  const params = new URLSearchParams({ grant_type: 'client_credentials' });
  for (const resource of ['https://api.example', server.issuer]) params.append('resource', resource);
  const { json } = await postForm(server, '/oauth/token', params, basic(client));
  assert.equal((await whoami(json.access_token)).status, 200);
});

test('refuses an Authorization header beyond 20 KiB, and other methods', async () => {
  assert.equal((await whoami('x'.repeat(21_000))).status, 431);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await send(server, PATH, { method, headers: bearer(await newToken()) });
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, HEAD, OPTIONS']);
    assert.equal(answer.headers['content-type'], 'application/json');
  }
});

async function newToken(params) {
  return (await token(server, params, client)).access_token;
}

function whoami(text, at = server) {
  return send(at, PATH, { headers: bearer(text) });
}

// RFC 6750 section 3, RFC 9728 section 5.1.
function challenge(params = {}) {
  const all = { resource_metadata: `${server.issuer}/.well-known/oauth-protected-resource`, ...params };
  return `Bearer ${Object.entries(all).map(([name, value]) => `${name}="${value}"`).join(', ')}`;
}
