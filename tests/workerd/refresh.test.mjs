// Refresh tokens and the revocation of grants (RFC 6749 section 6, RFC 7009, RFC 7662, RFC 9700 section 4.14), one rule per test.
// The expiry of grants is tested natively, where the clock is an argument.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { decode } from './forgery.mjs';
import {
  OFFLINE, ONLINE, assertCounts, assertEnded, assertRefused, atOnce, bytes, forgeries, generation, grantOf, introspect,
  newCode, newGrant, registerConfidentialClient, registerResourceServer, revoke, windowOver,
} from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { basic, bearer, postForm, send } from './request.mjs';

const API = 'https://api.example/v1';
const FILES = 'https://files.example';
let server;
let brief;
let strict;
let user;
let browser;
let app;
let other;
let backend;
let resourceServer;

before(async () => {
  // Longer than all tests take on a slow machine.
  server = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '600' } });
  brief = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '1' } });
  strict = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '0' } });
  [user, app, other, backend, resourceServer] = await Promise.all([
    createUser(server), registerPublicClient(server, { resources: [API, FILES] }), registerPublicClient(server),
    registerConfidentialClient(server), registerResourceServer(server),
  ]);
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => Promise.all([server?.stop(), brief?.stop(), strict?.stop()]));

test('each refresh of a public client yields the next refresh token', async () => {
  const first = await newGrant(server, browser, user, app);
  let tokens = first;
  for (const expected of [2, 3, 4]) {
    const answer = await refresh(server, app, tokens.refresh_token);
    assert.equal(answer.status, 200);
    assert.equal(generation(answer.json.refresh_token), expected);
    assert.equal(grantOf(answer.json), grantOf(first));
    const [old, renewed] = [tokens, answer.json].map(({ access_token }) => decode(access_token).claims);
    assert.notEqual(renewed.jti, old.jti);
    for (const name of ['iss', 'sub', 'aud', 'client_id', 'scope', 'auth_time']) assert.deepEqual(renewed[name], old[name], name);
    tokens = answer.json;
  }
  // Access tokens are independent of the rotation: the first one is active until it expires.
  await assertCounts(server, first.access_token);
  await assertCounts(server, tokens.access_token);
});

test('responses say when the refresh token and the grant expire, a grant of a session with the session', async () => {
  const day = 24 * 3600;
  const within = ({ refresh_token_timeout, authorization_expires_in }, timeout, end) => {
    assert.ok(timeout - day < refresh_token_timeout && refresh_token_timeout <= timeout, `${refresh_token_timeout}`);
    assert.ok(end - day < authorization_expires_in && authorization_expires_in <= end, `${authorization_expires_in}`);
  };
  const [offline, online] = [await newGrant(server, browser, user, app, OFFLINE), await newGrant(server, browser, user, app, ONLINE)];
  within(offline, 14 * day, 90 * day);
  within((await refresh(server, app, offline.refresh_token)).json, 14 * day, 90 * day);
  within(online, 7 * day, 7 * day);
  const service = await registerConfidentialClient(server, { grant_types: ['authorization_code'] });
  const alone = await newGrant(server, browser, user, service, ONLINE);
  assert.deepEqual([alone.refresh_token_timeout, alone.authorization_expires_in], [undefined, undefined], 'no refresh token');
});

test('within the replay window the same request gets the same response', async () => {
  const { refresh_token } = await newGrant(server, browser, user, app);
  const [first, again] = [await refresh(server, app, refresh_token), await refresh(server, app, refresh_token)];
  assert.equal(again.json.refresh_token, first.json.refresh_token);
  assert.deepEqual(decode(again.json.access_token), decode(first.json.access_token));
  assert.ok(again.json.expires_in <= first.json.expires_in);
  // A request for less scope gets its own access token, and no further successor.
  const narrow = await refresh(server, app, refresh_token, { scope: 'openid' });
  assert.deepEqual([narrow.json.scope, narrow.json.refresh_token], ['openid', first.json.refresh_token]);
  assert.notEqual(decode(narrow.json.access_token).claims.jti, decode(first.json.access_token).claims.jti);
  await assertCounts(server, narrow.json.access_token);
  assert.equal((await refresh(server, app, first.json.refresh_token)).status, 200);
});

