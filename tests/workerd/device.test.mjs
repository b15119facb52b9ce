// The device grant (RFC 8628): codes, polling, the user's decision, and every refusal.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { decideDevice, enterCode, poll, registerDeviceClient, requestDevice, startDevice } from './devices.mjs';
import { decode } from './forgery.mjs';
import { assertCounts, assertEnded, assertRefused, atOnce, cost } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, csrfOf, post, refresh, registerPublicClient } from './people.mjs';
import { basic, postForm, send } from './request.mjs';

let server;
let user;
let client;
let browser;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true', CLIENT_ADDRESS_HEADER: 'X-Real-IP' } });
  client = await registerDeviceClient(server);
});

// An account may try ten codes: each test has its own.
beforeEach(async () => {
  ({ user, browser } = await newUser());
});

after(() => server?.stop());

async function newUser() {
  const own = await createUser(server, { name: 'Demo' });
  const itsBrowser = new Browser(server);
  await itsBrowser.signIn(own);
  return { user: own, browser: itsBrowser };
}

function assertError({ status, json, headers }, error, what) {
  assert.deepEqual([status, json?.error, headers['cache-control']], [400, error, 'no-store'], what);
}

test('the metadata names the endpoint and the grant type', async () => {
  const { json } = await send(server, '/.well-known/oauth-authorization-server');
  assert.equal(json.device_authorization_endpoint, `${server.issuer}/oauth/device_authorization`);
  assert.ok(json.grant_types_supported.includes('urn:ietf:params:oauth:grant-type:device_code'));
});

