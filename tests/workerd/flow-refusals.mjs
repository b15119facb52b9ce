// Refusals, each tested with a third-party client library: every one is an error that the library understands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { assertAnswer, assertTokenError, rejection } from './relying-party.mjs';
import { altered, visit } from './visit.mjs';

const OFFLINE = { scope: 'openid read offline_access' };

/** Registers the tests of every refusal. */
export function testRefusals(world) {
  test('the authorization endpoint refuses by redirect URI', async () => {
    const party = await world.relyingParty();
    for (const [error, parameters, decision] of [
      ['access_denied', {}, 'deny'],
      ['invalid_scope', { scope: 'admin' }],
      ['unsupported_response_type', { response_type: 'token' }],
      ['unsupported_response_type', { response_type: 'code id_token' }],
      ['invalid_target', { resource: 'https://api.example/unregistered' }],
      ['invalid_request', { code_challenge_method: 'plain' }],
      ['invalid_request', { prompt: 'none login' }],
      ['invalid_request', { max_age: 'soon' }],
      ['invalid_request', { response_mode: 'fragment' }],
      ['request_not_supported', { request: 'e30.e30.' }],
    ]) {
      const { answer, checks } = await world.ask(party, parameters, { decision });
      assert.ok(answer, `${error} travels to the client`);
      await assertAnswer(party.redeem(answer, checks), error);
    }
  });

  test('the authorization endpoint shows an error, and does not redirect to an unregistered URI', async () => {
    const party = await world.relyingParty();
    const { url } = await party.request();
    for (const changes of [{ redirect_uri: 'https://app.example/other' }, { client_id: 'unknown' }]) {
      const { answer, page } = await visit(world.newBrowser(), world.user, altered(url, changes));
      assert.deepEqual([answer, page.status], [undefined, 400], JSON.stringify(changes));
    }
  });

  test('a code is refused with a wrong verifier, for another redirect URI and from another client, and is not spent', async () => {
    const [party, other] = [await world.relyingParty(), await world.relyingParty()];
    const { answer, checks } = await world.ask(party);
    const { checks: others } = await world.ask(party);
    await assertTokenError(party.redeem(answer, { ...checks, verifier: others.verifier }), 'invalid_grant');
    const moved = new URL(answer);
    moved.pathname = '/other';
    await assertTokenError(party.redeem(moved, checks), 'invalid_grant');
    await assertTokenError(other.redeem(answer, checks), 'invalid_grant');
    await assertTokenError(party.redeem(altered(answer, { code: 'no-code' }), checks), 'invalid_grant');
    const { claims } = await party.redeem(answer, checks);
    assert.equal(claims.sub, world.user.id);
  });

  test('reuse of a code revokes its tokens', async () => {
    const party = await world.relyingParty();
    const { tokens, answer, checks } = await world.signIn(party, OFFLINE);
    await assertTokenError(party.redeem(answer, checks), 'invalid_grant');
    await world.assertStanding(party, tokens.access_token, false);
    await assertTokenError(party.refresh(tokens.refresh_token), 'invalid_grant');
  });

  test('reuse of a refresh token after the replay window revokes its grant, and no other', async () => {
    const party = await world.relyingParty();
    const { tokens, browser } = await world.signIn(party, OFFLINE);
    const { tokens: others } = await world.signIn(party, OFFLINE, { browser });
    const { tokens: next } = await party.refresh(tokens.refresh_token);
    await assertTokenError(party.refresh(tokens.refresh_token), 'invalid_grant');
    await assertTokenError(party.refresh(next.refresh_token), 'invalid_grant');
    for (const { access_token } of [tokens, next]) await world.assertStanding(party, access_token, false);
    await world.assertStanding(party, others.access_token, true);
    await party.refresh(others.refresh_token);
  });

  test('refuses the refresh token of another client, and an invalid one, without effect on the owner\'s', async () => {
    const party = await world.relyingParty();
    const { tokens } = await world.signIn(party, OFFLINE);
    for (const method of ['none', 'client_secret_basic']) {
      const other = await world.relyingParty({}, { method });
      await assertTokenError(other.refresh(tokens.refresh_token), 'invalid_grant');
      await assertTokenError(other.revoke(tokens.refresh_token), 'unauthorized_client');
      await assertTokenError(other.revoke(tokens.access_token), 'unauthorized_client');
    }
    await assertTokenError(party.refresh('no-token'), 'invalid_grant');
    await world.assertStanding(party, tokens.access_token, true);
    await party.refresh(tokens.refresh_token);
  });

  test('refuses a client that fails to authenticate, and one without the grant type', async () => {
    const party = await world.relyingParty({}, { method: 'client_secret_post' });
    const { answer, checks } = await world.ask(party);
    const { client } = party;
    const wrong = await world.connect(world.server, { ...client, secret: 'wrong', method: 'client_secret_post' });
    const challenged = await rejection(wrong.redeem(answer, checks));
    assert.ok(challenged instanceof oauth.WWWAuthenticateChallengeError, challenged);
    assert.equal(challenged.status, 401);
    assert.equal((await challenged.response.json()).error, 'invalid_client');
    assert.equal((await party.redeem(answer, checks)).claims.sub, world.user.id, 'the code was not spent');

    const once = await world.relyingParty({ grant_types: ['authorization_code'] });
    const { tokens } = await world.signIn(once, OFFLINE);
    assert.equal(tokens.refresh_token, undefined);
    await assertTokenError(once.refresh('no-token'), 'unauthorized_client');
  });
}
