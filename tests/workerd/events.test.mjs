// Audit events: which requests cause which, each in the log and in the store, with the identifiers involved.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { left, loggedEvents, storedEvents } from './events.mjs';
import { decode } from './forgery.mjs';
import { OFFLINE, forgeries, grantOf, newCode, newGrant, registerConfidentialClient, revoke, windowOver } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, csrfOf, pkce, post, redeem, refresh, registerPublicClient, tokenRequest,
} from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

let server;
let user;
let browser;
let app;
let backend;
let service;

before(async () => {
  // The replay window is longer than all tests take on a slow machine.
  server = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '600', SELF_REGISTRATION: 'true' } });
  user = await createUser(server);
  app = await registerPublicClient(server);
  backend = await registerConfidentialClient(server);
  service = await registerClient(server, { scope: 'read' });
  browser = new Browser(server);
  await browser.signIn(user);
});

after(() => server?.stop());

const grant = (client = app) => newGrant(server, browser, user, client, OFFLINE);
// The identifiers that every event of a user's grant has about its access token.
function named(tokens, client = app) {
  const { header, claims } = decode(tokens.access_token);
  return { client: client.id, user: user.id, grant: grantOf(tokens), kid: header.kid, jti: claims.jti };
}

test('a client\'s own token causes one event', async () => {
  let tokens;
  const events = await left(server, 1, async () => { tokens = await token(server, {}, service); });
  const { header, claims } = decode(tokens.access_token);
  assert.deepEqual(events, [{
    event: 'token_issued', severity: 'info', endpoint: '/oauth/token', reason: 'client_credentials',
    client: service.id, kid: header.kid, jti: claims.jti,
  }]);
});

test('consent, redemption, refresh and revocation cause one event each', async () => {
  const newcomer = await registerPublicClient(server);
  let tokens;
  let next;
  const events = await left(server, 4, async () => {
    tokens = await grant(newcomer);
    next = (await refresh(server, newcomer, tokens.refresh_token)).json;
    await revoke(server, newcomer, next.refresh_token);
  });
  const { kid, jti, ...ids } = named(tokens, newcomer);
  const at = (endpoint, event, more = {}) => ({ event, severity: 'info', endpoint, ...ids, ...more });
  assert.deepEqual(events, [
    at('/oauth/consent', 'consent_given'),
    at('/oauth/token', 'token_issued', { reason: 'authorization_code', kid, jti }),
    at('/oauth/token', 'token_issued', { reason: 'refresh_token', ...named(next, newcomer) }),
    at('/oauth/revoke', 'token_revoked', { reason: 'refresh_token' }),
  ]);
});

test('a code by remembered consent, and the revocation of one access token, cause their events', async () => {
  await grant();
  let tokens;
  const events = await left(server, 3, async () => {
    tokens = await grant();
    await revoke(server, app, tokens.access_token);
  });
  const { kid, jti, ...ids } = named(tokens);
  assert.deepEqual(events, [
    { event: 'code_issued', severity: 'info', endpoint: '/oauth/authorize', ...ids },
    { event: 'token_issued', severity: 'info', endpoint: '/oauth/token', reason: 'authorization_code', ...ids, kid, jti },
    { event: 'token_revoked', severity: 'info', endpoint: '/oauth/revoke', reason: 'access_token', ...ids, jti },
  ]);
});

test('revoking a client\'s own token causes one event', async () => {
  const { access_token } = await token(server, {}, service);
  const events = await left(server, 1, () => revoke(server, service, access_token));
  assert.deepEqual(events, [{
    event: 'token_revoked', severity: 'info', endpoint: '/oauth/revoke', reason: 'access_token', client: service.id,
    jti: decode(access_token).claims.jti,
  }]);
});

test('a replay within the window is a notice', async () => {
  const tokens = await grant();
  const { code, proof } = await newCode(browser, user, app, OFFLINE);
  const redeemed = (await redeem(server, app, code, proof)).json;
  let turned;
  const benign = await left(server, 3, async () => {
    turned = (await refresh(server, app, tokens.refresh_token)).json;
    assert.deepEqual((await refresh(server, app, tokens.refresh_token)).json.refresh_token, turned.refresh_token);
    assert.equal((await redeem(server, app, code, proof)).status, 400);
  });
  const of = (event, severity, more) => ({ event, severity, endpoint: '/oauth/token', ...more });
  assert.deepEqual(benign, [
    of('token_issued', 'info', { reason: 'refresh_token', ...named(turned) }),
    of('refresh_repeated', 'notice', { reason: 'refresh_token', ...named(turned) }),
    of('code_spent', 'notice', { reason: 'code_spent', client: app.id, user: user.id, grant: grantOf(redeemed) }),
  ]);
});