test('reuse after the replay window revokes the grant, and no other grant of the user and client', async () => {
  const [person, client, stranger] = await Promise.all([createUser(brief), registerPublicClient(brief), registerPublicClient(brief)]);
  const seat = new Browser(brief);
  await seat.signIn(person);
  const [stolen, untouched] = [await newGrant(brief, seat, person, client), await newGrant(brief, seat, person, client)];
  const next = (await refresh(brief, client, stolen.refresh_token)).json;
  await windowOver(next, 1);
  assertRefused(await refresh(brief, stranger, stolen.refresh_token));
  await assertCounts(brief, next.access_token, 'another client ends nothing by it');

  assertRefused(await refresh(brief, client, stolen.refresh_token));
  for (const { access_token, refresh_token } of [stolen, next]) {
    await assertEnded(brief, access_token);
    assertRefused(await refresh(brief, client, refresh_token));
  }
  await assertCounts(brief, untouched.access_token);
  assert.equal((await refresh(brief, client, untouched.refresh_token)).status, 200);
});

test('the replay window belongs to the last refresh: a token two generations back is reuse at once', async () => {
  const first = await newGrant(server, browser, user, app);
  const second = (await refresh(server, app, first.refresh_token)).json;
  const third = (await refresh(server, app, second.refresh_token)).json;
  assertRefused(await refresh(server, app, first.refresh_token));
  assertRefused(await refresh(server, app, third.refresh_token));
  await assertEnded(server, third.access_token);
});

test('without a replay window one of many requests gets tokens, and reuse revokes the grant', async () => {
  const [person, client] = await Promise.all([createUser(strict), registerPublicClient(strict)]);
  const seat = new Browser(strict);
  const alone = await newGrant(strict, seat, person, client);
  const next = await refresh(strict, client, alone.refresh_token);
  assert.equal(next.status, 200);
  const tokens = await newGrant(strict, seat, person, client);
  const answers = await atOnce(32, () => refresh(strict, client, tokens.refresh_token));
  const good = answers.filter(({ status }) => status === 200);
  assert.equal(good.length, 1);
  answers.filter((answer) => answer !== good[0]).forEach((answer) => assertRefused(answer));
  await assertEnded(strict, good[0].json.access_token);
  assertRefused(await refresh(strict, client, good[0].json.refresh_token));
  await assertCounts(strict, next.json.access_token, 'the other grant');
});

test('a confidential client keeps its refresh token (RFC 9700 section 2.2.2)', async () => {
  const [person, client] = await Promise.all([createUser(brief), registerConfidentialClient(brief)]);
  const seat = new Browser(brief);
  await seat.signIn(person);
  const tokens = await newGrant(brief, seat, person, client);
  const identifiers = new Set([decode(tokens.access_token).claims.jti]);
  for (let times = 0; times < 3; times += 1) {
    if (times === 2) await windowOver(tokens, 1);
    const { status, json } = await refresh(brief, client, tokens.refresh_token);
    assert.deepEqual([status, json.refresh_token], [200, tokens.refresh_token]);
    identifiers.add(decode(json.access_token).claims.jti);
    await assertCounts(brief, json.access_token);
  }
  assert.equal(identifiers.size, 4, 'each access token is new');
  for (const impostor of [{ id: client.id }, { id: client.id, secret: 'wrong' }]) {
    assert.equal((await refresh(brief, impostor, tokens.refresh_token)).status, 401);
  }
});

test('the token of another client is refused like a forged one, and is not spent', async () => {
  const { refresh_token } = await newGrant(server, browser, user, app);
  for (const client of [other, backend]) {
    const forged = await refresh(server, client, forgeries(refresh_token)['another MAC']);
    assertRefused(forged);
    assert.deepEqual(bytes(await refresh(server, client, refresh_token)), bytes(forged));
  }
  const { json } = await refresh(server, app, refresh_token);
  assert.equal(generation(json.refresh_token), 2);
});

