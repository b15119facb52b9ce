// Strangers who fail to sign in must not lock out the owner of an account: the proof of work that replaces a wait, the separate
// counts, and the client's address. Signing in by password is in people-sign-in.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import { Browser, createUser, csrfOf, post } from './people.mjs';
import { answerTo, challengeOf, forgeChallenge } from './proof-of-work.mjs';
import { send } from './request.mjs';

const FREE = 10;
const FREE_BY_ADDRESS = 50;
const REFUSED = 400;
const THROTTLED = 429;

let server;

before(async () => {
  server = await startWorker({ vars: { SELF_REGISTRATION: 'true' } });
});

after(() => server?.stop());

test('strangers who use up the free attempts do not lock out an owner with the right password', async () => {
  const user = await createUser(server);
  const { browser, page, answer } = await besieged(user.username, 1);
  assert.equal(field(page, 'username'), user.username);
  assert.ok(!page.html.includes(user.password), 'a password is never sent back');
  throttled(await submit(browser, page, user), 'without the proof');
  const signedIn = await submit(browser, page, { ...user, ...answer });
  assert.equal(signedIn.url.pathname, '/account');
  // From now on it is a known browser, independent of strangers.
  await signOut(browser);
  throttled(await attempt(new Browser(server, at(1)), user), 'another browser');
  assert.equal((await attempt(browser, user)).url.pathname, '/account');
});

test('a proof allows one attempt, and the next one is harder', async () => {
  const { username } = await createUser(server);
  const { browser, page, answer } = await besieged(username, 2);
  const { bits } = challengeOf(page);
  const refused = await submit(browser, page, { ...wrong(username), ...answer });
  assert.equal(refused.status, REFUSED, 'the guess was checked');
  assert.ok(challengeOf(refused).bits > bits, `${bits} bits, then ${challengeOf(refused).bits}`);
  throttled(await submit(browser, page, { ...wrong(username), ...answer }), 'the same proof again');
});

test('concurrent copies of a proof allow one attempt', async () => {
  const { username } = await createUser(server);
  const { page, answer } = await besieged(username, 3);
  const browsers = Array.from({ length: 6 }, () => new Browser(server, at(3)));
  const pages = await Promise.all(browsers.map((browser) => browser.open('/account/sign-in')));
  const answers = await Promise.all(browsers.map((browser, index) =>
    submit(browser, pages[index], { ...wrong(username), ...answer })));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [REFUSED, ...Array(5).fill(THROTTLED)], `${challengeOf(page).bits} bits`);
});

test('a proof is valid for its name, its address and its challenge only', async () => {
  const other = await createUser(server);
  const user = await createUser(server);
  const elsewhere = new Browser(server, at(5));
  const pageElsewhere = await elsewhere.open('/account/sign-in');
  const [{ page: pageOfOther }, { browser, page, answer }] = await Promise.all([
    // All of the attempts below have to be refused within this wait, also on a slow machine.
    besieged(other.username, 4, 16, () => undefined), besieged(user.username, 4, 16),
  ]);
  const { challenge, proof } = answer;
  const { bits, until: expiry } = challengeOf(page);
  const changed = (from, to) => ({ ...user, challenge: challenge.replace(`.${from}.`, `.${to}.`), proof });
  const bad = {
    'another name': { ...other, challenge, proof },
    'a lower difficulty': changed(bits, bits - 1),
    'a later time': changed(expiry, expiry + 1),
    'a challenge for another name': { ...user, challenge: challengeOf(pageOfOther).text, proof },
    'a number too few': { ...user, challenge, proof: proof.replace(/\.\d+$/, '') },
    'a number too many': { ...user, challenge, proof: `${proof}.0` },
    'another number': { ...user, challenge, proof: proof.replace(/\d+$/, (last) => Number(last) + 1) },
    'no number': { ...user, challenge, proof: '' },
    'no challenge': { ...user, challenge: '', proof },
    'what is neither': { ...user, challenge: 'a|b.c.d.e', proof: 'x'.repeat(10_000) },
  };
  const answers = await Promise.all(Object.values(bad).map((fields) => submit(browser, page, fields)));
  Object.keys(bad).forEach((what, index) => throttled(answers[index], what));
  throttled(await submit(elsewhere, pageElsewhere, { ...user, challenge, proof }), 'another address');
  // None of those attempts spent it.
  assert.equal((await submit(browser, page, { ...user, challenge, proof })).url.pathname, '/account');
});

test('refuses a proof of an expired challenge', async () => {
  const user = await createUser(server);
  const about = { username: user.username, address: at(12)['cf-connecting-ip'] };
  const now = Math.floor(Date.now() / 1000);
  // All are computed before the wait begins that they replace.
  const { browser, page, answer: [old, older, valid] } = await besieged(user.username, 12, 8, ({ bits }) =>
    [now, now - 300, now + 300].map((until) => answerTo(forgeChallenge(server, { ...about, until, bits }))));
  throttled(await submit(browser, page, { ...user, ...old }), 'just expired');
  throttled(await submit(browser, page, { ...user, ...older }), 'expired 5 minutes ago');
  const accepted = await submit(browser, page, { ...user, ...valid });
  assert.equal(accepted.url.pathname, '/account', 'the same kind of challenge, still valid');
});