test('reuse after the replay window is an alert', async (t) => {
  const brief = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '1' } });
  t.after(() => brief.stop());
  const [person, client] = [await createUser(brief), await registerPublicClient(brief)];
  const seat = new Browser(brief);
  await seat.signIn(person);
  const tokens = await newGrant(brief, seat, person, client, OFFLINE);
  const { code, proof } = await newCode(seat, person, client, OFFLINE);
  const redeemed = (await redeem(brief, client, code, proof)).json;
  const turned = (await refresh(brief, client, tokens.refresh_token)).json;
  await windowOver(turned, 1);
  const theft = await left(brief, 2, async () => {
    assert.equal((await refresh(brief, client, tokens.refresh_token)).status, 400);
    assert.equal((await redeem(brief, client, code, proof)).status, 400);
  });
  const alert = (reason, granted) => ({
    event: reason, severity: 'alert', endpoint: '/oauth/token', reason, client: client.id, user: person.id, grant: grantOf(granted),
  });
  assert.deepEqual(theft, [alert('refresh_reused', turned), alert('code_reused', redeemed)]);
  // Both grants have been revoked: later requests are ordinary refusals.
  const ended = await left(brief, 2, async () => {
    await refresh(brief, client, turned.refresh_token);
    await refresh(brief, client, redeemed.refresh_token);
  });
  assert.deepEqual(ended.map(({ event, severity, reason }) => [event, severity, reason]),
    Array(2).fill(['refused', 'notice', 'grant_unknown']));
});

test('failed client authentication names a known client, and nothing else of the request', async () => {
  const typed = 'a password in the wrong field';
  const events = await left(server, 3, async () => {
    await tokenRequest(server, { id: service.id, secret: 'wrong' }, { grant_type: 'client_credentials' });
    await tokenRequest(server, { id: typed, secret: 'x' }, { grant_type: 'client_credentials' });
    await postForm(server, '/oauth/introspect', { token: 'x' }, basic({ id: 'root', secret: 'wrong' }));
  });
  const failed = (endpoint, reason, more) =>
    ({ event: 'client_authentication_failed', severity: 'notice', endpoint, reason, ...more });
  assert.deepEqual(events, [
    failed('/oauth/token', 'client_secret', { client: service.id }),
    failed('/oauth/token', 'client_unknown', {}),
    failed('/oauth/introspect', 'client_secret', { client: 'root' }),
  ]);
  assert.ok(!server.logs.join('\n').includes(typed));
});

test('failures of one client\'s authentication are counted in one event, and displace no other', async () => {
  const before = await storedEvents(server, { event: 'client_authentication_failed', client: service.id });
  const from = server.logs.length;
  const grant_type = 'client_credentials';
  await Promise.all(Array.from({ length: 60 }, () => tokenRequest(server, { id: service.id, secret: 'wrong' }, { grant_type })));
  assert.equal((await postForm(server, '/oauth/token', { grant_type, client_id: service.id })).status, 401);
  assert.equal((await postForm(server, '/oauth/token', { grant_type }, { authorization: 'Basic ***' })).status, 401);
  const all = () => loggedEvents(server, from).filter(({ event }) => event === 'client_authentication_failed');
  await until(() => all().length === 62, 'each failure in the log');
  assert.deepEqual(all().slice(-2).map(({ reason, client }) => [reason, client]), [
    ['client_auth_missing', service.id], ['client_auth_malformed', undefined],
  ]);
  const stored = await until(async () => {
    const events = await storedEvents(server, { event: 'client_authentication_failed', client: service.id });
    const added = events.slice(before.length);
    return added.some(({ reason }) => reason === 'client_auth_missing') && added;
  }, 'the failures in the store');
  const wrong = stored.filter(({ reason }) => reason === 'client_secret');
  assert.equal(wrong.reduce((sum, { count = 1 }) => sum + count, 0), 60);
  assert.ok(wrong.length <= 5, `${wrong.length} events`);
});

