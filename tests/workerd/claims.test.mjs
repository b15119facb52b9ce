// Claims about the user: in ID tokens, as registered or requested one by one (OpenID Connect Core section 5.5), and groups.
// Two libraries read the tokens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { admin, clientPath, registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, authorize, createUser, pkce, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { bearer, send } from './request.mjs';
import { visit } from './visit.mjs';

const ALL = 'openid profile email groups offline_access';
const GROUPS = ['system:masters', '\u7fa4\u7ec4'];
const INSECURE = { [oauth.allowInsecureRequests]: true };
const proof = pkce();
let server;
let user;
let told;
let plain;
let rich;

before(async () => {
  server = await startWorker();
  user = await createUser(server, { name: 'Demo', email: 'demo@example.com', email_verified: true, groups: GROUPS });
  const { updated_at } = (await admin(server, 'GET', `/admin/users/${user.id}`)).json;
  told = {
    name: 'Demo', preferred_username: user.username, updated_at, email: 'demo@example.com', email_verified: true, groups: GROUPS,
  };
  plain = await registerPublicClient(server, { scope: ALL });
  rich = await registerPublicClient(server, { scope: ALL, id_token_claims: 'profile' });
});

after(() => server?.stop());

test('openid-client, as Auth.js uses it, finds name and email in the ID token alone', async () => {
  const client = await registerPublicClient(server, {
    scope: ALL, id_token_claims: 'profile', token_endpoint_auth_method: 'client_secret_basic',
  });
  const options = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
  const config = await openid.discovery(new URL(server.issuer), client.id, {}, openid.ClientSecretBasic(client.secret), options);
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: 'openid profile email', code_challenge_method: 'S256',
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
  });
  const { answer } = await visit(new Browser(server), user, url);
  const tokens = await openid.authorizationCodeGrant(config, answer, { pkceCodeVerifier, idTokenExpected: true });
  const { sub, name, email } = tokens.claims();
  assert.deepEqual({ sub, name, email }, { sub: user.id, name: 'Demo', email: 'demo@example.com' });
  assert.equal(tokens.claims().groups, undefined, 'the scope was not requested');
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
  assert.equal(refreshed.claims().name, 'Demo', 'after a refresh too');
});

test('oauth4webapi requests single claims, and finds them in the ID token', async () => {
  const issuer = new URL(server.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  assert.equal(as.claims_parameter_supported, true);
  assert.ok(as.scopes_supported.includes('groups') && as.claims_supported.includes('groups'));
  const client = { client_id: plain.id };
  const claims = JSON.stringify({ id_token: { name: { essential: true }, groups: null }, userinfo: { email: null } });
  const url = `${server.url}${authorizationPath(plain, proof, { scope: ALL, claims })}`;
  const { answer } = await visit(new Browser(server), user, url);
  const parameters = oauth.validateAuthResponse(as, client, answer, 'state-1');
  const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, REDIRECT_URI, proof.verifier, INSECURE);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { requireIdToken: true });
  assert.deepEqual(aboutUser(tokens.id_token), { name: 'Demo', groups: GROUPS });
  const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, INSECURE);
  assert.deepEqual(await oauth.processUserInfoResponse(as, client, user.id, userinfo), { sub: user.id, ...told });
});

test('ID tokens have the claims of the granted scope, for clients that registered it', async () => {
  assert.equal(rich.information.id_token_claims, 'profile');
  const of = async (client, scope, parameters) => aboutUser((await signInAndRedeem(server, user, client, { scope, ...parameters })).tokens.id_token);
  const { name, preferred_username, updated_at, email, email_verified, groups } = told;
  assert.deepEqual(await of(rich, ALL), told);
  assert.deepEqual(await of(rich, 'openid'), {});
  assert.deepEqual(await of(rich, 'openid profile'), { name, preferred_username, updated_at });
  assert.deepEqual(await of(rich, 'openid email'), { email, email_verified });
  assert.deepEqual(await of(rich, 'openid groups'), { groups });
  assert.deepEqual(await of(plain, ALL), {}, 'and for no other');
});

test('the claims parameter adds no claim without its scope, and none that is requested for userinfo only', async () => {
  const of = async (scope, claims) => aboutUser((await signInAndRedeem(server, user, plain, { scope, claims: JSON.stringify(claims) })).tokens.id_token);
  const everything = Object.fromEntries(Object.keys(told).map((name) => [name, { essential: true }]));
  assert.deepEqual(await of(ALL, { id_token: everything }), told);
  assert.deepEqual(await of('openid', { id_token: everything }), {});
  assert.deepEqual(await of('openid email', { id_token: everything }), { email: told.email, email_verified: true });
  assert.deepEqual(await of(ALL, { userinfo: everything }), {});
  assert.deepEqual(await of(ALL, { id_token: { email: { value: 'other@example.com' } } }), { email: told.email }, 'the true value');
  assert.deepEqual(await of(ALL, { id_token: { shoe_size: null, iss: null, aud: { value: 'x' } }, else: [] }), {});
});

