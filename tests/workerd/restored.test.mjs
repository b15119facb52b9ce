// All state is restored from a backup: what was used or revoked after the backup is active again, until the operator reports the
// restore.
import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { grantOf, introspect, newGrant } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser, refresh, registerPublicClient } from './people.mjs';
import { bearer, send, until } from './request.mjs';

const VARS = { SIGNING_ALGORITHMS: 'ES256', REFRESH_REPLAY_WINDOW: '0' };

test('after POST /admin/restored, no spent refresh token, revoked grant, ended session or revoked key is accepted', async (t) => {
  const first = await startWorker({ vars: VARS });
  const backup = `${first.persist}.backup`;
  t.after(() => [first.persist, backup].forEach((folder) => rmSync(folder, { recursive: true, force: true })));
  const [app, user, idle] = [await registerPublicClient(first), await createUser(first), await createUser(first)];
  const browser = new Browser(first);
  await browser.signIn(user);
  const other = new Browser(first);
  await other.signIn(idle);
  const [spent, revoked] = [await newGrant(first, browser, user, app), await newGrant(first, browser, user, app)];
  const { kid } = decode(spent.access_token).header;
  await first.kill();
  cpSync(first.persist, backup, { recursive: true });

  // Changes after the backup.
  const second = await startWorker(first.settings);
  const successor = await refresh(second, app, spent.refresh_token);
  assert.equal(successor.status, 200, successor.text);
  assert.equal((await admin(second, 'DELETE', `/admin/users/${user.id}/grants/${grantOf(revoked)}`)).status, 204);
  await admin(second, 'DELETE', `/admin/users/${idle.id}/sessions`);
  assert.equal((await admin(second, 'POST', `/admin/keys/${kid}/revoke`)).status, 200);
  await second.kill();
  rmSync(first.persist, { recursive: true });
  renameSync(backup, first.persist);

  const third = await startWorker(first.settings);
  t.after(() => third.stop());
  // The danger: all of it is active again.
  assert.equal((await introspect(third, revoked.access_token)).json.active, true);
  assert.equal((await refresh(third, app, revoked.refresh_token)).status, 200);
  [browser.server, other.server] = [third, third];
  assert.equal((await other.open('/account')).url.pathname, '/account');

  const root = bearer((await token(third)).access_token);
  const answer = await send(third, '/admin/restored', { method: 'POST', headers: root });
  assert.ok([200, 202].includes(answer.status), answer.text);
  assert.equal((await send(third, '/admin/keys', { headers: root })).status, 401, 'the token was signed by a key of the backup');
  const job = `/admin/revocations/${answer.json.id}`;
  assert.equal(new URL(answer.headers.location).pathname, job);
  const done = await until(async () => {
    const { json } = await admin(third, 'GET', job);
    return json.done && json;
  }, 'the end of the work', 60);
  assert.equal(done.unanswered, 0);

  for (const grant of [spent, revoked, successor.json]) {
    assert.deepEqual((await refresh(third, app, grant.refresh_token)).json.error, 'invalid_grant');
    assert.deepEqual((await introspect(third, grant.access_token)).json, { active: false });
  }
  for (const signedIn of [browser, other]) assert.equal((await signedIn.open('/account')).url.pathname, '/account/sign-in');
  const { json: { keys, revoked: gone } } = await admin(third, 'GET', '/admin/keys');
  assert.ok(gone.some((key) => key.kid === kid) && keys.every((key) => key.kid !== kid));
  assert.deepEqual(keys.map(({ stage }) => stage), ['active', 'next']);
  const { access_token } = await token(third);
  const { json } = await send(third, '/.well-known/jwks.json');
  await jwtVerify(access_token, createLocalJWKSet(json), { issuer: third.issuer, typ: 'at+jwt' });
  assert.ok(third.logs.some((line) => line.includes('"event":"restored"')));

  // Normal operation resumes: users sign in and consent again.
  await browser.signIn(user);
  const later = await newGrant(third, browser, user, app);
  assert.equal((await refresh(third, app, later.refresh_token)).status, 200);
});

test('only an operator can report a restore', async (t) => {
  const server = await startWorker({ vars: VARS });
  t.after(() => server.stop());
  assert.equal((await send(server, '/admin/restored', { method: 'POST' })).status, 401);
  assert.equal((await admin(server, 'GET', '/admin/restored')).status, 405);
});
