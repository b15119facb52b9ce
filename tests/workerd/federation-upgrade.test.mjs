// Accounts that an earlier version stored, without members that were added later: they are readable, distinguishable and usable.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { KEY_ENCRYPTION_KEY } from '../../src/js/hosting/secrets.mjs';
import { admin } from './admin.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, createUser, pkce, redeem, refresh, registerPublicClient, signInAndRedeem } from './people.mjs';
import { bearer, send } from './request.mjs';
import { depart, startProvider } from './stand-in.mjs';

const SCOPE = 'openid profile offline_access';
const ANSWER = { claims: { sub: 'of-before', preferred_username: 'of-before', amr: ['pop', 'mfa', 'user'] } };
let provider;
let server;
let client;
let local;
let localTokens;
let browser;
let federated;
let federatedTokens;

before(async () => {
  provider = await startProvider();
  server = await startWorker({ vars: { UPSTREAM_ISSUER: provider.issuer, UPSTREAM_CLIENT_ID: 'em', UPSTREAM_ACCOUNTS: 'all' } });
  client = await registerPublicClient(server);
  local = await createUser(server, { username: 'of-before' });
  ({ tokens: localTokens } = await signInAndRedeem(server, local, client, { scope: SCOPE }));
  browser = new Browser(server);
  const proof = pkce();
  const location = await depart(browser, await browser.open(authorizationPath(client, proof, { scope: SCOPE })));
  const { location: back } = await browser.submit(await browser.open(provider.back(location, ANSWER)), { decision: 'allow' });
  ({ json: federatedTokens } = await redeem(server, client, new URL(back).searchParams.get('code'), proof));
  federated = jose.decodeJwt(federatedTokens.id_token).sub;

  await server.kill();
  assert.equal(age([local.id, federated]), 2);
  // The setting has its default again.
  server = await startWorker({ ...server.settings, vars: { ...server.settings.vars, UPSTREAM_ACCOUNTS: undefined } });
});

after(async () => {
  await server?.stop();
  if (server) rmSync(server.persist, { recursive: true, force: true });
  provider?.stop();
});

test('names are qualified with the provider\'s host without a new sign-in, and stay so', async () => {
  const shown = `${new URL(provider.issuer).host}:of-before`;
  for (let time = 0; time < 2; time += 1) {
    for (const [tokens, name] of [[localTokens, 'of-before'], [federatedTokens, shown]]) {
      const { json } = await send(server, '/oauth/userinfo', { headers: bearer(tokens.access_token) });
      assert.equal(json.preferred_username, name);
    }
  }
  assert.equal((await admin(server, 'GET', `/admin/users/${local.id}`)).json.username, 'of-before');
});

test('authentication methods of unknown origin satisfy no acr', async () => {
  const proof = pkce();
  const { location } = await browser.open(authorizationPath(client, proof, { scope: SCOPE }));
  const { json } = await redeem(server, client, new URL(location).searchParams.get('code'), proof);
  assert.deepEqual([jose.decodeJwt(json.id_token).acr, jose.decodeJwt(json.id_token).amr], ['1', ANSWER.claims.amr]);
  const { json: refreshed } = await refresh(server, client, federatedTokens.refresh_token);
  if (refreshed.id_token !== undefined) assert.equal(jose.decodeJwt(refreshed.id_token).acr, '1');
});

test('an account without a stored scope may consent to every scope of a client', async () => {
  assert.equal((await admin(server, 'GET', `/admin/users/${federated}`)).json.scope, undefined);
  const page = await browser.open(authorizationPath(client, pkce(), { scope: 'openid read write' }));
  assert.match(page.html, /read/);
  const { location } = await browser.submit(page, { decision: 'allow' });
  assert.ok(new URL(location).searchParams.has('code'));
});

test('the user signs in again and has the same account, independently of the default for new users', async () => {
  const again = new Browser(server);
  const page = await again.open(provider.back(await depart(again), ANSWER));
  assert.equal(page.url.pathname, '/account');
  const { json } = await admin(server, 'GET', `/admin/users/${federated}`);
  assert.deepEqual(json.upstream, { issuer: provider.issuer, sub: 'of-before' });
});

/** Removes the members that an earlier version did not store; returns the number of accounts. */
function age(accounts) {
  const folder = join(server.persist, 'do', '-AccountObject');
  let aged = 0;
  for (const file of readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(folder, file));
    try {
      const rows = database.prepare("SELECT kind, id, state FROM record WHERE kind IN ('account', 'session', 'grant')").all();
      for (const { kind, id, state } of rows) {
        const record = JSON.parse(state);
        if (kind === 'account') {
          const name = accounts.map((account) => `profile|${server.issuer}|${account}`).find((own) => open(record.profile, own));
          const { namespace, upstream, ...profile } = open(record.profile, name);
          assert.ok(namespace !== undefined);
          record.profile = seal(profile, name);
          record.scope = null;
          aged += 1;
        } else {
          assert.ok(record.sign_in.acr !== undefined);
          delete record.sign_in.acr;
        }
        database.prepare('UPDATE record SET state = ? WHERE kind = ? AND id = ?').run(JSON.stringify(record), kind, id);
      }
    } finally {
      database.close();
    }
  }
  return aged;
}

function open(sealed, name) {
  const bytes = Buffer.from(sealed, 'base64url');
  const cipher = createDecipheriv('aes-256-gcm', key(), bytes.subarray(0, 12));
  cipher.setAAD(Buffer.from(name));
  cipher.setAuthTag(bytes.subarray(-16));
  try {
    return JSON.parse(Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]));
  } catch {
    return undefined;
  }
}

function seal(profile, name) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key(), nonce);
  cipher.setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(profile)), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

function key() {
  return Buffer.from(server.settings.secrets[KEY_ENCRYPTION_KEY], 'base64url');
}
