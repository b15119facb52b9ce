// The JWT bearer grant (RFC 7523 sections 2.1 and 3): assertions of service accounts and of trusted issuers, about clients and users.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { admin, clientPath, registerClient } from './admin.mjs';
import { JWT_BEARER, grantClaims, present, registerAssertionClient, registerServiceAccount, signGrant, trustIssuer } from './assertion-grants.mjs';
import { assertionClaims, assertionForm, newClientKey, signAssertion } from './client-key.mjs';
import { left } from './events.mjs';
import { forge, signedWithPublicKey, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { assertRefused, introspect } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { startKeyServer } from './key-server.mjs';
import { Browser, createUser } from './people.mjs';
import { basic, bearer, postForm, send } from './request.mjs';
import { entryOf, untilRevoked } from './status-lists.mjs';

let server;
let key;
let service;
let user;
let app;
let idp;

before(async () => {
  server = await startWorker();
  key = await newClientKey('ES256');
  user = await createUser(server);
  const account = { jti: 'required', users: [user.id], scope: 'openid read' };
  service = await registerServiceAccount(server, key, { scope: 'openid read write', service_account: account });
  app = await registerAssertionClient(server, { client_name: 'Assertion app' });
  idp = await trustIssuer(server, { clients: [app.id] });
});

after(() => server?.stop());

const own = (changes, header) => signAssertion(key, grantClaims(server, service.id, service.id, changes), header);

test('a service account gets a token of its own, and no refresh token', async () => {
  const answer = await present(server, await own());
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const { access_token, ...members } = answer.json;
  assert.deepEqual(members, { token_type: 'Bearer', expires_in: 600, scope: 'openid read write' });
  const claims = decodeJwt(access_token);
  assert.deepEqual([claims.sub, claims.client_id, claims.aud, claims.auth_time], [service.id, service.id, server.issuer, undefined]);
  assert.equal((await introspect(server, access_token)).json.active, true);
});

test('the metadata of the server lists the grant type', async () => {
  const { json } = await send(server, '/.well-known/oauth-authorization-server');
  assert.ok(json.grant_types_supported.includes(JWT_BEARER));
});

test('the scope comes from the request or the assertion, which limits the request', async () => {
  const scope = async (changes, params) => (await present(server, await own(changes), params)).json.scope;
  assert.equal(await scope({ scope: 'read' }), 'read');
  assert.equal(await scope({}, { scope: 'write' }), 'write');
  assert.equal(await scope({ scope: 'read write' }, { scope: 'write' }), 'write');
  for (const [changes, params] of [[{ scope: 'admin' }], [{}, { scope: 'read admin' }], [{ scope: 'read' }, { scope: 'write' }], [{ scope: ['read'] }]]) {
    refusedScope(await present(server, await own(changes), params));
  }
});

test('the token endpoint is an audience too, and resources are those of the client', async () => {
  const api = 'https://api.example';
  const other = await newClientKey('ES256');
  const { id } = await registerServiceAccount(server, other, { resources: [api] });
  const assertion = () => signAssertion(other, grantClaims(server, id, id, { aud: `${server.issuer}/oauth/token` }));
  assert.equal(decodeJwt((await present(server, await assertion(), { resource: api })).json.access_token).aud, api);
  const { status, json } = await present(server, await assertion(), { resource: 'https://evil.example' });
  assert.deepEqual([status, json.error], [400, 'invalid_target']);
});

for (const [what, changes] of [
  ['with two audiences', () => ({ aud: [server.issuer, 'https://other.example'] })],
  ['for another server', () => ({ aud: 'https://other.example' })],
  ['without an audience', () => ({ aud: undefined })],
  ['that lives an hour too long', () => ({ exp: Math.floor(Date.now() / 1000) + 7200 })],
  ['that has expired', () => ({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ['without an expiry', () => ({ exp: undefined })],
  ['of the future', () => ({ nbf: Math.floor(Date.now() / 1000) + 120 })],
  ['that was issued in the future', () => ({ iat: Math.floor(Date.now() / 1000) + 120 })],
  ['without a jti', () => ({ jti: undefined })],
  ['with an empty jti', () => ({ jti: '' })],
  ['without a subject', () => ({ sub: undefined })],
  ['about a user who is not listed', () => ({ sub: 'A'.repeat(22) })],
  ['about another client', () => ({ sub: app.id })],
  ['of an unknown issuer', () => ({ iss: 'unknown' })],
  ['of an unknown issuer with a scheme', () => ({ iss: 'https://unknown.example' })],
  ['of another client', () => ({ iss: app.id, sub: app.id })],
  ['of a trusted issuer', () => ({ iss: idp.issuer, sub: user.id })],
]) {
  test(`refuses an assertion ${what}`, async () => assertRefused(await present(server, await own(changes())), what));
}

for (const typ of ['at+jwt', 'client-authentication+jwt', 'dpop+jwt', 'logout+jwt', '']) {
  test(`refuses an assertion of the type ${JSON.stringify(typ)}`, async () => assertRefused(await present(server, await own({}, { typ }))));
}

test('accepts the generic type', async () => {
  for (const typ of ['JWT', 'jwt', 'application/jwt']) granted(await present(server, await own({}, { typ })));
});

for (const [what, change] of [
  ['with alg none', (assertion) => unsigned(assertion)],
  ['with other claims', (assertion) => withClaims(assertion, { jti: 'other' })],
  ['with another signature', (assertion) => withOtherSignature(assertion)],
  ['with an HMAC by the public key', (assertion) => signedWithPublicKey(assertion, JSON.stringify(key.jwk))],
  ['with two parts', (assertion) => assertion.slice(0, assertion.lastIndexOf('.'))],
  ['that is no JWT', () => 'x.y.z'],
  ['that is empty JSON', () => forge({}, {})],
]) {
  test(`refuses an assertion ${what}`, async () => assertRefused(await present(server, change(await own())), what));
}

test('refuses a critical header parameter, an unknown kid and an unregistered key', async () => {
  assertRefused(await present(server, await own({}, { kid: 'unknown' })));
  const other = await newClientKey('ES256');
  assertRefused(await present(server, await signAssertion(other, grantClaims(server, service.id, service.id))));
  const [, payload, signature] = (await own()).split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: key.jwk.kid, crit: ['x'], x: 1 })).toString('base64url');
  assertRefused(await present(server, `${header}.${payload}.${signature}`));
});

test('an assertion is used once, also where it is sent as a client assertion', async () => {
  const assertion = await own();
  granted(await present(server, assertion));
  assertRefused(await present(server, assertion), 'again');
  assert.equal((await postForm(server, '/oauth/token', assertionForm(assertion))).status, 401, 'as a client assertion');
  const jti = crypto.randomUUID();
  granted(await present(server, await own({ jti })));
  assertRefused(await present(server, await own({ jti, exp: Math.floor(Date.now() / 1000) + 90 })), 'the same jti');
});

test('exactly one of 16 concurrent uses succeeds', async () => {
  const assertion = await own();
  const answers = await Promise.all(Array.from({ length: 16 }, () => present(server, assertion)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(15).fill(400)]);
});

test('a refusal spends nothing', async () => {
  const assertion = await own();
  assertRefused(await present(server, withOtherSignature(assertion)));
  refusedScope(await present(server, assertion, { scope: 'admin' }));
  granted(await present(server, assertion));
});

test('used assertions stay refused after a restart', async () => {
  const [assertion, foreign] = [await own(), await signGrant(server, idp, user.id)];
  granted(await present(server, assertion));
  granted(await present(server, foreign));
  await server.kill();
  server = await startWorker(server.settings);
  assertRefused(await present(server, assertion));
  assertRefused(await present(server, foreign));
});

test('client authentication that is sent must succeed, and be that of the same client', async () => {
  const auth = async (client_id) => {
    const { client_assertion, client_assertion_type } = assertionForm(await signAssertion(key, assertionClaims(server, service.id)));
    return { client_assertion, client_assertion_type, ...client_id ? { client_id } : {} };
  };
  granted(await present(server, await own(), await auth()));
  granted(await present(server, await own(), { client_id: service.id }));
  const { status, json } = await present(server, await own(), { ...await auth(), client_assertion: 'x.y.z' });
  assert.deepEqual([status, json.error], [401, 'invalid_client']);
  assertRefused(await present(server, await own(), { client_id: app.id }), 'another client_id');
  assertRefused(await present(server, await own(), {}, basic(app)), 'another client');
  assert.equal((await present(server, await own(), {}, basic({ id: app.id, secret: 'wrong' }))).status, 401);
});

test('a client without the grant type, a public client and a disabled client get no token of their own', async () => {
  const [plainKey, publicKey, disabledKey] = await Promise.all([1, 2, 3].map(() => newClientKey('ES256')));
  const plain = await registerServiceAccount(server, plainKey, { grant_types: ['client_credentials'] });
  const { status, json } = await present(server, await signAssertion(plainKey, grantClaims(server, plain.id, plain.id)));
  assert.deepEqual([status, json.error], [400, 'unauthorized_client']);
  const open = await registerServiceAccount(server, publicKey, { token_endpoint_auth_method: 'none' });
  assertRefused(await present(server, await signAssertion(publicKey, grantClaims(server, open.id, open.id))));
  const { id } = await registerServiceAccount(server, disabledKey, { enabled: false });
  const disabled = await present(server, await signAssertion(disabledKey, grantClaims(server, id, id)));
  assert.deepEqual([disabled.status, disabled.json.error], [401, 'invalid_client']);
});

test('disabling a client or a user ends their tokens and refuses more', async () => {
  const [other, person] = [await newClientKey('ES256'), await createUser(server)];
  const metadata = { service_account: { users: [person.id], scope: 'read' } };
  const { id } = await registerServiceAccount(server, other, metadata);
  const ask = async (sub) => present(server, await signAssertion(other, grantClaims(server, id, sub)));
  const isActive = async (token) => (await introspect(server, token)).json.active;
  const [ofClient, ofUser] = [(await ask(id)).json.access_token, (await ask(person.id)).json.access_token];
  assert.deepEqual([await isActive(ofClient), await isActive(ofUser)], [true, true]);
  const description = { username: person.username };
  assert.equal((await admin(server, 'PUT', `/admin/users/${person.id}`, { ...description, enabled: false })).status, 200);
  assert.deepEqual([await isActive(ofClient), await isActive(ofUser)], [true, false]);
  assertRefused(await ask(person.id), 'a disabled user');
  await untilRevoked(server, ofUser, 'the user is disabled');
  assert.equal((await admin(server, 'PUT', `/admin/users/${person.id}`, { ...description, enabled: true })).status, 200);
  assert.equal(await isActive(ofUser), true);
  granted(await ask(person.id));
  const registered = { grant_types: [JWT_BEARER], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [other.jwk] }, scope: 'read write', ...metadata };
  assert.equal((await admin(server, 'PUT', clientPath(id), { ...registered, enabled: false })).status, 200);
  assert.equal(await isActive(ofClient), false);
  for (const sub of [id, person.id]) {
    const { status, json } = await ask(sub);
    assert.deepEqual([status, json.error], [401, 'invalid_client'], sub);
  }
  await untilRevoked(server, ofClient, 'the client is disabled');
});

