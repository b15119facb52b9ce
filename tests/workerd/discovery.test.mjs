// The metadata is exact: each value that it lists is supported, and no other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { JWT_BEARER, grantClaims } from './assertion-grants.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { DEVICE_GRANT, decideDevice, poll, startDevice } from './devices.mjs';
import { TOKEN_EXCHANGE, allowExchange, exchange } from './exchanges.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import {
  Browser, REDIRECT_URI, authorizationPath, createUser, formOf, pkce, redeem, registerPublicClient, signInAndRedeem, tokenRequest,
} from './people.mjs';
import { basic, bearer, postForm, send } from './request.mjs';

let server;
let metadata;
let user;

before(async () => {
  server = await startWorker({ vars: { SAMPLE_SCOPE: 'read write', SIGNING_ALGORITHMS: 'ES256 RS256 EdDSA' } });
  metadata = (await send(server, '/.well-known/openid-configuration')).json;
  user = await createUser(server, { name: 'Demo', email: 'demo@app.example' });
});

after(() => server?.stop());

test('lists every scope, and the claims that belong to it', async () => {
  const { scopes_supported: scopes, claims_supported: claims } = metadata;
  assert.deepEqual(scopes, ['openid', 'profile', 'email', 'offline_access', 'groups', 'read', 'write']);
  const client = await registerPublicClient(server, { scope: scopes.join(' ') });
  const { tokens } = await signInAndRedeem(server, user, client, { scope: scopes.join(' '), nonce: 'n' });
  assert.equal(tokens.scope, scopes.join(' '));
  const userinfo = (await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) })).json;
  const told = new Set([...Object.keys(decode(tokens.id_token).claims), ...Object.keys(userinfo)]);
  assert.deepEqual([...told].sort(), [...claims].sort());
  assert.ok(metadata.acr_values_supported.includes(decode(tokens.id_token).claims.acr));
  assert.deepEqual(metadata.subject_types_supported, ['public']);
  const again = await signInAndRedeem(server, user, await registerPublicClient(server));
  assert.equal(decode(again.tokens.id_token).claims.sub, decode(tokens.id_token).claims.sub, 'the same for every client');
});

test('lists every algorithm of ID tokens, and no other', async () => {
  const { id_token_signing_alg_values_supported: algorithms } = metadata;
  assert.deepEqual(algorithms, ['ES256', 'RS256', 'EdDSA']);
  const { keys } = (await send(server, '/.well-known/jwks.json')).json;
  assert.deepEqual(keys.map(({ alg }) => alg).sort(), [...algorithms].sort());
  for (const id_token_signed_response_alg of algorithms) {
    const client = await registerPublicClient(server, { id_token_signed_response_alg });
    const { tokens } = await signInAndRedeem(server, user, client);
    assert.equal(decode(tokens.id_token).header.alg, id_token_signed_response_alg);
  }
  for (const id_token_signed_response_alg of ['none', 'HS256', 'PS256', 'ES384']) {
    await assert.rejects(registerPublicClient(server, { id_token_signed_response_alg }), { status: 400 });
  }
});

test('lists every response mode and prompt, and the issuer is in each response', async () => {
  const client = await registerPublicClient(server);
  const { browser } = await signInAndRedeem(server, user, client);
  const open = (parameters) => browser.open(authorizationPath(client, pkce(), parameters));
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
  const seen = {
    query: async (page) => new URL(page.location).searchParams.get('iss'),
    form_post: async (page) => formOf(page).fields.iss,
  };
  assert.deepEqual(metadata.response_modes_supported, Object.keys(seen));
  for (const [response_mode, issuer] of Object.entries(seen)) assert.equal(await issuer(await open({ response_mode })), metadata.issuer);
  const leads = {
    none: (page) => new URL(page.location).searchParams.has('code'),
    login: (page) => page.url.pathname === '/account/sign-in',
    consent: (page) => formOf(page).action === '/oauth/consent',
    select_account: (page) => page.url.pathname === '/account/sign-in',
  };
  assert.deepEqual(metadata.prompt_values_supported, Object.keys(leads));
  for (const [prompt, expected] of Object.entries(leads)) assert.ok(expected(await open({ prompt })), prompt);
  assert.deepEqual(metadata.response_types_supported, ['code']);
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
});

test('what it declares unsupported is refused or has no effect', async () => {
  const client = await registerPublicClient(server);
  const { browser } = await signInAndRedeem(server, user, client);
  const answer = async (parameters) =>
    Object.fromEntries(new URL((await browser.open(authorizationPath(client, pkce(), parameters))).location).searchParams);
  assert.deepEqual([metadata.request_parameter_supported, metadata.request_uri_parameter_supported], [false, false]);
  assert.equal((await answer({ request: 'e30.e30.' })).error, 'request_not_supported');
  assert.equal((await answer({ request_uri: 'urn:x' })).error, 'request_uri_not_supported');
  assert.equal(metadata.claims_parameter_supported, true);
  assert.equal((await answer({ claims: '{"id_token":{"email":null}}' })).error, undefined);
  assert.equal((await answer({ claims: 'email' })).error, 'invalid_request');
});

