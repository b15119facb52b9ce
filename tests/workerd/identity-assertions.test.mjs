// Identity assertions (ID-JAG) between organisations: one Worker issues them for a client of its signed-in users, another one accepts them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { admin } from './admin.mjs';
import { registerAssertionClient, signGrant, trustIssuer } from './assertion-grants.mjs';
import { left } from './events.mjs';
import { ACCESS_TOKEN, ID_TOKEN, TOKEN_EXCHANGE } from './exchanges.mjs';
import { assertRefused, grantOf, introspect, newGrant, revoke } from './grants.mjs';
import {
  CHAT, ID_JAG, REFRESH_TOKEN, linkUser, permitAssertions, presentAs, registerWiki, requestAssertion, startOrganisations,
} from './identity-assertions.mjs';
import { Browser, createUser, refresh } from './people.mjs';
import { send } from './request.mjs';

const TYPE = { typ: 'oauth-id-jag+jwt' };
let all;
/** An issuer whose key the test has, and its user: every claim can be changed. */
let stranger;

before(async () => {
  all = await startOrganisations();
  const { ras, atRas } = all;
  // UPSTREAM_ISSUER is the other Worker, so this issuer names users by their ids.
  stranger = await trustIssuer(ras, { clients: [atRas.id], subject: 'user_id', assertions: 'id_jag', scope: 'chat.read chat.write' });
});

after(() => all?.stop());

const ask = (subject_token = all.tokens.id_token, parameters = {}, client = all.atIdp) => requestAssertion(all.idp, client, all.ras, subject_token, parameters);

async function issued(...request) {
  const { status, text, json } = await ask(...request);
  assert.equal(status, 200, text);
  return json;
}

async function refused(error, ...request) {
  const { status, json, text, headers } = await ask(...request);
  assert.deepEqual([status, json.error], [error === 'invalid_client' ? 401 : 400, error], text);
  assert.equal(headers['cache-control'], 'no-store');
}

const foreign = (changes = {}, header = TYPE) => signGrant(all.ras, stranger, all.local.id, { client_id: all.atRas.id, ...changes }, header);

test('an ID token yields an assertion, and the assertion an access token about the same user', async () => {
  const { idp, ras, user, local, atIdp, atRas, tokens } = all;
  const { access_token: assertion, ...answer } = await issued(tokens.id_token, { scope: 'chat.read' });
  assert.ok(answer.expires_in > 290 && answer.expires_in <= 300, `${answer.expires_in}`);
  assert.deepEqual({ ...answer, expires_in: 300 }, { issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300, scope: 'chat.read' });
  assert.deepEqual([decodeProtectedHeader(assertion).typ, decodeProtectedHeader(assertion).alg], ['oauth-id-jag+jwt', 'ES256']);
  const { iat, exp, jti, ...claims } = decodeJwt(assertion);
  const { auth_time, acr, amr } = decodeJwt(tokens.id_token);
  assert.deepEqual(claims, {
    iss: idp.issuer, sub: user.id, aud: ras.issuer, client_id: atRas.id, resource: [CHAT], scope: 'chat.read', auth_time, acr, amr,
  });
  assert.ok(jti.length >= 22 && exp - iat === answer.expires_in);
  assert.ok(!jti.includes(grantOf(tokens)), 'it does not reveal the grant');

  const { status, json, text, headers } = await presentAs(ras, atRas, assertion);
  assert.equal(status, 200, text);
  assert.equal(headers['cache-control'], 'no-store');
  const { access_token, ...members } = json;
  assert.deepEqual(members, { token_type: 'Bearer', expires_in: 600, scope: 'chat.read' });
  const { iss, sub, aud, client_id, scope } = decodeJwt(access_token);
  assert.deepEqual([iss, sub, aud, client_id, scope], [ras.issuer, local.id, CHAT, atRas.id, 'chat.read']);
  assert.equal((await introspect(ras, access_token)).json.active, true);

  assertRefused(await presentAs(ras, atRas, assertion), 'an assertion is used once');
  assert.equal((await introspect(ras, access_token)).json.active, true, 'a replay ends nothing');
  // It is a token of neither server.
  assert.equal((await introspect(idp, assertion)).json.active, false);
  for (const subject_token_type of [ID_TOKEN, ACCESS_TOKEN, ID_JAG]) await refused('invalid_request', assertion, { subject_token_type }, atIdp);
});

