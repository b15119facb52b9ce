// Token exchange (RFC 8693): what a client gets for a token that it received, what it is refused, and what ends both.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { admin, clientPath, registerClient } from './admin.mjs';
import { left } from './events.mjs';
import { ACCESS_TOKEN, API, AUDIT, BACKEND, ID_TOKEN, TOKEN_EXCHANGE, allowExchange, exchange, registerApp, registerGateway } from './exchanges.mjs';
import { decode, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { grantOf, introspect, newGrant, revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser, refresh, registerPublicClient } from './people.mjs';
import { bearer, postForm, send, until } from './request.mjs';
import { entryOf, untilRevoked } from './status-lists.mjs';

let server;
let user;
let browser;
let app;
let gateway;
let backend;
let service;

before(async () => {
  server = await startWorker();
  [user, app, gateway, backend, service] = await Promise.all([
    createUser(server), registerApp(server), registerGateway(server),
    // A second exchange: from the backend to the audit log.
    registerGateway(server, { client_name: 'Backend', resources: [BACKEND, AUDIT] }),
    registerClient(server, { scope: 'read write admin', resources: [API] }),
  ]);
  browser = new Browser(server);
  await browser.signIn(user);
  await allowExchange(server, gateway);
  await allowExchange(server, gateway, { targets: [AUDIT], scope: 'read', mode: 'impersonation' });
  await allowExchange(server, backend, { sources: [BACKEND], targets: [AUDIT] });
});

after(() => server?.stop());

const userTokens = (parameters = {}, client = app, by = browser) => newGrant(server, by, user, client, {
  scope: 'openid read write offline_access', resource: API, ...parameters,
});

const isActive = async (access_token) => (await introspect(server, access_token)).json.active;

async function exchanged(subject_token, parameters = { resource: BACKEND }, client = gateway) {
  const { status, text, json } = await exchange(server, client, subject_token, parameters);
  assert.equal(status, 200, text);
  return json;
}

/** Asserts that an exchange is refused with this error, and that the subject token is active all the same. */
async function refused(error, subject_token, parameters, client = gateway, stays = true) {
  const { status, json, headers, text } = await exchange(server, client, subject_token, parameters);
  assert.deepEqual([status, json.error], [error === 'invalid_client' ? 401 : 400, error], text);
  assert.equal(headers['cache-control'], 'no-store');
  if (stays) assert.equal(await isActive(subject_token), true, 'the subject token is lost');
}

test('a delegation: the same user, another audience, the actor, and no more than the subject token', async () => {
  const { access_token } = await userTokens();
  const answer = await exchange(server, gateway, access_token, { resource: BACKEND, scope: 'read' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const { access_token: text, expires_in, ...members } = answer.json;
  assert.deepEqual(members, { issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', scope: 'read' });
  const [subject, claims] = [decodeJwt(access_token), decodeJwt(text)];
  assert.equal(decodeProtectedHeader(text).typ, 'at+jwt');
  const { iat, exp, jti, ...rest } = claims;
  assert.deepEqual(rest, {
    iss: server.issuer, sub: user.id, aud: BACKEND, client_id: gateway.id, scope: 'read', auth_time: subject.auth_time, acr: subject.acr,
    status: subject.status, act: { sub: gateway.id },
  });
  assert.ok(exp <= subject.exp && exp - iat <= 600 && expires_in <= exp - iat, `${exp} ${subject.exp}`);
  assert.equal(jti.split('.')[0], subject.jti.split('.')[0], 'it names the same grant');
  const { active, act, sub, aud } = (await introspect(server, text)).json;
  assert.deepEqual([active, act, sub, aud], [true, { sub: gateway.id }, user.id, BACKEND]);
});

test('an impersonation names no actor, and the rule limits the scope', async () => {
  const { access_token } = await userTokens();
  const { access_token: text, scope } = await exchanged(access_token, { audience: AUDIT });
  assert.deepEqual([scope, decodeJwt(text).act, decodeJwt(text).aud], ['read', undefined, AUDIT]);
});

test('of two targets, the rules of both limit the token', async () => {
  const { access_token } = await userTokens();
  const answer = await exchanged(access_token, { resource: [BACKEND, AUDIT] });
  const { aud, act } = decodeJwt(answer.access_token);
  assert.deepEqual([aud, answer.scope, act], [[BACKEND, AUDIT], 'read', { sub: gateway.id }]);
  await refused('invalid_target', access_token, {});
});

test('actors are nested, the newest outermost, and an actor token names the acting user', async () => {
  const { access_token } = await userTokens();
  const first = await exchanged(access_token);
  const second = await exchanged(first.access_token, {}, backend);
  const claims = decodeJwt(second.access_token);
  assert.deepEqual(claims.act, { sub: backend.id, act: { sub: gateway.id } });
  assert.ok(claims.exp <= decodeJwt(first.access_token).exp);
  assert.deepEqual([claims.aud, claims.sub, claims.status], [AUDIT, user.id, decodeJwt(access_token).status]);

  // An agent signs in itself, and acts for the user.
  const agent = await registerApp(server, { grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE], resources: [API, BACKEND] });
  await allowExchange(server, agent, { sources: [API, agent.id] });
  const [employee, employees] = [await createUser(server), new Browser(server)];
  await employees.signIn(employee);
  const own = await newGrant(server, employees, employee, agent, { scope: 'openid read' });
  for (const [actor_token, actor_token_type] of [[own.access_token, ACCESS_TOKEN], [own.id_token, ID_TOKEN]]) {
    const { access_token: text } = await exchanged(access_token, { actor_token, actor_token_type, resource: BACKEND }, agent);
    assert.deepEqual([decodeJwt(text).act, decodeJwt(text).sub], [{ sub: employee.id }, user.id]);
  }
  const sent = { actor_token: own.access_token, actor_token_type: ACCESS_TOKEN };
  await refused('invalid_request', access_token, { ...sent, actor_token_type: undefined, resource: BACKEND }, agent);
  await refused('invalid_request', access_token, { ...sent, actor_token_type: ID_TOKEN, resource: BACKEND }, agent);
  await refused('invalid_request', access_token, { ...sent, actor_token: withOtherSignature(own.access_token), resource: BACKEND }, agent);
  // The actor token of another client, and one where the rule allows none.
  await refused('invalid_request', access_token, { ...sent, resource: BACKEND });
  await refused('invalid_request', access_token, { actor_token: (await token(server, {}, gateway)).access_token, actor_token_type: ACCESS_TOKEN, resource: AUDIT });
  await revoke(server, agent, own.access_token);
  await refused('invalid_request', access_token, { ...sent, resource: BACKEND }, agent);
});

test('an ID token of the client itself is exchanged, and no other', async () => {
  const both = await registerApp(server, { grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE], resources: [BACKEND] });
  await allowExchange(server, both, { sources: [both.id] });
  const { id_token, access_token } = await userTokens({ resource: undefined }, both);
  const answer = await exchanged(id_token, { subject_token_type: ID_TOKEN }, both);
  assert.equal(answer.scope, 'read write');
  assert.deepEqual([decodeJwt(answer.access_token).sub, entryOf(answer.access_token)], [user.id, entryOf(access_token)]);
  await refused('invalid_request', id_token, { subject_token_type: ACCESS_TOKEN }, both, false);
  await refused('invalid_request', access_token, { subject_token_type: ID_TOKEN }, both);

  await allowExchange(server, gateway, { sources: [both.id], targets: [BACKEND, AUDIT] });
  await refused('invalid_request', id_token, { subject_token_type: ID_TOKEN, resource: BACKEND }, gateway, false);
  // The grant is revoked, and the ID token is still valid for a verifier that works offline.
  assert.equal((await revoke(server, both, (await refresh(server, both, (await userTokens({ resource: undefined }, both)).refresh_token)).json.refresh_token)).status, 200);
  await exchanged(id_token, { subject_token_type: ID_TOKEN }, both);
  assert.equal((await admin(server, 'DELETE', `/admin/users/${user.id}/grants/${grantOf({ access_token })}`)).status, 204);
  await refused('invalid_request', id_token, { subject_token_type: ID_TOKEN }, both, false);
  assert.equal(await isActive(answer.access_token), false);
});

test('the token of a client is exchanged, and revoking or disabling that client ends both', async () => {
  const own = await registerClient(server, { scope: 'read write admin', resources: [API] });
  const { access_token } = await token(server, { resource: API }, own);
  const { access_token: text, scope } = await exchanged(access_token);
  const { sub, client_id, act, status } = decodeJwt(text);
  assert.deepEqual([sub, client_id, act, status, scope], [own.id, gateway.id, { sub: gateway.id }, decodeJwt(access_token).status, 'read write']);
  const again = await exchanged(text, {}, backend);
  assert.deepEqual(decodeJwt(again.access_token).sub, own.id);
  assert.equal(await isActive(again.access_token), true);

  const path = clientPath(own.id);
  const change = (enabled) => admin(server, 'PUT', path, { ...own.information, client_secret: undefined, enabled });
  assert.equal((await change(false)).status, 200);
  assert.deepEqual([await isActive(access_token), await isActive(text), await isActive(again.access_token)], [false, false, false]);
  await refused('invalid_request', access_token, { resource: BACKEND }, gateway, false);
  assert.equal((await change(true)).status, 200);
  assert.equal(await isActive(text), true);

  // The client that exchanged revokes its own token, and no other.
  assert.equal((await revoke(server, gateway, text)).status, 200);
  assert.deepEqual([await isActive(text), await isActive(access_token)], [false, true]);
  await refused('invalid_request', text, {}, backend, false);
  assert.equal((await admin(server, 'DELETE', `${path}/tokens`)).status, 200);
  assert.deepEqual([await isActive(access_token), await isActive(again.access_token)], [false, false]);
  await untilRevoked(server, again.access_token, 'the client\'s tokens were ended');
});

test('revoking the grant or disabling its user ends the exchanged tokens, and the status list says so', async () => {
  const { access_token, refresh_token } = await userTokens();
  const first = (await exchanged(access_token)).access_token;
  const second = (await exchanged(first, {}, backend)).access_token;
  assert.equal((await revoke(server, gateway, first)).status, 200);
  assert.deepEqual([await isActive(first), await isActive(second), await isActive(access_token)], [false, true, true]);
  await refused('invalid_request', first, {}, backend, false);
  assert.equal((await revoke(server, app, first)).json.error, 'unauthorized_client');

  const enable = (enabled) => admin(server, 'PUT', `/admin/users/${user.id}`, { username: user.username, scope: null, enabled });
  assert.equal((await enable(false)).status, 200);
  assert.equal(await isActive(second), false);
  await refused('invalid_request', access_token, { resource: BACKEND }, gateway, false);
  assert.equal((await enable(true)).status, 200);
  await browser.signIn(user);
  assert.equal(await isActive(second), true);

  assert.equal((await revoke(server, app, refresh_token)).status, 200);
  assert.deepEqual([await isActive(access_token), await isActive(second)], [false, false]);
  await refused('invalid_request', access_token, { resource: BACKEND }, gateway, false);
  await untilRevoked(server, second, 'the grant was revoked');
});

test('disabling the client of the grant or the client that exchanged makes exchanged tokens inactive', async () => {
  const [first, second] = [await registerApp(server), await registerGateway(server)];
  await allowExchange(server, second);
  const { access_token } = await userTokens({}, first);
  const text = (await exchanged(access_token, {}, second)).access_token;
  const enable = async (client, enabled) => {
    const { status, text: said } = await admin(server, 'PUT', clientPath(client.id), { ...client.information, client_secret: undefined, enabled });
    assert.equal(status, 200, said);
  };
  await enable(second, false);
  assert.equal(await isActive(text), false);
  await enable(second, true);
  assert.equal(await isActive(text), true);
  await enable(first, false);
  await refused('invalid_request', access_token, {}, second, false);
  await until(async () => !await isActive(text), 'the account is told that the client of the grant was disabled');
  await enable(first, true);
  await until(() => isActive(text), 'the account is told that it was enabled');
  assert.equal((await admin(server, 'DELETE', clientPath(second.id))).status, 204);
  assert.deepEqual([await isActive(text), await isActive(access_token)], [false, true]);
});

test('refuses what would widen the token, and loses nothing', async () => {
  const { access_token } = await userTokens({ scope: 'openid read offline_access' });
  await refused('invalid_scope', access_token, { resource: BACKEND, scope: 'read write' });
  await refused('invalid_scope', access_token, { resource: BACKEND, scope: 'admin' });
  await refused('invalid_scope', access_token, { resource: BACKEND, scope: '"' });
  await refused('invalid_target', access_token, { resource: 'https://evil.example' });
  await refused('invalid_target', access_token, { resource: [BACKEND, 'https://evil.example'] });
  await refused('invalid_target', access_token, { audience: 'backend' });
  await refused('invalid_target', access_token, { resource: 'backend' });
  // A target of a rule that the client did not register.
  const narrow = await registerGateway(server, { resources: [API] });
  await allowExchange(server, narrow);
  await refused('invalid_target', access_token, { resource: BACKEND }, narrow);
});

test('refuses subject tokens that are forged, of another type, for another audience, or no tokens of this server', async () => {
  const { access_token, id_token, refresh_token } = await userTokens();
  const target = { resource: BACKEND };
  for (const [what, text] of [
    ['without a signature', unsigned(access_token)], ['another signature', withOtherSignature(access_token)],
    ['other claims', withClaims(access_token, { aud: API, scope: 'admin' })], ['a refresh token', refresh_token], ['no token', 'x.y.z'],
    ['an ID token that is declared an access token', id_token], ['empty JSON', 'e30.e30.e30'],
  ]) {
    const { status, json } = await exchange(server, gateway, text, target);
    assert.deepEqual([status, json.error], [400, 'invalid_request'], what);
    assert.equal(json.error_description, 'The subject_token or actor_token is malformed, expired, revoked or not acceptable for this exchange.', what);
  }
  await refused('invalid_request', access_token, { ...target, subject_token_type: undefined });
  await refused('invalid_request', access_token, { ...target, subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' });
  await refused('invalid_request', access_token, { ...target, requested_token_type: ID_TOKEN });
  await refused('invalid_request', undefined, target, gateway, false);
  // No rule has this source.
  await refused('invalid_request', (await userTokens({ resource: undefined })).access_token, target);
  // The root client's tokens administer this server.
  await allowExchange(server, gateway, { sources: [server.issuer] });
  await refused('invalid_request', (await token(server)).access_token, target);
});

test('keys of this server alone, and claims that restrict a token', async () => {
  const { access_token } = await userTokens();
  const { claims } = decode(access_token);
  const sign = (privateKey, kid, changes) => new SignJWT({ ...claims, ...changes })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(privateKey);
  const [own, foreign] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const add = async (key) => {
    const { status, text } = await admin(server, 'POST', '/admin/keys', key);
    assert.equal(status, 201, text);
  };
  await add({ key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }), kid: 'own', use: 'sign' });
  await add({ key: foreign.publicKey.export({ type: 'spki', format: 'pem' }), kid: 'foreign', use: 'verify', until: claims.exp });
  const [target, audit] = [{ resource: BACKEND }, { resource: AUDIT }];
  assert.ok((await exchanged(await sign(own.privateKey, 'own', {}))).access_token);
  // It verifies here, and would become a token that this server signs.
  await refused('invalid_request', await sign(foreign.privateKey, 'foreign', {}), target);
  await refused('invalid_request', await sign(own.privateKey, 'own', { cnf: { jkt: 'x' } }), target);
  await refused('invalid_request', await sign(own.privateKey, 'own', { authorization_details: [] }), target);

  const reserved = (sub) => sign(own.privateKey, 'own', { may_act: { sub, iss: server.issuer } });
  for (const parameters of [target, audit]) {
    await refused('invalid_request', await reserved(backend.id), parameters);
    const { may_act } = decodeJwt((await exchanged(await reserved(gateway.id), parameters)).access_token);
    assert.deepEqual(may_act, { sub: gateway.id, iss: server.issuer }, 'it still says who may act');
  }
  const act = [5, 4, 3, 2, 1].reduceRight((before, number) => ({ sub: `${number}`, ...before && { act: before } }), undefined);
  await refused('invalid_request', await sign(own.privateKey, 'own', { act }), target);
});

test('refuses an expired token', async () => {
  const brief = 'https://brief.example';
  const scopes = [{ value: 'read', description: { en: 'Read' } }];
  const resource = { identifier: brief, name: 'Brief', clients: 'all', scopes, access_token_lifetime: 1 };
  assert.equal((await admin(server, 'POST', '/admin/resources', resource)).status, 201);
  const client = await registerGateway(server);
  await allowExchange(server, client, { sources: [brief] });
  const { access_token } = await token(server, { resource: brief }, client);
  const { json } = await until(async () => {
    const answer = await exchange(server, client, access_token);
    return answer.status === 400 && answer;
  }, 'the token expires');
  assert.equal(json.error, 'invalid_request');
});

test('refuses clients without a rule, without the grant type, without authentication, and public ones', async () => {
  const { access_token } = await userTokens();
  await refused('unauthorized_client', access_token, { resource: BACKEND }, await registerGateway(server));
  await refused('unauthorized_client', access_token, { resource: BACKEND }, service);
  await refused('invalid_client', access_token, { resource: BACKEND }, { id: gateway.id, secret: 'wrong' });
  await refused('invalid_client', access_token, { resource: BACKEND, client_id: gateway.id }, { id: gateway.id });
  await refused('unauthorized_client', access_token, { resource: BACKEND }, { id: 'root', secret: server.rootSecret });
  const { status, json } = await admin(server, 'POST', '/admin/clients', { token_endpoint_auth_method: 'none', grant_types: [TOKEN_EXCHANGE] });
  assert.deepEqual([status, json.error], [400, 'invalid_client_metadata']);
  const open = await registerPublicClient(server);
  const answer = await postForm(server, '/oauth/token', { grant_type: TOKEN_EXCHANGE, client_id: open.id, subject_token: access_token, subject_token_type: ACCESS_TOKEN });
  assert.equal(answer.json.error, 'unauthorized_client');
});

test('a removed rule allows nothing more, and tokens that it gave stay active', async () => {
  const client = await registerGateway(server);
  const { id } = await allowExchange(server, client);
  const { access_token } = await userTokens();
  const text = (await exchanged(access_token, {}, client)).access_token;
  assert.equal((await admin(server, 'DELETE', `/admin/exchange-rules/${id}`)).status, 204);
  await refused('unauthorized_client', access_token, {}, client);
  assert.equal(await isActive(text), true);
});

test('an exchanged token for this server tells the claims about its user', async () => {
  const client = await registerGateway(server);
  await allowExchange(server, client, { targets: [server.issuer], scope: 'openid read', mode: 'impersonation' });
  const { access_token } = await userTokens();
  const text = (await exchanged(access_token, {}, client)).access_token;
  const { status, json } = await send(server, '/oauth/userinfo', { headers: bearer(text) });
  assert.deepEqual([status, json.sub], [200, user.id]);
  assert.equal((await send(server, '/admin/clients', { headers: bearer(text) })).status, 403);
});

test('events say which client exchanged which token for whom, and who acts', async () => {
  const { access_token } = await userTokens();
  const own = (await token(server, { resource: API }, service)).access_token;
  const [refusal, ofUser, ofClient] = await left(server, 3, async () => {
    await refused('invalid_scope', access_token, { resource: BACKEND, scope: 'admin' }, gateway, false);
    await exchanged(access_token);
    await exchanged(own);
  });
  assert.deepEqual([refusal.event, refusal.reason, refusal.client, refusal.user], ['refused', 'scope_not_allowed', gateway.id, user.id]);
  const { jti, kid, ...first } = ofUser;
  assert.ok(kid);
  assert.deepEqual(first, {
    event: 'token_issued', severity: 'info', endpoint: '/oauth/token', reason: TOKEN_EXCHANGE, client: gateway.id, user: user.id,
    grant: grantOf({ access_token }), subject_jti: decodeJwt(access_token).jti, actor: gateway.id,
  });
  assert.notEqual(jti, first.subject_jti);
  assert.deepEqual([ofClient.subject_client, ofClient.subject_jti, ofClient.user], [service.id, decodeJwt(own).jti, undefined]);
});

test('the metadata of the server lists the grant type', async () => {
  const { json } = await send(server, '/.well-known/oauth-authorization-server');
  assert.ok(json.grant_types_supported.includes(TOKEN_EXCHANGE));
});
