// Step-up authentication: the class and the age of the sign-in that a client requests (OpenID Connect Core sections 3.1.2.1 and
// 5.5.1.1, RFC 9470) and that this server requires for its administration (ADMIN_ACR).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { DEVICE_GRANT, enterCode, poll, registerDeviceClient, startDevice } from './devices.mjs';
import { decode } from './forgery.mjs';
import { introspect, registerResourceServer } from './grants.mjs';
import { freePort, startWorker, token } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, createUser, formOf, pkce, redeem, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { addPasskey, usePasskey } from './passkeys.mjs';
import { bearer, send } from './request.mjs';

const ADMIN = 'edgemint:admin';
const ESSENTIAL = claims({ essential: true, values: ['phr'] });
const proof = pkce();
let server;
let client;
let adminClient;
let resourceServer;

before(async () => {
  server = await startWorker({ vars: { ADMIN_ACR: 'phr' } });
  client = await registerPublicClient(server);
  adminClient = await registerPublicClient(server, { client_name: 'Console', scope: `openid offline_access ${ADMIN}` });
  resourceServer = await registerResourceServer(server);
});

after(() => server?.stop());

/** A user with a passkey and a browser in which the user is signed in by password. */
async function person(description) {
  const user = await createUser(server, description);
  const browser = new Browser(server);
  await browser.signIn(user);
  const { passkey } = await addPasskey(browser);
  let count = 1;
  const use = (page) => usePasskey(browser, page, passkey, count += 1);
  return { user, browser, use };
}

function claims(acr, member = 'id_token') {
  return JSON.stringify({ [member]: { acr } });
}

const open = (browser, parameters, asked = client) => browser.open(authorizationPath(asked, proof, parameters));
const answer = ({ location, status, url }) => {
  assert.ok(location !== null, `${status} ${url}`);
  return Object.fromEntries(new URL(location).searchParams);
};
const allow = (browser, page) => (page.location === null ? browser.submit(page, { decision: 'allow' }) : page);

/** Redeems the code of a response; returns the tokens and their claims. */
async function tokensOf(page, asked = client) {
  const { status, text, json } = await redeem(server, asked, answer(page).code, proof);
  assert.equal(status, 200, text);
  const { id_token, access_token } = json;
  return { tokens: json, access: decode(access_token).claims, id: decode(id_token).claims };
}

/** Asserts that a page accepts nothing but a passkey, and says so. */
function assertPasskeyOnly(page) {
  assert.deepEqual([page.status, page.url.pathname], [200, '/account/sign-in']);
  assert.match(page.html, /requires a passkey\. A password alone is not enough/);
  assert.match(page.html, /Add one on your account page/);
  assert.doesNotMatch(page.html, /name="password"|href="[^"]*sign-up/);
}

for (const [what, parameters] of [
  ['acr_values', { acr_values: 'phr' }], ['acr_values with unknown values', { acr_values: 'urn:example:gold phr' }],
  ['an essential claim', { claims: ESSENTIAL }],
]) {
  test(`${what}: a user who signed in by password is asked for the passkey, and the tokens say so`, async () => {
    const { browser, use } = await person();
    const first = await tokensOf(await allow(browser, await open(browser)));
    assert.deepEqual([first.id.acr, first.access.acr], ['1', '1']);
    const old = browser.cookies.get('edgemint-session');

    const page = await open(browser, parameters);
    assertPasskeyOnly(page);
    assert.match(page.html, /You are signed in already/);
    const { tokens, access, id } = await tokensOf(await use(page));
    assert.deepEqual([id.acr, access.acr], ['phr', 'phr']);
    assert.deepEqual([id.sub, access.auth_time], [first.id.sub, id.auth_time]);
    const { json: told } = await introspect(server, tokens.access_token, resourceServer);
    assert.deepEqual([told.active, told.acr, told.auth_time], [true, 'phr', access.auth_time]);

    // The sign-in replaced the session: its identifier is new, and the old one opens nothing.
    assert.notEqual(browser.cookies.get('edgemint-session'), old);
    const thief = new Browser(server);
    thief.cookies.set('edgemint-session', old);
    assert.equal((await thief.open('/account')).url.pathname, '/account/sign-in');

    // The next request is met by the same sign-in, and a refresh keeps what the sign-in was.
    assert.equal((await tokensOf(await open(browser, { ...parameters, prompt: 'none' }))).access.auth_time, access.auth_time);
    const { json } = await refresh(server, client, tokens.refresh_token);
    const { acr, auth_time } = decode(json.access_token).claims;
    assert.deepEqual([acr, auth_time], ['phr', access.auth_time]);
  });
}

