// Users of an upstream provider: who gets an account, its scope and name, the age and methods of a sign-in, and the variations
// of providers. The provider is a stand-in, whose responses each test chooses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { admin } from './admin.mjs';
import { startWorker } from './harness.mjs';
import { Browser, PASSWORD, authorizationPath, createUser, pkce, redeem, registerPublicClient } from './people.mjs';
import { bearer, send, until } from './request.mjs';
import { CALLBACK, depart, startProvider } from './stand-in.mjs';

const SECRET = 'a secret, known to two';
let provider;
let server;
let client;

before(async () => {
  provider = await startProvider({ document: { token_endpoint_auth_methods_supported: ['client_secret_post'] } });
  server = await startWorker({
    vars: { ...upstream(provider), UPSTREAM_ACCOUNTS: 'all', UPSTREAM_ACR: 'amr:hwk=phr acr:urn:example:gold=phr' },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: SECRET },
  });
  client = await registerPublicClient(server);
});

after(async () => {
  await server?.stop();
  provider?.stop();
});

function upstream(from) {
  return { UPSTREAM_ISSUER: from.issuer, UPSTREAM_CLIENT_ID: 'em', UPSTREAM_NAME: 'The other one' };
}

/** A sign-in at the provider; returns the page that it ends at, and the parameters that the provider received. */
async function signIn(answer, { browser = new Browser(server), target = '/account/sign-in' } = {}) {
  const location = await depart(browser, await browser.open(target));
  const page = await browser.open(provider.back(location, answer));
  return { browser, page, asked: new URL(location).searchParams };
}

/** The same for a client, with consent; returns the parameters of the client's authorization response and the tokens. */
async function signInFor(answer, parameters = {}) {
  const proof = pkce();
  const target = authorizationPath(client, proof, { scope: 'openid profile email', ...parameters });
  const { browser, page, asked } = await signIn(answer, { target });
  const last = page.location === null ? await browser.submit(page, { decision: 'allow' }) : page;
  const back = Object.fromEntries(new URL(last.location).searchParams);
  if (back.code === undefined) return { browser, asked, back };
  const { json: tokens } = await redeem(server, client, back.code, proof);
  return { browser, asked, back, tokens, page, claims: jose.decodeJwt(tokens.id_token) };
}

const now = () => Math.floor(Date.now() / 1000);
const nearly = (time, expected) => assert.ok(Math.abs(time - expected) <= 5, `${time} is not about ${expected}`);

// The age of a sign-in.

test('max_age is passed to the provider, and its auth_time becomes that of the sign-in', async () => {
  const there = now() - 500;
  const { asked, claims } = await signInFor({ claims: { sub: 'aged', auth_time: there } }, { max_age: '600' });
  assert.deepEqual([asked.get('max_age'), asked.get('prompt')], ['600', null]);
  assert.equal(claims.auth_time, there);
});

test('a sign-in at the provider thirty days ago has the same age here, also without max_age', async () => {
  const there = now() - 30 * 24 * 3600;
  const { asked, claims, browser } = await signInFor({ claims: { sub: 'old-session', auth_time: there } });
  assert.equal(asked.get('max_age'), null);
  assert.equal(claims.auth_time, there);
  const silent = await browser.open(authorizationPath(client, pkce(), { max_age: '3600', prompt: 'none' }));
  assert.equal(new URL(silent.location).searchParams.get('error'), 'login_required');
});

test('an auth_time in the future is ignored; without one, the sign-in is dated now', async () => {
  for (const auth_time of [now() + 3600, undefined]) {
    nearly((await signInFor({ claims: { sub: 'timeless', auth_time } })).claims.auth_time, now());
  }
});

for (const [what, parameters, claims] of [
  ['sends no auth_time', { max_age: '600' }, () => ({})],
  ['sends an auth_time that is too old', { max_age: '600' }, () => ({ auth_time: now() - 700 })],
  ['sends an auth_time in the future', { max_age: '600' }, () => ({ auth_time: now() + 700 })],
  ['does not ask again although the client requires it', { prompt: 'login' }, () => ({ auth_time: now() - 100 })],
  ['sends no auth_time for a new sign-in', { prompt: 'login' }, () => ({})],
]) {
  test(`a client that requires a recent sign-in gets login_required if the provider ${what}`, async () => {
    const { back, browser } = await signInFor({ claims: { sub: 'stale', ...claims() } }, parameters);
    assert.deepEqual([back.error, back.state, back.iss], ['login_required', 'state-1', server.issuer]);
    assert.equal(browser.cookies.has('edgemint-session'), false);
  });
}