test('revoking a service account\'s own tokens and removing it end its tokens', async () => {
  const other = await newClientKey('ES256');
  const { id } = await registerServiceAccount(server, other);
  const ask = async () => (await present(server, await signAssertion(other, grantClaims(server, id, id)))).json.access_token;
  const first = await ask();
  assert.ok(entryOf(first), 'it has a status list entry');
  assert.equal((await admin(server, 'DELETE', `${clientPath(id)}/tokens`)).status, 200);
  assert.equal((await introspect(server, first)).json.active, false);
  await untilRevoked(server, first, 'the tokens of the client');
  assert.equal((await admin(server, 'DELETE', clientPath(id))).status, 204);
});

test('a service account gets tokens about the listed users, with the scope that the operator listed', async () => {
  const answer = await present(server, await own({ sub: user.id }));
  assert.equal(answer.status, 200, answer.text);
  const { access_token, ...members } = answer.json;
  assert.deepEqual(members, { token_type: 'Bearer', expires_in: 600, scope: 'openid read' });
  const claims = decodeJwt(access_token);
  assert.deepEqual([claims.sub, claims.client_id, claims.auth_time], [user.id, service.id, undefined]);
  assert.deepEqual((await introspect(server, access_token)).json.sub, user.id);
  assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(access_token) })).json.sub, user.id);
  refusedScope(await present(server, await own({ sub: user.id, scope: 'write' })));
});

