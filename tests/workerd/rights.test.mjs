// Grants whose client or user lost rights: every token is limited to what both may still have.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { storedEvents } from './events.mjs';
import { decode } from './forgery.mjs';
import {
  OFFLINE, assertCounts, assertRefused, introspect, newCode, registerConfidentialClient,
} from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser, redeem, refresh, registerPublicClient } from './people.mjs';
import { until } from './request.mjs';

const API = 'https://api.example/v1';
const FILES = 'https://files.example';
let server;
let user;
let browser;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

for (const [kind, register] of [['public', registerPublicClient], ['confidential', registerConfidentialClient]]) {
  test(`a ${kind} client gets no further token for a resource that it lost`, async () => {
    const app = await register(server, { resources: [API, FILES] });
    const { refresh_token, access_token } = await grant(app, `${OFFLINE.scope} write`, [API, FILES]);
    await change(app, { resources: [FILES] });
    const { status, json } = await refresh(server, app, refresh_token);
    assert.equal(status, 200);
    assert.deepEqual(decode(json.access_token).claims.aud, [FILES, server.issuer]);
    const repeated = await refresh(server, app, refresh_token);
    assert.deepEqual(decode(repeated.json.access_token).claims.aud, [FILES, server.issuer]);
    const named = await refresh(server, app, json.refresh_token, { resource: API });
    assert.deepEqual([named.status, named.json.error], [400, 'invalid_target'], 'the request names the lost resource');
    assert.equal((await refresh(server, app, json.refresh_token, { resource: FILES })).status, 200, 'and the token was not spent');
    await assertCounts(server, access_token, 'a token that was minted before stays as it is');
  });
}

test('a code, also when its response is replayed, yields no token for a resource that its client lost', async () => {
  const app = await registerPublicClient(server, { resources: [API, FILES] });
  const { code, proof } = await codeFor(app, 'read write offline_access', [API, FILES]);
  await change(app, { resources: [FILES] });
  const { json } = await redeem(server, app, code, proof);
  assert.equal(decode(json.access_token).claims.aud, FILES);
  const first = await refresh(server, app, json.refresh_token);
  await change(app, { resources: [FILES], scope: 'read offline_access' });
  const again = await refresh(server, app, json.refresh_token);
  assert.equal(again.json.refresh_token, first.json.refresh_token);
  assert.equal(decode(first.json.access_token).claims.scope, 'read write offline_access');
  assert.equal(decode(again.json.access_token).claims.scope, 'read offline_access');
});

test('a grant without any remaining scope is revoked: invalid_grant, and its tokens become inactive', async () => {
  const losses = { resources: { resources: [FILES] }, scope: { resources: [API], scope: 'other' } };
  for (const [what, metadata] of Object.entries(losses)) {
    const app = await registerPublicClient(server, { resources: [API] });
    const { refresh_token, access_token } = await grant(app, 'read write', [API]);
    const unredeemed = await codeFor(app, 'read write', [API]);
    await change(app, metadata);
    assertRefused(await refresh(server, app, refresh_token), what);
    await assertInactive(access_token, what);
    assertRefused(await redeem(server, app, unredeemed.code, unredeemed.proof), what);
    await change(app, { resources: [API] });
    assertRefused(await refresh(server, app, refresh_token), `${what}: a revoked grant never comes back`);
    assertRefused(await redeem(server, app, unredeemed.code, unredeemed.proof), what);
    const ended = async () => (await storedEvents(server, { client: app.id })).filter(({ event }) => event === 'grant_ended');
    await until(async () => (await ended()).length === 2, 'both ends are events');
    for (const { reason } of await ended()) assert.equal(reason, 'rights_lost');
  }
});

