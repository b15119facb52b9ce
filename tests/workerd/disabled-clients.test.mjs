// Disabling and enabling clients: authentication at every endpoint, authorization, their own tokens, those of their grants, and
// status lists.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { storedEvents } from './events.mjs';
import { OFFLINE, ONLINE, assertCounts, assertEnded, introspect, newGrant, registerConfidentialClient, revoke } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, signInAndRedeem, tokenRequest } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';
import { statusOf } from './status-lists.mjs';

let server;
let user;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
});

after(() => server?.stop());

/** Sets the member `enabled` of a client. */
async function enable(client, enabled) {
  const { client_id_issued_at, ...metadata } = (await admin(server, 'GET', clientPath(client.id))).json;
  const answer = await admin(server, 'PUT', clientPath(client.id), { ...metadata, enabled });
  assert.deepEqual([answer.status, answer.json.enabled], [200, enabled], answer.text);
  assert.equal((await admin(server, 'GET', clientPath(client.id))).json.enabled, enabled);
}

/** Waits until the list shows a revocation that begins now, and so all that happened before. */
async function listIsRead() {
  const client = await registerPublicClient(server);
  const { tokens } = await signInAndRedeem(server, user, client, OFFLINE);
  assert.equal((await revoke(server, client, tokens.refresh_token)).status, 200);
  await until(async () => await statusOf(server, tokens.access_token) === 1, 'the list shows a later revocation');
}

const ownToken = (client) => postForm(server, '/oauth/token', { grant_type: 'client_credentials' }, basic(client));

/** The response to a failed client authentication. */
function assertNotAuthenticated({ status, json }, what) {
  assert.deepEqual([status, json], [401, { error: 'invalid_client', error_description: 'Client authentication failed.' }], what);
}

test('enabled is true by default, kept by a change without it, and refused if it is no boolean', async () => {
  const client = await registerClient(server);
  assert.equal(client.information.enabled, true);
  await enable(client, false);
  const { status, json } = await admin(server, 'PUT', clientPath(client.id), { client_name: 'Renamed' });
  assert.deepEqual([status, json.client_name, json.enabled], [200, 'Renamed', false]);
  assertNotAuthenticated(await ownToken(client), 'still disabled');
  for (const [method, path] of [['POST', '/admin/clients'], ['PUT', clientPath(client.id)]]) {
    const refused = await admin(server, method, path, { enabled: 'false' });
    assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_client_metadata']);
    assert.ok(refused.json.error_description.startsWith('enabled '));
  }
  const born = await registerClient(server, { enabled: false });
  assertNotAuthenticated(await ownToken(born), 'registered as disabled');
  await enable(born, true);
  assert.equal((await ownToken(born)).status, 200);
  await until(async () => {
    const events = await storedEvents(server, { client: born.id });
    const kinds = events.map(({ event }) => event).filter((event) => /^client_(dis|en)abled$/.test(event));
    return kinds.join() === 'client_disabled,client_enabled';
  }, 'both events, once each');
});

test('the root client cannot be disabled', async () => {
  assert.equal((await admin(server, 'PUT', clientPath('root'), { enabled: false })).status, 404);
  assert.equal((await ownToken({ id: 'root', secret: server.rootSecret })).status, 200);
});

test('a disabled client authenticates at no endpoint, by no method', async () => {
  const clients = {
    secret: await registerConfidentialClient(server),
    public: await registerPublicClient(server),
  };
  for (const [what, client] of Object.entries(clients)) {
    const { tokens } = await signInAndRedeem(server, user, client, OFFLINE);
    await enable(client, false);
    assertNotAuthenticated(await refresh(server, client, tokens.refresh_token), `${what}: token`);
    assertNotAuthenticated(await revoke(server, client, tokens.refresh_token), `${what}: revocation`);
    if (what === 'secret') {
      assertNotAuthenticated(await introspect(server, tokens.access_token, client), `${what}: introspection`);
      assertNotAuthenticated(await refresh(server, { ...client, secret: 'a wrong secret, also' }, tokens.refresh_token), 'a wrong secret');
    }
    await enable(client, true);
    const again = await refresh(server, client, tokens.refresh_token);
    assert.equal(again.status, 200, `${what}: ${again.text}`);
  }
  const key = await newClientKey('ES256');
  const client = await registerClient(server, keyMetadata(key));
  const byAssertion = async () =>
    postForm(server, '/oauth/token', assertionForm(await signAssertion(key, assertionClaims(server, client.id))));
  assert.equal((await byAssertion()).status, 200);
  await enable(client, false);
  assertNotAuthenticated(await byAssertion(), 'an assertion');
  await enable(client, true);
  assert.equal((await byAssertion()).status, 200);
});