test('an unknown user name requires the same proof as a known one', async () => {
  const { username } = await createUser(server);
  const names = [username, 'another-unknown-name'];
  const pages = [];
  for (const name of names) {
    const { browser, page, answer, seen, beyond } = await besieged(name, 6);
    const refused = await submit(browser, page, { ...wrong(name), ...answer });
    assert.equal(refused.status, REFUSED);
    // The number of failures depends on the time, and the difficulty on nothing else.
    assert.equal(challengeOf(page).bits, Math.min(18, 14 + seen), name);
    assert.equal(challengeOf(refused).bits, Math.min(18, 15 + beyond), name);
    pages.push([page, refused].map((shown) => withoutChance(shown.html).replaceAll(name, 'NAME').replace(/in \d+ seconds?/, 'in a while')));
  }
  assert.deepEqual(pages[0], pages[1]);
});

test('an address that has used up its free attempts can sign in by a proof', async () => {
  const user = await createUser(server);
  const crowd = at(7);
  await exhaust((tries) => attempt(new Browser(server, crowd), wrong(`crowd-${tries}`)));
  const browser = new Browser(server, crowd);
  const page = await attempt(browser, user);
  throttled(page);
  assert.equal((await submit(browser, page, { ...user, ...answerTo(challengeOf(page)) })).url.pathname, '/account');
});

test('an address without free attempts gets one attempt per proof, also on a name that has free ones', async () => {
  const user = await createUser(server);
  const crowd = at(12);
  const browser = new Browser(server, crowd);
  let page;
  let answer;
  await exhaust(async (tries) => {
    const shown = await attempt(new Browser(server, crowd), wrong(`many-${tries}`));
    if (shown.status === THROTTLED && page === undefined) {
      page = await attempt(browser, wrong(user.username));
      answer = answerTo(challengeOf(page));
    }
    return shown;
  });
  assert.equal((await submit(browser, page, { ...wrong(user.username), ...answer })).status, REFUSED, 'the guess was checked');
  const again = await submit(browser, page, { ...user, ...answer });
  throttled(again, 'the same proof again');
  assert.ok(challengeOf(again).bits > challengeOf(page).bits, 'a new challenge, hard enough for the address');
});

test('wrong passwords block no passkey and no sign-up at the address; failed passkeys are counted separately', async () => {
  const address = at(8);
  await exhaust((tries) => attempt(new Browser(server, address), wrong(`shared-${tries}`)));
  throttled(await attempt(new Browser(server, address), wrong('shared-again')));
  const signUp = new Browser(server, address);
  const form = await signUp.open('/account/sign-up');
  const made = await signUp.submit(form, { username: 'made-at-a-busy-address', password: 'a password of no one else' });
  assert.equal(made.status, 200, made.html);
  assert.ok(await exhaust(() => byPasskey(new Browser(server, address))) >= FREE_BY_ADDRESS);
  const refused = await byPasskey(new Browser(server, address));
  throttled(refused);
  assert.equal(challengeOf(refused), undefined, 'a proof is for passwords only');
  // Conversely, failed passkeys block no password at the address.
  assert.equal((await attempt(new Browser(server, at(9)), wrong('shared-elsewhere'))).status, REFUSED);
});

test('strangers cannot keep a signed-in user from changing the password', async () => {
  const user = await createUser(server);
  const browser = new Browser(server, at(10));
  await browser.signIn(user);
  // As after a sign-in by passkey: only the session shows that the browser is known.
  browser.cookies.delete('edgemint-known');
  browser.cookies.delete('edgemint-known-account');
  await besieged(user.username, 11);
  const page = await browser.open('/account');
  const changed = await post(browser, '/account', {
    csrf: csrfOf(page), action: 'change_password', current_password: user.password, new_password: 'another long password',
  });
  assert.equal(changed.status, 200);
  assert.match(changed.html, /password has been changed/i);
});

test('seventy attempts from seventy /64s of one /48 are throttled', async () => {
  const answers = [];
  for (let network = 0; network < 70; network += 1) {
    const browser = new Browser(server, { 'cf-connecting-ip': `2001:db8:48:${network.toString(16)}::1` });
    answers.push((await attempt(browser, wrong(`site-${network}`))).status);
  }
  assert.ok(answers.slice(0, FREE_BY_ADDRESS).every((status) => status === REFUSED), 'a site has more than one host');
  assert.ok(answers.includes(THROTTLED), `${answers}`);
  const neighbour = new Browser(server, { 'cf-connecting-ip': '2001:db8:49::1' });
  assert.equal((await attempt(neighbour, wrong('site-next'))).status, REFUSED, 'another /48');
});

