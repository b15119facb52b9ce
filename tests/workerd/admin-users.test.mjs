// The admin endpoints for users: the members of a user, refusals, and that a user name identifies one account. Sessions and
// grants are in admin-grants.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, registerClient } from './admin.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, PASSWORD, createUser, csrfOf, post, refresh, registerPublicClient, signInAndRedeem } from './people.mjs';
import { bearer, send } from './request.mjs';

const PATH = '/admin/users';
let server;

before(async () => {
  server = await startWorker();
});

after(() => server?.stop());

test('creates a user with every member', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { status, headers, json, text } = await admin(server, 'POST', PATH, {
    username: 'Some.Body+1@App.Example', password: PASSWORD, name: '  Zo\u00eb \u738b ', email: 'Zoe@app.example',
    email_verified: true, scope: 'read write read', unknown: 'ignored', phone: null,
  });
  assert.equal(status, 201);
  const { id, created_at, updated_at, ...rest } = json;
  assert.deepEqual(rest, {
    username: 'some.body+1@app.example', name: 'Zo\u00eb \u738b', email: 'Zoe@app.example', email_verified: true, scope: 'read write',
    enabled: true,
  });
  assert.match(id, /^[A-Za-z0-9_-]{22}$/);
  assert.ok(created_at >= before && created_at === updated_at);
  assert.equal(headers.location, `${server.issuer}${PATH}/${id}`);
  assert.equal(headers['cache-control'], 'no-store');
  const read = await admin(server, 'GET', `${PATH}/${id}`);
  assert.deepEqual([read.status, read.json], [200, json]);
  for (const answer of [text, read.text]) assert.ok(!/password|argon|\$/.test(answer), 'neither the password nor its hash');
});

test('creates a user from a name alone', async () => {
  const { status, json } = await admin(server, 'POST', PATH, { username: 'just-a-name' });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(json).sort(), ['created_at', 'email_verified', 'enabled', 'id', 'scope', 'updated_at', 'username']);
  assert.equal(json.scope, 'openid profile email offline_access', 'the default of the setting');
  const nulls = { username: 'with-nulls', password: null, name: null, email: null, email_verified: null, scope: null, upstream: null };
  const cleared = await admin(server, 'POST', PATH, nulls);
  assert.deepEqual([cleared.status, cleared.json.scope], [201, undefined]);
});

test('an email address with an apostrophe is a valid user name, also for a sign-in', async () => {
  const user = await createUser(server, { username: "O'Brien!#$%&*+-/=?^_`{|}~@App.Example" });
  assert.deepEqual((await find("o'brien!#$%&*+-/=?^_`{|}~@app.example")).map(({ id }) => id), [user.id]);
  assert.equal(await signsIn(user), true);
});

test('accepts the longest values, and names the limit in the refusal', async () => {
  const longest = { username: `a${'b'.repeat(127)}`, name: '\u674e'.repeat(100), email: `a@${'b.'.repeat(125)}bb` };
  assert.equal((await admin(server, 'POST', PATH, longest)).status, 201);
  for (const [member, limit] of [['username', 128], ['name', 100], ['email', 254]]) {
    const { json } = await admin(server, 'POST', PATH, { ...longest, username: 'not-too-long', [member]: `${longest[member]}x` });
    assert.match(json.error_description, new RegExp(`^${member} .*\\b${limit}\\b`));
  }
});