test('a refusal of the events table is an event, any other is only logged', async () => {
  const tokens = await grant(backend);
  const from = server.logs.length;
  const events = await left(server, 5, async () => {
    await tokenRequest(server, service, { grant_type: 'client_credentials', scope: 'write' });
    await tokenRequest(server, service, { grant_type: 'client_credentials', resource: 'https://other.example' });
    await tokenRequest(server, service, { grant_type: 'authorization_code', code: 'x' });
    await refresh(server, app, forgeries(tokens.refresh_token)['another MAC']);
    await revoke(server, service, tokens.access_token);
    await tokenRequest(server, service, {});
    await send(server, '/oauth/token', { method: 'PATCH' });
    await send(server, '/api/whoami', { headers: bearer('x') });
    await refresh(server, app, '');
  });
  assert.deepEqual(events.map(({ event, severity, reason, client }) => [event, severity, reason, client]), [
    ['refused', 'notice', 'scope_not_allowed', service.id],
    ['refused', 'notice', 'resource_not_allowed', service.id],
    ['refused', 'notice', 'grant_not_allowed', service.id],
    ['refused', 'notice', 'handle_forged', app.id],
    ['refused', 'notice', 'token_of_another', service.id],
  ]);
  const lines = server.logs.slice(from).filter((line) => line.startsWith('{"endpoint"') || line.startsWith('{"event"'));
  const alone = lines.map((line) => JSON.parse(line)).filter(({ severity }) => severity === undefined);
  assert.deepEqual(alone.map(({ event, reason }) => [event, reason]), [
    ['refused', 'missing_parameter'], ['refused', 'bearer_invalid'], ['refused', 'missing_parameter'],
  ]);
});

test('sign-in, failed sign-in and sign-out cause one event each', async () => {
  const person = await createUser(server);
  const visitor = new Browser(server, { 'cf-connecting-ip': '192.0.2.1' });
  const attempt = async (username, password) => visitor.submit(await visitor.open('/account/sign-in'), { username, password });
  const events = await left(server, 4, async () => {
    await attempt(person.username, 'not the password');
    await attempt('unknown-user', PASSWORD);
    await attempt(person.username, person.password);
    await post(visitor, '/account', { csrf: csrfOf(await visitor.open('/account')), action: 'sign_out' });
  });
  const failed = { event: 'sign_in_failed', severity: 'notice', endpoint: '/account/sign-in', reason: 'sign_in' };
  assert.deepEqual(events, [
    { ...failed, user: person.id },
    failed,
    { event: 'sign_in', severity: 'info', endpoint: '/account/sign-in', user: person.id },
    { event: 'sign_out', severity: 'info', endpoint: '/account', user: person.id },
  ]);
});

test('throttling of sign-in attempts causes an event', async () => {
  const visitor = new Browser(server, { 'cf-connecting-ip': '192.0.2.2' });
  const events = await left(server, 11, async () => {
    for (let tries = 0; tries < 30; tries += 1) {
      const page = await visitor.submit(await visitor.open('/account/sign-in'), { username: 'visitor-name', password: 'x' });
      if (page.status === 429) return;
    }
  });
  const [{ event, severity, reason }] = events.slice(-1);
  assert.deepEqual([event, severity, reason], ['sign_in_throttled', 'notice', 'sign_in_throttled']);
  assert.ok(!JSON.stringify(events).includes('visitor-name'));
});

test('signing up, and the changes of a user to the own account, cause their events', async () => {
  const visitor = new Browser(server, { 'cf-connecting-ip': '192.0.2.3' });
  const newcomer = { username: 'newcomer', password: 'an unusual password' };
  const act = async (fields) => post(visitor, '/account', { csrf: csrfOf(await visitor.open('/account')), ...fields });
  let tokens;
  const events = await left(server, 9, async () => {
    const page = await visitor.open('/account/sign-up');
    await visitor.submit(page, newcomer);
    const denied = await visitor.open(authorizationPath(app, pkce(), OFFLINE));
    await visitor.submit(denied, { decision: 'deny' });
    tokens = await newGrant(server, visitor, newcomer, app, OFFLINE);
    await act({ action: 'end_grant', grant: grantOf(tokens) });
    await act({ action: 'withdraw', client: app.id });
    await act({ action: 'change_password', current_password: 'not it', new_password: 'another horse battery' });
    await act({ action: 'change_password', current_password: newcomer.password, new_password: 'another horse battery' });
  });
  const id = decode(tokens.access_token).claims.sub;
  assert.ok(events.every((event) => event.user === id));
  assert.deepEqual(events.map(({ event, severity, endpoint, client, grant: its, count }) =>
    [event, severity, endpoint, client, its, count].filter((member) => member !== undefined)), [
    ['user_created', 'info', '/account/sign-up'],
    ['sign_in', 'info', '/account/sign-up'],
    ['consent_denied', 'info', '/oauth/consent', app.id],
    ['consent_given', 'info', '/oauth/consent', app.id, grantOf(tokens)],
    ['token_issued', 'info', '/oauth/token', app.id, grantOf(tokens)],
    ['grant_ended', 'info', '/account', grantOf(tokens)],
    ['consent_withdrawn', 'info', '/account', app.id, 0],
    ['sign_in_failed', 'notice', '/account'],
    ['password_changed', 'info', '/account'],
  ]);
});