test('a user\'s own scope limits the token', async () => {
  const limited = await createUser(server, { scope: 'other' });
  const issuer = await trustIssuer(server, { clients: [app.id], scope: 'openid read' });
  assert.equal((await present(server, await signGrant(server, issuer, limited.id))).json.scope, 'openid');
  refusedScope(await present(server, await signGrant(server, issuer, limited.id), { scope: 'read' }));
});

test('the grant of a user is listed, and ends with everything that ends grants', async () => {
  const person = await createUser(server);
  const get = async () => (await present(server, await signGrant(server, idp, person.id))).json.access_token;
  const isActive = async (token) => (await introspect(server, token)).json.active;
  const listed = async (path) => (await admin(server, 'GET', path)).json.grants.filter(({ user: of }) => of === person.id);
  const path = `/admin/users/${person.id}`;
  const first = await get();
  assert.equal((await listed(`${path}/grants`)).length, 1);
  assert.equal((await listed(`${clientPath(app.id)}/grants`)).length, 1, 'the client\'s registry knows the account');
  const page = await new Browser(server).signIn(person);
  assert.equal(page.status, 200);
  assert.match(page.html, /Assertion app/, 'the user sees it');
  assert.equal((await admin(server, 'DELETE', `${path}/grants`)).json.ended, 1);
  assert.equal(await isActive(first), false);
  await untilRevoked(server, first, 'a grant that an operator ended');
  const second = await get();
  const revoked = await postForm(server, '/oauth/revoke', { token: second }, basic(app));
  assert.equal(revoked.status, 200, revoked.text);
  assert.equal(await isActive(second), false);
  const third = await get();
  assert.equal((await admin(server, 'DELETE', `${clientPath(app.id)}/grants`)).status, 200);
  assert.equal(await isActive(third), false);
  const last = await get();
  assert.equal((await admin(server, 'DELETE', path)).status, 204);
  assert.equal(await isActive(last), false);
  assertRefused(await present(server, await signGrant(server, idp, person.id)), 'a removed user');
});