for (const [kind, register] of [['public', registerPublicClient], ['confidential', registerConfidentialClient]]) {
  test(`a grant of a ${kind} client that loses offline_access ends with its session`, async () => {
    const [app, other] = [await register(server), await register(server)];
    const own = await signedIn();
    const [{ refresh_token: first }, kept] = [await grant(app, 'read offline_access', [], own), await grant(other, 'read offline_access', [], own)];
    const unredeemed = await codeFor(app, 'read offline_access', [], own);
    await change(app, { scope: 'read' });
    const { status, json } = await refresh(server, app, first);
    assert.deepEqual([status, json.scope], [200, 'read'], 'the session is active');
    if (kind === 'confidential') assert.equal((await introspect(server, json.refresh_token, app)).json.active, true);
    await endSessions(own.user);
    if (kind === 'confidential') assert.deepEqual((await introspect(server, json.refresh_token, app)).json, { active: false });
    assertRefused(await refresh(server, app, json.refresh_token), 'the session has ended');
    await assertInactive(json.access_token, 'its access token');
    assertRefused(await redeem(server, app, unredeemed.code, unredeemed.proof), 'a code of before');
    assert.equal((await refresh(server, other, kept.refresh_token)).status, 200, 'a client that keeps the scope keeps its grant');
    await change(app, { scope: 'read offline_access' });
    assertRefused(await refresh(server, app, json.refresh_token), 'a revoked grant never comes back');
    const ended = async () => (await storedEvents(server, { client: app.id })).filter(({ event }) => event === 'grant_ended');
    await until(async () => (await ended()).length === 2, 'both ends are events');
    for (const { reason } of await ended()) assert.equal(reason, 'rights_lost');
  });
}

test('a client that loses the grant type refresh_token gets no further token by one, until it has the grant type again', async () => {
  const app = await registerConfidentialClient(server);
  const own = await signedIn();
  const { refresh_token, access_token } = await grant(app, 'read offline_access', [], own);
  await change(app, { grant_types: ['authorization_code'] });
  const refused = await refresh(server, app, refresh_token);
  assert.deepEqual([refused.status, refused.json.error], [400, 'unauthorized_client']);
  assert.deepEqual((await introspect(server, refresh_token, app)).json, { active: false });
  assert.equal((await introspect(server, access_token)).json.active, true, 'an earlier token is unaffected');
  assert.equal((await grant(app, 'read offline_access', [], own)).refresh_token, undefined);
  await change(app, {});
  assert.equal((await introspect(server, refresh_token, app)).json.active, true);
  assert.equal((await refresh(server, app, refresh_token)).status, 200);
});

test('introspection reports the remaining scope of a refresh token, and inactive without any', async () => {
  const app = await registerConfidentialClient(server, { resources: [API] });
  const { refresh_token } = await grant(app, 'read write', [API]);
  await change(app, { resources: [API], scope: 'read' });
  const { active, scope } = (await introspect(server, refresh_token, app)).json;
  assert.deepEqual([active, scope], [true, 'read']);
  await change(app, { resources: [] });
  assert.deepEqual((await introspect(server, refresh_token, app)).json, { active: false });
});

test('a client gets no token of its own for a resource that it lost', async () => {
  const metadata = { grant_types: ['client_credentials'], redirect_uris: [], resources: [API] };
  const service = await registerConfidentialClient(server, metadata);
  assert.equal(decode((await token(server, { resource: API }, service)).access_token).claims.aud, API);
  await admin(server, 'PUT', clientPath(service.id), { ...service.information, client_secret: undefined, resources: [] });
  await assert.rejects(token(server, { resource: API }, service), /invalid_target/);
});

async function signedIn() {
  const own = { user: await createUser(server), browser: new Browser(server) };
  await own.browser.signIn(own.user);
  return own;
}

async function endSessions({ id }) {
  const { status, text } = await admin(server, 'DELETE', `/admin/users/${id}/sessions`);
  assert.equal(status, 200, text);
}

async function grant(app, scope, resources, by) {
  const { code, proof } = await codeFor(app, scope, resources, by);
  const { status, text, json } = await redeem(server, app, code, proof);
  assert.equal(status, 200, text);
  return json;
}

// The form of an authorization request with several resources repeats a parameter.
async function codeFor(app, scope, resources, by = { user, browser }) {
  const narrowed = resources.map((resource) => ['resource', resource]);
  return newCode({
    open: (target, init) => by.browser.open(target.startsWith('/oauth/authorize') ? `${target}&${new URLSearchParams(narrowed)}` : target, init),
    submit: (...all) => by.browser.submit(...all),
  }, by.user, app, { scope });
}

async function change(app, metadata) {
  const body = { ...app.information, client_secret: undefined, client_secret_expires_at: undefined, ...metadata };
  const { status, text } = await admin(server, 'PUT', clientPath(app.id), body);
  assert.equal(status, 200, text);
}

async function assertInactive(access_token, what) {
  assert.deepEqual((await introspect(server, access_token)).json, { active: false }, what);
}