test('tokens name the preferred class that was reached, and never a higher one', async () => {
  const { browser, use } = await person();
  await allow(browser, await open(browser));
  for (const acr_values of ['phr 1', '1 phr', '1', 'urn:example:gold', 'PHR', ' ', undefined]) {
    assert.equal((await tokensOf(await open(browser, { acr_values }))).id.acr, '1', acr_values);
  }
  await use(await open(browser, { acr_values: 'phr' }));
  for (const [parameters, acr] of [
    [{}, 'phr'], [{ acr_values: 'phr 1' }, 'phr'], [{ acr_values: 'urn:example:gold' }, 'phr'],
    [{ acr_values: '1' }, '1'], [{ acr_values: '1 phr' }, '1'], [{ claims: claims({ essential: true, value: '1' }) }, '1'],
  ]) {
    const { id, access } = await tokensOf(await open(browser, parameters));
    assert.deepEqual([id.acr, access.acr], [acr, acr], JSON.stringify(parameters));
  }
});

test('a claim that is not essential leads to one sign-in, and then acr says what was reached', async () => {
  const { browser, user } = await person();
  await allow(browser, await open(browser));
  const voluntary = { claims: claims({ values: ['phr'] }) };
  assert.equal((await tokensOf(await open(browser, { ...voluntary, prompt: 'none' }))).id.acr, '1');
  const page = await open(browser, voluntary);
  assert.match(page.html, /name="password"/);
  const { id } = await tokensOf(await browser.submit(page, { username: user.username, password: PASSWORD }));
  assert.equal(id.acr, '1');
});

test('a sign-in that does not reach the class ends at the client, and never at the sign-in page again', async () => {
  for (const parameters of [{ acr_values: 'phr' }, { claims: ESSENTIAL }]) {
    const browser = new Browser(server);
    const user = await createUser(server);
    const page = await open(browser, parameters);
    assertPasskeyOnly(page);
    // A form that the page does not have: that of an older page, or of a program.
    const { csrf, continue: onward } = formOf(page, '/account/sign-in/passkey').fields;
    const bare = await browser.open('/account/sign-in');
    const fields = { csrf, continue: onward, username: user.username, password: PASSWORD };
    const { error, state, iss, code } = answer(await browser.submit(bare, fields, { action: '/account/sign-in' }));
    assert.deepEqual([error, state, iss, code], ['unmet_authentication_requirements', 'state-1', server.issuer, undefined]);
    // The session is one all the same, for requests that require no more.
    assertPasskeyOnly(await open(browser, parameters));
    assert.match((await open(browser)).html, /name="decision"/);
  }
});

test('prompt=none gets login_required, and so does a client whose user cancels', async () => {
  const { browser } = await person();
  await allow(browser, await open(browser));
  for (const parameters of [{ acr_values: 'phr' }, { claims: ESSENTIAL }]) {
    assert.equal(answer(await open(browser, { ...parameters, prompt: 'none' })).error, 'login_required');
    const page = await open(browser, parameters);
    const [, cancel] = page.html.match(/href="(\/oauth\/authorize[^"]*)"/);
    assert.match(page.html, /Cancel and return to/);
    const { error, state } = answer(await browser.open(cancel.replaceAll('&amp;', '&')));
    assert.deepEqual([error, state], ['login_required', 'state-1']);
  }
});

test('the page says in Chinese why it asks for a passkey', async () => {
  const page = await open(new Browser(server), { acr_values: 'phr', ui_locales: 'zh' });
  assert.match(page.html, /此请求要求使用通行密钥登录，仅凭密码不够。/);
  assert.match(page.html, /href="\/account\?ui_locales=zh"/);
});

