// Refresh tokens and revocation, item by item of tests/checklists/oauch.json: binding to the client, rotation, reuse, and
// which tokens are revoked together.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import {
  OFFLINE, assertCounts, assertEnded, assertRefused, atOnce, generation, newGrant, registerConfidentialClient, revoke,
} from './grants.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, tokenRequest,
} from './people.mjs';
import { postForm } from './request.mjs';

let server;
let strict;
let user;
let client;
let other;
let confidential;
let browser;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
  client = await registerPublicClient(server);
  other = await registerPublicClient(server);
  confidential = await registerConfidentialClient(server);
  browser = new Browser(server);
  // Without a replay window, each refresh token can be used exactly once.
  strict = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '0' } });
});

after(() => Promise.all([server?.stop(), strict?.stop()]));

test('a public client gets a new refresh token each time', async () => {
  let { refresh_token } = await newGrant(server, browser, user, client);
  for (const expected of [2, 3, 4]) {
    const { status, json } = await refresh(server, client, refresh_token);
    assert.equal(status, 200);
    assert.notEqual(json.refresh_token, refresh_token);
    assert.equal(generation(json.refresh_token), expected);
    refresh_token = json.refresh_token;
  }
});

test('a replayed refresh token yields the same successor, never a second one', async () => {
  const { refresh_token } = await newGrant(server, browser, user, client);
  const answers = await atOnce(16, () => refresh(server, client, refresh_token));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(new Set(answers.map(({ json }) => json.refresh_token)).size, 1);
});

test('the last refresh token but one is reuse: it revokes the active one and all access tokens', async () => {
  const first = await newGrant(server, browser, user, client);
  const bystander = await newGrant(server, browser, user, client);
  const second = await refresh(server, client, first.refresh_token);
  const third = await refresh(server, client, second.json.refresh_token);
  await assertCounts(server, third.json.access_token);
  assertRefused(await refresh(server, client, first.refresh_token));
  assertRefused(await refresh(server, client, third.json.refresh_token));
  for (const tokens of [first, second.json, third.json]) await assertEnded(server, tokens.access_token);
  assert.equal((await refresh(server, client, bystander.refresh_token)).status, 200, 'no other grant is revoked');
});

test('without a replay window, reuse of a refresh token revokes the grant', async () => {
  const person = await createUser(strict);
  const own = await registerPublicClient(strict);
  const first = await newGrant(strict, new Browser(strict), person, own);
  const { json } = await refresh(strict, own, first.refresh_token);
  assertRefused(await refresh(strict, own, first.refresh_token));
  assertRefused(await refresh(strict, own, json.refresh_token));
  await assertEnded(strict, json.access_token);
});

test('without a replay window, one of many concurrent refreshes succeeds, and reuse revokes its tokens too', async () => {
  const person = await createUser(strict);
  const own = await registerPublicClient(strict);
  const first = await newGrant(strict, new Browser(strict), person, own);
  const answers = await atOnce(32, () => refresh(strict, own, first.refresh_token));
  const winners = answers.filter(({ status }) => status === 200);
  assert.equal(winners.length, 1);
  await assertEnded(strict, winners[0].json.access_token);
  assertRefused(await refresh(strict, own, winners[0].json.refresh_token));
});

test('another client, no client and no secret are refused, and do not spend the token', async () => {
  const ours = await newGrant(server, browser, user, client);
  const stranger = await registerConfidentialClient(server);
  for (const another of [other, stranger]) assertRefused(await refresh(server, another, ours.refresh_token));
  const guarded = await newGrant(server, browser, user, confidential);
  for (const { refresh_token } of [ours, guarded]) {
    const form = { grant_type: 'refresh_token', refresh_token };
    const anonymous = await postForm(server, '/oauth/token', form);
    assert.deepEqual([anonymous.status, anonymous.json.error], [401, 'invalid_client']);
  }
  const secretless = await refresh(server, { id: confidential.id }, guarded.refresh_token);
  assert.deepEqual([secretless.status, secretless.json.error], [401, 'invalid_client']);
  assert.equal((await refresh(server, client, ours.refresh_token)).status, 200);
  assert.equal((await refresh(server, confidential, guarded.refresh_token)).status, 200);
});

test('client credentials yield no refresh token', async () => {
  const service = await registerConfidentialClient(server, {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  const { status, json } = await tokenRequest(server, service, { grant_type: 'client_credentials', scope: 'read' });
  assert.equal(status, 200);
  assert.equal(Object.hasOwn(json, 'refresh_token'), false);
});

test('revoking a refresh token revokes its access tokens', async () => {
  for (const own of [client, confidential]) {
    const first = await newGrant(server, browser, user, own);
    const { json } = await refresh(server, own, first.refresh_token);
    assert.equal((await revoke(server, own, json.refresh_token)).status, 200);
    assertRefused(await refresh(server, own, json.refresh_token));
    for (const tokens of [first, json]) await assertEnded(server, tokens.access_token);
  }
});

test('revoking an access token revokes no other token', async () => {
  const tokens = await newGrant(server, browser, user, client);
  assert.equal((await revoke(server, client, tokens.access_token)).status, 200);
  await assertEnded(server, tokens.access_token);
  const { status, json } = await refresh(server, client, tokens.refresh_token);
  assert.equal(status, 200);
  await assertCounts(server, json.access_token);
});

test('refuses a revocation by another client or without authentication', async () => {
  const tokens = await newGrant(server, browser, user, confidential);
  for (const token of [tokens.refresh_token, tokens.access_token]) {
    const stranger = await revoke(server, other, token);
    assert.equal(stranger.status, 400);
    for (const form of [{ token }, { token, client_id: confidential.id }]) {
      const answer = await postForm(server, '/oauth/revoke', form);
      assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_client']);
    }
  }
  await assertCounts(server, tokens.access_token);
  assert.equal((await refresh(server, confidential, tokens.refresh_token)).status, 200);
});

test('removing a client revokes tokens that were issued in a race', async () => {
  const own = await registerPublicClient(server);
  const first = await newGrant(server, browser, user, own, OFFLINE);
  const answers = await atOnce(16, () => refresh(server, own, first.refresh_token));
  const removed = await admin(server, 'DELETE', clientPath(own.id));
  assert.equal(removed.status, 204);
  for (const { json } of answers.slice(0, 4)) await assertEnded(server, json.access_token);
  const late = await refresh(server, own, answers[0].json.refresh_token);
  assert.deepEqual([late.status, late.json.error], [401, 'invalid_client']);
});

test('sending a consent form again does not restore a revoked grant', async () => {
  const own = await registerPublicClient(server);
  const proof = pkce();
  const signedIn = new Browser(server);
  const signIn = await signedIn.open(authorizationPath(own, proof, OFFLINE));
  const form = await signedIn.submit(signIn, { username: user.username, password: user.password });
  const { location } = await signedIn.submit(form, { decision: 'allow' });
  const code = new URL(location).searchParams.get('code');
  const { json } = await redeem(server, own, code, proof);
  assert.equal((await revoke(server, own, json.refresh_token)).status, 200);
  await signedIn.submit(form, { decision: 'allow' });
  assertRefused(await redeem(server, own, code, proof));
  assertRefused(await refresh(server, own, json.refresh_token));
});
