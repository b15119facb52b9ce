// Concurrent requests: a code and a generation of a refresh token can be used once, no request without the client's credentials
// spends one, and revoked grants stay revoked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import {
  OFFLINE, ONLINE, askWithForgeries, assertCounts, assertEnded, assertRefused, atOnce, forgeries, generation, grantOf,
  newCode, newGrant, registerConfidentialClient, revoke,
} from './grants.mjs';
import { startWorker } from './harness.mjs';
import { faults } from './logs.mjs';
import {
  Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, signInAndRedeem,
} from './people.mjs';
import { until } from './request.mjs';

const MANY = 64;
let server;
let user;
let app;
let backend;
let other;

before(async () => {
  server = await startWorker();
  [user, app, other, backend] = await Promise.all([
    createUser(server), registerPublicClient(server), registerPublicClient(server), registerConfidentialClient(server),
  ]);
});

after(() => server?.stop());

test('of concurrent redemptions of one code one gets tokens, and these stay active', async () => {
  for (const client of [app, backend]) {
    const { code, proof } = await newCode(new Browser(server), user, client);
    const answers = await atOnce(MANY, () => redeem(server, client, code, proof));
    const [winner, ...rest] = answers.filter(({ status }) => status === 200);
    assert.ok(winner !== undefined && rest.length === 0, 'exactly one');
    const losers = answers.filter((answer) => answer !== winner);
    assert.equal(losers.length, MANY - 1);
    for (const answer of losers) assertRefused(answer);

    await assertCounts(server, winner.json.access_token);
    const next = await refresh(server, client, winner.json.refresh_token);
    assert.equal(next.status, 200, next.text);
    await assertCounts(server, next.json.access_token);
  }
});

test('concurrent refreshes with one token all get the same successor, which works', async () => {
  let { tokens } = await signInAndRedeem(server, user, app, OFFLINE);
  for (const expected of [2, 3, 4]) {
    const answers = await atOnce(MANY, () => refresh(server, app, tokens.refresh_token));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const only = (values) => assert.equal(new Set(values).size, 1, values[0]);
    only(answers.map(({ json }) => json.refresh_token));
    only(answers.map(({ json }) => JSON.stringify(decode(json.access_token).claims)));
    assert.equal(generation(answers[0].json.refresh_token), expected, 'one generation, not one for each');
    await Promise.all(answers.slice(0, 8).map(({ json }) => assertCounts(server, json.access_token)));
    tokens = answers.at(-1).json;
  }
  // The responses of the third round are replayed to the requests of the third round only.
  const again = await refresh(server, app, tokens.refresh_token);
  assert.equal(generation(again.json.refresh_token), 5);
});

test('a confidential client keeps its refresh token, however many requests use it at once', async () => {
  const { tokens } = await signInAndRedeem(server, user, backend, OFFLINE);
  const answers = await atOnce(MANY, () => refresh(server, backend, tokens.refresh_token));
  for (const { status, json } of answers) assert.deepEqual([status, json.refresh_token], [200, tokens.refresh_token]);
  await assertCounts(server, answers[0].json.access_token);
});

test('of many concurrent requests, those of the grant\'s client get the one successor, and all others are refused', async () => {
  const { browser, tokens, code, proof } = await signInAndRedeem(server, user, app, OFFLINE);
  const bystander = await newGrant(server, browser, user, app);
  let current = tokens;
  for (const expected of [2, 3, 4, 5]) {
    const token = current.refresh_token;
    const forged = Object.values(forgeries(token));
    const answers = await atOnce(MANY, async (index) => {
      const ask = [
        () => refresh(server, app, token),
        () => refresh(server, other, token),
        () => refresh(server, backend, token),
        () => refresh(server, app, forged[index % forged.length]),
        () => refresh(server, app, token, { scope: 'openid write' }),
        () => redeem(server, app, code, proof),
        () => redeem(server, other, code, pkce()),
        () => revoke(server, other, token),
      ][index % 8];
      return [index % 8, await ask()];
    });
    const of = (kind) => answers.filter(([its]) => its === kind).map(([, answer]) => answer);
    const good = of(0);
    assert.equal(new Set(good.map(({ json }) => json.refresh_token)).size, 1, good.map(({ text }) => text).join());
    assert.equal(generation(good[0].json.refresh_token), expected);
    for (const kind of [1, 2, 3, 5, 6]) of(kind).forEach((answer) => assertRefused(answer, kind));
    for (const { status, json } of of(4)) assert.deepEqual([status, json.error], [400, 'invalid_scope']);
    for (const { status, json } of of(7)) assert.deepEqual([status, json.error], [400, 'unauthorized_client']);
    current = good.at(-1).json;
  }
  await assertCounts(server, current.access_token);
  await assertCounts(server, bystander.access_token);

  // Many concurrent uses of a token two generations back: its grant is revoked, and no other.
  const reused = await atOnce(MANY, () => refresh(server, app, tokens.refresh_token));
  reused.forEach((answer) => assertRefused(answer));
  assertRefused(await refresh(server, app, current.refresh_token));
  await assertEnded(server, current.access_token);
  await assertCounts(server, bystander.access_token);
  assert.equal((await refresh(server, app, bystander.refresh_token)).status, 200);
});