for (const [member, description] of [
  ['username', {}],
  ['username', { username: '' }],
  ['username', { username: 5 }],
  ['username', { username: 'some body' }],
  ['username', { username: '\u0430dmin' }],
  ['username', { username: '-admin' }],
  ['username', { username: 'a/b' }],
  ['username', { username: 'x'.repeat(129) }],
  ['password', { password: 'seven77' }],
  ['password', { password: 'x'.repeat(129) }],
  ['password', { password: 'with a\nline break' }],
  ['password', { password: '' }],
  ['password', { password: ['a long password'] }],
  ['name', { name: 'x'.repeat(101) }],
  ['name', { name: 'turned \u202e around' }],
  ['name', { name: {} }],
  ['email', { email: 'no-address' }],
  ['email', { email: '@app.example' }],
  ['email', { email: 'a@b@c.example, d@e.example' }],
  ['email', { email: 'some body@app.example' }],
  ['email', { email: 1 }],
  ['email_verified', { email_verified: 'true' }],
  ['enabled', { enabled: 'false' }],
  ['end_grants', { end_grants: 1 }],
  ['scope', { scope: ['read'] }],
  ['scope', { scope: 'read "write"' }],
  ['upstream', { upstream: 'no-address' }],
  ['upstream', { upstream: { issuer: 'https://idp.example', sub: 'no-address' } }],
]) {
  test(`refuses ${JSON.stringify(description).slice(0, 70)}`, async () => {
    const whole = member === 'username' ? description : { username: 'refused', ...description };
    const user = await createUser(server);
    for (const [method, path] of [['POST', PATH], ['PUT', `${PATH}/${user.id}`]]) {
      const answer = await admin(server, method, path, whole);
      assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], method);
      assert.ok(answer.json.error_description.startsWith(`${member} `), answer.json.error_description);
    }
    assert.deepEqual(await find('refused'), []);
    assert.equal((await admin(server, 'GET', `${PATH}/${user.id}`)).json.username, user.username);
  });
}

test('refuses a body that is no JSON object, or too large', async () => {
  const headers = { ...bearer((await token(server)).access_token), 'content-type': 'application/json' };
  for (const body of ['', '[]', 'null', '{', '{"username":"a","username":"b"}']) {
    const answer = await send(server, PATH, { method: 'POST', headers, body });
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], body);
  }
  const large = JSON.stringify({ username: 'large', x: 'x'.repeat(64 * 1024) });
  assert.equal((await send(server, PATH, { method: 'POST', headers, body: large })).status, 413);
});

test('refuses a taken name with 409, in any case, for a new user and for a renamed one', async () => {
  const [first, second] = [await createUser(server, { username: 'one-of-two' }), await createUser(server)];
  for (const [method, path] of [['POST', PATH], ['PUT', `${PATH}/${second.id}`]]) {
    const answer = await admin(server, method, path, { username: 'One-Of-Two', password: 'another password' });
    assert.deepEqual([answer.status, answer.json.error], [409, 'invalid_request'], method);
  }
  for (const user of [first, second]) assert.equal(await signsIn(user), true, 'nothing was changed');
});

test('one of many concurrent requests for a name gets it', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => admin(server, 'POST', PATH, { username: 'wanted' })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
  const made = answers.find(({ status }) => status === 201).json;
  assert.deepEqual((await find('wanted')).map(({ id }) => id), [made.id]);
});

test('replacing removes members that are not sent, but keeps the password and the scope', async () => {
  const user = await createUser(server, { name: 'Before', email: 'before@app.example', email_verified: true, scope: 'read' });
  const created = (await admin(server, 'GET', `${PATH}/${user.id}`)).json;
  const { status, json } = await admin(server, 'PUT', `${PATH}/${user.id}`, { username: user.username, name: 'After' });
  assert.equal(status, 200);
  const { updated_at, ...rest } = json;
  assert.deepEqual(rest, {
    id: user.id, username: user.username, name: 'After', email_verified: false, created_at: created.created_at, scope: 'read',
    enabled: true,
  });
  const cleared = await admin(server, 'PUT', `${PATH}/${user.id}`, { username: user.username, name: 'After', scope: null });
  assert.deepEqual([cleared.status, cleared.json.scope], [200, undefined], 'null clears it');
  assert.ok(updated_at >= created.updated_at);
  assert.deepEqual((await admin(server, 'GET', `${PATH}/${user.id}`)).json, cleared.json);
  assert.equal(await signsIn(user), true);
  await admin(server, 'PUT', `${PATH}/${user.id}`, { username: user.username, password: 'another password' });
  assert.equal(await signsIn(user), false);
  assert.equal(await signsIn({ ...user, password: 'another password' }), true);
  const unverified = { username: user.username, email_verified: true };
  assert.equal((await admin(server, 'PUT', `${PATH}/${user.id}`, unverified)).json.email_verified, false, 'there is no address');
});