test('refuses malformed requests for a class, at the redirect URI and before the sign-in page', async () => {
  for (const [parameters, error] of [
    [{ acr_values: 'x'.repeat(1001) }, 'invalid_request'],
    [{ claims: claims('phr') }, 'invalid_request'],
    [{ claims: claims({ essential: 'yes', value: 'phr' }) }, 'invalid_request'],
    [{ claims: claims({ value: 1 }) }, 'invalid_request'],
    [{ claims: claims({ values: 'phr' }) }, 'invalid_request'],
    [{ claims: '{"id_token":{"acr":null,"acr":null}}' }, 'invalid_request'],
    [{ max_age: 'soon' }, 'invalid_request'],
    [{ claims: claims({ essential: true, value: 'urn:example:gold' }) }, 'unmet_authentication_requirements'],
    [{ claims: claims({ essential: true, values: [] }) }, 'unmet_authentication_requirements'],
  ]) {
    for (const prompt of [undefined, 'none']) {
      const told = answer(await open(new Browser(server), { ...parameters, prompt }));
      assert.deepEqual([told.error, told.state], [error, 'state-1'], JSON.stringify(parameters));
    }
  }
  const page = await open(new Browser(server), { acr_values: 'x'.repeat(1000) });
  assert.match(page.html, /name="password"/, 'an acr_values of unknown values has no effect');
});

test('where the issuer can have no passkeys, the class is refused at once', async (t) => {
  const port = await freePort();
  const bare = await startWorker({ port, issuer: `http://127.0.0.1:${port}` });
  t.after(() => bare.stop());
  const app = await registerPublicClient(bare);
  const { location } = await new Browser(bare).open(authorizationPath(app, proof, { acr_values: 'phr' }));
  assert.equal(new URL(location).searchParams.get('error'), 'unmet_authentication_requirements');
});

// The administration of this server.

test('ADMIN_ACR: the scope requires a passkey before the consent, and the token administers the server', async () => {
  const { browser, use } = await person({ scope: ADMIN });
  const request = { scope: `openid ${ADMIN}` };
  assert.equal(answer(await open(browser, { ...request, prompt: 'none' }, adminClient)).error, 'login_required');
  const page = await open(browser, request, adminClient);
  assertPasskeyOnly(page);
  const consent = await use(page);
  assert.match(consent.html, /Manage this server/);
  const { tokens, access, id } = await tokensOf(await allow(browser, consent), adminClient);
  assert.deepEqual([access.acr, id.acr, access.scope], ['phr', 'phr', `openid ${ADMIN}`]);
  assert.equal((await send(server, '/admin/clients', { headers: bearer(tokens.access_token) })).status, 200);
  assert.equal((await refresh(server, adminClient, tokens.refresh_token)).status, 200);
  // A client that asks for the lower class gets the one that the rule requires.
  assert.equal((await tokensOf(await open(browser, { ...request, acr_values: '1' }, adminClient), adminClient)).id.acr, 'phr');
  const contradiction = { ...request, claims: claims({ essential: true, value: '1' }) };
  assert.equal(answer(await open(browser, contradiction, adminClient)).error, 'unmet_authentication_requirements');
});

test('ADMIN_ACR does not concern other scope values, users without the right, or the root client', async () => {
  const { browser } = await person({ scope: ADMIN });
  assert.equal((await tokensOf(await allow(browser, await open(browser, { scope: 'openid' }, adminClient)), adminClient)).id.acr, '1');
  const { browser: other } = await person({ scope: 'read' });
  const page = await open(other, { scope: `openid ${ADMIN}` }, adminClient);
  assert.match(page.html, /name="decision"/);
  assert.equal((await tokensOf(await allow(other, page), adminClient)).access.scope, 'openid');
  const { access_token } = await token(server);
  assert.equal((await send(server, '/admin/clients', { headers: bearer(access_token) })).status, 200);
});

test('a consent form counts only while the session is what the rule requires', async () => {
  const { user, browser, use } = await person({ scope: ADMIN });
  const consent = await use(await open(browser, { scope: `openid ${ADMIN}` }, adminClient));
  assert.match(consent.html, /name="decision"/);
  // The same user signs in by password in another tab: the form is still the browser's and the account's.
  await browser.submit(await browser.open('/account/sign-in'), { username: user.username, password: PASSWORD }, { action: '/account/sign-in' });
  const page = await browser.submit(consent, { decision: 'allow' });
  assertPasskeyOnly(page);
  const { access } = await tokensOf(await allow(browser, await use(page)), adminClient);
  assert.equal(access.acr, 'phr');
});