test('lists every language', async () => {
  assert.deepEqual(metadata.ui_locales_supported, ['en', 'zh']);
  for (const locale of metadata.ui_locales_supported) {
    for (const [path, headers] of [[`/account/sign-in?ui_locales=${locale}`, {}], ['/account/sign-in', { 'accept-language': locale }]]) {
      const { html } = await new Browser(server, headers).open(path);
      assert.match(html, new RegExp(`<html lang="${locale}`));
    }
  }
  assert.match((await new Browser(server, { 'accept-language': 'fr' }).open('/account/sign-in')).html, /<html lang="en"/);
});

test('lists every grant type', async () => {
  assert.deepEqual(metadata.grant_types_supported, ['authorization_code', 'client_credentials', DEVICE_GRANT, 'refresh_token', JWT_BEARER, TOKEN_EXCHANGE]);
  const key = await newClientKey('ES256');
  const client = await registerClient(server, {
    grant_types: metadata.grant_types_supported, redirect_uris: [REDIRECT_URI], scope: 'openid', jwks: { keys: [key.jwk] },
  });
  const { tokens } = await signInAndRedeem(server, user, client, { scope: 'openid' });
  assert.equal((await tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status, 200);
  assert.equal((await tokenRequest(server, client, { grant_type: 'client_credentials' })).status, 200);
  const assertion = await signAssertion(key, grantClaims(server, client.id, client.id));
  assert.equal((await tokenRequest(server, client, { grant_type: JWT_BEARER, assertion })).status, 200);
  const { device_code, user_code } = await startDevice(server, client);
  await decideDevice(new Browser(server), user, user_code);
  assert.equal((await poll(server, client, device_code)).status, 200);
  await allowExchange(server, client, { sources: [server.issuer], targets: [server.issuer], scope: 'openid' });
  assert.equal((await exchange(server, client, tokens.access_token)).status, 200);
});

for (const endpoint of ['token', 'introspection', 'revocation']) {
  test(`lists every authentication method of the ${endpoint} endpoint, with every algorithm`, async () => {
    const methods = metadata[`${endpoint}_endpoint_auth_methods_supported`];
    const algorithms = metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`];
    const path = new URL(metadata[`${endpoint}_endpoint`]).pathname;
    const form = endpoint === 'token' ? { grant_type: 'client_credentials' } : { token: 'x' };
    const redirect_uris = [REDIRECT_URI];
    const secret = await registerClient(server, {});
    const post = await registerClient(server, { token_endpoint_auth_method: 'client_secret_post' });
    const open = await registerPublicClient(server, { redirect_uris });
    const ways = {
      client_secret_basic: () => postForm(server, path, form, basic(secret)),
      client_secret_post: () => postForm(server, path, { ...form, client_id: post.id, client_secret: post.secret }),
      private_key_jwt: async () => {
        let answer;
        for (const algorithm of algorithms) {
          const key = await newClientKey(algorithm);
          const { id } = await registerClient(server, keyMetadata(key));
          const assertion = await signAssertion(key, assertionClaims(server, id));
          const { grant_type, ...proof } = assertionForm(assertion);
          answer = await postForm(server, path, { ...form, ...proof });
          assert.equal(answer.status, 200, algorithm);
        }
        return answer;
      },
      none: () => postForm(server, path, { ...form, client_id: open.id }),
    };
    for (const [name, way] of Object.entries(ways)) {
      const { status, json } = await way();
      if (!methods.includes(name)) assert.deepEqual([status, json.error], [401, 'invalid_client'], name);
      // The authentication succeeded; that such a client gets no tokens of its own is another rule.
      else if (name === 'none' && endpoint === 'token') assert.deepEqual([status, json.error], [400, 'unauthorized_client']);
      else assert.equal(status, 200, name);
    }
    assert.ok(methods.every((name) => name in ways));
  });
}

test('the logout, registration and key endpoints are URLs of this server', async () => {
  for (const [name, address] of Object.entries(metadata)) {
    if (/_(endpoint|uri)$/.test(name)) assert.ok(address.startsWith(`${metadata.issuer}/`), name);
  }
  const client = await registerPublicClient(server, { post_logout_redirect_uris: [REDIRECT_URI] });
  const { browser, tokens, code, proof } = await signInAndRedeem(server, user, client);
  assert.equal((await redeem(server, client, code, proof)).status, 400, 'a code can be redeemed once');
  const query = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: REDIRECT_URI });
  const { location } = await browser.open(`${new URL(metadata.end_session_endpoint).pathname}?${query}`);
  assert.equal(location, REDIRECT_URI);
});