test('requests with a code but without its verifier cannot spend it, however many there are', async () => {
  const { code, proof } = await newCode(new Browser(server), user, app);
  const attack = (index) => [
    () => redeem(server, app, code, pkce()),
    () => redeem(server, other, code, proof),
    () => redeem(server, backend, code, proof),
    () => redeem(server, app, code, proof, { redirect_uri: 'https://app.example/other' }),
  ][index % 4]();
  const wave = () => atOnce(MANY / 2, attack);
  // The rightful client redeems it among them.
  const [first, rightful, second] = await Promise.all([wave(), redeem(server, app, code, proof), wave()]);
  for (const answer of [...first, ...second]) assertRefused(answer);
  assert.equal(rightful.status, 200, rightful.text);
  for (const answer of await wave()) assertRefused(answer);
  for (const [what, answer] of await askWithForgeries(server, app, code, (forged) => ({
    grant_type: 'authorization_code', code: forged, code_verifier: proof.verifier,
  }))) assertRefused(answer, what);
  await assertCounts(server, rightful.json.access_token, 'they could not end it either');
});

test('many concurrent copies of one consent form yield one code', async () => {
  const browser = new Browser(server);
  const proof = pkce();
  await browser.signIn(user);
  const newcomer = await registerPublicClient(server);
  const page = await browser.open(authorizationPath(newcomer, proof));
  const answers = await atOnce(MANY, () => browser.submit(page, { decision: 'allow' }));
  const codes = new Set(answers.map(({ location }) => new URL(location).searchParams.get('code')));
  assert.equal(codes.size, 1);
  const [code] = codes;
  assert.equal((await redeem(server, newcomer, code, proof)).status, 200);
  assertRefused(await redeem(server, newcomer, code, proof));
});

// Each is a way to revoke a grant in use: after the response no token of the grant works.
const WAYS_TO_END = {
  'its client revokes it': ({ tokens }) => revoke(server, app, tokens.refresh_token),
  'its user revokes it': async ({ browser, tokens }) => {
    const page = await browser.open('/account');
    return browser.submit(page, { action: 'end_grant', grant: grantOf(tokens) }, { action: '/account' });
  },
  'its user withdraws the consent': async ({ browser }) => {
    const page = await browser.open('/account');
    return browser.submit(page, { action: 'withdraw', client: app.id }, { action: '/account' });
  },
  'its user signs out': async ({ browser }) => {
    const page = await browser.open('/account');
    return browser.submit(page, { action: 'sign_out' }, { action: '/account' });
  },
  'an operator ends it': ({ person, tokens }) => admin(server, 'DELETE', `/admin/users/${person.id}/grants/${grantOf(tokens)}`),
  'an operator ends the sessions': ({ person }) => admin(server, 'DELETE', `/admin/users/${person.id}/sessions`),
  'an operator removes the user': ({ person }) => admin(server, 'DELETE', `/admin/users/${person.id}`),
};

for (const [what, end] of Object.entries(WAYS_TO_END)) {
  test(`a grant in use is revoked at once when ${what}`, async () => {
    const person = await createUser(server);
    const browser = new Browser(server);
    const { code, proof } = await newCode(browser, person, app, ONLINE);
    const tokens = await newGrant(server, browser, person, app, ONLINE);
    const received = [tokens];
    let ended = false;
    const use = async () => {
      while (!ended) {
        const answers = await atOnce(3, () => refresh(server, app, received.at(-1).refresh_token));
        const good = answers.filter(({ status }) => status === 200);
        answers.filter((answer) => !good.includes(answer)).forEach((answer) => assertRefused(answer));
        if (good.length === 0) return;
        received.push(good[0].json);
      }
    };
    const usage = use();
    await until(() => received.length > 3, 'the grant is in use');
    const answer = await end({ person, browser, tokens });
    ended = true;
    assert.ok(answer.status < 300, `${answer.status}`);
    const [late] = await Promise.all([refresh(server, app, received.at(-1).refresh_token), usage]);
    assertRefused(late);
    for (const { refresh_token, access_token } of received.slice(-10)) {
      assertRefused(await refresh(server, app, refresh_token));
      await assertEnded(server, access_token);
    }
    // A code of the same session that has not been redeemed is revoked too.
    const redeemed = await redeem(server, app, code, proof);
    const alone = ['its client revokes it', 'its user revokes it', 'an operator ends it'].includes(what);
    if (alone) assert.equal(redeemed.status, 200, redeemed.text);
    else assertRefused(redeemed);
  });
}

