// workerd is killed during concurrent refreshes and redemptions, twice: no grant is lost, none is duplicated, and no code can be
// used a second time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decode } from './forgery.mjs';
import { OFFLINE, assertCounts, assertEnded, assertRefused, atOnce, generation, newGrant } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { until } from './request.mjs';

const PEOPLE = 4;
const GRANTS = 6;
let server;
let app;
const seats = [];

after(() => server?.kill());

for (const round of [1, 2]) {
  test(`round ${round}`, async () => {
    // A replay window that outlasts the restart, however slow the machine is.
    server ??= await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '600' } });
    app ??= await registerPublicClient(server);
    if (seats.length === 0) seats.push(...await atOnce(PEOPLE, newSeat));

    const storm = { running: true, answers: 0, inFlight: 0 };
    const grants = [];
    for (const { browser, user } of seats) {
      for (let count = 0; count < GRANTS; count += 1) {
        grants.push({ received: [await newGrant(server, browser, user, app, OFFLINE)] });
      }
    }
    const codes = [];
    const lanes = [
      ...grants.map((grant) => lane(storm, () => turn(storm, grant))),
      ...seats.map(({ browser }) => lane(storm, () => redeemOnce(storm, browser, codes))),
    ];
    // Some grants are refreshed during the crash, some are idle.
    await until(() => storm.answers >= 40 * PEOPLE, 'enough answers');
    await server.kill();
    storm.running = false;
    await Promise.all(lanes);
    assert.ok(storm.inFlight > 0, 'it was killed during its work');
    assert.ok(grants.some(({ received }) => received.length > 1));

    server = await startWorker(server.settings);
    for (const { browser } of seats) browser.server = server;
    for (const grant of grants) await hasOneFuture(grant);
    for (const code of codes) await countsOnceAtMost(code);
    assert.ok(codes.some(({ tokens }) => tokens !== undefined));
  });
}

async function newSeat() {
  const user = await createUser(server);
  const browser = new Browser(server);
  await newGrant(server, browser, user, app, OFFLINE);
  return { user, browser };
}

// Repeats until the connection fails because the Worker was killed; any other error is a failure.
async function lane(storm, work) {
  try {
    while (storm.running) await work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function asked(storm, question) {
  storm.inFlight += 1;
  const answer = await question;
  storm.inFlight -= 1;
  storm.answers += 1;
  return answer;
}

async function turn(storm, { received }) {
  const { status, text, json } = await asked(storm, refresh(server, app, received.at(-1).refresh_token));
  assert.equal(status, 200, text);
  received.push(json);
}

async function redeemOnce(storm, browser, codes) {
  const proof = pkce();
  const { location } = await asked(storm, browser.open(authorizationPath(app, proof, OFFLINE)));
  const entry = { code: new URL(location).searchParams.get('code'), proof, sent: false, tokens: undefined };
  codes.push(entry);
  // Every fourth code is redeemed after the restart only.
  if (codes.length % 4 === 0) return;
  entry.sent = true;
  const { status, text, json } = await asked(storm, redeem(server, app, entry.code, proof));
  assert.equal(status, 200, text);
  entry.tokens = json;
}

async function hasOneFuture({ received }) {
  const newest = received.at(-1);
  // The replay window of the last refresh is open: the newest refresh token that was delivered works, whether or not another
  // refresh was in progress, and however many requests use it.
  const answers = await atOnce(3, () => refresh(server, app, newest.refresh_token));
  for (const { status, text } of answers) assert.equal(status, 200, text);
  const successors = new Set(answers.map(({ json }) => json.refresh_token));
  assert.equal(successors.size, 1, 'one successor');
  const [next] = answers.map(({ json }) => json);
  assert.equal(generation(next.refresh_token), generation(newest.refresh_token) + 1);
  assert.equal(new Set(answers.map(({ json }) => decode(json.access_token).claims.jti)).size, 1);
  await assertCounts(server, next.access_token);
  const last = await refresh(server, app, next.refresh_token);
  assert.equal(last.status, 200, last.text);
  // An older refresh token yields no second line of tokens: it is reuse, and revokes the grant.
  assertRefused(await refresh(server, app, newest.refresh_token));
  await assertEnded(server, last.json.access_token);
  for (const { refresh_token } of [...received.slice(-3), next, last.json]) {
    assertRefused(await refresh(server, app, refresh_token));
  }
}

async function countsOnceAtMost({ code, proof, sent, tokens }) {
  const [first, ...others] = (await atOnce(3, () => redeem(server, app, code, proof))).sort((a, b) => a.status - b.status);
  for (const answer of others) assertRefused(answer);
  if (tokens !== undefined) {
    assertRefused(first, 'redeemed before');
    // Within the window this is a client that retries: its tokens stay active.
    assert.equal((await refresh(server, app, tokens.refresh_token)).status, 200);
    await assertCounts(server, tokens.access_token);
  } else if (!sent) {
    assert.equal(first.status, 200, first.text);
  } else if (first.status !== 200) {
    // It was redeemed, and the response was lost in the crash.
    assertRefused(first);
  }
}
