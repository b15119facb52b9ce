// User flows, each tested with a third-party client library; see relying-party.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './forgery.mjs';
import { REDIRECT_URI, formOf } from './people.mjs';
import { METHODS, accessTokenHash, assertAnswer, assertTokenError, rejection } from './relying-party.mjs';
import { altered } from './visit.mjs';

const API = 'https://api.example/v1';
const OTHER_API = 'https://other.example/v1';
const AFTER_LOGOUT = 'https://app.example/signed-out';

/** Registers the tests of every flow that succeeds. */
export function testFlows(world) {
  for (const discovery of ['oidc', 'oauth2']) {
    test(`a code with PKCE, by ${discovery} discovery`, async () => {
      const party = await world.relyingParty({}, { discovery });
      const { tokens, claims, shown } = await world.signIn(party, { scope: 'openid profile email read' });
      assert.deepEqual(shown, ['sign-in', 'consent']);
      const { token_type, expires_in, scope } = tokens;
      assert.deepEqual({ token_type, expires_in, scope },
        { token_type: 'bearer', expires_in: 600, scope: 'openid profile email read' });
      assert.equal(claims.sub, world.user.id);
      const { sub, name, preferred_username, email, email_verified } = await party.userinfo(tokens.access_token, claims.sub);
      assert.deepEqual({ sub, name, preferred_username, email, email_verified }, {
        sub: world.user.id, name: 'Demo', preferred_username: world.user.username,
        email: 'demo@example.com', email_verified: false,
      });
    });
  }

  for (const method of METHODS) testLife(world, method);

  for (const algorithm of ['RS256', 'ES256', 'EdDSA']) {
    test(`an ID token signed with ${algorithm}, as the client registered`, async () => {
      const party = await world.relyingParty({ id_token_signed_response_alg: algorithm });
      const { tokens, claims } = await world.signIn(party);
      assert.equal(decode(tokens.id_token).header.alg, algorithm);
      assert.equal(claims.at_hash, accessTokenHash(tokens));
      const again = await party.refresh(tokens.refresh_token);
      assert.equal(decode(again.tokens.id_token).header.alg, algorithm);
      assert.equal(again.claims.at_hash, accessTokenHash(again.tokens));
    });
  }

  test('the response has the state and the issuer, and the ID token the nonce, as the library requires', async () => {
    const party = await world.relyingParty();
    const { answer, checks } = await world.ask(party);
    for (const changes of [{ state: 'other' }, { state: undefined }, { iss: 'https://as.example' }, { iss: undefined }]) {
      const [name] = Object.keys(changes);
      const error = await rejection(party.redeem(altered(answer, changes), checks));
      assert.match(`${error.message} ${error.cause?.message}`, new RegExp(`"${name}"`), JSON.stringify(changes));
    }
    const other = await rejection(party.redeem(answer, { ...checks, nonce: 'other' }));
    assert.match(`${other.message} ${other.cause?.message}`, /"nonce" claim value/);
    const refusal = await world.ask(party, { scope: 'admin' });
    const anonymous = await rejection(party.redeem(altered(refusal.answer, { iss: undefined }), refusal.checks));
    assert.match(`${anonymous.message} ${anonymous.cause?.message}`, /"iss"/, 'errors have the issuer too');
  });

  test('prompt=none requires a session, then consent, then yields a code without a page', async () => {
    const party = await world.relyingParty();
    const browser = world.newBrowser();
    const silent = async (error) => {
      const { answer, checks, shown } = await world.ask(party, { prompt: 'none' }, { browser });
      assert.deepEqual(shown, []);
      if (error) return assertAnswer(party.redeem(answer, checks), error);
      return party.redeem(answer, checks);
    };
    await silent('login_required');
    await browser.signIn(world.user);
    await silent('consent_required');
    await world.signIn(party, {}, { browser });
    const { claims } = await silent();
    assert.equal(claims.sub, world.user.id);
  });

  test('prompt=login, prompt=consent and max_age show their pages to a signed-in user', async () => {
    const party = await world.relyingParty();
    const { browser, claims: first } = await world.signIn(party);
    const next = async (parameters, pages) => {
      const { shown, claims } = await world.signIn(party, parameters, { browser });
      assert.deepEqual(shown, pages, JSON.stringify(parameters));
      return claims.auth_time;
    };
    assert.equal(await next({}, []), first.auth_time);
    assert.equal(await next({ prompt: 'consent' }, ['consent']), first.auth_time);
    // The library refuses an ID token without auth_time after a request with max_age.
    assert.equal(await next({ max_age: '3600' }, []), first.auth_time);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const second = await next({ prompt: 'login' }, ['sign-in']);
    assert.ok(second > first.auth_time, `${second} is later than ${first.auth_time}`);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const third = await next({ max_age: '0' }, ['sign-in']);
    assert.ok(third > second, `${third} is later than ${second}`);
  });

  test('login_hint prefills the sign-in page', async () => {
    const party = await world.relyingParty();
    const { url } = await party.request({ login_hint: 'some"body@example.com' });
    const page = await world.newBrowser().open(`${url}`);
    const [field] = page.html.match(/<input[^>]*name="username"[^>]*>/);
    assert.match(field, /value="some&quot;body@example\.com"/);
  });

  test('the resources of the authorization, the token request and the refresh each limit the audience', async () => {
    const party = await world.relyingParty({ resources: [API, OTHER_API, `${API}/none`] });
    const both = [['scope', 'read'], ['resource', API], ['resource', OTHER_API]];
    const all = await world.signIn(party, both);
    assert.deepEqual((await world.accessTokenClaims(all.tokens.access_token, API)).aud, [API, OTHER_API]);

    const { answer, checks } = await world.ask(party, both);
    await assertTokenError(party.redeem(answer, checks, { resource: `${API}/none` }), 'invalid_target');
    const { tokens } = await party.redeem(answer, checks, { resource: API });
    const claims = await world.accessTokenClaims(tokens.access_token, API);
    assert.deepEqual([claims.aud, claims.sub, claims.client_id, claims.scope], [API, world.user.id, party.client.id, 'read']);
    const elsewhere = await rejection(world.accessTokenClaims(tokens.access_token, OTHER_API));
    assert.match(elsewhere.message, /"aud"/);

    const other = await party.refresh(tokens.refresh_token, { resource: OTHER_API });
    assert.equal((await world.accessTokenClaims(other.tokens.access_token, OTHER_API)).aud, OTHER_API);
    const { refresh_token } = other.tokens;
    await assertTokenError(party.refresh(refresh_token, { resource: `${API}/none` }), 'invalid_target');
    const whole = await party.refresh(refresh_token);
    assert.deepEqual((await world.accessTokenClaims(whole.tokens.access_token, API)).aud, [API, OTHER_API]);
  });

  test('response_mode=form_post delivers the code and the error in a form', async () => {
    const party = await world.relyingParty();
    const { answer, checks, page, shown } = await world.ask(party, { response_mode: 'form_post' });
    assert.deepEqual([answer.method, answer.url, shown], ['POST', REDIRECT_URI, ['sign-in', 'consent']]);
    assert.match(page.headers.get('content-security-policy'), /form-action 'self' https:/);
    assert.equal((await party.redeem(answer, checks)).claims.sub, world.user.id);

    const again = { response_mode: 'form_post', prompt: 'consent' };
    const denied = await world.ask(party, again, { decision: 'deny' });
    assert.equal(denied.answer.method, 'POST');
    await assertAnswer(party.redeem(denied.answer, denied.checks), 'access_denied');
  });

  test('logout by the library\'s URL: immediate with the ID token, after a confirmation without it', async () => {
    const party = await world.relyingParty({ post_logout_redirect_uris: [AFTER_LOGOUT] });
    const { tokens, browser } = await world.signIn(party, { scope: 'openid read' });
    const back = { post_logout_redirect_uri: AFTER_LOGOUT, state: 'state-2' };

    const question = await browser.open(`${party.logoutUrl(back)}`);
    assert.equal(question.status, 200);
    await browser.submit(question, { decision: 'stay' });
    await world.assertStanding(party, tokens.access_token, true);

    const done = await browser.open(`${party.logoutUrl({ ...back, id_token_hint: tokens.id_token })}`);
    assert.equal(done.location, `${AFTER_LOGOUT}?state=state-2`);
    const { answer, checks } = await world.ask(party, { prompt: 'none' }, { browser });
    await assertAnswer(party.redeem(answer, checks), 'login_required');
    await assertTokenError(party.refresh(tokens.refresh_token), 'invalid_grant');
    await world.assertStanding(party, tokens.access_token, false);

    await world.signIn(party, {}, { browser });
    const again = await browser.open(`${party.logoutUrl(back)}`);
    assert.equal(formOf(again).fields.request !== undefined, true);
    const goodbye = await browser.submit(again, { decision: 'sign_out' });
    assert.equal(goodbye.location, `${AFTER_LOGOUT}?state=state-2`);
    await browser.signIn(world.user);
    const wrong = await browser.open(`${party.logoutUrl({ ...back, post_logout_redirect_uri: 'https://app.example/' })}`);
    assert.deepEqual([wrong.status, wrong.location], [400, null]);
  });
}

