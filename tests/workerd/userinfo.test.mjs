// The userinfo endpoint (OpenID Connect Core section 5.3): where the token may be, which claims each scope reveals, and which
// tokens are refused. The sample resource refuses the same ones.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { decode, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { createUser, refresh, registerPublicClient, signInAndRedeem, tokenRequest } from './people.mjs';
import { bearer, postForm, send, until } from './request.mjs';

const PATH = '/oauth/userinfo';
const ALL = 'openid profile email offline_access';
let server;
let client;
let user;
let tokens;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { resources: ['https://api.example'] });
  user = await createUser(server, { name: 'Zo\u00eb <i>', email: 'Zoe@app.example', email_verified: true });
  ({ tokens } = await signInAndRedeem(server, user, client, { scope: ALL }));
});

after(() => server?.stop());

test('accepts GET and POST with the token in the header, and POST with it in the body', async () => {
  const { updated_at } = (await admin(server, 'GET', `/admin/users/${user.id}`)).json;
  const claims = {
    sub: user.id, name: 'Zo\u00eb <i>', preferred_username: user.username, updated_at, email: 'Zoe@app.example', email_verified: true,
  };
  const { access_token } = tokens;
  for (const answer of [
    await send(server, PATH, { headers: bearer(access_token) }),
    await send(server, PATH, { method: 'POST', headers: bearer(access_token) }),
    await send(server, PATH, { method: 'POST', headers: { ...bearer(access_token), 'content-type': 'application/json' }, body: '{}' }),
    await postForm(server, PATH, {}, bearer(access_token)),
    await postForm(server, PATH, { access_token }),
  ]) {
    assert.deepEqual([answer.status, answer.json], [200, claims]);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['content-type'], 'application/json');
  }
  const head = await send(server, PATH, { method: 'HEAD', headers: bearer(access_token) });
  assert.deepEqual([head.status, head.text], [200, '']);
});

for (const [scope, expected] of [
  ['openid', ['sub']],
  ['openid read', ['sub']],
  ['openid profile', ['sub', 'name', 'preferred_username', 'updated_at']],
  ['openid email', ['sub', 'email', 'email_verified']],
]) {
  test(`the scope ${scope} reveals ${expected.join(', ')}`, async () => {
    const { tokens: own } = await signInAndRedeem(server, user, client, { scope });
    const { json } = await userinfo(own.access_token);
    assert.deepEqual(Object.keys(json).sort(), [...expected].sort());
    assert.equal(json.sub, decode(own.id_token).claims.sub);
  });
}

test('omits claims without a value, and reports a change at once', async () => {
  const sparse = await createUser(server);
  const { tokens: own } = await signInAndRedeem(server, sparse, client, { scope: ALL });
  assert.deepEqual(Object.keys((await userinfo(own.access_token)).json).sort(), ['preferred_username', 'sub', 'updated_at']);
  const change = { username: `${sparse.username}-2`, email: 'new@app.example' };
  assert.equal((await admin(server, 'PUT', `/admin/users/${sparse.id}`, change)).status, 200);
  const { json } = await userinfo(own.access_token);
  assert.deepEqual([json.preferred_username, json.email, json.email_verified], [change.username, 'new@app.example', false]);
});

test('a refresh with less scope yields a token that reveals less', async () => {
  const own = (await signInAndRedeem(server, user, client, { scope: ALL })).tokens;
  const narrowed = (await refresh(server, client, own.refresh_token, { scope: 'openid email' })).json;
  assert.equal(narrowed.scope, 'openid email');
  assert.deepEqual(Object.keys((await userinfo(narrowed.access_token)).json).sort(), ['email', 'email_verified', 'sub']);
});

test('without a token it responds 401, and the challenge has no error', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const [headers, body, method = 'POST'] of [
    [{}, undefined, 'GET'], [{}, undefined], [{ authorization: 'Bearer' }, undefined], [{ authorization: 'Basic eDp5' }, undefined],
    [form, ''], [form, 'access_token='], [form, 'token=x'], [{ 'content-type': 'application/json' }, '{"access_token":"x"}'],
  ]) {
    const answer = await send(server, PATH, { method, headers, body });
    assert.equal(answer.status, 401, JSON.stringify([headers, body]));
    assert.equal(answer.headers['www-authenticate'], `Bearer resource_metadata="${server.issuer}/.well-known/oauth-protected-resource"`);
  }
});