test('a reduced scope is for one access token, the next one has the whole scope, and none has more than was granted', async () => {
  let { refresh_token } = await newGrant(server, browser, user, app, { scope: 'openid read write offline_access' });
  const ask = async (scope) => {
    const answer = await refresh(server, app, refresh_token, { scope });
    refresh_token = answer.json.refresh_token ?? refresh_token;
    return answer.status === 200 ? decode(answer.json.access_token).claims.scope : answer.json.error;
  };
  const all = await ask();
  assert.deepEqual(all.split(' ').sort(), ['offline_access', 'openid', 'read', 'write']);
  assert.equal(await ask('openid read'), 'openid read');
  assert.equal(await ask('write'), 'write');
  assert.equal(await ask(), all);
  assert.equal(await ask('openid read write'), 'openid read write');
  for (const beyond of ['email', 'openid email', 'edgemint:admin', 'READ']) assert.equal(await ask(beyond), 'invalid_scope');
  assert.equal(await ask('\u{e9}'), 'invalid_scope');
  assert.equal(generation(refresh_token), 6, 'a refused request does not spend the token');
});

test('refuses a scope that the client may have, but that was not granted', async () => {
  const { refresh_token } = await newGrant(server, browser, user, app, { scope: 'openid read offline_access' });
  const { status, json } = await refresh(server, app, refresh_token, { scope: 'write' });
  assert.deepEqual([status, json.error], [400, 'invalid_scope']);
});

test('issues no ID token without openid', async () => {
  const { refresh_token } = await newGrant(server, browser, user, app);
  const [with_, without] = [await refresh(server, app, refresh_token), await refresh(server, app, refresh_token, { scope: 'read' })];
  assert.equal(decode(with_.json.id_token).claims.sub, user.id);
  assert.equal(decode(with_.json.id_token).claims.nonce, undefined, 'OpenID Connect Core section 12.2');
  assert.equal(without.json.id_token, undefined);
  const answer = await send(server, '/oauth/userinfo', { headers: bearer(without.json.access_token) });
  assert.deepEqual([answer.status, answer.json.error], [403, 'insufficient_scope']);
});

test('keeps the audience, narrows it for one access token, and never widens it', async () => {
  const { code, proof } = await codeFor([['resource', API], ['resource', FILES]]);
  const { json } = await redeem(server, app, code, proof);
  // With openid, the userinfo endpoint is added.
  const all = [API, FILES, server.issuer];
  assert.deepEqual(decode(json.access_token).claims.aud, all);
  let { refresh_token } = json;
  const ask = async (resource) => {
    const answer = await refresh(server, app, refresh_token, { resource });
    refresh_token = answer.json.refresh_token ?? refresh_token;
    return answer.status === 200 ? decode(answer.json.access_token).claims.aud : answer.json.error;
  };
  assert.deepEqual(await ask(), all);
  assert.equal(await ask(FILES), FILES);
  assert.equal(await ask(API), API);
  assert.deepEqual(await ask(), all);
  for (const beyond of ['https://api.example/v2', 'https://other.example', 'not a URI', `${API}#fragment`]) {
    assert.equal(await ask(beyond), 'invalid_target', beyond);
  }
  assert.equal(generation(refresh_token), 5, 'a refused request does not spend the token');
});

test('a grant ends with its session, unless it has offline_access', async () => {
  const leaving = new Browser(server);
  await leaving.signIn(user);
  const online = await newGrant(server, leaving, user, app, ONLINE);
  const offline = await newGrant(server, leaving, user, app, OFFLINE);
  const staying = await newGrant(server, browser, user, app, ONLINE);
  await act(leaving, { action: 'sign_out' });
  await assertEnded(server, online.access_token);
  assertRefused(await refresh(server, app, online.refresh_token));
  for (const { access_token, refresh_token } of [offline, staying]) {
    await assertCounts(server, access_token);
    assert.equal((await refresh(server, app, refresh_token)).status, 200);
  }
});