function testLife(world, method) {
  test(`${method}: code, userinfo, introspection, refresh, revocation`, async () => {
    const party = await world.relyingParty({}, { method });
    const { tokens, claims } = await world.signIn(party, { scope: 'openid read write offline_access' });
    assert.equal(claims.at_hash, accessTokenHash(tokens));
    await world.assertStanding(party, tokens.access_token, true);
    const told = await world.inspector.introspect(tokens.access_token);
    assert.deepEqual([told.sub, told.client_id, told.scope],
      [world.user.id, party.client.id, 'openid read write offline_access']);

    const narrow = await party.refresh(tokens.refresh_token, { scope: 'openid read' });
    assert.equal(narrow.tokens.scope, 'openid read');
    assert.deepEqual([narrow.claims.sub, narrow.claims.auth_time], [claims.sub, claims.auth_time]);
    // Public clients get a new refresh token each time; those of others are bound by client authentication, and stay.
    const { refresh_token } = narrow.tokens;
    assert.equal(refresh_token !== tokens.refresh_token, method === 'none');
    await assertTokenError(party.refresh(refresh_token, { scope: 'openid read admin' }), 'invalid_scope');
    const whole = await party.refresh(refresh_token);
    assert.equal(whole.tokens.scope, 'openid read write offline_access', 'a narrow refresh narrows that token alone');

    if (method !== 'none') {
      const own = await party.introspect(whole.tokens.refresh_token);
      assert.deepEqual([own.active, own.client_id], [true, party.client.id]);
    }
    await party.revoke(narrow.tokens.access_token);
    await world.assertStanding(party, narrow.tokens.access_token, false);
    await world.assertStanding(party, tokens.access_token, true);
    await party.revoke(whole.tokens.refresh_token);
    for (const { access_token } of [tokens, whole.tokens]) await world.assertStanding(party, access_token, false);
    await assertTokenError(party.refresh(whole.tokens.refresh_token), 'invalid_grant');
  });
}