test('refuses a token in the query, and two in the body, with 400', async () => {
  const { access_token } = tokens;
  for (const answer of [
    await send(server, `${PATH}?access_token=${access_token}`),
    await send(server, `${PATH}?access_token=${access_token}`, { headers: bearer(access_token) }),
    await postForm(server, `${PATH}?x=1`, { access_token }),
    await postForm(server, PATH, `access_token=${access_token}&access_token=${access_token}`),
  ]) assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
});

test('without the scope openid it responds 403, and the challenge names it', async () => {
  const { tokens: plain } = await signInAndRedeem(server, user, client, { scope: 'read', resource: server.issuer });
  const machine = await registerClient(server, { scope: 'read' });
  for (const text of [plain.access_token, (await token(server, {}, machine)).access_token]) {
    const answer = await userinfo(text);
    assert.deepEqual([answer.status, answer.json.error], [403, 'insufficient_scope']);
    assert.match(answer.headers['www-authenticate'], /, scope="openid"$/);
  }
});

test('refuses a client\'s own token, with any scope', async () => {
  const machine = await registerClient(server, { scope: 'openid profile' });
  const { access_token } = await token(server, {}, machine);
  refused(await userinfo(access_token));
  assert.equal((await send(server, '/api/whoami', { headers: bearer(access_token) })).status, 200);
});

test('every inactive token gets the same response, here and at the sample resource', async () => {
  const { access_token, id_token, refresh_token } = tokens;
  const elsewhere = await signInAndRedeem(server, user, client, { scope: 'openid read', resource: 'https://api.example' });
  const onlyThere = await tokenRequest(server, client, {
    grant_type: 'refresh_token', refresh_token: elsewhere.tokens.refresh_token, resource: 'https://api.example',
  });
  const revoked = (await signInAndRedeem(server, user, client, { scope: ALL })).tokens;
  assert.equal((await postForm(server, '/oauth/revoke', { token: revoked.access_token, client_id: client.id })).status, 200);
  const ended = (await signInAndRedeem(server, user, client, { scope: ALL })).tokens;
  assert.equal((await postForm(server, '/oauth/revoke', { token: ended.refresh_token, client_id: client.id })).status, 200);
  const gone = await createUser(server);
  const ofGone = (await signInAndRedeem(server, gone, client, { scope: ALL })).tokens;
  assert.equal((await admin(server, 'DELETE', `/admin/users/${gone.id}`)).status, 204);
  const expected = await userinfo('garbage');
  for (const [what, text] of Object.entries({
    revoked: revoked.access_token, 'of an ended grant': ended.access_token, 'of a removed user': ofGone.access_token,
    'for another resource': onlyThere.json.access_token, 'an ID token': id_token, 'a refresh token': refresh_token,
    'without a signature': unsigned(access_token), 'with another signature': withOtherSignature(access_token),
    'about another user': withClaims(access_token, { sub: gone.id }),
  })) {
    const answer = await userinfo(text);
    refused(answer);
    assert.deepEqual(answer, expected, what);
    assert.deepEqual(await postForm(server, PATH, { access_token: text }), expected, `${what}, in the body`);
    assert.equal((await send(server, '/api/whoami', { headers: bearer(text) })).status, 401, what);
  }
  assert.equal((await userinfo(access_token)).status, 200);
});

test('refuses an expired token', async (t) => {
  // Issued while the operator's own tokens are valid long enough.
  const long = await startWorker();
  const [person, app] = [await createUser(long), await registerPublicClient(long)];
  await long.kill();
  const short = await startWorker({ ...long.settings, vars: { ACCESS_TOKEN_TTL: '1' } });
  t.after(() => short.stop());
  const own = (await signInAndRedeem(short, person, app)).tokens;
  await until(() => Date.now() / 1000 >= decode(own.access_token).claims.exp, 'the end of the token');
  refused(await send(short, PATH, { headers: bearer(own.access_token) }));
});

test('the sample resource returns the claims of a user\'s token', async () => {
  const answer = await send(server, '/api/whoami', { headers: bearer(tokens.access_token) });
  assert.deepEqual([answer.status, answer.json], [200, decode(tokens.access_token).claims]);
  assert.deepEqual([answer.json.sub, answer.json.client_id], [user.id, client.id]);
});

function userinfo(text) {
  return send(server, PATH, { headers: bearer(text) });
}

function refused(answer) {
  assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_token']);
  assert.match(answer.headers['www-authenticate'], /^Bearer resource_metadata="[^"]*", error="invalid_token"/);
}
