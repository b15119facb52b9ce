// Operators list and revoke users' sessions and grants: by user, by grant, by client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, authorizationPath, createUser, pkce, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { bearer, send } from './request.mjs';

const ONLINE = { scope: 'openid read' };
const OFFLINE = { scope: 'openid offline_access' };
let server;
let client;
let other;

before(async () => {
  server = await startWorker();
  client = await registerPublicClient(server, { resources: ['https://api.example/v1'] });
  other = await registerPublicClient(server);
});

after(() => server?.stop());

test('lists a user\'s sessions as the account page shows them', async () => {
  const user = await createUser(server);
  assert.deepEqual((await sessions(user)).json, { sessions: [] });
  const before = Math.floor(Date.now() / 1000);
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
  await new Browser(server, { 'user-agent': agent }).signIn(user);
  const { status, json } = await sessions(user);
  const [{ id, opened_at, seen_at, ends_at, browser, ...rest }] = json.sessions;
  assert.deepEqual([status, json.sessions.length, rest], [200, 1, { amr: ['pwd'] }]);
  assert.match(id, /^[A-Za-z0-9_-]{22}$/);
  assert.match(browser, /Firefox/);
  assert.ok(opened_at >= before && seen_at === opened_at && ends_at === opened_at + 604800);
});

test('ending a user\'s sessions signs the browser out and keeps offline grants', async () => {
  const user = await createUser(server);
  const [online, offline] = [await signInAndRedeem(server, user, client, ONLINE), await signInAndRedeem(server, user, client, OFFLINE)];
  const { status, json } = await admin(server, 'DELETE', `/admin/users/${user.id}/sessions`);
  assert.deepEqual([status, json], [200, { ended: 2 }]);
  assert.deepEqual((await sessions(user)).json, { sessions: [] });
  assert.equal((await online.browser.open('/account')).url.pathname, '/account/sign-in');
  assert.deepEqual([await lives(online, client), await lives(offline, client)], [false, true]);
  assert.deepEqual((await admin(server, 'DELETE', `/admin/users/${user.id}/sessions`)).json, { ended: 0 });
});

test('lists a user\'s grants: client, scope, resources, time', async () => {
  const user = await createUser(server);
  assert.deepEqual((await grants(user)).json, { grants: [] });
  const { tokens, browser } = await signInAndRedeem(server, user, client, { ...OFFLINE, resource: 'https://api.example/v1' });
  const { status, json } = await grants(user);
  const { iat, jti } = decode(tokens.access_token).claims;
  const [{ ends_at, ...rest }] = json.grants;
  assert.deepEqual([status, json.grants.length, rest], [200, 1, {
    id: jti.split('.')[0], user: user.id, client_id: client.id, scope: 'openid offline_access',
    resources: ['https://api.example/v1', server.issuer], offline: true, issued_at: rest.issued_at, last_used: iat,
  }]);
  assert.ok(rest.issued_at <= iat && ends_at === iat + 1209600, 'it expires after two unused weeks');
  // A code that has not been redeemed is not listed as a grant.
  await browser.open(authorizationPath(client, pkce(), OFFLINE));
  assert.equal((await grants(user)).json.grants.length, 1);
});

test('revokes one grant, then all grants of a user', async () => {
  const user = await createUser(server);
  const all = [];
  for (const of of [client, client, other]) all.push(await signInAndRedeem(server, user, of, OFFLINE));
  const path = `/admin/users/${user.id}/grants`;
  const [first] = all.map(({ tokens }) => decode(tokens.access_token).claims.jti.split('.')[0]);
  const { status, text } = await admin(server, 'DELETE', `${path}/${first}`);
  assert.deepEqual([status, text], [204, '']);
  assert.equal((await userinfo(all[0])).status, 401, 'its access token is inactive too');
  assert.deepEqual([await lives(all[0], client), await lives(all[1], client)], [false, true]);
  for (const id of [first, 'A'.repeat(22), 'x']) {
    const answer = await admin(server, 'DELETE', `${path}/${id}`);
    assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], id);
  }
  assert.deepEqual((await admin(server, 'DELETE', path)).json, { ended: 2 });
  assert.deepEqual([await lives(all[1], client), await lives(all[2], other)], [false, false]);
  assert.equal((await all[2].browser.open('/account')).url.pathname, '/account', 'the session is unaffected');
});