test('the response has both codes and the addresses where the user enters one', async () => {
  const { status, json, headers } = await requestDevice(server, client, { scope: 'openid read' });
  assert.deepEqual([status, headers['cache-control']], [200, 'no-store']);
  const { device_code, user_code, ...rest } = json;
  assert.match(device_code, /^emd_[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/);
  assert.match(user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.deepEqual(rest, {
    verification_uri: `${server.issuer}/device`, verification_uri_complete: `${server.issuer}/device?user_code=${user_code}`,
    expires_in: 900, interval: 5,
  });
  const other = await startDevice(server, client);
  assert.notEqual(other.user_code, user_code);
});

test('an unknown parameter is ignored', async () => {
  assert.equal((await requestDevice(server, client, { scope: 'openid', audience: 'x', nonce: 'n' })).status, 200);
});

test('an approved device gets tokens of the user, once, and a refresh token that works', async () => {
  const { device_code, user_code } = await startDevice(server, client, { scope: 'openid offline_access read' });
  assertError(await poll(server, client, device_code), 'authorization_pending');
  const page = await decideDevice(browser, user, user_code);
  assert.deepEqual([page.status, /Device connected/.test(page.html)], [200, true]);
  const { status, json } = await poll(server, client, device_code);
  assert.equal(status, 200);
  assert.deepEqual([json.scope, json.token_type], ['openid offline_access read', 'Bearer']);
  const claims = decode(json.id_token).claims;
  assert.deepEqual([claims.sub, claims.aud, claims.nonce], [user.id, client.id, undefined]);
  assert.deepEqual(claims.amr, ['pwd']);
  await assertCounts(server, json.access_token);
  assertRefused(await poll(server, client, device_code), 'again');
  await assertCounts(server, json.access_token, 'a second poll revokes nothing');
  const again = await refresh(server, client, json.refresh_token);
  assert.equal(again.status, 200);
  assertRefused(await poll(server, client, device_code), 'after a refresh');
  await assertCounts(server, again.json.access_token);
});

test('a client without the grant refresh_token gets no refresh token', async () => {
  const own = await registerDeviceClient(server, { grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] });
  const { device_code, user_code } = await startDevice(server, own);
  await decideDevice(browser, user, user_code);
  const { json } = await poll(server, own, device_code);
  assert.deepEqual([typeof json.access_token, json.refresh_token], ['string', undefined]);
});

test('64 simultaneous polls of an approved device code create one grant', async () => {
  const { device_code, user_code } = await startDevice(server, client);
  await decideDevice(browser, user, user_code);
  const answers = await atOnce(64, () => poll(server, client, device_code));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  for (const answer of answers.filter(({ status }) => status !== 200)) assertRefused(answer);
  const { json } = await admin(server, 'GET', `/admin/users/${user.id}/grants`);
  assert.equal(json.grants.length, 1);
  await assertCounts(server, won[0].json.access_token);
});

test('a poll that comes too early is slowed down, and the interval grows by 5 seconds each time', async () => {
  const { device_code, user_code } = await startDevice(server, client);
  assertError(await poll(server, client, device_code), 'authorization_pending');
  const other = await registerDeviceClient(server);
  for (let times = 0; times < 3; times += 1) {
    assertRefused(await poll(server, other, device_code), 'another client lengthens no interval');
    assertError(await poll(server, client, device_code), 'slow_down');
  }
  await decideDevice(browser, user, user_code);
  assert.equal((await poll(server, client, device_code)).status, 200, 'a decided request is never slowed down');
});

test('a denied device gets access_denied, however often it polls', async () => {
  const { device_code, user_code } = await startDevice(server, client);
  const page = await decideDevice(browser, user, user_code, 'deny');
  assert.match(page.html, /Device not connected/);
  for (let times = 0; times < 3; times += 1) assertError(await poll(server, client, device_code), 'access_denied');
  const again = await enterCode(browser, user, user_code);
  assert.deepEqual([again.status, /unknown or has expired/.test(again.html)], [400, true]);
});

test('the device code of another client is refused like an unknown one, at every stage', async () => {
  const other = await registerDeviceClient(server);
  for (const decision of [undefined, 'deny', 'allow']) {
    const { device_code, user_code } = await startDevice(server, client);
    if (decision) await decideDevice(browser, user, user_code, decision);
    assertRefused(await poll(server, other, device_code), `${decision}`);
    if (decision === 'allow') assert.equal((await poll(server, client, device_code)).status, 200, 'its own client loses nothing');
  }
});

test('forged device codes are refused and wake no object', async () => {
  const { device_code } = await startDevice(server, client);
  const [object, grant, mac] = device_code.slice(4).split('.');
  const other = (text) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`;
  for (const forged of [
    `emd_${other(object)}.${grant}.${mac}`, `emd_${object}.${other(grant)}.${mac}`, `emd_${object}.${grant}.${other(mac)}`,
    `emd_${object}.${grant}`, `${device_code}.x`, `emc_${device_code.slice(4)}`, device_code.slice(4), 'garbage', 'x'.repeat(20_000),
  ]) {
    const costs = await cost(server, 1, async () => assertRefused(await poll(server, client, forged), forged));
    assert.equal(costs.object_calls, 0, forged);
  }
  assertError(await poll(server, client, undefined), 'invalid_request', 'none');
});

test('a device code is no code and no refresh token, and neither is a device code', async () => {
  const { device_code, user_code } = await startDevice(server, client, { scope: 'openid offline_access' });
  await decideDevice(browser, user, user_code);
  assertRefused(await refresh(server, client, device_code), 'as a refresh token');
  const { json } = await poll(server, client, device_code);
  assertRefused(await poll(server, client, json.refresh_token), 'a refresh token as a device code');
  const form = { client_id: client.id, token: device_code };
  assert.equal((await postForm(server, '/oauth/revoke', form)).status, 200);
  await assertCounts(server, json.access_token, 'revoking a device code revokes nothing');
});

test('a confidential client authenticates at both endpoints', async () => {
  const own = await registerDeviceClient(server, { token_endpoint_auth_method: 'client_secret_basic' });
  const refused = async (answer, what) => {
    const { status, json } = await answer;
    assert.deepEqual([status, json.error], [401, 'invalid_client'], what);
  };
  await refused(postForm(server, '/oauth/device_authorization', { client_id: own.id }), 'without the secret');
  await refused(requestDevice(server, { id: own.id, secret: 'a wrong secret of the client' }), 'with a wrong secret');
  const { device_code, user_code } = await startDevice(server, own);
  await decideDevice(browser, user, user_code);
  await refused(poll(server, { id: own.id }, device_code), 'a poll without the secret');
  assert.equal((await poll(server, own, device_code)).status, 200);
  const secret = (await postForm(server, '/oauth/device_authorization', { client_id: own.id, client_secret: own.secret }));
  assert.equal(secret.status, 401, 'another method than the registered one');
});

test('bad requests get the error of the specification', async () => {
  const codes = await registerPublicClient(server);
  assertError(await requestDevice(server, codes), 'unauthorized_client', 'a client without the grant');
  assertError(await poll(server, codes, 'emd_x'), 'unauthorized_client');
  assertError(await requestDevice(server, client, { scope: 'a"b' }), 'invalid_scope');
  assertError(await requestDevice(server, client, { scope: 'admin' }), 'invalid_scope');
  assertError(await requestDevice(server, client, { resource: 'https://other.example' }), 'invalid_target');
  assertError(await postForm(server, '/oauth/device_authorization', `client_id=${client.id}&scope=a&scope=b`), 'invalid_request', 'repeated');
  assert.equal((await send(server, '/oauth/device_authorization')).status, 405);
  assertError(await send(server, `/oauth/device_authorization?client_id=${client.id}`, { method: 'POST' }), 'invalid_request', 'in the query');
});

test('the resources of the request limit the audience, and those of the poll limit it further', async () => {
  const [api, files] = ['https://api.example', 'https://files.example'];
  const own = await registerDeviceClient(server, { resources: [api, files], scope: 'read' });
  const { device_code, user_code } = await startDevice(server, own, [['resource', api], ['resource', files]]);
  await decideDevice(browser, user, user_code);
  assertError(await poll(server, own, device_code, { resource: server.issuer }), 'invalid_target');
  const { json } = await poll(server, own, device_code, { resource: api });
  assert.equal(decode(json.access_token).claims.aud, api);
});

test('rights that client or user have lost in between are not in the tokens', async () => {
  const own = await registerDeviceClient(server);
  const { device_code, user_code } = await startDevice(server, own, { scope: 'openid read write' });
  await decideDevice(browser, user, user_code);
  const { client_id: _, client_id_issued_at: __, ...metadata } = own.information;
  assert.equal((await admin(server, 'PUT', clientPath(own.id), { ...metadata, scope: 'openid read' })).status, 200);
  const { json } = await poll(server, own, device_code);
  assert.equal(json.scope, 'openid read');
});

test('a client that was removed in between, and a user, yield no tokens', async () => {
  const removed = await registerDeviceClient(server);
  const one = await startDevice(server, removed);
  const two = await startDevice(server, removed);
  const page = await enterCode(browser, user, two.user_code);
  await decideDevice(browser, user, one.user_code);
  assert.equal((await admin(server, 'DELETE', clientPath(removed.id))).status, 204);
  assert.equal((await poll(server, removed, one.device_code)).status, 401);
  const late = await browser.submit(page, { decision: 'allow' }, { action: '/device/consent' });
  assert.deepEqual([late.status, /unknown or has expired/.test(late.html)], [400, true]);

  const { device_code, user_code } = await startDevice(server, client);
  await decideDevice(browser, user, user_code);
  assert.equal((await admin(server, 'DELETE', `/admin/users/${user.id}`)).status, 204);
  assertRefused(await poll(server, client, device_code));
});

test('a client that was disabled in between yields no tokens until it is enabled again', async () => {
  const own = await registerDeviceClient(server);
  const { client_id: _, client_id_issued_at: __, ...metadata } = own.information;
  const enable = async (enabled) => assert.equal((await admin(server, 'PUT', clientPath(own.id), { ...metadata, enabled })).status, 200);
  const [allowed, waiting] = [await startDevice(server, own), await startDevice(server, own)];
  await decideDevice(browser, user, allowed.user_code);
  const page = await enterCode(browser, user, waiting.user_code);
  await enable(false);
  for (const answer of [await poll(server, own, allowed.device_code), await requestDevice(server, own)]) {
    assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_client']);
  }
  const late = await browser.submit(page, { decision: 'allow' }, { action: '/device/consent' });
  assert.deepEqual([late.status, /unknown or has expired/.test(late.html)], [400, true], 'the consent page from before');
  const again = await enterCode(browser, user, waiting.user_code);
  assert.deepEqual([again.status, again.html.includes('Photo frame')], [400, false], 'the code');
  await enable(true);
  assert.equal((await poll(server, own, allowed.device_code)).status, 200);
  assertError(await poll(server, own, waiting.device_code), 'authorization_pending');
});

test('a user who was disabled in between yields no tokens, and is asked to sign in', async () => {
  const enable = async (enabled) => {
    const { status } = await admin(server, 'PUT', `/admin/users/${user.id}`, { username: user.username, enabled });
    assert.equal(status, 200);
  };
  const [offline, online, waiting] = await Promise.all(
    ['openid offline_access', 'openid', 'openid'].map((scope) => startDevice(server, client, { scope })),
  );
  await decideDevice(browser, user, offline.user_code);
  await decideDevice(browser, user, online.user_code);
  const page = await enterCode(browser, user, waiting.user_code);
  await enable(false);
  for (const { device_code } of [offline, online]) assertRefused(await poll(server, client, device_code));
  const late = await browser.submit(page, { decision: 'allow' }, { action: '/device/consent' });
  assert.match(late.html, /You are signed out/);
  const entered = await enterCode(browser, user, waiting.user_code).catch(({ message }) => ({ html: message }));
  assert.doesNotMatch(entered.html, /Photo frame/);
  await enable(true);
  assert.equal((await poll(server, client, offline.device_code)).status, 200, 'the grant outlives its session');
  assertRefused(await poll(server, client, online.device_code), 'its session has ended');
  assertError(await poll(server, client, waiting.device_code), 'authorization_pending');
});

test('a grant ends with its session unless offline_access was granted', async () => {
  for (const [scope, outlives] of [['openid read', false], ['openid read offline_access', true]]) {
    const own = await newUser();
    const before = await startDevice(server, client, { scope });
    const redeemed = await startDevice(server, client, { scope });
    await decideDevice(own.browser, own.user, before.user_code);
    await decideDevice(own.browser, own.user, redeemed.user_code);
    const { json } = await poll(server, client, redeemed.device_code);
    await admin(server, 'DELETE', `/admin/users/${own.user.id}/sessions`);
    if (outlives) {
      await assertCounts(server, json.access_token, scope);
      assert.equal((await poll(server, client, before.device_code)).status, 200);
    } else {
      await assertEnded(server, json.access_token, scope);
      assertRefused(await poll(server, client, before.device_code), 'the session ended before the poll');
    }
  }
});

test('a grant that was revoked before the poll is gone, and the same form does not renew it', async () => {
  const { device_code, user_code } = await startDevice(server, client);
  const page = await enterCode(browser, user, user_code);
  const allow = () => browser.submit(page, { decision: 'allow' }, { action: '/device/consent' });
  assert.equal((await allow()).status, 200);
  assert.equal((await allow()).status, 200, 'sent twice');
  const { json } = await poll(server, client, device_code);
  await admin(server, 'DELETE', `/admin/users/${user.id}/grants`);
  await assertEnded(server, json.access_token);
  await allow();
  assertRefused(await poll(server, client, device_code));
});

test('two users who allow one device: the first decides, and the other gets no grant', async () => {
  const [one, other] = [await newUser(), await newUser()];
  const { device_code, user_code } = await startDevice(server, client);
  const pages = await Promise.all([one, other].map((own) => enterCode(own.browser, own.user, user_code)));
  const first = await one.browser.submit(pages[0], { decision: 'allow' }, { action: '/device/consent' });
  const second = await other.browser.submit(pages[1], { decision: 'allow' }, { action: '/device/consent' });
  assert.deepEqual([first.status, second.status], [200, 400]);
  assert.match(second.html, /Already answered/);
  const { json } = await poll(server, client, device_code);
  assert.equal(decode(json.access_token).claims.sub, one.user.id);
  const { json: listed } = await admin(server, 'GET', `/admin/users/${other.user.id}/grants`);
  assert.deepEqual(listed.grants, []);
});

test('a forged, foreign or repeated form decides nothing', async () => {
  const { device_code, user_code } = await startDevice(server, client);
  const other = await startDevice(server, client);
  const page = await enterCode(browser, user, user_code);
  const grant = (code) => code.split('.')[1];
  const form = { user_code, grant: grant(device_code), csrf: csrfOf(page), decision: 'allow' };
  for (const [what, changed, headers] of [
    ['without a token', { csrf: '' }], ['with the token of the code page', { csrf: csrfOf(await browser.open('/device')) }],
    ['about another code', { user_code: other.user_code }], ['about another grant', { grant: grant(other.device_code) }],
    ['about another device', { user_code: other.user_code, grant: grant(other.device_code) }],
    ['from another origin', {}, { origin: 'https://evil.example' }],
  ]) {
    const answer = await post(browser, '/device/consent', { ...form, ...changed }, headers);
    assert.ok([400, 403].includes(answer.status), `${what}: ${answer.status}`);
  }
  const stranger = await newUser();
  assert.ok([400, 403].includes((await post(stranger.browser, '/device/consent', form)).status), 'another account');
  assertError(await poll(server, client, device_code), 'authorization_pending');
  assertError(await poll(server, client, other.device_code), 'authorization_pending');
  for (const decision of ['', 'maybe']) {
    const answer = await post(browser, '/device/consent', { ...form, decision });
    assert.equal(answer.status, 400);
  }
  assert.equal((await post(browser, '/device/consent', form)).status, 200);
});

test('a code counts only in a form that this browser was shown', async () => {
  const { user_code } = await startDevice(server, client);
  const [stranger, page] = [await newUser(), await browser.open('/device')];
  for (const [what, fields, headers] of [
    ['without a token', {}], ['with the token of another browser', { csrf: csrfOf(await stranger.browser.open('/device')) }],
    ['with the token of another page', { csrf: csrfOf(await browser.open('/account')) }],
    ['from another origin', { csrf: csrfOf(page) }, { origin: 'https://evil.example' }],
  ]) {
    const answer = await post(browser, '/device', { user_code, ...fields }, headers);
    assert.deepEqual([answer.status, answer.html.includes('Photo frame')], [403, false], what);
  }
  assert.equal((await post(browser, `/device?${new URLSearchParams({ user_code, csrf: csrfOf(page) })}`, { user_code, csrf: csrfOf(page) })).status, 400, 'in the address');
  assert.match((await browser.submit(page, { user_code })).html, /asks for access/);
});

test('an account may try ten codes, hits included, and unknown codes write to no device', async () => {
  const { user_code } = await startDevice(server, client);
  assert.match((await enterCode(browser, user, 'not a code')).html, /unknown or has expired/);
  for (let tries = 0; tries < 9; tries += 1) {
    const page = await browser.open('/device');
    const code = `BBBB-BB${'BCDFGHJKL'[tries]}${'BCDFGHJKL'[tries]}`;
    const costs = await cost(server, 1, async () => {
      const answer = await browser.submit(page, { user_code: code }, { action: '/device' });
      assert.deepEqual([answer.status, /unknown or has expired/.test(answer.html)], [400, true]);
    });
    assert.deepEqual([costs.object_calls, costs.rows_written], [2, 1], 'one row, in the account');
  }
  assert.match((await enterCode(browser, user, user_code)).html, /asks for access/);
  const late = await enterCode(browser, user, user_code);
  assert.equal(late.status, 429);
  assert.match(late.html, /Too many attempts/);
  assert.ok(Number(late.headers.get('retry-after')) > 800);
  const other = await newUser();
  assert.match((await enterCode(other.browser, other.user, user_code)).html, /asks for access/, 'another account');
});

test('a user signs in first, and the code of the address is only filled in', async () => {
  const { device_code, user_code, verification_uri_complete } = await startDevice(server, client);
  const fresh = new Browser(server);
  let page = await fresh.open(verification_uri_complete);
  assert.match(page.html, /name="password"/);
  assert.doesNotMatch(page.html, /Photo frame/);
  page = await fresh.submit(page, { username: user.username, password: user.password });
  assert.equal(`${page.url}`, `${server.url}/device?user_code=${user_code}`);
  assert.match(page.html, new RegExp(`<input[^>]*name="user_code"[^>]*value="${user_code}"`));
  assert.doesNotMatch(page.html, /Photo frame/, 'nothing is looked up yet');
  page = await fresh.submit(page, { user_code: user_code.toLowerCase().replace('-', ' ') });
  assert.match(page.html, /<bdi translate="no">Photo frame<\/bdi>/);
  assertError(await poll(server, client, device_code), 'authorization_pending');
});

test('the page asks even if the user has allowed the same before, and shows where the request came from', async () => {
  const headers = { 'x-real-ip': '192.0.2.7', 'user-agent': 'Mozilla/5.0 (Linux; Android 15) Chrome/140.0' };
  for (let times = 0; times < 2; times += 1) {
    const { user_code } = await startDevice(server, client, { scope: 'openid read' }, headers);
    const page = await enterCode(browser, user, user_code);
    assert.equal(page.status, 200);
    for (const shown of ['192.0.2.7', 'Chrome, Android', user_code, 'on a device in front of you', 'Use the permission <code translate="no">read']) {
      assert.ok(page.html.includes(shown), shown);
    }
    assert.match((await browser.submit(page, { decision: 'allow' }, { action: '/device/consent' })).html, /Device connected/);
  }
});

test('the pages speak the language that the address asks for', async () => {
  const { user_code } = await startDevice(server, client);
  let page = await browser.open('/device?ui_locales=zh');
  for (const [title, fields, action] of [
    ['连接设备', { user_code: 'BBBB-BBBB' }, '/device'], ['错误：连接设备', { user_code }, '/device'], ['允许此设备？', { decision: 'deny' }, '/device/consent'],
    ['设备未连接'],
  ]) {
    assert.match(page.html, new RegExp(`<title>${title}`));
    if (fields) page = await browser.submit(page, fields, { action });
  }
});

test('too many device codes from one address are refused, for one client sooner than for all', async () => {
  const at = (address) => ({ 'x-real-ip': address });
  const [one, other] = [client, await registerDeviceClient(server)];
  for (let count = 0; count < 5; count += 1) await atOnce(20, () => startDevice(server, one, {}, at('198.51.100.1')));
  // The first wait is a second, which may just have passed.
  let refused;
  for (let tries = 0; tries < 10 && refused?.status !== 429; tries += 1) refused = await requestDevice(server, one, {}, at('198.51.100.1'));
  assert.deepEqual([refused.status, refused.json.error], [429, 'temporarily_unavailable']);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal((await requestDevice(server, other, {}, at('198.51.100.1'))).status, 200, 'another client');
  assert.equal((await requestDevice(server, one, {}, at('198.51.100.2'))).status, 200, 'another address');
});

test('the events tell the life of a device, and nothing of its codes', async () => {
  const from = server.logs.length;
  const { device_code, user_code } = await startDevice(server, client);
  await decideDevice(browser, user, user_code);
  await poll(server, client, device_code);
  await poll(server, client, device_code);
  const lines = server.logs.slice(from);
  const events = lines.filter((line) => line.startsWith('{"event":')).map((line) => JSON.parse(line)).filter(({ severity }) => severity);
  const told = events.map(({ event, reason, grant }) => [event, reason, grant === device_code.split('.')[1]]);
  assert.deepEqual(told, [
    ['device_code_issued', undefined, true], ['consent_given', undefined, true],
    ['token_issued', 'urn:ietf:params:oauth:grant-type:device_code', true], ['code_spent', 'code_spent', true],
  ]);
  for (const secret of [device_code, user_code, user_code.replace('-', '')]) assert.ok(!lines.some((line) => line.includes(secret)));
});

test('the endpoint is open to pages of any origin, and the page to none', async () => {
  const { headers } = await send(server, '/oauth/device_authorization', { method: 'OPTIONS' });
  assert.equal(headers['access-control-allow-origin'], '*');
  const page = await browser.open('/device');
  assert.equal(page.headers.get('access-control-allow-origin'), null);
  assert.match(page.headers.get('content-security-policy'), /form-action 'self';/);
  assert.equal((await postForm(server, '/device', {}, basic({ id: 'a', secret: 'b' }))).status, 303, 'without a session: to the sign-in');
});