test('a sign-in that becomes too old on the way back ends with login_required, not with another redirect to the provider', async () => {
  const browser = new Browser(server);
  const page = await browser.open(authorizationPath(client, pkce(), { max_age: '600' }));
  const location = await depart(browser, page);
  // Recent enough for a provider whose clock is a minute behind, and too old a second later.
  const there = now() - 660;
  await until(() => now() > there + 660, 'the next second');
  const back = await browser.open(provider.back(location, { claims: { sub: 'slow', auth_time: there } }));
  const answer = Object.fromEntries(new URL(back.location).searchParams);
  assert.deepEqual([answer.error, answer.state, answer.iss], ['login_required', 'state-1', server.issuer]);
  assert.equal(answer.error_description, 'The sign-in is older than max_age allows.');
  await until(() => server.logs.some((line) => /"reason":"max_age_passed"/.test(line)), 'the reason in the log');
});

test('a new sign-in is requested with max_age=0, and accepted with a clock skew of half a minute', async () => {
  const there = now() - 30;
  const { asked, claims } = await signInFor({ claims: { sub: 'fresh', auth_time: there } }, { prompt: 'login' });
  assert.deepEqual([asked.get('prompt'), asked.get('max_age')], ['login', '0']);
  assert.equal(claims.auth_time, there);
});

test('prompt=select_account is passed to the provider; prompt=consent is not', async () => {
  const { asked } = await signInFor({ claims: { sub: 'chooser' } }, { prompt: 'select_account consent' });
  assert.deepEqual([asked.get('prompt'), asked.get('max_age')], ['select_account', null]);
});

// The methods of a sign-in.

test('the provider\'s authentication methods satisfy no acr unless a setting maps them', async () => {
  for (const [claims, acr] of [
    [{ amr: ['pop', 'mfa', 'user'], acr: 'phr' }, '1'],
    [{ amr: ['pwd'] }, '1'],
    [{ amr: ['hwk'] }, 'phr'],
    [{ acr: 'urn:example:gold' }, 'phr'],
  ]) {
    const { claims: told } = await signInFor({ claims: { sub: 'strong', ...claims } });
    assert.deepEqual([told.acr, told.amr], [acr, claims.amr], JSON.stringify(claims));
  }
});

// The name of a user.

test('a user of the provider never has the name of a local user, in claims, on pages or for operators', async () => {
  const local = await createUser(server, { username: 'same-name', name: 'Local' });
  const { claims, tokens, page, browser } = await signInFor({ claims: { sub: 'namesake', preferred_username: 'Same-Name' } });
  const shown = `${new URL(provider.issuer).host}:same-name`;
  assert.notEqual(claims.sub, local.id);
  const { json } = await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) });
  assert.equal(json.preferred_username, shown);
  assert.ok(page.html.includes(`>${shown}<`), 'the page that asks for consent');
  assert.ok((await browser.open('/account')).html.includes(`>${shown}<`), 'the account page');
  const { json: user } = await admin(server, 'GET', `/admin/users/${claims.sub}`);
  assert.deepEqual([user.username, user.upstream], [shown, { issuer: provider.issuer, sub: 'namesake' }]);
  const { json: { users } } = await admin(server, 'GET', '/admin/users?username=same-name');
  assert.deepEqual(users.map(({ id }) => id), [local.id]);
  assert.equal((await admin(server, 'POST', '/admin/users', { username: shown })).status, 400, 'no local user can have this name');
});

test('a replacement that is refused for its user name links no user of the provider to the account', async () => {
  const [taken, user] = [await createUser(server), await createUser(server)];
  const upstreamUser = { issuer: provider.issuer, sub: 'linked-too-early' };
  const refused = await admin(server, 'PUT', `/admin/users/${user.id}`, { username: taken.username, upstream: upstreamUser });
  assert.equal(refused.status, 409);
  const { claims } = await signInFor({ claims: { sub: upstreamUser.sub } });
  assert.notEqual(claims.sub, user.id);
});