test('removing a client during sign-ins leaves nothing of it that works', async () => {
  const doomed = await registerPublicClient(server);
  const received = [];
  const seats = [];
  for (const person of await atOnce(4, () => createUser(server))) {
    const browser = new Browser(server);
    received.push(await newGrant(server, browser, person, doomed));
    seats.push({ browser, person });
  }
  const lanes = seats.map(async ({ browser, person }) => {
    // The consent is remembered: a code needs no page while the client exists.
    for (;;) {
      const proof = pkce();
      const { location } = await browser.open(authorizationPath(doomed, proof, OFFLINE));
      if (location === null) return;
      const { status, json } = await redeem(server, doomed, new URL(location).searchParams.get('code'), proof);
      if (status === 200) received.push(json);
    }
  });
  await until(() => received.length > 12, 'the client is in use');
  assert.equal((await admin(server, 'DELETE', clientPath(doomed.id))).status, 204);
  await Promise.all(lanes);
  for (const { access_token, refresh_token } of received) {
    await assertEnded(server, access_token);
    assert.equal((await refresh(server, doomed, refresh_token)).status, 401);
  }
});

test('of concurrent wrong passwords for one name, no more than the free attempts are checked', async () => {
  const victim = await createUser(server);
  const guesses = await atOnce(MANY, async (index) => stranger(`198.51.100.${index + 1}`));
  const { looked, seconds } = await guessAtOnce(guesses, () => victim.username);
  assert.ok(looked >= 10 && looked <= 10 + waitsWithin(seconds), `${looked} in ${seconds} s`);
});

test('of concurrent wrong passwords from one address, no more than the free attempts are checked', async () => {
  const guesses = await atOnce(MANY, async () => stranger('203.0.113.1'));
  const { looked, seconds } = await guessAtOnce(guesses, (index) => `unknown-${index}`);
  assert.ok(looked >= 50 && looked <= 50 + waitsWithin(seconds), `${looked} in ${seconds} s`);
});

async function stranger(address) {
  const browser = new Browser(server, { 'cf-connecting-ip': address });
  return { browser, page: await browser.open('/account/sign-in') };
}

async function guessAtOnce(strangers, username) {
  const from = Date.now();
  const answers = await Promise.all(strangers.map(({ browser, page }, index) =>
    browser.submit(page, { username: username(index), password: 'not the password' })));
  const seconds = (Date.now() - from) / 1000;
  const throttled = answers.filter(({ status }) => status === 429);
  for (const { headers } of throttled) assert.match(headers.get('retry-after'), /^[1-9][0-9]*$/);
  const looked = answers.filter(({ status }) => status === 400).length;
  assert.equal(looked + throttled.length, answers.length);
  return { looked, seconds };
}

// After the free attempts, one more is allowed after 1, 2, 4 seconds and so on, in whole seconds: this many fit into the time.
function waitsWithin(seconds) {
  return Math.floor(Math.log2(seconds + 2)) + Math.floor(seconds / 60);
}

test('one client, many changes at once: each is stored or refused as contended', async () => {
  const { id } = await registerClient(server, { client_name: 'before' });
  const names = Array.from({ length: MANY }, (_, n) => `name ${n}`);
  const from = server.logs.length;
  const answers = await Promise.all(names.map((client_name) => admin(server, 'PUT', clientPath(id), { client_name })));
  const contended = answers.filter(({ status }) => status === 503);
  assert.ok(contended.length > 0, 'some lose every race');
  for (const { json, headers } of contended) {
    assert.equal(json.error, 'temporarily_unavailable');
    assert.equal(headers['retry-after'], '5');
  }
  const stored = names.filter((_, n) => answers[n].status === 200);
  assert.ok(stored.length > 0 && stored.length + contended.length === MANY, 'nothing else');
  assert.ok(stored.includes((await admin(server, 'GET', clientPath(id))).json.client_name));
  await until(() => faults(server, from).length >= contended.length, 'a line for each');
  assert.deepEqual(new Set(faults(server, from)), new Set(['contended']));
});