test('a password that an operator sets wins over the user\'s concurrent change', async () => {
  for (let race = 0; race < 8; race += 1) {
    const user = await createUser(server);
    const browser = new Browser(server);
    const csrf = csrfOf(await browser.signIn(user));
    const change = { csrf, action: 'change_password', current_password: PASSWORD, new_password: 'chosen by the user alone' };
    const delay = new Promise((resolve) => { setTimeout(resolve, race * 15); });
    const set = { username: user.username, password: 'set by the operator' };
    await Promise.all([
      post(browser, '/account', change), delay.then(() => admin(server, 'PUT', `${PATH}/${user.id}`, set)),
    ]);
    assert.equal(await signsIn({ ...user, password: set.password }), true, `race ${race}`);
  }
});

test('a password that is changed during a rename is kept', async () => {
  for (let race = 0; race < 8; race += 1) {
    const user = await createUser(server);
    const browser = new Browser(server);
    const csrf = csrfOf(await browser.signIn(user));
    const change = { csrf, action: 'change_password', current_password: PASSWORD, new_password: 'chosen by the user alone' };
    const delay = new Promise((resolve) => { setTimeout(resolve, race * 15); });
    const [answer, put] = await Promise.all([
      post(browser, '/account', change),
      delay.then(() => admin(server, 'PUT', `${PATH}/${user.id}`, { username: `${user.username}-renamed` })),
    ]);
    assert.equal(put.status, 200);
    const password = answer.status === 200 ? change.new_password : PASSWORD;
    assert.equal(await signsIn({ username: `${user.username}-renamed`, password }), true, `race ${race}: ${answer.status}`);
  }
});

test('a rename keeps the password and the sessions, and frees the old name', async () => {
  const user = await createUser(server, { username: 'old-name' });
  const browser = new Browser(server);
  await browser.signIn(user);
  assert.equal((await admin(server, 'PUT', `${PATH}/${user.id}`, { username: 'new-name' })).status, 200);
  assert.match((await browser.open('/account')).html, /new-name/);
  assert.equal(await signsIn({ username: 'new-name', password: PASSWORD }), true);
  assert.equal(await signsIn(user), false);
  assert.deepEqual([(await find('old-name')).length, (await find('New-Name'))[0].id], [0, user.id]);
  const next = await createUser(server, { username: 'old-name', password: 'of the next user' });
  assert.notEqual(next.id, user.id);
  assert.deepEqual([await signsIn(user), await signsIn(next)], [false, true]);
});

test('deleting a user removes everything and frees the name', async () => {
  const client = await registerPublicClient(server);
  const user = await createUser(server, { username: 'to-be-deleted' });
  const { browser, tokens } = await signInAndRedeem(server, user, client, { scope: 'openid offline_access' });
  const { status, text } = await admin(server, 'DELETE', `${PATH}/${user.id}`);
  assert.deepEqual([status, text], [204, '']);
  assert.equal((await refresh(server, client, tokens.refresh_token)).json.error, 'invalid_grant');
  assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) })).status, 401);
  assert.equal((await browser.open('/account')).url.pathname, '/account/sign-in');
  assert.equal(await signsIn(user), false);
  for (const [method, path] of [
    ['GET', ''], ['PUT', ''], ['DELETE', ''], ['GET', '/grants'], ['DELETE', '/grants'], ['GET', '/sessions'], ['DELETE', '/sessions'],
    ['GET', '/passkeys'], ['DELETE', '/passkeys'], ['DELETE', '/passkeys/AAAA'],
  ]) {
    const answer = await admin(server, method, `${PATH}/${user.id}${path}`, method === 'PUT' ? { username: 'x' } : undefined);
    assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], `${method} ${path}`);
  }
  assert.deepEqual(await find('to-be-deleted'), []);
  assert.equal(await signsIn(await createUser(server, { username: 'to-be-deleted' })), true);
});