test('names from the provider must meet the rules for user names; an invalid one does not fail the sign-in', async () => {
  const host = new URL(provider.issuer).host;
  for (const [userinfo, told] of [
    [{ preferred_username: 'x'.repeat(129), email: "o'brien@app.example", name: '\u674e'.repeat(300) },
      { username: `${host}:o'brien@app.example`, name: '\u674e'.repeat(100), email: "o'brien@app.example" }],
    [{ preferred_username: 'a\u202eb', email: 'a b@c', name: 'a\u202eb\u0000c' }, { username: `${host}:odd-names`, name: 'abc' }],
    [{ preferred_username: 5, email: ['x'], name: '\u202e' }, { username: `${host}:odd-names` }],
    [{ email: `${'x'.repeat(250)}@app.example` }, { username: `${host}:odd-names` }],
  ]) {
    const { claims } = await signInFor({ claims: { sub: 'odd-names' }, userinfo });
    const { json } = await admin(server, 'GET', `/admin/users/${claims.sub}`);
    const { username, name, email } = json;
    assert.deepEqual({ username, name, email }, { name: undefined, email: undefined, ...told });
  }
  const { claims } = await signInFor({ claims: { sub: 'auth0|5f7c8ec7' } });
  assert.match((await admin(server, 'GET', `/admin/users/${claims.sub}`)).json.username, /^localhost:\d+:user-[a-z0-9_-]{12}$/);
});

// Changes to such an account by operators.

test('a scope that an operator removes during a sign-in stays removed, in forty races', async () => {
  const { claims: { sub } } = await signInFor({ claims: { sub: 'administrator' } });
  const path = `/admin/users/${sub}`;
  const { json: { username } } = await admin(server, 'GET', path);
  for (let race = 0; race < 40; race += 1) {
    await admin(server, 'PUT', path, { username, scope: 'openid edgemint:admin' });
    const browser = new Browser(server);
    const location = await depart(browser);
    const back = provider.back(location, { claims: { sub: 'administrator', name: `Name ${race}` } });
    const delay = new Promise((resolve) => { setTimeout(resolve, race % 8); });
    const [page, put] = await Promise.all([
      browser.open(back), delay.then(() => admin(server, 'PUT', path, { username, scope: 'openid' })),
    ]);
    assert.deepEqual([page.status, put.status], [200, 200]);
    assert.equal((await admin(server, 'GET', path)).json.scope, 'openid', `race ${race}`);
  }
});

test('a scope that is not sent is kept, also if another member is changed concurrently', async () => {
  const user = await createUser(server, { scope: 'read' });
  const path = `/admin/users/${user.id}`;
  for (let race = 0; race < 10; race += 1) {
    const scope = race % 2 ? 'read' : 'write';
    await Promise.all([
      admin(server, 'PUT', path, { username: user.username, name: `Name ${race}` }),
      admin(server, 'PUT', path, { username: user.username, scope }),
    ]);
    assert.equal((await admin(server, 'GET', path)).json.scope, scope, `race ${race}`);
  }
});

test('an operator can send back such a user as it was read; a local name is kept at later sign-ins', async () => {
  const answer = { claims: { sub: 'managed', preferred_username: 'managed', name: 'Before' } };
  const { claims: { sub } } = await signInFor(answer);
  const path = `/admin/users/${sub}`;
  const { json: read } = await admin(server, 'GET', path);
  const { json: same } = await admin(server, 'PUT', path, read);
  assert.deepEqual(same, { ...read, updated_at: same.updated_at });
  const { json: without } = await admin(server, 'PUT', path, { name: 'Without' });
  assert.deepEqual([without.username, without.name], [read.username, 'Without']);
  assert.equal((await admin(server, 'PUT', path, { password: PASSWORD })).status, 400, 'a password requires a user name');

  assert.equal((await admin(server, 'PUT', path, { username: 'managed-here', password: PASSWORD })).json.username, 'managed-here');
  assert.equal((await new Browser(server).signIn({ username: 'managed-here', password: PASSWORD })).url.pathname, '/account');
  await signInFor(answer);
  const { json: later } = await admin(server, 'GET', path);
  assert.deepEqual([later.username, later.name], ['managed-here', 'Before']);
});