test('a refresh token yields an assertion, and stays what it was', async () => {
  const { idp, ras, atIdp, atRas, tokens } = all;
  const { access_token, scope } = await issued(tokens.refresh_token, { subject_token_type: REFRESH_TOKEN });
  assert.equal(scope, 'chat.read chat.write');
  assert.deepEqual(decodeJwt(access_token).resource, [CHAT]);
  assert.equal((await presentAs(ras, atRas, access_token, { scope: 'chat.write', resource: CHAT })).json.scope, 'chat.write');
  assert.equal((await refresh(idp, atIdp, tokens.refresh_token)).status, 200);
  await issued(tokens.refresh_token, { subject_token_type: REFRESH_TOKEN });
});

test('the metadata of both servers names what they support', async () => {
  const { json } = await send(all.idp, '/.well-known/oauth-authorization-server');
  assert.deepEqual(json.identity_chaining_requested_token_types_supported, [ID_JAG]);
  assert.deepEqual(json.authorization_grant_profiles_supported, ['urn:ietf:params:oauth:grant-profile:id-jag']);
});

test('the rule decides about audience, resource, scope and client', async () => {
  const { idp, ras, tokens } = all;
  await refused('invalid_request', tokens.id_token, { audience: undefined });
  await refused('invalid_target', tokens.id_token, { audience: 'https://other.example' });
  await refused('invalid_target', tokens.id_token, { audience: [ras.issuer, 'https://other.example'] });
  await refused('invalid_target', tokens.id_token, { resource: 'https://mail.example' });
  await refused('invalid_scope', tokens.id_token, { scope: 'chat.read chat.admin' });
  await refused('invalid_scope', tokens.id_token, { scope: '"' });
  await refused('invalid_request', tokens.id_token, { actor_token: tokens.access_token, actor_token_type: ACCESS_TOKEN });
  const slash = await issued(tokens.id_token, { audience: `${ras.issuer}/`, resource: undefined });
  assert.deepEqual([decodeJwt(slash.access_token).aud, decodeJwt(slash.access_token).resource], [ras.issuer, [CHAT]]);
  // A rule for assertions permits no access token.
  const other = await ask(tokens.id_token, { requested_token_type: ACCESS_TOKEN, audience: undefined, resource: ras.issuer });
  assert.deepEqual([other.status, other.json.error], [400, 'unauthorized_client']);
  const [without, plain] = [await registerWiki(idp), await registerWiki(idp, { grant_types: ['authorization_code', 'refresh_token'] })];
  await refused('unauthorized_client', tokens.id_token, {}, without);
  await refused('unauthorized_client', tokens.id_token, {}, plain);
  await refused('invalid_client', tokens.id_token, {}, { id: all.atIdp.id, secret: 'wrong' });
  await refused('invalid_client', tokens.id_token, { client_id: all.atIdp.id }, { id: all.atIdp.id });
});

