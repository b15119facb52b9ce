// Sign-up: only where the operator allows it, each field with its own message, and then on to the client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { Browser, PASSWORD, authorizationPath, createUser, csrfOf, pkce, post, redeem, registerPublicClient } from './people.mjs';

const GOOD = 'an unusual password';
let server;
let number = 0;

before(async () => {
  server = await startWorker({ vars: { SELF_REGISTRATION: 'true' } });
});

after(() => server?.stop());

test('is disabled by default: no such page, and no link to it', async (t) => {
  const closed = await startWorker();
  t.after(() => closed.stop());
  const browser = new Browser(closed);
  const signIn = await browser.open('/account/sign-in');
  assert.ok(!signIn.html.includes('/account/sign-up'));
  const page = await browser.open('/account/sign-up');
  assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/html; charset=utf-8']);
  const fields = { csrf: csrfOf(signIn), username: 'newcomer', password: GOOD };
  assert.equal((await post(browser, '/account/sign-up', fields)).status, 404);
  assert.deepEqual((await admin(closed, 'GET', '/admin/users')).json, { users: [] });
});

test('creates an account with the given members and the default scope, and signs the user in', async () => {
  const { browser, answer } = await signUp({ username: 'Some.Body', name: 'Some Body', email: 'some@app.example' });
  assert.equal(answer.url.href, `${server.url}/account`);
  assert.match(answer.html, /Your account has been created, and you are signed in\./);
  const [user] = (await admin(server, 'GET', '/admin/users?username=some.body')).json.users;
  const { id, created_at, updated_at, ...rest } = user;
  assert.deepEqual(rest, {
    username: 'some.body', name: 'Some Body', email: 'some@app.example', email_verified: false, enabled: true,
    scope: 'openid profile email offline_access',
  });
  await post(browser, '/account', { csrf: csrfOf(answer), action: 'sign_out' });
  const back = await new Browser(server).signIn({ username: 'some.body', password: GOOD });
  assert.equal(back.url.pathname, '/account');
});

test('continues to the client\'s consent page', async () => {
  const client = await registerPublicClient(server);
  const proof = pkce();
  const browser = new Browser(server);
  const signIn = await browser.open(authorizationPath(client, proof));
  const link = signIn.html.match(/href="(\/account\/sign-up[^"]*)"/)[1].replaceAll('&amp;', '&');
  const page = await browser.open(link);
  const consent = await browser.submit(page, { username: 'on-my-way', password: GOOD });
  assert.equal(consent.url.pathname, '/oauth/authorize');
  const { location } = await browser.submit(consent, { decision: 'allow' });
  const { json } = await redeem(server, client, new URL(location).searchParams.get('code'), proof);
  const { sub, amr } = decode(json.id_token).claims;
  assert.deepEqual([sub, amr], [(await admin(server, 'GET', '/admin/users?username=on-my-way')).json.users[0].id, ['pwd']]);
});

for (const [what, fields, field, message] of [
  ['no name', { username: '' }, 'username', /Choose a user name/],
  ['a name with a space', { username: 'some body' }, 'username', /A user name has letters/],
  ['a name in another script', { username: '\u0430dmin' }, 'username', /A user name has letters/],
  ['a name that begins with a dot', { username: '.body' }, 'username', /A user name has letters/],
  ['a long name', { username: 'x'.repeat(129) }, 'username', /A user name has letters/],
  ['no password', { password: '' }, 'password', /Too short/],
  ['a short password', { password: 'seven77' }, 'password', /Too short/],
  ['a long password', { password: 'x'.repeat(129) }, 'password', /Too long/],
  ['a password with a line break', { password: `${GOOD}\n` }, 'password', /cannot be typed/],
  ['a password that everybody has', { password: 'Password1' }, 'password', /Many people use this password/],
  ['a famous password', { password: PASSWORD }, 'password', /Many people use this password/],
  ['the name as password', { username: 'another-newcomer', password: 'Another-Newcomer' }, 'password', /This is your user name/],
  ['a long name for people', { name: 'x'.repeat(101) }, 'name', /This name is too long/],
  ['a name that turns the text around', { name: 'abc\u202edef' }, 'name', /characters that are not allowed/],
  ['an address without a domain', { email: 'newcomer' }, 'email', /This is not an email address/],
  ['an address with a header', { email: 'a@b.example\r\nBcc: x@y.example' }, 'email', /This is not an email address/],
]) {
  test(`refuses ${what}`, async () => {
    const sent = { username: 'refused-name', password: GOOD, ...fields };
    const { browser, answer } = await signUp(sent);
    assert.deepEqual([answer.status, answer.location], [400, null]);
    const error = answer.html.match(new RegExp(`id="${field}-error"[^>]*>([^<]*)<`));
    assert.match(error?.[1] ?? '', message);
    assert.equal(answer.html.match(/-error" role/g)?.length, 1, 'and nothing else is wrong');
    if (sent.password !== '') assert.ok(!answer.html.includes(` value="${sent.password}"`), 'a password is never sent back');
    assert.ok(!browser.cookies.has('edgemint-session'));
    assert.deepEqual((await admin(server, 'GET', '/admin/users?username=refused-name')).json.users, []);
  });
}

test('reports all mistakes at once, and keeps the valid fields', async () => {
  const { answer } = await signUp({ username: 'many-mistakes', password: 'short', name: '<b>Name</b>', email: 'nothing' });
  assert.deepEqual([...answer.html.matchAll(/id="(\w+)-error"/g)].map(([, field]) => field), ['password', 'email']);
  assert.match(answer.html, /name="username"[^>]* value="many-mistakes"/);
  assert.match(answer.html, /name="name"[^>]* value="&lt;b&gt;Name&lt;\/b&gt;"/);
});

test('refuses a taken name in any case, and reports nothing else about it', async () => {
  const taken = await createUser(server, { username: 'taken-name' });
  const { browser, answer } = await signUp({ username: 'TAKEN-Name' });
  assert.equal(answer.status, 409);
  assert.match(answer.html, /id="username-error"[^>]*>This user name is taken/);
  assert.ok(!browser.cookies.has('edgemint-session'));
  assert.equal((await new Browser(server).signIn(taken)).url.pathname, '/account', 'the password is still its owner\'s');
});

test('one of several concurrent requests for a name gets it', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => signUp({ username: 'wanted-by-many' })));
  assert.deepEqual(answers.map(({ answer }) => answer.status).sort(), [200, 409, 409]);
  assert.equal((await admin(server, 'GET', '/admin/users?username=wanted-by-many')).json.users.length, 1);
});

test('throttles an address that creates many accounts', async () => {
  const address = { 'cf-connecting-ip': '198.51.100.7' };
  let last;
  for (let tries = 0; tries < 80 && last?.status !== 429; tries += 1) {
    ({ answer: last } = await signUp({ username: 'taken-name' }, address));
    if (tries < 50) assert.equal(last.status, 409, `attempt ${tries + 1}`);
  }
  assert.equal(last.status, 429);
  assert.ok(Number(last.headers.get('retry-after')) >= 1);
  assert.equal((await signUp({ username: 'from-elsewhere' })).answer.status, 200);
});

// Sends the form in a new browser, each from an address of its own.
async function signUp(fields, address) {
  number += 1;
  const browser = new Browser(server, address ?? { 'cf-connecting-ip': `203.0.113.${number}` });
  const page = await browser.open('/account/sign-up');
  return { browser, answer: await browser.submit(page, { username: 'newcomer', password: GOOD, ...fields }) };
}