test('an account belongs to the subject that an operator sets, until the operator changes it', async () => {
  const link = { issuer: provider.issuer, sub: 'invited' };
  const { status, json: user } = await admin(server, 'POST', '/admin/users', { username: 'invited-here', upstream: link, scope: 'read' });
  assert.deepEqual([status, user.username, user.upstream], [201, 'invited-here', link]);
  const answer = { claims: { sub: 'invited', name: 'Invited' } };
  assert.equal((await signInFor(answer)).claims.sub, user.id);
  assert.deepEqual((await admin(server, 'GET', `/admin/users/${user.id}`)).json.scope, 'read');

  const taken = await admin(server, 'POST', '/admin/users', { username: 'not-made', upstream: link });
  assert.equal(taken.status, 409);
  assert.equal((await admin(server, 'POST', '/admin/users', { username: 'not-made' })).status, 201, 'and the name is free');
  for (const other of [{ issuer: 'https://other.example', sub: 'x' }, { sub: 'x' }, 'x', { issuer: provider.issuer, sub: '' }]) {
    const { status: refused, json } = await admin(server, 'POST', '/admin/users', { username: 'not-made-either', upstream: other });
    assert.deepEqual([refused, json.error_description.split(' ')[0]], [400, 'upstream']);
  }

  await admin(server, 'PUT', `/admin/users/${user.id}`, { username: 'invited-here', upstream: { ...link, sub: 'invited-2' } });
  assert.equal((await signInFor({ claims: { sub: 'invited-2' } })).claims.sub, user.id);
  assert.notEqual((await signInFor(answer)).claims.sub, user.id);
  const { json: unlinked } = await admin(server, 'PUT', `/admin/users/${user.id}`, { username: 'invited-here', upstream: null });
  assert.equal(unlinked.upstream, undefined);
  assert.notEqual((await signInFor({ claims: { sub: 'invited-2' } })).claims.sub, user.id);
});

// Who gets an account.

test('a new user of the provider may consent to the scope of the setting, and no more', async () => {
  const { tokens, claims } = await signInFor({ claims: { sub: 'newcomer' } }, { scope: 'openid profile read write' });
  assert.equal(tokens.scope, 'openid profile');
  assert.equal((await admin(server, 'GET', `/admin/users/${claims.sub}`)).json.scope, 'openid profile email offline_access');
});

test('by default a user without an account gets an error page, and the operator an event', async (t) => {
  const closed = await startWorker({ vars: upstream(provider) });
  t.after(() => closed.stop());
  const app = await registerPublicClient(closed);
  const browser = new Browser(closed);
  const location = await depart(browser, await browser.open(authorizationPath(app, pkce())));
  const page = await browser.open(provider.back(location, { claims: { sub: 'stranger', email: 'a@corp.example', email_verified: true } }));
  assert.deepEqual([page.status, page.location, browser.cookies.has('edgemint-session')], [403, null, false]);
  assert.match(page.html, /You have no account here/);
  const chinese = new Browser(closed, { 'accept-language': 'zh' });
  assert.match((await chinese.open(provider.back(await depart(chinese), { claims: { sub: 'stranger' } }))).html, /您在这里没有帐户/);
  assert.ok(closed.logs.some((line) => /"event":"refused"/.test(line) && /"reason":"upstream_account"/.test(line)));
  assert.deepEqual((await admin(closed, 'GET', '/admin/users')).json.users, []);

  // From there the user can continue with another account, for the same client.
  const again = await browser.open(page.html.match(/href="(\/account\/sign-in\?[^"]*)"/)[1].replaceAll('&amp;', '&'));
  const second = await depart(browser, again);
  assert.equal(new URL(second).searchParams.get('prompt'), 'select_account');
  const { status } = await admin(closed, 'POST', '/admin/users', { upstream: { issuer: provider.issuer, sub: 'invited' } });
  assert.equal(status, 201);
  const consent = await browser.open(provider.back(second, { claims: { sub: 'invited' } }));
  assert.match(consent.html, /name="decision"/);
});