test('a grant from before the rule yields no more tokens with the scope, and other scopes as before', async (t) => {
  let other = await startWorker();
  t.after(() => other.stop());
  const app = await registerPublicClient(other, { scope: `openid offline_access ${ADMIN}` });
  const user = await createUser(other, { scope: `offline_access ${ADMIN}` });
  const { tokens } = await signInAndRedeem(other, user, app, { scope: `openid offline_access ${ADMIN}` });
  await other.kill();
  other = await startWorker({ ...other.settings, vars: { ADMIN_ACR: 'phr' } });
  const { status, json } = await refresh(other, app, tokens.refresh_token);
  assert.deepEqual([status, json.error], [400, 'invalid_grant']);
  assert.ok(other.logs.some((line) => /"reason":"step_up"/.test(line)), 'the log says why');
  // The refusal spent nothing.
  const narrow = await refresh(other, app, tokens.refresh_token, { scope: 'openid' });
  assert.deepEqual([narrow.status, narrow.json.scope], [200, 'openid']);
});

test('a registered resource that requires a passkey: asked for with it alone, before the consent', async () => {
  const files = 'https://files.example/strict';
  const resource = { identifier: files, name: 'Files', clients: 'all', scopes: [{ value: 'read', description: { en: 'Read files' } }], acr: 'phr' };
  const { status, text } = await admin(server, 'POST', '/admin/resources', resource);
  assert.equal(status, 201, text);
  const { browser, use } = await person();
  await allow(browser, await open(browser));
  const page = await open(browser, { resource: files, scope: 'read' });
  assertPasskeyOnly(page);
  const consent = await use(page);
  assert.match(consent.html, /name="decision"/);
  const { code } = answer(await allow(browser, consent));
  const { json } = await redeem(server, client, code, proof);
  const { aud, acr } = decode(json.access_token).claims;
  assert.deepEqual([aud, acr], [files, 'phr']);
});

// Devices.

test('a device that wants to administer the server is connected only after a sign-in with a passkey', async () => {
  const { user, browser, use } = await person({ scope: ADMIN });
  const frame = await registerDeviceClient(server, { grant_types: [DEVICE_GRANT], scope: `openid ${ADMIN}` });
  const device = await startDevice(server, frame);
  const page = await enterCode(browser, user, device.user_code);
  assertPasskeyOnly(page);
  assert.doesNotMatch(page.html, /Cancel and return/);
  assert.equal((await poll(server, frame, device.device_code)).json.error, 'authorization_pending');
  const again = await use(page);
  assert.equal(again.url.pathname, '/device');
  const question = await browser.submit(again, { user_code: device.user_code }, { action: '/device' });
  assert.match(question.html, /name="decision"/);

  // Between the question and the answer, the session becomes a weaker one.
  await browser.submit(await browser.open('/account/sign-in'), { username: user.username, password: PASSWORD }, { action: '/account/sign-in' });
  const back = await browser.submit(question, { decision: 'allow' }, { action: '/device/consent' });
  assertPasskeyOnly(back);
  const device2 = await use(back);
  const last = await browser.submit(await browser.submit(device2, { user_code: device.user_code }, { action: '/device' }),
    { decision: 'allow' }, { action: '/device/consent' });
  assert.match(last.html, /Device connected/i);
  const { status, json } = await poll(server, frame, device.device_code);
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(decode(json.access_token).claims.acr, 'phr');
});

test('a device without such a scope is connected as before', async () => {
  const { user, browser } = await person();
  const frame = await registerDeviceClient(server);
  const device = await startDevice(server, frame);
  assert.match((await enterCode(browser, user, device.user_code)).html, /name="decision"/);
});

test('the metadata names the classes', async () => {
  const { json } = await send(server, '/.well-known/openid-configuration');
  assert.deepEqual(json.acr_values_supported, ['phr', '1']);
  for (const name of ['acr', 'auth_time']) assert.ok(json.claims_supported.includes(name), name);
  assert.equal((await admin(server, 'GET', '/admin/clients')).status, 200);
});