test('refuses subject tokens of other clients and of other types, and those that are not active', async () => {
  const { idp, ras, browser, user, atIdp, tokens } = all;
  const other = await registerWiki(idp);
  await permitAssertions(idp, other, ras, all.atRas);
  await refused('invalid_request', tokens.id_token, {}, other);
  await refused('invalid_request', tokens.refresh_token, { subject_token_type: REFRESH_TOKEN }, other);
  await refused('invalid_request', tokens.access_token, { subject_token_type: ACCESS_TOKEN });
  await refused('invalid_request', tokens.id_token, { subject_token_type: REFRESH_TOKEN });
  await refused('invalid_request', tokens.refresh_token);
  await refused('invalid_request', `${tokens.refresh_token}x`, { subject_token_type: REFRESH_TOKEN });
  await refused('invalid_request', 'x.y.z');

  const plain = await newGrant(idp, browser, user, atIdp, { scope: 'read offline_access' });
  await refused('invalid_request', plain.refresh_token, { subject_token_type: REFRESH_TOKEN });

  const brief = await newGrant(idp, browser, user, atIdp, { scope: 'openid offline_access' });
  const path = `/admin/users/${user.id}`;
  const enable = (enabled) => admin(idp, 'PUT', path, { username: user.username, scope: null, enabled });
  assert.equal((await enable(false)).status, 200);
  await refused('invalid_request', brief.id_token);
  await refused('invalid_request', brief.refresh_token, { subject_token_type: REFRESH_TOKEN });
  assert.equal((await enable(true)).status, 200);
  await browser.signIn(user);
  await issued(brief.id_token);
  assert.equal((await revoke(idp, atIdp, brief.refresh_token)).status, 200);
  await refused('invalid_request', brief.id_token);
  await refused('invalid_request', brief.refresh_token, { subject_token_type: REFRESH_TOKEN });
});

test('a user who may not allow the scope gets no assertion with it', async () => {
  const { idp, atIdp } = all;
  const limited = await createUser(idp, { scope: 'openid chat.read' });
  const browser = new Browser(idp);
  await browser.signIn(limited);
  const { id_token } = await newGrant(idp, browser, limited, atIdp, { scope: 'openid' });
  assert.equal((await issued(id_token)).scope, 'chat.read');
  await refused('invalid_scope', id_token, { scope: 'chat.write' });
});

test('an operator requires a sign-in of some strength for another server', async () => {
  const { idp, atIdp, tokens } = all;
  const strict = { issuer: 'https://strict.example' };
  await permitAssertions(idp, atIdp, strict, all.atRas);
  const { status, text } = await admin(idp, 'POST', '/admin/resources', { identifier: strict.issuer, name: 'Strict', scopes: [], clients: [atIdp.id], acr: 'phr' });
  assert.equal(status, 201, text);
  // An isolate reads the registered resources once a minute; the one that registers them knows them at once.
  await refused('invalid_grant', tokens.id_token, { audience: strict.issuer });
});

test('the other server refuses a user without an account there, and finds none by an e-mail address', async () => {
  const { idp, ras, atIdp, atRas } = all;
  await createUser(ras, { email: 'bob@corp.example', email_verified: true });
  const bob = await createUser(idp, { email: 'bob@corp.example', email_verified: true });
  const browser = new Browser(idp);
  await browser.signIn(bob);
  const { id_token } = await newGrant(idp, browser, bob, atIdp, { scope: 'openid' });
  assertRefused(await presentAs(ras, atRas, (await issued(id_token)).access_token), 'no account');
  const local = await linkUser(ras, idp, bob.id);
  const { json } = await presentAs(ras, atRas, (await issued(id_token)).access_token);
  assert.equal(decodeJwt(json.access_token).sub, local.id);
  assertRefused(await presentAs(ras, atRas, await foreign({ sub: undefined, email: 'bob@corp.example' })), 'an e-mail address alone');
  assertRefused(await presentAs(ras, atRas, await foreign({ sub: 'bob@corp.example' })), 'an e-mail address as the subject');
});