test('the header with the client\'s address is a setting, and no other header is trusted', async (t) => {
  const behindProxy = await startWorker({ vars: { CLIENT_ADDRESS_HEADER: 'X-Real-IP' } });
  t.after(() => behindProxy.stop());
  const from = (address, more = {}) => byPasskey(new Browser(behindProxy, { 'x-real-ip': address, ...more }));
  // A forged CF-Connecting-IP for each attempt changes nothing.
  const free = await exhaust((tries) => from('192.0.2.1', { 'cf-connecting-ip': `198.51.100.${tries % 250}` }));
  assert.ok(free >= FREE_BY_ADDRESS && free < FREE_BY_ADDRESS + 30, `${free}`);
  throttled(await from('::ffff:192.0.2.1'), 'the same address, mapped');
  assert.equal((await from('192.0.2.2')).status, REFUSED);
});

test('invalid addresses share one count, and so do all requests if no header is trusted', async (t) => {
  const untrusting = await startWorker({ vars: { CLIENT_ADDRESS_HEADER: 'none' } });
  t.after(() => untrusting.stop());
  for (const [where, headers] of [
    [untrusting, (tries) => ({ 'cf-connecting-ip': `192.0.2.${tries % 250}`, 'x-forwarded-for': `192.0.2.${tries % 250}` })],
    [server, (tries) => ({ 'cf-connecting-ip': [`192.0.2.${tries % 250}, 192.0.2.9`, '192.0.2.1:80', 'x', `::${tries}%1`][tries % 4] })],
  ]) {
    const free = await exhaust((tries) => byPasskey(new Browser(where, headers(tries))));
    assert.ok(free >= FREE_BY_ADDRESS && free < FREE_BY_ADDRESS + 30, `${free}`);
  }
});

test('an invalid header name is a configuration error', async (t) => {
  const wrongly = await startWorker({ vars: { CLIENT_ADDRESS_HEADER: 'X Real IP' } });
  t.after(() => wrongly.stop());
  const { status, json } = await send(wrongly, '/health');
  assert.deepEqual([status, json.reason], [503, 'client_address_header_invalid']);
});

// One network address per test, so that no test throttles another.
function at(number) {
  return { 'cf-connecting-ip': `203.0.113.${number}` };
}

let strangers = 0;

// Strangers, each at an address of its own, guess at a name until the wait is this long. Returns a new browser at an address of
// this test, the last page, and the solution of that page's challenge, which is still valid.
async function besieged(username, address, seconds = 4, compute = answerTo) {
  const stranger = () => {
    strangers += 1;
    return new Browser(server, { 'cf-connecting-ip': `10.0.${strangers >> 8}.${strangers & 255}` });
  };
  for (let tries = 0; tries < FREE; tries += 1) assert.equal((await attempt(stranger(), wrong(username))).status, REFUSED);
  const browser = new Browser(server, at(address));
  // The wait doubles with each failure, and a challenge covers two more.
  const last = Math.log2(seconds);
  let page;
  let seen;
  let answer;
  for (let tries = 0, beyond = 0; tries < 200; tries += 1) {
    const shown = await attempt(browser, wrong(username));
    if (shown.status !== THROTTLED) {
      beyond += 1;
      continue;
    }
    // On a slow machine a wait may pass unnoticed.
    if (page === undefined ? beyond >= last - 2 : beyond > seen + 2) {
      [page, seen] = [shown, beyond];
      answer = compute(challengeOf(page));
    }
    if (beyond >= last) return { browser, page, answer, seen, beyond };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('no attempt ever had to wait');
}

// Repeats attempts until the wait is long enough for the next check. Returns how many were free.
async function exhaust(attempting) {
  let free = 0;
  for (let tries = 0, limited = false; tries < 200; tries += 1) {
    const answer = await attempting(tries);
    limited ||= answer.status === THROTTLED;
    if (!limited) free += 1;
    if (Number(answer.headers.get('retry-after')) >= 4) return free;
    if (answer.status === THROTTLED) await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('no attempt ever had to wait');
}

async function attempt(browser, user) {
  return submit(browser, await browser.open('/account/sign-in'), user);
}

function submit(browser, page, { username, password, challenge, proof }) {
  const fields = Object.entries({ username, password, challenge, proof }).filter(([, value]) => value !== undefined);
  return browser.submit(page, Object.fromEntries(fields), { action: '/account/sign-in' });
}

async function byPasskey(browser) {
  const page = await browser.open('/account/sign-in');
  return post(browser, '/account/sign-in/passkey', { csrf: csrfOf(page), credential: '{}' });
}

async function signOut(browser) {
  const page = await browser.open('/account');
  await post(browser, '/account', { csrf: csrfOf(page), action: 'sign_out' });
}

function wrong(username) {
  return { username, password: 'a wrong password' };
}

function throttled(answer, what) {
  assert.equal(answer.status, THROTTLED, what);
  const wait = Number(answer.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 900, `Retry-After: ${wait}`);
  assert.match(answer.html, /Too many attempts\. Try again in/);
}

function field(page, id) {
  return page.html.match(new RegExp(`<input id="${id}"[^>]* value="([^"]*)"`))?.[1];
}

// A page without its random parts.
function withoutChance(html) {
  return html.replace(/name="(csrf|challenge)" value="[^"]*"/g, '').replace(/data-options="[^"]*"/g, '');
}