test('each rule names its subjects', async () => {
  const upstream = { vars: { UPSTREAM_ISSUER: 'https://upstream.example', UPSTREAM_CLIENT_ID: 'em' } };
  const federated = await startWorker(upstream);
  try {
    const client = await registerAssertionClient(federated);
    const linked = await createUser(federated, { username: undefined, password: undefined, upstream: { issuer: 'https://upstream.example', sub: 'u-1' } });
    const local = await createUser(federated);
    for (const [rule, sub, expected] of [
      [{ subject: 'user_id' }, local.id, local.id],
      [{ subject: 'username' }, local.username, local.id],
      [{ subject: 'username' }, local.username.toUpperCase(), local.id],
      [{ subject: 'username' }, 'missing', undefined],
      [{ subject: 'username' }, local.id, undefined],
      [{ subject: 'user_id' }, local.username, undefined],
      [{ subject: 'upstream', issuer: 'https://upstream.example' }, 'u-1', linked.id],
      [{ subject: 'upstream' }, 'u-1', undefined],
      [{ subject: 'client_id' }, client.id, client.id],
      [{ subject: 'client_id' }, local.id, undefined],
      [{ subject: 'mapped_client', subjects: { 'repo:a/b:ref:main': client.id } }, 'repo:a/b:ref:main', client.id],
      [{ subject: 'mapped_client', subjects: { 'repo:a/b:ref:main': client.id } }, 'repo:a/b:ref:other', undefined],
    ]) {
      const issuer = await trustIssuer(federated, { clients: [client.id], ...rule });
      const answer = await present(federated, await signGrant(federated, issuer, sub));
      if (expected === undefined) assertRefused(answer, `${rule.subject} ${sub}`);
      else assert.equal(decodeJwt(answer.json.access_token ?? assert.fail(answer.text)).sub, expected, `${rule.subject} ${sub}`);
    }
  } finally {
    await federated.stop();
  }
});