test('only users with a verified address in one of the domains get an account', async (t) => {
  const domains = await startWorker({ vars: { ...upstream(provider), UPSTREAM_ACCOUNTS: 'corp.example other.example' } });
  t.after(() => domains.stop());
  const enters = async (userinfo) => {
    const browser = new Browser(domains);
    const sub = JSON.stringify(userinfo) ?? 'broken';
    const page = await browser.open(provider.back(await depart(browser), { claims: { sub }, userinfo }));
    return page.status;
  };
  assert.equal(await enters({ email: 'a@corp.example', email_verified: true }), 200);
  assert.equal(await enters({ email: 'a@Other.Example', email_verified: 'true' }), 200);
  assert.equal(await enters({ email: 'a@corp.example', email_verified: false }), 403);
  assert.equal(await enters({ email: 'a@corp.example' }), 403);
  assert.equal(await enters({ email: 'a@sub.corp.example', email_verified: true }), 403);
  assert.equal(await enters({ email: 'a@corp.example.evil.example', email_verified: true }), 403);
  assert.equal(await enters(() => ({ status: 500, body: {} })), 502, 'an unavailable userinfo verifies no address');
});

// Several tabs.

test('several tabs that went to the provider all come back, in any order', async () => {
  const browser = new Browser(server);
  const targets = ['one', 'two', 'three'].map((state) => authorizationPath(client, pkce(), { state }));
  const locations = [];
  for (const target of targets) locations.push(await depart(browser, await browser.open(target)));
  for (const index of [1, 0, 2]) {
    const page = await browser.open(provider.back(locations[index], { claims: { sub: 'many-tabs' } }));
    assert.equal(page.url.searchParams.get('state'), ['one', 'two', 'three'][index], page.html);
  }
  assert.deepEqual([...browser.cookies.keys()].filter((name) => name.includes('journey')), []);
});

test('a browser keeps five pending sign-ins: the oldest is dropped', async () => {
  const browser = new Browser(server);
  const locations = [];
  for (let tab = 0; tab < 6; tab += 1) locations.push(await depart(browser));
  assert.equal([...browser.cookies.keys()].filter((name) => name.includes('journey')).length, 5);
  const come = (index) => browser.open(provider.back(locations[index], { claims: { sub: 'very-many-tabs' } }));
  assert.equal((await come(0)).status, 400);
  assert.equal((await come(1)).url.pathname, '/account');
  assert.equal((await come(5)).url.pathname, '/account');
});

test('a new user who signs in in two tabs at once gets one account', async () => {
  const browsers = [new Browser(server), new Browser(server)];
  const pages = await Promise.all(browsers.map(async (browser) => {
    const back = provider.back(await depart(browser), { claims: { sub: 'twice-at-once' } });
    return browser.open(back);
  }));
  assert.deepEqual(pages.map(({ url }) => url.pathname), ['/account', '/account']);
});

// Variations of providers.

test('sends the client secret in the body if the provider supports only that', async () => {
  await signIn({ claims: { sub: 'dialect' } });
  const { authorization, body } = provider.tokenRequests.at(-1);
  assert.equal(authorization, undefined);
  assert.deepEqual([body.client_id, body.client_secret], ['em', SECRET]);
});

for (const alg of ['ES256', 'RS256']) {
  test(`tokens of a provider with several ${alg} keys without kid verify by the key that signed them`, async (t) => {
    t.after(() => provider.publish());
    const pairs = await Promise.all(Array.from({ length: 3 }, () => jose.generateKeyPair(alg)));
    const signer = ({ privateKey }) => (claims) => new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey);
    const keys = await Promise.all(pairs.slice(0, 2).map(({ publicKey }) => jose.exportJWK(publicKey)));
    provider.publish(keys);
    const [first, second, unpublished] = pairs.map(signer);
    const userinfo = (sign) => async ({ issuer }) => ({
      type: 'application/jwt', body: await sign({ iss: issuer, aud: 'em', sub: `unnamed-${alg}`, name: 'By JWT' }),
    });
    const told = async (sign, signUserinfo = sign) => signInFor({ claims: { sub: `unnamed-${alg}` }, sign, userinfo: userinfo(signUserinfo) });
    for (const sign of [second, first]) {
      const { tokens, claims } = await told(sign);
      assert.equal(claims.sub.length > 0, true);
      assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) })).json.name, 'By JWT');
    }
    const failed = await signIn({ claims: { sub: `unnamed-${alg}` }, sign: unpublished });
    assert.deepEqual([failed.page.status, failed.browser.cookies.has('edgemint-session')], [502, false]);
    // The key set is fetched once more, because a key without kid cannot be looked up.
    provider.publish([keys[0], await jose.exportJWK(pairs[2].publicKey)]);
    assert.ok((await told(unpublished)).claims.sub);
  });
}