test('lists a client\'s grants of all users in pages, and revokes them at once', async () => {
  const wanted = await registerPublicClient(server);
  const path = `${clientPath(wanted.id)}/grants`;
  assert.deepEqual((await admin(server, 'GET', path)).json, { grants: [] });
  // More users than one page holds, each with an account object of its own.
  const all = [];
  for (let number = 0; number < 53; number += 1) {
    const user = await createUser(server);
    all.push({ user, ...(await signInAndRedeem(server, user, wanted, OFFLINE)) });
  }
  const again = await signInAndRedeem(server, all[0].user, wanted, ONLINE);
  const stays = await signInAndRedeem(server, all[0].user, other, OFFLINE);
  const first = (await admin(server, 'GET', path)).json;
  assert.equal(typeof first.cursor, 'string');
  const second = (await admin(server, 'GET', `${path}?${new URLSearchParams({ cursor: first.cursor })}`)).json;
  assert.equal(Object.hasOwn(second, 'cursor'), false);
  const listed = [...first.grants, ...second.grants];
  assert.deepEqual([...new Set(listed.map(({ user }) => user))].sort(), all.map(({ user }) => user.id).sort());
  assert.equal(listed.length, 54);
  assert.ok(listed.every(({ client_id }) => client_id === wanted.id));

  assert.deepEqual((await admin(server, 'DELETE', path)).json, { ended: 54 });
  assert.deepEqual((await admin(server, 'GET', path)).json.grants, []);
  for (const ended of [all[0], all[52], again]) assert.equal(await lives(ended, wanted), false);
  assert.equal(await lives(stays, other), true);
});

test('deleting a client revokes its grants and removes the users\' consents', async () => {
  const description = { client_id: 'comes-back', redirect_uris: ['https://app.example/cb'] };
  const first = await registerPublicClient(server, description);
  const user = await createUser(server);
  const granted = await signInAndRedeem(server, user, first, OFFLINE);
  assert.equal((await admin(server, 'DELETE', clientPath(first.id))).status, 204);
  assert.equal((await userinfo(granted)).status, 401);
  assert.deepEqual((await grants(user)).json, { grants: [] });
  const second = await registerPublicClient(server, description);
  assert.equal(await lives(granted, second), false);
  const { location } = await granted.browser.open(authorizationPath(second, pkce(), { ...OFFLINE, prompt: 'none' }));
  assert.equal(new URL(location).searchParams.get('error'), 'consent_required', 'a new client with that identifier requires consent');
});

test('a client that is unknown, or without grants, has an empty list', async () => {
  for (const id of ['unknown', 'root']) {
    assert.deepEqual((await admin(server, 'GET', `${clientPath(id)}/grants`)).json, { grants: [] });
    assert.deepEqual((await admin(server, 'DELETE', `${clientPath(id)}/grants`)).json, { ended: 0 });
  }
  assert.equal((await admin(server, 'GET', `/admin/clients/${'x'.repeat(201)}/grants`)).status, 404);
});

function sessions({ id }) {
  return admin(server, 'GET', `/admin/users/${id}/sessions`);
}

function grants({ id }) {
  return admin(server, 'GET', `/admin/users/${id}/grants`);
}

function userinfo({ tokens }) {
  return send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) });
}

// Whether the refresh token is active; if it is, it has been rotated.
async function lives(granted, of) {
  const { status, json } = await refresh(server, of, granted.tokens.refresh_token);
  if (status === 200) granted.tokens = { ...granted.tokens, ...json };
  else assert.deepEqual([status, json.error], [400, 'invalid_grant']);
  return status === 200;
}

test('reducing a client\'s scope limits the grants that it already has', async () => {
  const client = await registerPublicClient(server);
  const { tokens } = await signInAndRedeem(server, await createUser(server), client, { scope: 'read write' });
  assert.equal(tokens.scope, 'read write');
  const { client_id, client_id_issued_at, ...metadata } = client.information;
  const { status } = await admin(server, 'PUT', clientPath(client.id), { ...metadata, scope: 'read' });
  assert.equal(status, 200);
  const renewed = await refresh(server, client, tokens.refresh_token);
  assert.deepEqual([renewed.status, renewed.json.scope], [200, 'read']);
  assert.equal(decode(renewed.json.access_token).claims.scope, 'read');
});

test('what is left of a deleted client can still be revoked by its identifier', async () => {
  const client = await registerPublicClient(server);
  await signInAndRedeem(server, await createUser(server), client, ONLINE);
  assert.equal((await admin(server, 'DELETE', clientPath(client.id))).status, 204);
  const { status, json } = await admin(server, 'DELETE', `${clientPath(client.id)}/grants`);
  assert.deepEqual([status, json], [200, { ended: 0 }]);
});