test('requested claims stay with the grant through sign-in, consent and refresh', async () => {
  const { tokens } = await signInAndRedeem(server, user, plain, { scope: ALL, claims: '{"id_token":{"name":null}}' });
  assert.deepEqual(aboutUser(tokens.id_token), { name: 'Demo' });
  const { json } = await refresh(server, plain, tokens.refresh_token);
  assert.deepEqual(aboutUser(json.id_token), { name: 'Demo' });
  const other = await signInAndRedeem(server, user, plain, { scope: ALL });
  assert.deepEqual(aboutUser(other.tokens.id_token), {}, 'another request did not request any');
});

test('malformed claims are refused at the redirect URI', async () => {
  const browser = new Browser(server);
  for (const claims of ['x', '[]', '{', '{"id_token":1}', '{"id_token":{"name":true}}', '{"id_token":{},"id_token":{}}', `{"x":"${'x'.repeat(4096)}"}`]) {
    const { location } = await browser.open(authorizationPath(plain, proof, { claims }));
    const { error, state } = Object.fromEntries(new URL(location).searchParams);
    assert.deepEqual([error, state], ['invalid_request', 'state-1'], claims.slice(0, 40));
  }
});

test('id_token_claims is `profile` or absent, and can be removed again', async () => {
  for (const id_token_claims of ['all', '', true, ['profile'], {}]) {
    const metadata = { redirect_uris: [REDIRECT_URI], id_token_claims };
    const { status, json } = await admin(server, 'POST', '/admin/clients', metadata);
    assert.deepEqual([status, json.error], [400, 'invalid_client_metadata'], JSON.stringify(id_token_claims));
  }
  const client = await registerPublicClient(server, { scope: ALL, id_token_claims: 'profile' });
  const { tokens } = await signInAndRedeem(server, user, client, { scope: ALL });
  assert.deepEqual(aboutUser(tokens.id_token), told);
  const { status } = await admin(server, 'PUT', clientPath(client.id), { ...client.information, id_token_claims: null });
  assert.equal(status, 200);
  assert.deepEqual(aboutUser((await refresh(server, client, tokens.refresh_token)).json.id_token), {});
  assert.equal('id_token_claims' in (await admin(server, 'GET', clientPath(client.id))).json, false);
  const { information } = await registerClient(server, { redirect_uris: [REDIRECT_URI] });
  assert.equal(information.scope, 'openid profile email offline_access', 'the default scope is without groups');
});

test('an operator assigns groups; a replacement without them keeps them', async () => {
  const { id, username } = await createUser(server);
  const put = (members) => admin(server, 'PUT', `/admin/users/${id}`, { username, ...members });
  assert.equal((await admin(server, 'GET', `/admin/users/${id}`)).json.groups, undefined);
  assert.deepEqual((await put({ groups: ['b', 'a', 'b'] })).json.groups, ['b', 'a']);
  assert.deepEqual((await put({ name: 'Named' })).json.groups, ['b', 'a']);
  assert.deepEqual((await admin(server, 'GET', `/admin/users?username=${username}`)).json.users[0].groups, ['b', 'a']);
  for (const groups of ['a', [1], [''], ['x'.repeat(101)], Array.from({ length: 101 }, (_, at) => `${at}`), { a: 1 }]) {
    const { status, json } = await put({ groups });
    assert.deepEqual([status, json.error], [400, 'invalid_request']);
    assert.match(json.error_description, /^groups must be/);
  }
  assert.deepEqual((await put({})).json.groups, ['b', 'a']);
  assert.equal((await put({ groups: null })).json.groups, undefined);
});

test('a user without groups, or with a limited scope, has an empty groups claim', async () => {
  const person = await createUser(server, { scope: 'read' });
  const { tokens } = await signInAndRedeem(server, person, rich, { scope: 'openid groups' });
  assert.deepEqual(aboutUser(tokens.id_token), { groups: [] });
  const { json } = await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) });
  assert.deepEqual(json, { sub: person.id, groups: [] });
});

test('the consent page explains the groups scope in words', async () => {
  const fresh = await registerPublicClient(server, { scope: ALL });
  const browser = new Browser(server);
  await browser.signIn(user);
  const page = (ui_locales) => browser.open(authorizationPath(fresh, proof, { scope: 'openid groups', ui_locales }));
  assert.match((await page('en')).html, /See the groups that you belong to/);
  assert.match((await page('zh')).html, /\u67e5\u770b\u60a8\u6240\u5c5e\u7684\u7fa4\u7ec4/);
  assert.equal((await authorize(browser, user, fresh, proof, { scope: 'openid groups' })).error, undefined);
});

// The claims about the user in an ID token, without sub.
function aboutUser(id_token) {
  const { iss, sub, aud, iat, exp, auth_time, acr, amr, nonce, at_hash, jti, sid, ...rest } = decode(id_token).claims;
  assert.deepEqual([iss, sub.length], [server.issuer, 22]);
  return rest;
}