test('signing in again in the same browser keeps the grants', async () => {
  const seat = new Browser(server);
  const tokens = await newGrant(server, seat, user, app, ONLINE);
  const [old, code] = [seat.cookies.get('edgemint-session'), await newCode(seat, user, app, ONLINE)];
  await seat.signIn(user, '/account/sign-in');
  assert.notEqual(seat.cookies.get('edgemint-session'), old, 'another session');
  await assertCounts(server, tokens.access_token);
  assert.equal((await refresh(server, app, tokens.refresh_token)).status, 200);
  assert.equal((await redeem(server, app, code.code, code.proof)).status, 200);
});

test('a user revokes one grant, ends one session, and withdraws a client\'s access at /account', async () => {
  const person = await createUser(server);
  const [here, there] = [new Browser(server), new Browser(server)];
  await here.signIn(person);
  await there.signIn(person);
  const grant = (seat, client, parameters) => newGrant(server, seat, person, client, parameters);
  const [one, two, away, foreign] = [
    await grant(here, app), await grant(here, app), await grant(there, app, ONLINE), await grant(here, other),
  ];
  await act(here, { action: 'end_grant', grant: grantOf(one) });
  await assertEnded(server, one.access_token);
  await assertCounts(server, two.access_token);

  const session = sessionIdOf(there);
  await act(here, { action: 'end_session', session });
  await assertEnded(server, away.access_token);
  assert.equal((await there.open('/account')).url.pathname, '/account/sign-in');
  await assertCounts(server, two.access_token);

  await act(here, { action: 'withdraw', client: app.id });
  await assertEnded(server, two.access_token);
  assertRefused(await refresh(server, app, two.refresh_token));
  await assertCounts(server, foreign.access_token);
  const page = await here.open(authorizationPath(app, pkce()));
  assert.match(page.html, /name="decision"/, 'consent is required again');
});

test('a user cannot revoke the grant of another user', async () => {
  const mine = await newGrant(server, browser, user, app);
  const stranger = new Browser(server);
  await stranger.signIn(await createUser(server));
  const page = await act(stranger, { action: 'end_grant', grant: grantOf(mine) });
  assert.equal(page.status, 400);
  await act(stranger, { action: 'withdraw', client: app.id });
  await act(stranger, { action: 'end_session', session: sessionIdOf(browser) });
  await assertCounts(server, mine.access_token);
});

test('changing the password ends the other sessions and their grants, and nothing else', async () => {
  const person = await createUser(server);
  const [here, there] = [new Browser(server), new Browser(server)];
  await here.signIn(person);
  await there.signIn(person);
  const [mine, away] = [await newGrant(server, here, person, app, ONLINE), await newGrant(server, there, person, app, ONLINE)];
  const page = await act(here, {
    action: 'change_password', current_password: person.password, new_password: 'another battery staple horse',
  });
  assert.equal(page.status, 200);
  await assertEnded(server, away.access_token);
  await assertCounts(server, mine.access_token);
});

test('an operator lists and revokes the grants of a user', async () => {
  const person = await createUser(server);
  const seat = new Browser(server);
  const [one, two, online] = [
    await newGrant(server, seat, person, app), await newGrant(server, seat, person, other),
    await newGrant(server, seat, person, app, ONLINE),
  ];
  const path = `/admin/users/${person.id}`;
  const listed = (await admin(server, 'GET', `${path}/grants`)).json.grants;
  assert.deepEqual(listed.map(({ id }) => id).sort(), [one, two, online].map(grantOf).sort());
  assert.deepEqual(new Set(listed.map(({ user: owner }) => owner)), new Set([person.id]));

  assert.equal((await admin(server, 'DELETE', `${path}/grants/${grantOf(one)}`)).status, 204);
  assert.equal((await admin(server, 'DELETE', `${path}/grants/${grantOf(one)}`)).status, 404);
  await assertEnded(server, one.access_token);
  await assertCounts(server, two.access_token);

  assert.equal((await admin(server, 'DELETE', `${path}/sessions`)).json.ended, 1);
  await assertEnded(server, online.access_token);
  await assertCounts(server, two.access_token, 'offline_access');

  assert.equal((await admin(server, 'DELETE', `${path}/grants`)).json.ended, 1);
  await assertEnded(server, two.access_token);
  assert.deepEqual((await admin(server, 'GET', `${path}/grants`)).json, { grants: [] });
});