test('assertions of a trusted issuer are checked as its record says', async () => {
  const other = await newClientKey('ES256');
  assertRefused(await present(server, await signGrant(server, { ...idp, key: other }, user.id)), 'an unregistered key');
  const second = await trustIssuer(server, { clients: [app.id] });
  assertRefused(await present(server, await signGrant(server, { ...idp, key: second.key }, user.id)), 'the key of another issuer');
  assertRefused(await present(server, await signGrant(server, idp, user.id, { aud: `${server.issuer}/oauth/token` })), 'the token endpoint');
  assertRefused(await present(server, await signGrant(server, idp, user.id, { aud: [server.issuer, 'https://x.example'] })), 'two audiences');
  assertRefused(await present(server, await signGrant(server, idp, user.id, {}, { typ: 'at+jwt' })), 'a foreign typ');
  const rsa = await newClientKey('RS256');
  const mixed = await trustIssuer(server, { clients: [app.id], jwks: { keys: [rsa.jwk] } });
  assertRefused(await present(server, await signGrant(server, { ...mixed, key: rsa }, user.id)), 'another algorithm than the record allows');
  const lenient = await trustIssuer(server, { clients: [app.id], audience: 'token_endpoint' });
  granted(await present(server, await signGrant(server, lenient, user.id, { aud: `${server.issuer}/oauth/token` })));
  refusedScope(await present(server, await signGrant(server, idp, user.id), { scope: 'write' }));
});

test('without jti, an assertion is accepted only where the record says so, and for ten minutes', async () => {
  const now = Math.floor(Date.now() / 1000);
  const optional = await trustIssuer(server, { clients: [app.id], jti: 'optional' });
  const without = (changes) => signGrant(server, optional, user.id, { jti: undefined, ...changes });
  assertRefused(await present(server, await signGrant(server, idp, user.id, { jti: undefined })));
  const assertion = await without({ iat: now, exp: now + 3600 });
  granted(await present(server, assertion));
  granted(await present(server, assertion));
  assertRefused(await present(server, await without({ iat: now - 700, exp: now + 2900 })), 'eleven minutes old');
  assertRefused(await present(server, await without({ iat: undefined, exp: now + 3600 })), 'of an unknown age');
  const withJti = await signGrant(server, optional, user.id);
  granted(await present(server, withJti));
  assertRefused(await present(server, withJti), 'used once where it has a jti');
});

test('the client is the one that authenticates or is named, and must be listed', async () => {
  const [first, second, unlisted] = await Promise.all([1, 2, 3].map(() => registerAssertionClient(server)));
  const issuer = await trustIssuer(server, { clients: [first.id, second.id] });
  const clientOf = async (params, headers) => {
    const { json } = await present(server, await signGrant(server, issuer, user.id), params, headers);
    return json.access_token ? decodeJwt(json.access_token).client_id : json.error;
  };
  assert.equal(await clientOf({}), 'invalid_request');
  assert.equal(await clientOf({ client_id: second.id }), second.id);
  assert.equal(await clientOf({}, basic(first)), first.id);
  assert.equal(await clientOf({ client_id: first.id }, basic(first)), first.id);
  assert.equal(await clientOf({ client_id: unlisted.id }), 'invalid_grant');
  assert.equal(await clientOf({}, basic(unlisted)), 'invalid_grant');
  assert.equal(await clientOf({}, basic({ ...first, secret: 'wrong' })), 'invalid_client');
  const strict = await trustIssuer(server, { clients: [first.id], client_authentication: 'required' });
  const answer = await present(server, await signGrant(server, strict, user.id), { client_id: first.id });
  assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_client']);
  granted(await present(server, await signGrant(server, strict, user.id), {}, basic(first)));
  const missing = await trustIssuer(server, { clients: ['removed'] });
  assertRefused(await present(server, await signGrant(server, missing, user.id)), 'a client that does not exist');
});

