// Codes and PKCE, item by item of tests/checklists/oauch.json: who may redeem a code, how often, and for what.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decode } from './forgery.mjs';
import {
  assertCounts, assertEnded, assertRefused, atOnce, newCode, registerConfidentialClient,
} from './grants.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, tokenRequest,
} from './people.mjs';
import { postForm } from './request.mjs';

let server;
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
});

after(() => server?.stop());

test('a valid code and verifier yield a refresh token, and a signed access token that expires within ten minutes', async () => {
  const { code, proof } = await newCode(browser, user, client);
  const { status, json } = await redeem(server, client, code, proof);
  assert.equal(status, 200);
  assert.deepEqual([json.token_type, json.scope], ['Bearer', 'openid read offline_access']);
  assert.ok(json.expires_in <= 600);
  const { header, claims } = decode(json.access_token);
  assert.equal(header.typ, 'at+jwt');
  assert.deepEqual([claims.sub, claims.client_id, claims.exp - claims.iat], [user.id, client.id, 600]);
  assert.equal((await refresh(server, client, json.refresh_token)).status, 200);
});

for (const [what, verifier, error] of [
  ['no verifier', () => undefined, 'invalid_request'],
  ['an empty verifier', () => '', 'invalid_request'],
  ['another verifier', () => pkce().verifier, 'invalid_grant'],
  ['the challenge for a verifier, as the plain method has it', ({ challenge }) => challenge, 'invalid_grant'],
  ['a verifier of 42 characters', ({ verifier }) => verifier.slice(0, 42), 'invalid_request'],
  ['a verifier of 33 characters', ({ verifier }) => verifier.slice(0, 33), 'invalid_request'],
  ['a verifier of 129 characters', () => 'a'.repeat(129), 'invalid_request'],
  ['a verifier with a character that is not allowed', ({ verifier }) => `${verifier}+`, 'invalid_request'],
]) {
  test(`${what} is refused, and does not spend the code`, async () => {
    for (const own of [client, confidential]) {
      const { code, proof } = await newCode(browser, user, own);
      const answer = await redeem(server, own, code, proof, { code_verifier: verifier(proof) });
      assert.equal(answer.status, 400);
      assert.equal(answer.json.error, error);
      assert.equal((await redeem(server, own, code, proof)).status, 200);
    }
  });
}

test('refuses a challenge whose verifier is too short', async () => {
  const verifier = 'a'.repeat(33);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const page = await browser.open(authorizationPath(client, { challenge }));
  const code = new URL(page.location).searchParams.get('code');
  assert.equal((await redeem(server, client, code, { verifier })).status, 400);
});

test('another redirect URI is refused, and does not spend the code', async () => {
  const two = await registerPublicClient(server, { redirect_uris: [REDIRECT_URI, 'https://app.example/cb2'] });
  const { code, proof } = await newCode(browser, user, two);
  for (const redirect_uri of ['https://app.example/cb2', 'https://evil.example/', 'https://app.example/cb/']) {
    assertRefused(await redeem(server, two, code, proof, { redirect_uri }), redirect_uri);
  }
  assert.equal((await redeem(server, two, code, proof)).status, 200);
});

test('another client is refused, and does not spend the code', async () => {
  const { code, proof } = await newCode(browser, user, client);
  const stranger = await registerConfidentialClient(server);
  for (const another of [other, stranger]) assertRefused(await redeem(server, another, code, proof));
  assert.equal((await redeem(server, client, code, proof)).status, 200);
});

test('refuses a public client without client_id, and a confidential client without its secret', async () => {
  for (const own of [client, confidential]) {
    const { code, proof } = await newCode(browser, user, own);
    const anonymous = await redeem(server, { id: undefined }, code, proof, { client_id: undefined });
    assert.equal(anonymous.status, 401);
    assert.equal(anonymous.json.error, 'invalid_client');
    if (own === confidential) {
      const secretless = await redeem(server, { id: own.id }, code, proof);
      assert.deepEqual([secretless.status, secretless.json.error], [401, 'invalid_client']);
    }
    assert.equal((await redeem(server, own, code, proof)).status, 200);
  }
});

test('redeems a code once; a second redemption within the replay window revokes nothing', async () => {
  const { code, proof } = await newCode(browser, user, client);
  const { json } = await redeem(server, client, code, proof);
  assertRefused(await redeem(server, client, code, proof));
  await assertCounts(server, json.access_token);
  assert.equal((await refresh(server, client, json.refresh_token)).status, 200);
});

test('refuses a code as refresh token, and a refresh token as code', async () => {
  const { code, proof } = await newCode(browser, user, client);
  assertRefused(await refresh(server, client, code));
  const { json } = await redeem(server, client, code, proof);
  assertRefused(await redeem(server, client, json.refresh_token, proof));
});

test('refuses a repeated parameter, and ignores an unknown one', async () => {
  const { code, proof } = await newCode(browser, user, client);
  const form = new URLSearchParams({
    grant_type: 'authorization_code', client_id: client.id, code, redirect_uri: REDIRECT_URI, code_verifier: proof.verifier,
  });
  for (const name of ['code', 'code_verifier', 'redirect_uri', 'client_id', 'grant_type']) {
    const twice = `${form}&${new URLSearchParams({ [name]: form.get(name) })}`;
    const answer = await postForm(server, '/oauth/token', twice);
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], name);
  }
  assert.equal((await postForm(server, '/oauth/token', `${form}&some_extension=1`)).status, 200);
});

test('refuses the password grant', async () => {
  const { username, password } = user;
  const answer = await tokenRequest(server, client, { grant_type: 'password', username, password });
  assert.deepEqual([answer.status, answer.json.error], [400, 'unsupported_grant_type']);
});

test('codes and refresh tokens end in 256 random bits, and are all different', async () => {
  const codes = await atOnce(50, () => newCode(browser, user, client));
  const tokens = await Promise.all(codes.map(({ code, proof }) => redeem(server, client, code, proof)));
  for (const handles of [codes.map(({ code }) => code), tokens.map(({ json }) => json.refresh_token)]) {
    const secrets = handles.map((handle) => handle.split('.').at(-1));
    for (const secret of secrets) assert.match(secret, /^[\w-]{43}$/);
    assert.equal(new Set(secrets).size, secrets.length);
  }
  const identifiers = tokens.map(({ json }) => decode(json.access_token).claims.jti);
  assert.equal(new Set(identifiers).size, identifiers.length);
});

test('without a replay window, reuse of a code revokes the grant and all its tokens', async (t) => {
  const strict = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '0' } });
  t.after(() => strict.stop());
  const person = await createUser(strict);
  const own = await registerPublicClient(strict);
  const { code, proof } = await newCode(new Browser(strict), person, own);
  const { json } = await redeem(strict, own, code, proof);
  await assertCounts(strict, json.access_token);
  assertRefused(await redeem(strict, own, code, { verifier: pkce().verifier }));
  await assertCounts(strict, json.access_token, 'a redemption without the verifier revokes nothing');
  assertRefused(await redeem(strict, own, code, proof));
  await assertEnded(strict, json.access_token);
  assertRefused(await refresh(strict, own, json.refresh_token));
});