test('an operator lists and revokes the grants of a client, of all users', async () => {
  const client = await registerPublicClient(server);
  const people = await atOnce(3, () => createUser(server));
  const grants = [];
  for (const person of people) grants.push(await newGrant(server, new Browser(server), person, client));
  const elsewhere = await newGrant(server, browser, user, app);
  const path = `${clientPath(client.id)}/grants`;
  const listed = (await admin(server, 'GET', path)).json.grants;
  assert.deepEqual(listed.map(({ id, user: owner }) => `${owner} ${id}`).sort(),
    grants.map((tokens, index) => `${people[index].id} ${grantOf(tokens)}`).sort());
  assert.equal((await admin(server, 'DELETE', path)).json.ended, 3);
  for (const { access_token, refresh_token } of grants) {
    await assertEnded(server, access_token);
    assertRefused(await refresh(server, client, refresh_token));
  }
  await assertCounts(server, elsewhere.access_token);
});

test('removing the client or the user makes a grant inactive at once, for every client', async () => {
  const client = await registerConfidentialClient(server);
  const person = await createUser(server);
  const [ofClient, ofUser] = [
    await newGrant(server, browser, user, client), await newGrant(server, new Browser(server), person, backend),
  ];
  const active = async ({ access_token }) => (await introspect(server, access_token, resourceServer)).json.active;
  assert.deepEqual([await active(ofClient), await active(ofUser)], [true, true]);

  assert.equal((await admin(server, 'DELETE', clientPath(client.id))).status, 204);
  assert.equal(await active(ofClient), false);
  await assertEnded(server, ofClient.access_token);
  assert.equal((await refresh(server, client, ofClient.refresh_token)).status, 401);

  assert.equal((await admin(server, 'DELETE', `/admin/users/${person.id}`)).status, 204);
  assert.equal(await active(ofUser), false);
  await assertEnded(server, ofUser.access_token);
  assertRefused(await refresh(server, backend, ofUser.refresh_token));
  assert.deepEqual((await introspect(server, ofUser.refresh_token, backend)).json, { active: false });
});

test('revoking a refresh token revokes its grant with all access tokens, and no other grant', async () => {
  for (const client of [app, backend]) {
    const [tokens, untouched] = [await newGrant(server, browser, user, client), await newGrant(server, browser, user, client)];
    const next = (await refresh(server, client, tokens.refresh_token)).json;
    // Each of the grant's refresh tokens identifies the grant.
    const answer = await revoke(server, client, tokens.refresh_token);
    assert.deepEqual([answer.status, answer.json], [200, {}]);
    for (const { access_token, refresh_token } of [tokens, next]) {
      await assertEnded(server, access_token);
      assertRefused(await refresh(server, client, refresh_token));
    }
    await assertCounts(server, untouched.access_token);
    assert.equal((await revoke(server, client, next.refresh_token)).status, 200, 'revoking again is no error');
  }
});

test('revoking an access token keeps its grant and the other access tokens', async () => {
  for (const client of [app, backend]) {
    const tokens = await newGrant(server, browser, user, client);
    const next = (await refresh(server, client, tokens.refresh_token)).json;
    assert.equal((await revoke(server, client, tokens.access_token)).status, 200);
    await assertEnded(server, tokens.access_token);
    await assertCounts(server, next.access_token);
    const last = (await refresh(server, client, next.refresh_token)).json;
    await assertCounts(server, last.access_token);
  }
});