const FAULTS = [
  ['for two audiences', () => ({ aud: [all.ras.issuer, 'https://other.example'] })],
  ['with a list of one audience', () => ({ aud: [all.ras.issuer] })],
  ['for the token endpoint', () => ({ aud: `${all.ras.issuer}/oauth/token` })],
  ['that names another client', () => ({ client_id: 'another' })],
  ['without a client', () => ({ client_id: undefined })],
  ['without a jti', () => ({ jti: undefined })],
  ['without a time of issue', () => ({ iat: undefined })],
  ['that has expired', () => ({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ['with a confirmation key', () => ({ cnf: { jkt: 'x' } })],
  ['with an actor', () => ({ act: { sub: 'agent' } })],
  ['with authorization details', () => ({ authorization_details: [{ type: 'x' }] })],
  ['of a tenant', () => ({ tenant: 'acme' })],
  ['with a malformed resource', () => ({ resource: 'chat' })],
  ['with the type JWT', () => ({}), { typ: 'JWT' }],
  ['without a type', () => ({}), {}],
  ['with the type of an access token', () => ({}), { typ: 'at+jwt' }],
];

test('refuses each fault of an assertion with the same response, and an event', async () => {
  const { ras, atRas } = all;
  const events = await left(ras, FAULTS.length, () => Promise.all(FAULTS.map(async ([what, changes, header]) => {
    assertRefused(await presentAs(ras, atRas, await foreign(changes(), header)), what);
  })));
  for (const { event, reason } of events) assert.deepEqual([event, /^assertion(_client)?$/.test(reason)], ['refused', true], reason);
  assert.equal((await presentAs(ras, atRas, await foreign())).status, 200, 'a valid one is accepted');
});

test('refuses an assertion that another client presents, or one that has not authenticated', async () => {
  const { ras, atRas } = all;
  const other = await registerAssertionClient(ras, { scope: 'chat.read', resources: [CHAT] });
  const assertion = await foreign();
  assertRefused(await presentAs(ras, other, assertion), 'another client');
  for (const parameters of [{}, { client_id: atRas.id }]) {
    const { status, json } = await presentAs(ras, undefined, assertion, parameters);
    assert.deepEqual([status, json.error], [401, 'invalid_client']);
  }
  assert.equal((await presentAs(ras, atRas, assertion)).status, 200, 'the refusals did not use it up');
});

test('refuses an identity assertion of an issuer that is trusted for other assertions only', async () => {
  const { ras, atRas } = all;
  const plain = await trustIssuer(ras, { clients: [atRas.id], scope: 'chat.read', client_authentication: 'required' });
  const sign = (header) => signGrant(ras, plain, all.local.id, { client_id: atRas.id }, header);
  assertRefused(await presentAs(ras, atRas, await sign(TYPE)), 'not permitted');
  assert.equal((await presentAs(ras, atRas, await sign({}))).status, 200);
  assertRefused(await presentAs(ras, atRas, await signGrant(ras, { ...stranger, issuer: 'https://unknown.example' }, all.local.id, {}, TYPE)), 'unknown');
});

test('the assertion limits scope and resource of the request', async () => {
  const { ras, atRas } = all;
  const request = async (claims, parameters) => (await presentAs(ras, atRas, await foreign(claims), parameters)).json;
  assert.equal((await request({ scope: 'chat.read' }, { scope: 'chat.read chat.write' })).error, 'invalid_scope');
  assert.equal((await request({ scope: 'chat.read chat.admin' })).error, 'invalid_scope');
  assert.equal((await request({ resource: CHAT }, { resource: ras.issuer })).error, 'invalid_target');
  assert.equal((await request({ resource: 'https://mail.example' })).error, 'invalid_target');
  const both = await request({ resource: [CHAT, ras.issuer] }, { resource: CHAT });
  assert.equal(decodeJwt(both.access_token).aud, CHAT);
  assert.equal((await request({})).scope, 'chat.read chat.write');
});

test('events of both servers say what happened', async () => {
  const { idp, ras, user, local, atIdp, atRas, rule, trusted, tokens } = all;
  let assertion;
  const [first] = await left(idp, 1, async () => { assertion = (await issued()).access_token; });
  const { kid, ...event } = first;
  assert.ok(kid);
  assert.deepEqual(event, {
    event: 'token_issued', severity: 'info', endpoint: '/oauth/token', reason: TOKEN_EXCHANGE, client: atIdp.id, user: user.id,
    grant: grantOf(tokens), jti: decodeJwt(assertion).jti, subject_jti: decodeJwt(tokens.id_token).jti, exchange_rule: rule.id,
  });
  const [second] = await left(ras, 1, () => presentAs(ras, atRas, assertion));
  assert.deepEqual([second.event, second.user, second.client, second.trusted_issuer], ['token_issued', local.id, atRas.id, trusted.id]);
  const [replay] = await left(ras, 1, () => presentAs(ras, atRas, assertion));
  assert.deepEqual([replay.event, replay.reason], ['refused', 'assertion_replay']);
});