test('a trusted issuer may publish its keys, and a removed one is trusted no more', async (t) => {
  const own = await newClientKey('ES256');
  const published = await startKeyServer(t, [own.jwk]);
  const issuer = await trustIssuer(server, { clients: [app.id], jwks_uri: published.url });
  const ask = async (header) => present(server, await signGrant(server, { ...issuer, key: own }, user.id, {}, header));
  granted(await ask());
  granted(await ask());
  assert.equal(published.asked.length, 1);
  assertRefused(await ask({ kid: 'unknown' }), 'an unknown kid');
  const again = await ask({ kid: 'unknown' });
  assert.deepEqual([again.status, again.json.error], [503, 'temporarily_unavailable']);
  assert.equal(published.asked.length, 2);
  assert.equal((await admin(server, 'DELETE', `/admin/trusted-issuers/${issuer.id}`)).status, 204);
  assertRefused(await ask(), 'removed');
});

test('replaced keys are used at once by the isolate that refuses the old ones', async () => {
  const issuer = await trustIssuer(server, { clients: [app.id] });
  granted(await present(server, await signGrant(server, issuer, user.id)));
  const next = await newClientKey('ES256');
  const body = { ...issuer.information, jwks: { keys: [next.jwk] } };
  assert.equal((await admin(server, 'PUT', `/admin/trusted-issuers/${issuer.id}`, body)).status, 200);
  granted(await present(server, await signGrant(server, { ...issuer, key: next }, user.id)));
});

test('malformed requests get the errors of the specification', async () => {
  const missing = await postForm(server, '/oauth/token', { grant_type: JWT_BEARER });
  assert.deepEqual([missing.status, missing.json.error], [400, 'invalid_request']);
  const twice = `grant_type=${encodeURIComponent(JWT_BEARER)}&assertion=${await own()}&assertion=${await own()}`;
  assert.equal((await postForm(server, '/oauth/token', twice)).json.error, 'invalid_request');
  assert.equal((await postForm(server, '/oauth/token', { grant_type: 'jwt-bearer', assertion: await own() }, basic(app))).json.error, 'unsupported_grant_type');
});

test('each outcome is an event with its issuer, client and user', async () => {
  const person = await createUser(server);
  const assertion = await signGrant(server, idp, person.id);
  const events = await left(server, 3, async () => {
    granted(await present(server, assertion));
    assertRefused(await present(server, assertion));
    assertRefused(await present(server, await signGrant(server, idp, 'missing')));
  });
  assert.deepEqual(events.map(({ event, reason, trusted_issuer, client, user: about }) => [event, reason, trusted_issuer, client, about]), [
    ['token_issued', JWT_BEARER, idp.id, app.id, person.id],
    ['refused', 'assertion_replay', idp.id, app.id, undefined],
    ['refused', 'assertion_subject', idp.id, undefined, undefined],
  ]);
});

test('registration refuses delegation without keys, and shows what it stores', async () => {
  const { information } = service;
  assert.deepEqual(information.service_account, { jti: 'required', users: [user.id], scope: 'openid read' });
  assert.deepEqual(information.grant_types, [JWT_BEARER]);
  for (const metadata of [
    { grant_types: [JWT_BEARER], service_account: {} },
    { jwks: { keys: [key.jwk] }, service_account: {} },
    { grant_types: [JWT_BEARER], jwks: { keys: [key.jwk] }, service_account: { users: ['alice'] } },
    { grant_types: [JWT_BEARER], jwks: { keys: [key.jwk] }, service_account: { scope: 'edgemint:admin' } },
  ]) {
    await assert.rejects(registerClient(server, metadata), { status: 400, code: 'invalid_client_metadata' });
  }
});

function granted(answer) {
  assert.equal(answer.status, 200, answer.text);
}

function refusedScope(answer) {
  assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_scope'], answer.text);
}
