// The authorization code (RFC 6749 section 4.1.3, OAuth 2.1 section 4.1.3, RFC 9700 section 4.5), one rule per test.
// The expiry of codes and grants is tested natively, where the clock is an argument.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { decode } from './forgery.mjs';
import {
  OFFLINE, ONLINE, assertCounts, assertEnded, assertRefused, bytes, cost, forgeries, newCode, newGrant,
  registerConfidentialClient, revoke, windowOver,
} from './grants.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient,
} from './people.mjs';
import { postForm } from './request.mjs';

let server;
let user;
let browser;
let app;
let other;
let backend;

before(async () => {
  // Longer than all tests take on a slow machine.
  ({ server, user, browser, app, other, backend } = await scene({ COST_LOG: 'true', REFRESH_REPLAY_WINDOW: '600' }));
});

after(() => server?.stop());

test('a code yields the tokens of its grant', async () => {
  const { code, proof } = await newCode(browser, user, app, { ...ONLINE, nonce: 'nonce-1' });
  const { status, headers, json } = await redeem(server, app, code, proof);
  assert.equal(status, 200);
  assert.deepEqual([headers['cache-control'], headers.pragma], ['no-store', 'no-cache']);
  assert.deepEqual(Object.keys(json).sort(), [
    'access_token', 'authorization_expires_in', 'expires_in', 'id_token', 'refresh_token', 'refresh_token_timeout', 'scope', 'token_type',
  ]);
  const { header, claims } = decode(json.access_token);
  assert.equal(header.typ, 'at+jwt');
  assert.deepEqual([claims.sub, claims.client_id, claims.scope, claims.aud], [user.id, app.id, 'openid read', server.issuer]);
  assert.equal(decode(json.id_token).claims.nonce, 'nonce-1');
});

test('issues no refresh token to a client that did not register the grant type', async () => {
  const once = await registerPublicClient(server, { grant_types: ['authorization_code'] });
  const { code, proof } = await newCode(browser, user, once);
  const { status, json } = await redeem(server, once, code, proof);
  assert.deepEqual([status, json.refresh_token], [200, undefined]);
  await assertCounts(server, json.access_token);
  const { refresh_token } = await newGrant(server, browser, user, app);
  const asked = await refresh(server, once, refresh_token);
  assert.deepEqual([asked.status, asked.json.error], [400, 'unauthorized_client']);
});

test('an unknown code and another client\'s code get the same response, to the byte', async () => {
  const { code, proof } = await newCode(browser, user, app);
  const ended = await newGrant(server, browser, user, app);
  await revoke(server, app, ended.refresh_token);
  const spent = await newCode(browser, user, app);
  assert.equal((await redeem(server, app, spent.code, spent.proof)).status, 200);
  const forged = forgeries(code)['another MAC'];
  for (const client of [other, backend]) {
    const expected = await redeem(server, client, forged, proof);
    assertRefused(expected);
    for (const [text, its] of [[code, proof], [code, pkce()], [spent.code, spent.proof], ['garbage', proof]]) {
      assert.deepEqual(bytes(await redeem(server, client, text, its)), bytes(expected));
      const elsewhere = await redeem(server, client, text, its, { redirect_uri: 'https://elsewhere.example/' });
      assert.deepEqual(bytes(elsewhere), bytes(expected));
    }
  }
  // Its own client gets the same response too.
  const expected = bytes(await redeem(server, app, forged, proof));
  for (const answer of [
    await redeem(server, app, code, pkce()),
    await redeem(server, app, code, proof, { redirect_uri: 'https://app.example/other' }),
    await redeem(server, app, spent.code, spent.proof),
  ]) assert.deepEqual(bytes(answer), expected);
  assert.equal((await redeem(server, app, code, proof)).status, 200, 'the code was not spent');
});

for (const [what, change] of [
  ['a wrong verifier', () => ({ code_verifier: pkce().verifier })],
  ['a wrong redirect URI', () => ({ redirect_uri: `${REDIRECT_URI}/` })],
  ['the redirect URI in another spelling', () => ({ redirect_uri: 'https://APP.example/cb' })],
]) {
  test(`${what} is refused, and does not spend the code`, async () => {
    const { code, proof } = await newCode(browser, user, app);
    for (let tries = 0; tries < 3; tries += 1) assertRefused(await redeem(server, app, code, proof, change()));
    assert.equal((await redeem(server, app, code, proof)).status, 200);
  });
}