test('an unknown or malformed identifier is not found', async () => {
  for (const id of ['A'.repeat(22), 'short', 'x'.repeat(500), '%2e%2e', 'a%20b', '*']) {
    for (const method of ['GET', 'DELETE']) {
      const answer = await admin(server, method, `${PATH}/${id}`);
      assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], `${method} ${id}`);
    }
  }
});

test('lists each user once, in pages', async (t) => {
  const fresh = await startWorker();
  t.after(() => fresh.stop());
  assert.deepEqual((await admin(fresh, 'GET', PATH)).json, { users: [] });
  const names = Array.from({ length: 53 }, (_, index) => `user-${index}`).sort();
  for (const username of names) assert.equal((await admin(fresh, 'POST', PATH, { username })).status, 201);
  const first = (await admin(fresh, 'GET', PATH)).json;
  assert.deepEqual([first.users.length, typeof first.cursor], [50, 'string']);
  const second = (await admin(fresh, 'GET', `${PATH}?${new URLSearchParams({ cursor: first.cursor })}`)).json;
  assert.deepEqual(Object.keys(second), ['users']);
  const listed = [...first.users, ...second.users];
  assert.deepEqual(listed.map(({ username }) => username).sort(), names);
  assert.deepEqual((await admin(fresh, 'GET', `${PATH}/${listed[0].id}`)).json, listed[0]);
  for (const query of ['cursor=a&cursor=b', 'username=%']) {
    const wrong = await admin(fresh, 'GET', `${PATH}?${query}`);
    assert.deepEqual([wrong.status, wrong.json.error], [400, 'invalid_request'], query);
  }
});

test('refuses callers without the admin scope', async () => {
  const user = await createUser(server);
  const ordinary = await registerClient(server, { scope: 'read' });
  const { access_token } = await token(server, {}, ordinary);
  const description = { method: 'POST', body: '{"username":"by-a-stranger"}' };
  for (const [path, init] of [
    [PATH, {}], [PATH, description], [`${PATH}/${user.id}`, {}], [`${PATH}/${user.id}`, { method: 'DELETE' }],
    [`${PATH}/${user.id}`, { ...description, method: 'PUT' }], [`${PATH}/${user.id}/grants`, { method: 'DELETE' }],
    [`${PATH}/${user.id}/sessions`, { method: 'DELETE' }], [`${PATH}/${user.id}/passkeys`, {}],
    [`${PATH}/${user.id}/passkeys`, { method: 'DELETE' }], [`${PATH}/${user.id}/passkeys/AAAA`, { method: 'DELETE' }], ['/admin/clients/root/grants', {}], [`${PATH}/unknown`, {}],
  ]) {
    for (const [headers, status] of [[{}, 401], [bearer('x'), 401], [bearer(access_token), 403]]) {
      const answer = await send(server, path, { ...init, headers: { 'content-type': 'application/json', ...headers } });
      assert.equal(answer.status, status, `${init.method} ${path}`);
      assert.match(answer.headers['www-authenticate'], /^Bearer /);
    }
  }
  assert.deepEqual([(await find('by-a-stranger')).length, await signsIn(user)], [0, true]);
});

async function find(username) {
  return (await admin(server, 'GET', `${PATH}?${new URLSearchParams({ username })}`)).json.users;
}

async function signsIn(user) {
  return (await new Browser(server).signIn(user)).url.pathname === '/account';
}
