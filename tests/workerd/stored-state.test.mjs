// The state that an earlier version has stored: its clients, users, grants and keys work with the present Worker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './forgery.mjs';
import { introspect } from './grants.mjs';
import { token } from './harness.mjs';
import { startStored } from './stored-state.mjs';
import { Browser, refresh } from './people.mjs';
import { send } from './request.mjs';

const DAY = 86_400;

test('clients, users, grants and keys of the last version work', async (t) => {
  const { server, notes, age } = await startStored(t);
  t.diagnostic(`made by ${notes.version}, ${Math.floor(age / DAY)} days ago`);

  const own = await token(server, { scope: 'read' }, notes.client);
  const { json: { keys } } = await send(server, '/.well-known/jwks.json');
  const kids = keys.map(({ kid }) => kid);
  assert.ok(kids.includes(decode(own.access_token).header.kid), 'a published key signs');
  // The key has a successor after 365 days, and is then published for a while.
  if (age < 365 * DAY) assert.ok(kids.includes(decode(notes.access_token).header.kid), 'the key of the earlier tokens is published');
  if (age < DAY / 2) assert.equal((await introspect(server, notes.access_token)).json.active, true, 'an earlier access token is active');

  const { status, text, json } = await refresh(server, notes.app, notes.refresh_token);
  assert.equal(status, 200, text);
  const [before, after] = [notes.access_token, json.access_token].map((jwt) => decode(jwt).claims);
  for (const name of ['iss', 'sub', 'aud', 'client_id', 'scope']) assert.deepEqual(after[name], before[name], name);
  assert.equal((await refresh(server, notes.app, json.refresh_token)).status, 200, 'and again');

  const browser = new Browser(server);
  await browser.signIn(notes.user);
  assert.equal((await browser.open('/account')).url.pathname, '/account', 'the user signs in');
});
