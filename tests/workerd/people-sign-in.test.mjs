// Signing in with a password: one response to every failure, attempts that are counted without locking users out, and no secrets
// in the logs. Sign-up and its page are in sign-up.test.mjs, forms and cookies in forms.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import { Browser, PASSWORD, createUser, csrfOf, post, registerPublicClient, signInAndRedeem } from './people.mjs';
import { until } from './request.mjs';

const FREE = 10;
const FREE_BY_ADDRESS = 50;
let server;
let user;

before(async () => {
  server = await startWorker({ vars: { COST_LOG: 'true' } });
  user = await createUser(server);
});

after(() => server?.stop());

test('a wrong password, an unknown user and an invalid name get the same response, at the same cost', async () => {
  const answers = [];
  for (const username of [user.username, 'an-unknown-user', 'caf\u00e9', '|', '', 'x'.repeat(200)]) {
    const browser = new Browser(server, at(1));
    const page = await browser.open('/account/sign-in');
    const from = server.logs.length;
    const answer = await browser.submit(page, wrong(username));
    assert.equal(answer.status, 400, username);
    assert.match(answer.html, /User name or password is wrong\./);
    assert.ok(!answer.html.includes('a wrong password'), 'a password is never sent back');
    assert.ok(!browser.cookies.has('edgemint-session') && !browser.cookies.has('edgemint-known'));
    const cost = await until(() => costs(from, '/account/sign-in')[0], 'the cost of the attempt');
    // The field keeps the name that was typed, and has the focus if it is empty.
    const html = withoutChance(answer.html).replace(/(<input id="username"[^>]*) value="[^"]*"/, '$1').replace(/ autofocus/g, '');
    answers.push({ cost, html });
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.deepEqual([answers[0].cost.object_calls, answers[0].cost.kv_reads], [3, 0]);
});

test('a user without a password gets the response of an unknown user', async () => {
  const { id, username } = await createUser(server, { password: undefined });
  assert.equal(typeof id, 'string');
  for (const password of ['', PASSWORD]) assert.equal((await attempt(new Browser(server, at(2)), { username, password })).status, 400);
});

test('user names are compared without case and without surrounding spaces', async () => {
  const { username, password } = await createUser(server, { username: 'Some.One+1@Example.COM' });
  for (const typed of [username, 'some.one+1@example.com', ' SOME.ONE+1@EXAMPLE.COM ']) {
    const page = await attempt(new Browser(server, at(3)), { username: typed, password });
    assert.match(page.html, /Signed in as <[^>]*>(<[^>]*>)?some\.one\+1@example\.com/, typed);
  }
  const composed = await attempt(new Browser(server, at(3)), { username, password: password.toUpperCase() });
  assert.equal(composed.status, 400, 'but passwords are case-sensitive');
});

test('accepts a password with accents in each Unicode normalization form', async () => {
  for (const form of ['NFC', 'NFD']) {
    const { username } = await createUser(server, { password: 'p\u00e4ssw\u00f6rt \u1e69 \u{1f511}'.normalize(form) });
    for (const typed of ['NFC', 'NFD']) {
      const password = 'p\u00e4ssw\u00f6rt \u1e69 \u{1f511}'.normalize(typed);
      const page = await attempt(new Browser(server, at(4)), { username, password });
      assert.equal(page.url.pathname, '/account', `${form}, ${typed}`);
    }
    assert.equal((await attempt(new Browser(server, at(4)), { username, password: 'passwort s \u{1f511}' })).status, 400);
  }
});

test('strangers who guess passwords of a name are throttled, the owner\'s browser is not, and unknown names behave the same', async () => {
  const { username, password } = await createUser(server);
  const owners = new Browser(server, at(5));
  await owners.signIn({ username, password });
  await signOut(owners);
  for (const name of [username, 'an-unknown-name']) {
    // From any address.
    const free = await exhaust((tries) => attempt(new Browser(server, at(100 + (tries % 100))), wrong(name)));
    assert.ok(free >= FREE, `${name}: ${free}`);
    throttled(await attempt(new Browser(server, at(99)), { username: name.toUpperCase(), password }));
  }
  const page = await attempt(owners, { username, password });
  assert.equal(page.url.pathname, '/account');
  // The cookie proves one name only; for another name the browser is unknown.
  const other = await createUser(server);
  await exhaust(() => attempt(owners, wrong(other.username)));
  throttled(await attempt(owners, other));
  // A passkey request has no name, so throttling by name does not apply.
  const passkey = await owners.open('/account/sign-in');
  const fields = { csrf: csrfOf(passkey), credential: '{}' };
  assert.equal((await post(owners, '/account/sign-in/passkey', fields)).status, 400);
  assert.ok(server.logs.some((line) => /"passkey_refused".*"malformed"/.test(line)), 'the log says why');
});

test('a browser in which the user has signed in is counted separately, and a sign-in resets its count', async () => {
  const { username, password } = await createUser(server);
  const browser = new Browser(server, at(6));
  for (let round = 0; round < 2; round += 1) {
    await attempt(browser, { username, password });
    for (let tries = 0; tries < FREE - 1; tries += 1) {
      assert.equal((await attempt(browser, wrong(username))).status, 400);
    }
  }
  assert.equal((await attempt(browser, { username, password })).url.pathname, '/account');
  assert.ok(await exhaust(() => attempt(browser, wrong(username))) >= FREE);
  throttled(await attempt(browser, { username, password }));
  assert.equal((await attempt(new Browser(server, at(7)), { username, password })).url.pathname, '/account', 'but no other browser is');
});

test('an address that tries many names is throttled, and no other address is', async () => {
  const from = { 'cf-connecting-ip': '2001:db8:1:2::1' };
  // A few more than the free attempts: the count decays during the test.
  const free = await exhaust((tries) => attempt(new Browser(server, from), wrong(`name-${tries}`)));
  assert.ok(free >= FREE_BY_ADDRESS, `${free}`);
  // All addresses of an IPv6 /64 share one count.
  throttled(await attempt(new Browser(server, { 'cf-connecting-ip': '2001:db8:1:2:ffff::9' }), user));
  for (const other of ['2001:db8:1:3::1', '192.0.2.200']) {
    const page = await attempt(new Browser(server, { 'cf-connecting-ip': other }), user);
    assert.equal(page.url.pathname, '/account', other);
  }
});

test('concurrent guesses are counted', async () => {
  const { username } = await createUser(server);
  const pages = await Promise.all(Array.from({ length: 30 }, async (_, index) => {
    const browser = new Browser(server, at(150 + (index % 20)));
    return [browser, await browser.open('/account/sign-in')];
  }));
  const answers = await Promise.all(pages.map(([browser, page]) =>
    browser.submit(page, wrong(username), { action: '/account/sign-in' })));
  const [checked, limited] = [400, 429].map((expected) => answers.filter(({ status }) => status === expected).length);
  assert.equal(checked + limited, answers.length);
  // Each second of the test may allow another one.
  assert.ok(checked >= FREE && checked < FREE + 4, `${checked}`);
});

test('no password, cookie, code or token is in the logs', async () => {
  const client = await registerPublicClient(server);
  const password = 'a password that is looked for';
  const person = await createUser(server, { password, name: 'Name Of Alice', email: 'alice@app.example' });
  const { browser, tokens, code, proof } = await signInAndRedeem(server, person, client, { scope: 'openid offline_access' });
  const csrf = csrfOf(await browser.open('/account'));
  await attempt(browser, { username: person.username, password: 'another wrong password' });
  await post(browser, '/account', { csrf: `${csrf}x`, action: 'sign_out' });
  await until(() => server.logs.some((line) => line.includes('"reason":"form_foreign"')), 'the last refusal in the log');
  const logs = server.logs.join('\n');
  assert.ok(logs.includes('"reason":"sign_in"'));
  for (const [what, secret] of Object.entries({
    password, wrong: 'another wrong password', username: person.username, name: 'Name Of Alice', email: 'alice@app.example',
    code, verifier: proof.verifier, csrf, ...Object.fromEntries(browser.cookies), ...tokens,
  })) {
    if (typeof secret === 'string' && secret.length > 12 && what !== 'scope') assert.ok(!logs.includes(secret), what);
  }
});

// One network address per test, so that no test throttles another.
function at(number) {
  return { 'cf-connecting-ip': `192.0.2.${number}` };
}

async function attempt(browser, { username, password }) {
  const page = await browser.open('/account/sign-in');
  return browser.submit(page, { username, password }, { action: '/account/sign-in' });
}

async function signOut(browser) {
  const page = await browser.open('/account');
  await post(browser, '/account', { csrf: csrfOf(page), action: 'sign_out' });
}

function wrong(username) {
  return { username, password: 'a wrong password' };
}

// Repeats attempts until the wait is long enough for the next check. Returns how many were free.
async function exhaust(attempting) {
  let free = 0;
  for (let tries = 0, limited = false; tries < 200; tries += 1) {
    const answer = await attempting(tries);
    limited ||= answer.status === 429;
    if (!limited) free += 1;
    if (Number(answer.headers.get('retry-after')) >= 4) return free;
    if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('no attempt was throttled');
}

function throttled(answer) {
  assert.equal(answer.status, 429);
  const wait = Number(answer.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 900, `Retry-After: ${wait}`);
  assert.match(answer.html, /Too many attempts\. Try again in/);
}

// A page without its random parts.
function withoutChance(html) {
  return html.replace(/name="csrf" value="[^"]*"/g, '').replace(/data-options="[^"]*"/g, '');
}

// The cost of the requests to an endpoint, from this line of the log on.
function costs(from, endpoint) {
  const lines = server.logs.slice(from).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return lines.filter((line) => line.event === 'cost' && line.endpoint === endpoint);
}