test('sends the client secret in the header if the provider supports both', async (t) => {
  const both = await startProvider({ document: { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'] } });
  const own = await startWorker({
    vars: { ...upstream(both), UPSTREAM_ACCOUNTS: 'all' }, secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: SECRET },
  });
  t.after(async () => {
    await own.stop();
    both.stop();
  });
  const browser = new Browser(own);
  assert.equal((await browser.open(both.back(await depart(browser)))).url.pathname, '/account');
  const { authorization, body } = both.tokenRequests.at(-1);
  assert.equal(authorization, `Basic ${btoa(`em:${new URLSearchParams({ s: SECRET }).toString().slice(2)}`)}`);
  assert.deepEqual([body.client_id, body.client_secret], [undefined, undefined]);
});

const INFO = { sub: 'informed', name: 'From userinfo', email: 'informed@app.example', email_verified: 'true' };

test('reads userinfo as a signed JWT, and accepts "true" as text', async () => {
  const userinfo = async ({ issuer, sign }) =>
    ({ type: 'application/jwt; charset=utf-8', body: await sign({ ...INFO, iss: issuer, aud: 'em' }) });
  const { claims } = await signInFor({ claims: { sub: 'informed' }, userinfo });
  const { json } = await admin(server, 'GET', `/admin/users/${claims.sub}`);
  assert.deepEqual([json.name, json.email, json.email_verified], ['From userinfo', 'informed@app.example', true]);
});

for (const [what, userinfo] of Object.entries({
  'that fails': () => ({ status: 500, body: { error: 'x' } }),
  'that refuses': () => ({ status: 401, body: {} }),
  'that is no JSON': () => ({ body: '<html>' }),
  'of another issuer': async ({ sign }) => jwt(await sign({ ...INFO, iss: 'https://other.example', aud: 'em' })),
  'for another client': async ({ issuer, sign }) => jwt(await sign({ ...INFO, iss: issuer, aud: 'other' })),
  'without an audience': async ({ issuer, sign }) => jwt(await sign({ ...INFO, iss: issuer })),
  'signed by another key': async ({ issuer, sign }) =>
    jwt(await sign({ ...INFO, iss: issuer, aud: 'em' }, (await jose.generateKeyPair('ES256')).privateKey)),
  'without a signature': ({ issuer }) => jwt(new jose.UnsecuredJWT({ ...INFO, iss: issuer, aud: 'em' }).encode()),
  'that is no JWT': () => jwt('a.b.c'),
})) {
  test(`userinfo ${what} leaves the claims of the ID token`, async () => {
    const { claims } = await signInFor({ claims: { sub: 'informed', name: 'From the ID token' }, userinfo });
    const { json } = await admin(server, 'GET', `/admin/users/${claims.sub}`);
    assert.equal(json.name, 'From the ID token');
    assert.ok(server.logs.some((line) => line.includes('"upstream_userinfo_failed"')));
  });
}

test('a failed userinfo request keeps the claims that are known', async () => {
  const answer = { claims: { sub: 'well-known' }, userinfo: { ...INFO, sub: 'well-known', preferred_username: 'known' } };
  const { claims } = await signInFor(answer);
  const { json: first } = await admin(server, 'GET', `/admin/users/${claims.sub}`);
  await signInFor({ ...answer, userinfo: () => ({ status: 500, body: {} }) });
  assert.deepEqual((await admin(server, 'GET', `/admin/users/${claims.sub}`)).json, first);
  await signInFor({ ...answer, userinfo: {} });
  assert.equal((await admin(server, 'GET', `/admin/users/${claims.sub}`)).json.email, undefined, 'but claims that it omits are gone');
});

test('refuses userinfo about another subject, also signed', async () => {
  const userinfo = async ({ issuer, sign }) => jwt(await sign({ ...INFO, sub: 'other', iss: issuer, aud: 'em' }));
  const { page, browser } = await signIn({ claims: { sub: 'informed' }, userinfo });
  assert.deepEqual([page.status, browser.cookies.has('edgemint-session')], [502, false]);
});

function jwt(body) {
  return { type: 'application/jwt', body };
}
