// Introspection (RFC 7662) and revocation (RFC 7009): the claims of a token, and that a revocation has immediate effect.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { decode, signedWithPublicKey, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

let server;
let client;
let other;

before(async () => {
  server = await startWorker();
  client = await registerClient(server, { scope: 'read write', resources: ['https://api.example'] });
  other = await registerClient(server);
});

after(() => server?.stop());

test('an active token is described by its claims', async () => {
  const text = await newToken({ scope: 'read', resource: 'https://api.example' });
  const answer = await introspect(text);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.deepEqual(answer.json, { active: true, token_type: 'Bearer', ...decode(text).claims });
  assert.deepEqual([answer.json.aud, answer.json.scope, answer.json.client_id], ['https://api.example', 'read', client.id]);
});

test('any client may introspect a token; the token type hint changes nothing', async () => {
  const text = await newToken();
  assert.equal((await introspect(text, other)).json.active, true);
  for (const token_type_hint of ['access_token', 'refresh_token', 'no_such_type']) {
    const answer = await postForm(server, '/oauth/introspect', { token: text, token_type_hint }, basic(client));
    assert.equal(answer.json.active, true);
  }
});

test('a token that this server did not issue is inactive, without any other member', async (t) => {
  const stranger = await startWorker();
  t.after(() => stranger.stop());
  const text = await newToken();
  const foreign = (await token(stranger)).access_token;
  const [key] = (await send(server, '/.well-known/jwks.json')).json.keys;
  const forged = {
    'of another issuer': foreign,
    'of another issuer, in our name': withClaims(foreign, { iss: server.issuer }),
    garbage: 'garbage',
    'one dot': '.',
    'alg none': unsigned(text),
    'the public key as a shared secret': signedWithPublicKey(text, JSON.stringify(key)),
    'other claims': withClaims(text, { scope: 'edgemint:admin' }),
    'another signature': withOtherSignature(text),
    'a space behind': `${text} `,
    'longer than any token': 'x'.repeat(20_000),
  };
  for (const [what, forgery] of Object.entries(forged)) {
    assertInactive(await introspect(forgery), what);
    const answer = await revoke(forgery);
    assert.deepEqual([answer.status, answer.json], [200, {}], what);
  }
  assert.equal((await introspect(text)).json.active, true);
});

test('an expired token is inactive, and revoking it is not an error', async (t) => {
  const short = await startWorker({ vars: { ACCESS_TOKEN_TTL: '3' } });
  t.after(() => short.stop());
  const { access_token } = await token(short);
  const ask = (path) => postForm(short, path, { token: access_token }, basic({ id: 'root', secret: short.rootSecret }));
  assert.equal((await ask('/oauth/introspect')).json.active, true);
  await until(() => Date.now() / 1000 >= decode(access_token).claims.exp, 'the end of the token');
  assertInactive(await ask('/oauth/introspect'));
  assert.equal((await ask('/oauth/revoke')).status, 200);
});

test('a revoked token is inactive at once, for every client, also after a restart', async () => {
  const [text, untouched] = [await newToken(), await newToken()];
  assert.equal((await whoami(text)).status, 200);
  const answer = await revoke(text);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {});
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');

  assertInactive(await introspect(text));
  assertInactive(await introspect(text, other));
  const refused = await whoami(text);
  assert.equal(refused.status, 401);
  assert.equal(refused.json.error, 'invalid_token');
  assert.equal((await revoke(text)).status, 200, 'revoking again is no error');

  await server.kill();
  server = await startWorker(server.settings);
  assertInactive(await introspect(text));
  assert.equal((await whoami(text)).status, 401);
  assert.equal((await introspect(untouched)).json.active, true);
  assert.equal((await whoami(untouched)).status, 200);
});

test('a revoked admin token opens no admin endpoint', async () => {
  const { access_token } = await token(server);
  assert.equal((await send(server, '/admin/keys', { headers: bearer(access_token) })).status, 200);
  const root = { id: 'root', secret: server.rootSecret };
  assert.equal((await postForm(server, '/oauth/revoke', { token: access_token }, basic(root))).status, 200);
  assert.equal((await send(server, '/admin/keys', { headers: bearer(access_token) })).status, 401);
});

test('a client cannot revoke the token of another', async () => {
  const text = await newToken();
  const answer = await postForm(server, '/oauth/revoke', { token: text }, basic(other));
  assert.deepEqual([answer.status, answer.json.error], [400, 'unauthorized_client']);
  assert.equal((await introspect(text)).json.active, true);
  assert.equal((await whoami(text)).status, 200);
});

test('refuses a missing token, parameters in the query, and other methods', async () => {
  for (const [path, allow] of [['/oauth/introspect', 'POST'], ['/oauth/revoke', 'POST, OPTIONS']]) {
    for (const form of [{}, { token: '' }, 'token=a&token=b']) {
      const answer = await postForm(server, path, form, basic(client));
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
    }
    const inQuery = await postForm(server, `${path}?token=x`, {}, basic(client));
    assert.deepEqual([inQuery.status, inQuery.json.error], [400, 'invalid_request']);
    const get = await send(server, path, { headers: basic(client) });
    assert.deepEqual([get.status, get.headers.allow], [405, allow]);
  }
});

test('the tokens of a removed client are inactive at once, also if its identifier is registered again', async () => {
  const removed = await registerClient(server, { client_id: 'comes-back', client_secret: 'the-first-secret' });
  const { access_token } = await token(server, {}, removed);
  assert.equal((await introspect(access_token)).json.active, true);
  assert.equal((await admin(server, 'DELETE', clientPath(removed.id))).status, 204);
  assertInactive(await introspect(access_token));
  assert.equal((await whoami(access_token)).status, 401);

  // Times in tokens are whole seconds, so a new client can be distinguished from the next second on.
  await until(() => Date.now() / 1000 >= decode(access_token).claims.iat + 1, 'the next second');
  const again = await registerClient(server, { client_id: 'comes-back', client_secret: 'the-second-secret' });
  assertInactive(await introspect(access_token));
  assert.equal((await whoami(access_token)).status, 401);
  const fresh = (await token(server, {}, again)).access_token;
  assert.equal((await introspect(fresh)).json.active, true);
});

test('replacing a client\'s record does not affect its tokens', async () => {
  const replaced = await registerClient(server, { scope: 'read write' });
  const { access_token } = await token(server, {}, replaced);
  assert.equal((await admin(server, 'PUT', clientPath(replaced.id), { scope: 'read' })).status, 200);
  assert.equal((await introspect(access_token)).json.scope, 'read write');
});

async function newToken(params) {
  return (await token(server, params, client)).access_token;
}

function introspect(text, by = client) {
  return postForm(server, '/oauth/introspect', { token: text }, basic(by));
}

function revoke(text) {
  return postForm(server, '/oauth/revoke', { token: text }, basic(client));
}

function whoami(text) {
  return send(server, '/api/whoami', { headers: bearer(text) });
}

function assertInactive(answer, what) {
  assert.equal(answer.status, 200, what);
  assert.deepEqual(answer.json, { active: false }, what);
}