test('a client cannot revoke the tokens of another client', async () => {
  const tokens = await newGrant(server, browser, user, app);
  for (const client of [other, backend, resourceServer]) {
    for (const text of [tokens.access_token, tokens.refresh_token]) {
      const { status, json } = await revoke(server, client, text);
      assert.deepEqual([status, json.error], [400, 'unauthorized_client']);
    }
  }
  await assertCounts(server, tokens.access_token);
  assert.equal((await refresh(server, app, tokens.refresh_token)).status, 200);
});

test('a forged refresh token, a code and a session cookie revoke nothing', async () => {
  const tokens = await newGrant(server, browser, user, app, ONLINE);
  const { code, proof } = await newCode(browser, user, app, ONLINE);
  for (const text of [...Object.values(forgeries(tokens.refresh_token)), code, browser.cookies.get('edgemint-session')]) {
    const { status, json } = await revoke(server, app, text);
    assert.deepEqual([status, json], [200, {}], text);
  }
  await assertCounts(server, tokens.access_token);
  assert.equal((await redeem(server, app, code, proof)).status, 200);
});

test('introspects a refresh token for its own client only', async () => {
  const tokens = await newGrant(server, browser, user, backend);
  const { issued_at, ...known } = await listedGrant(tokens);
  const answer = await introspect(server, tokens.refresh_token, backend);
  const { iat, exp, ...rest } = answer.json;
  assert.deepEqual(rest, {
    active: true, client_id: backend.id, sub: user.id, iss: server.issuer, scope: 'openid read offline_access',
  });
  assert.deepEqual([iat, exp], [decode(tokens.access_token).claims.iat, known.ends_at]);
  assert.ok(iat >= issued_at && exp > iat);
  const inactive = { active: false };
  for (const client of [resourceServer, undefined]) {
    assert.deepEqual((await introspect(server, tokens.refresh_token, client)).json, inactive);
  }
  for (const text of Object.values(forgeries(tokens.refresh_token))) {
    assert.deepEqual((await introspect(server, text, backend)).json, inactive, text);
  }
  const { code } = await newCode(browser, user, backend);
  for (const text of [code, browser.cookies.get('edgemint-session')]) {
    assert.deepEqual((await introspect(server, text, backend)).json, inactive);
  }
  // A client that fails to authenticate may not introspect.
  assert.equal((await postForm(server, '/oauth/introspect', { client_id: app.id, token: tokens.refresh_token })).status, 401);
  await revoke(server, backend, tokens.refresh_token);
  assert.deepEqual((await introspect(server, tokens.refresh_token, backend)).json, inactive);
});

for (const [what, change] of [['no token', { refresh_token: undefined }], ['an empty token', { refresh_token: '' }]]) {
  test(`${what} is a malformed request`, async () => {
    const { status, json } = await refresh(server, app, 'x', change);
    assert.deepEqual([status, json.error], [400, 'invalid_request']);
  });
}

test('the root client has no grants to refresh', async () => {
  const { refresh_token } = await newGrant(server, browser, user, app);
  const root = { id: 'root', secret: server.rootSecret };
  const { status, json } = await postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token }, basic(root));
  assert.deepEqual([status, json.error], [400, 'unauthorized_client']);
});

// A code for several resources: a repeated parameter, which an object of parameters cannot express.
async function codeFor(pairs) {
  const proof = pkce();
  let page = await browser.open(`${authorizationPath(app, proof, OFFLINE)}&${new URLSearchParams(pairs)}`);
  if (page.location === null) page = await browser.submit(page, { decision: 'allow' });
  return { code: new URL(page.location).searchParams.get('code'), proof };
}

async function act(seat, fields) {
  return seat.submit(await seat.open('/account'), fields, { action: '/account' });
}

// The cookie contains the identifier of the session.
function sessionIdOf(seat) {
  return seat.cookies.get('edgemint-session').split('.')[1];
}

async function listedGrant(tokens) {
  const { json } = await admin(server, 'GET', `/admin/users/${user.id}/grants`);
  return json.grants.find(({ id }) => id === grantOf(tokens));
}