test('changes by operators cause events that name the operator', async () => {
  let person;
  let client;
  let tokens;
  const events = await left(server, 14, async () => {
    person = await createUser(server);
    client = await registerPublicClient(server);
    await admin(server, 'PUT', clientPath(client.id), { ...client.information, client_name: 'Another name' });
    tokens = await newGrant(server, new Browser(server), person, client, OFFLINE);
    await admin(server, 'PUT', `/admin/users/${person.id}`, { username: person.username, name: 'Another' });
    await admin(server, 'DELETE', `/admin/users/${person.id}/grants/${grantOf(tokens)}`);
    await admin(server, 'DELETE', `/admin/users/${person.id}/grants`);
    await admin(server, 'DELETE', `/admin/users/${person.id}/sessions`);
    await admin(server, 'DELETE', `${clientPath(client.id)}/grants`);
    await admin(server, 'DELETE', clientPath(client.id));
    await admin(server, 'DELETE', `/admin/users/${person.id}`);
    await admin(server, 'POST', '/admin/keys/rotate');
    await admin(server, 'GET', '/admin/users/unknown');
  });
  const acts = events.filter(({ by }) => by !== undefined);
  assert.deepEqual(acts.map(inOrder), [
    { event: 'user_created', endpoint: '/admin/users', user: person.id },
    { event: 'client_registered', endpoint: '/admin/clients', client: client.id },
    { event: 'client_replaced', endpoint: '/admin/clients', client: client.id },
    { event: 'user_replaced', endpoint: '/admin/users', user: person.id },
    { event: 'grant_ended', endpoint: '/admin/users', user: person.id, grant: grantOf(tokens) },
    { event: 'grants_ended', endpoint: '/admin/users', count: 0, user: person.id },
    { event: 'sessions_ended', endpoint: '/admin/users', count: 1, user: person.id },
    { event: 'grants_ended', endpoint: '/admin/clients', count: 0, client: client.id },
    { event: 'client_removed', endpoint: '/admin/clients', count: 0, client: client.id },
    { event: 'user_removed', endpoint: '/admin/users', user: person.id },
    { event: 'keys_rotated', endpoint: '/admin/keys/rotate' },
  ].map(({ event, endpoint, ...more }) => ({ event, severity: 'info', endpoint, by: 'root', ...more })).map(inOrder));
  const made = events.filter(({ event }) => event === 'key_created');
  const { keys } = (await admin(server, 'GET', '/admin/keys')).json;
  const next = keys.filter(({ stage }) => stage === 'next').map(({ kid }) => kid);
  assert.deepEqual(made.map(({ kid }) => kid).sort(), next.sort());
});

test('events of the admin API name the user that is the administrator, and a caller that is refused', async () => {
  const scope = 'openid edgemint:admin';
  const operator = await createUser(server, { scope: 'openid edgemint:admin' });
  const console_ = await registerPublicClient(server, { scope });
  const { access_token } = await newGrant(server, new Browser(server), operator, console_, { scope, resource: server.issuer });
  const { access_token: weak } = await token(server, {}, service);
  const remove = (headers) => send(server, `/admin/users/${operator.id}/sessions`, { method: 'DELETE', headers });
  const events = await left(server, 3, async () => {
    assert.equal((await remove(bearer(weak))).status, 403);
    assert.equal((await remove(bearer('x'))).status, 401);
    assert.equal((await remove({})).status, 401);
    assert.equal((await remove(bearer(access_token))).status, 200);
  });
  const refused = { event: 'admin_refused', severity: 'notice', endpoint: '/admin/users' };
  assert.deepEqual(events.map(inOrder), [
    { ...refused, reason: 'bearer_scope', by: service.id },
    { ...refused, reason: 'bearer_invalid' },
    {
      event: 'sessions_ended', severity: 'info', endpoint: '/admin/users', count: 1, user: operator.id,
      by: console_.id, by_user: operator.id,
    },
  ].map(inOrder));
});

// The order of members is not significant.
function inOrder(event) {
  return Object.fromEntries(Object.entries(event).sort());
}
