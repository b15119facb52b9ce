// workerd is killed while grants are revoked, twice: every revoked grant is in the status lists soon after, even if the lists had
// not been notified before the crash; grants that are active are not in them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { admin } from './admin.mjs';
import { OFFLINE, introspect, newGrant, revoke } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, registerPublicClient } from './people.mjs';
import { until } from './request.mjs';
import { statusOf, untilRevoked } from './status-lists.mjs';

const PEOPLE = 4;
const GRANTS = 30;
let server;

after(() => server?.kill());

for (const round of [1, 2]) {
  test(`round ${round}`, async () => {
    server ??= await startWorker();
    const app = await registerPublicClient(server);
    const people = await Promise.all(Array.from({ length: PEOPLE }, () => withGrants(app)));
    const storm = { running: true, answers: 0 };
    // The last user is deleted as a whole, during the crash.
    const work = people.map(({ user, grants }, index) => (index === PEOPLE - 1 ? remove(user, storm) : endAll(app, grants, storm)));
    await until(() => storm.answers >= 25, 'enough answers');
    await server.kill();
    storm.running = false;
    await Promise.all(work);

    server = await startWorker(server.settings);
    const counts = { ended: 0, standing: 0 };
    for (const { tokens, answered } of people.flatMap(({ grants }) => grants)) {
      const { json } = await introspect(server, tokens.access_token);
      if (answered) assert.equal(json.active, false, 'confirmed revocations hold');
      if (json.active) {
        counts.standing += 1;
        assert.equal(await statusOf(server, tokens.access_token), 0);
      } else {
        counts.ended += 1;
        await untilRevoked(server, tokens.access_token, answered ? 'answered' : 'in flight');
      }
    }
    assert.ok(counts.ended >= 25 && counts.standing > 0, JSON.stringify(counts));
  });
}

async function withGrants(app) {
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  const grants = [];
  for (let count = 0; count < GRANTS; count += 1) {
    grants.push({ tokens: await newGrant(server, browser, user, app, OFFLINE), answered: false });
  }
  return { user, grants };
}

async function endAll(app, grants, storm) {
  for (const grant of grants) {
    if (!storm.running) return;
    try {
      const { status } = await revoke(server, app, grant.tokens.refresh_token);
      assert.equal(status, 200);
      grant.answered = true;
      storm.answers += 1;
    } catch (error) {
      // The connection failed because the Worker was killed; any other error is a failure.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

async function remove(user, storm) {
  await until(() => storm.answers >= 15, 'the storm has begun');
  try {
    await admin(server, 'DELETE', `/admin/users/${user.id}`);
  } catch (error) {
    if (error.code !== 'unreachable') throw error;
  }
}