test('the redirect URI may be omitted (OAuth 2.1 section 10.2)', async () => {
  const { code, proof } = await newCode(browser, user, app);
  assert.equal((await redeem(server, app, code, proof, { redirect_uri: undefined })).status, 200);
});

for (const [what, change] of [
  ['no verifier', { code_verifier: undefined }],
  ['an empty verifier', { code_verifier: '' }],
  ['a verifier that is too short', { code_verifier: 'a'.repeat(42) }],
  ['a verifier that is too long', { code_verifier: 'a'.repeat(129) }],
  ['a verifier of other characters', { code_verifier: `${'a'.repeat(43)}+` }],
  ['no code', { code: undefined }],
  ['an empty code', { code: '' }],
]) {
  test(`${what} is a malformed request, and does not spend the code`, async () => {
    const { code, proof } = await newCode(browser, user, app);
    const answer = await redeem(server, app, code, proof, change);
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
    assert.equal((await redeem(server, app, code, proof)).status, 200);
  });
}

test('refuses the challenge in place of the verifier: only S256 is accepted', async () => {
  const { code, proof } = await newCode(browser, user, app);
  assertRefused(await redeem(server, app, code, proof, { code_verifier: proof.challenge }));
});

test('within the replay window a second redemption is refused, and revokes nothing', async () => {
  const { code, proof } = await newCode(browser, user, app);
  const { json } = await redeem(server, app, code, proof);
  assertRefused(await redeem(server, app, code, proof));
  await assertCounts(server, json.access_token);
  assert.equal((await refresh(server, app, json.refresh_token)).status, 200);
});

test('after the replay window a second redemption revokes the grant (RFC 6749 section 4.1.2)', async (t) => {
  const { server, user, browser, app, other } = await scene({ REFRESH_REPLAY_WINDOW: '1' });
  t.after(() => server.stop());
  const { code, proof } = await newCode(browser, user, app);
  const { json } = await redeem(server, app, code, proof);
  const next = (await refresh(server, app, json.refresh_token)).json;
  const untouched = await newGrant(server, browser, user, app);
  await windowOver(json, 1);
  // A redemption without the verifier revokes nothing.
  assertRefused(await redeem(server, app, code, pkce()));
  assertRefused(await redeem(server, other, code, proof));
  await assertCounts(server, next.access_token);

  assertRefused(await redeem(server, app, code, proof));
  await assertEnded(server, json.access_token);
  await assertEnded(server, next.access_token);
  assertRefused(await refresh(server, app, next.refresh_token));
  await assertCounts(server, untouched.access_token, 'another grant of the same user and client');
  assert.equal((await refresh(server, app, untouched.refresh_token)).status, 200);
});

test('refuses a handle of another kind', async () => {
  const { code, proof } = await newCode(browser, user, app);
  const { refresh_token } = await newGrant(server, browser, user, app);
  const session = browser.cookies.get('edgemint-session');
  assert.match(session, /^ems_/);
  const handles = { emc_: code, emr_: refresh_token, ems_: session };
  for (const handle of Object.values(handles)) {
    // Unchanged, and relabelled as each kind.
    for (const prefix of Object.keys(handles)) {
      const text = prefix + handle.slice(4);
      if (text !== code) assertRefused(await redeem(server, app, text, proof), text);
      if (text !== refresh_token) assertRefused(await refresh(server, app, text), text);
      const stranger = new Browser(server);
      stranger.cookies.set('edgemint-session', text);
      const { url } = await stranger.open('/account');
      assert.equal(url.pathname, text === session ? '/account' : '/account/sign-in', text);
    }
  }
  assert.equal((await redeem(server, app, code, proof)).status, 200, 'the code was not spent');
  assert.equal((await refresh(server, app, refresh_token)).status, 200);
});