test('the own tokens of a disabled client are inactive at once and marked, and active again afterwards', async () => {
  const client = await registerClient(server);
  const { json: { access_token } } = await ownToken(client);
  const whoami = () => send(server, '/api/whoami', { headers: bearer(access_token) });
  assert.equal((await whoami()).status, 200);
  await enable(client, false);
  assert.equal((await whoami()).status, 401);
  assert.deepEqual((await introspect(server, access_token)).json, { active: false });
  await until(async () => await statusOf(server, access_token) === 1, 'the list marks it');
  await enable(client, true);
  assert.equal((await whoami()).status, 200);
  await until(async () => await statusOf(server, access_token) === 0, 'the list shows it as valid');
  await enable(client, false);
  assert.equal((await admin(server, 'DELETE', `${clientPath(client.id)}/tokens`)).status, 200);
  await enable(client, true);
  assert.equal((await whoami()).status, 401, 'revoked while the client was disabled');
  await until(async () => await statusOf(server, access_token) === 1, 'the list marks it again');
});

test('the tokens of grants for a disabled client are inactive and marked, those for others are not', async () => {
  const [client, other] = [await registerPublicClient(server), await registerPublicClient(server)];
  const { browser, tokens: offline } = await signInAndRedeem(server, user, client, OFFLINE);
  const online = await newGrant(server, browser, user, client, ONLINE);
  const ended = await newGrant(server, browser, user, client, OFFLINE);
  const elsewhere = await newGrant(server, browser, user, other, OFFLINE);
  const proof = pkce();
  const code = new URL((await browser.open(authorizationPath(client, proof, OFFLINE))).location).searchParams.get('code');
  await enable(client, false);
  for (const { access_token } of [offline, online]) {
    await assertEnded(server, access_token, 'disabled');
    await until(async () => await statusOf(server, access_token) === 1, 'the list marks it');
  }
  await assertCounts(server, elsewhere.access_token, 'another client');
  assert.equal(await statusOf(server, elsewhere.access_token), 0);
  assertNotAuthenticated(await redeem(server, client, code, proof), 'the code');
  const grants = (await admin(server, 'GET', `${clientPath(client.id)}/grants`)).json.grants;
  assert.equal(grants.length, 3, 'grants are kept');
  const { access_token } = ended;
  const id = JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url')).jti.split('.')[0];
  assert.equal((await admin(server, 'DELETE', `/admin/users/${user.id}/grants/${id}`)).status, 204);
  await enable(client, true);
  for (const tokens of [offline, online]) {
    await assertCounts(server, tokens.access_token, 'enabled again');
    await until(async () => await statusOf(server, tokens.access_token) === 0, 'the list shows it as valid');
    assert.equal((await refresh(server, client, tokens.refresh_token)).status, 200);
  }
  await assertEnded(server, access_token, 'revoked');
  assert.equal(await statusOf(server, access_token), 1, 'revoked while the client was disabled');
  assert.equal((await browser.open('/account')).url.pathname, '/account', 'the session of the user is untouched');
});

test('user and client are disabled independently', async () => {
  const [client, person] = [await registerPublicClient(server), await createUser(server)];
  const { tokens: { access_token, refresh_token } } = await signInAndRedeem(server, person, client, OFFLINE);
  const enableUser = async (enabled) =>
    assert.equal((await admin(server, 'PUT', `/admin/users/${person.id}`, { username: person.username, enabled })).status, 200);
  await enable(client, false);
  await enableUser(false);
  await until(async () => await statusOf(server, access_token) === 1, 'marked');
  await enable(client, true);
  await assertEnded(server, access_token, 'the user is still disabled');
  await listIsRead();
  assert.equal(await statusOf(server, access_token), 1);
  await enable(client, false);
  await enableUser(true);
  await assertEnded(server, access_token, 'the client is still disabled');
  await listIsRead();
  assert.equal(await statusOf(server, access_token), 1);
  await enable(client, true);
  await assertCounts(server, access_token, 'both are enabled');
  await until(async () => await statusOf(server, access_token) === 0, 'valid');
  assert.equal((await refresh(server, client, refresh_token)).status, 200);
});

test('an authorization request of a disabled client shows an error page', async () => {
  const client = await registerPublicClient(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  await enable(client, false);
  for (const visitor of [browser, new Browser(server)]) {
    const page = await visitor.open(authorizationPath(client, pkce(), OFFLINE));
    assert.deepEqual([page.status, page.location], [403, null]);
    assert.match(page.html, /Application disabled/);
  }
  await enable(client, true);
  assert.equal((await browser.open(authorizationPath(client, pkce(), OFFLINE))).status, 200);
});

test('a later client with the same identifier is not disabled', async () => {
  const client = await registerClient(server, { client_id: 'born-again', client_secret: 'a long enough secret' });
  await enable(client, false);
  assert.equal((await admin(server, 'DELETE', clientPath(client.id))).status, 204);
  const again = await registerClient(server, { client_id: 'born-again', client_secret: 'another long secret' });
  const { status, json } = await tokenRequest(server, { ...again, secret: 'another long secret' }, { grant_type: 'client_credentials' });
  assert.equal(status, 200);
  assert.equal((await introspect(server, json.access_token)).json.active, true);
});