test('a forged code calls no Durable Object', async () => {
  const { code, proof } = await newCode(browser, user, app);
  const { refresh_token } = await newGrant(server, browser, user, app);
  const codes = Object.entries(forgeries(code));
  const tokens = Object.entries(forgeries(refresh_token));
  const spent = await cost(server, codes.length + tokens.length, async () => {
    for (const [what, forged] of codes) assertRefused(await redeem(server, app, forged, proof), what);
    for (const [what, forged] of tokens) assertRefused(await refresh(server, app, forged), what);
  });
  assert.deepEqual(spent, { object_calls: 0, kv_reads: 0, rows_read: 0, rows_written: 0 });
  const asked = await cost(server, 1, () => redeem(server, app, code, proof));
  assert.equal(asked.object_calls, 1, 'a counter-check: calls are counted');
});

test('a repeated parameter is refused, and does not spend the code', async () => {
  const { code, proof } = await newCode(browser, user, app);
  const form = new URLSearchParams({ grant_type: 'authorization_code', client_id: app.id, code, code_verifier: proof.verifier });
  for (const [name, value] of [...form]) {
    const { status, json } = await postForm(server, '/oauth/token', `${form}&${new URLSearchParams({ [name]: value })}`);
    assert.deepEqual([status, json.error], [400, 'invalid_request'], name);
  }
  assert.equal((await postForm(server, '/oauth/token', form)).status, 200);
});

test('a confidential client has to authenticate', async () => {
  const { code, proof } = await newCode(browser, user, backend);
  for (const impostor of [{ id: backend.id }, { id: backend.id, secret: 'wrong' }]) {
    const { status, json } = await redeem(server, impostor, code, proof);
    assert.deepEqual([status, json.error], [401, 'invalid_client']);
  }
  assert.equal((await redeem(server, backend, code, proof)).status, 200);
});

test('refuses the code of a removed user', async () => {
  const gone = await createUser(server);
  const { code, proof } = await newCode(new Browser(server), gone, app);
  assert.equal((await admin(server, 'DELETE', `/admin/users/${gone.id}`)).status, 204);
  assertRefused(await redeem(server, app, code, proof));
});

test('refuses the code of a removed client', async () => {
  const gone = await registerPublicClient(server);
  const { code, proof } = await newCode(browser, user, gone);
  assert.equal((await admin(server, 'DELETE', clientPath(gone.id))).status, 204);
  const { status, json } = await redeem(server, gone, code, proof);
  assert.deepEqual([status, json.error], [401, 'invalid_client']);
});

test('a client that is registered again under a removed identifier gets neither consents nor grants', async () => {
  const first = await registerPublicClient(server, { client_id: 'comes-back' });
  const { code, proof } = await newCode(browser, user, first);
  const tokens = await newGrant(server, browser, user, first);
  assert.equal((await admin(server, 'DELETE', clientPath(first.id))).status, 204);
  const second = await registerPublicClient(server, { client_id: 'comes-back' });
  assertRefused(await redeem(server, second, code, proof));
  assertRefused(await refresh(server, second, tokens.refresh_token));
  await assertEnded(server, tokens.access_token);
  const page = await browser.open(authorizationPath(second, pkce(), OFFLINE));
  assert.equal(page.status, 200, page.location);
  assert.match(page.html, /name="decision"/, 'consent is required again');
});

test('signing out invalidates a code of the session, unless its scope has offline_access', async () => {
  const leaving = new Browser(server);
  await leaving.signIn(user);
  const online = await newCode(leaving, user, app, ONLINE);
  const offline = await newCode(leaving, user, app, OFFLINE);
  const staying = await newCode(browser, user, app, ONLINE);
  await leaving.submit(await leaving.open('/account'), { action: 'sign_out' }, { action: '/account' });
  assertRefused(await redeem(server, app, online.code, online.proof));
  assert.equal((await redeem(server, app, offline.code, offline.proof)).status, 200);
  assert.equal((await redeem(server, app, staying.code, staying.proof)).status, 200, 'another session');
});

async function scene(vars) {
  const server = await startWorker({ vars });
  const [user, app, other, backend] = await Promise.all([
    createUser(server), registerPublicClient(server), registerPublicClient(server), registerConfidentialClient(server),
  ]);
  const browser = new Browser(server);
  await browser.signIn(user);
  return { server, user, browser, app, other, backend };
}
