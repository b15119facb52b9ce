// Third-party clients, unmodified, connect devices: openid-client, oauth4webapi and the Rust crate oauth2 (tests/clients).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { run } from '../../.scripts/steps.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { keyMetadata, newClientKey } from './client-key.mjs';
import { decideDevice, registerDeviceClient } from './devices.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser } from './people.mjs';

const SCOPE = 'openid offline_access read';
const INSECURE = { [oauth.allowInsecureRequests]: true };
const target = join(root, 'target');

let server;
let user;

before(async () => {
  const manifest = join(root, 'tests', 'clients', 'openidconnect', 'Cargo.toml');
  await run('cargo', ['build', '--locked', '--manifest-path', manifest, '--target-dir', target]);
  server = await startWorker();
  user = await createUser(server, { name: 'Demo' });
});

after(() => server?.stop());

// The libraries wait for the interval before each poll: side by side, that costs five seconds once.
describe('clients for devices', { concurrency: true }, () => {
  for (const method of ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']) {
    test(`openid-client, ${method}: polls until the user has decided`, async () => {
      const key = method === 'private_key_jwt' ? await newClientKey('ES256') : undefined;
      const client = await registerDeviceClient(server, { ...key && keyMetadata(key), token_endpoint_auth_method: method });
      const auth = {
        none: () => openid.None(), client_secret_basic: () => openid.ClientSecretBasic(client.secret),
        client_secret_post: () => openid.ClientSecretPost(client.secret),
        private_key_jwt: () => openid.PrivateKeyJwt({ key: key.privateKey, kid: key.jwk.kid }),
      }[method]();
      const options = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
      const config = await openid.discovery(new URL(server.issuer), client.id, {}, auth, options);
      const started = await openid.initiateDeviceAuthorization(config, { scope: SCOPE });
      assert.deepEqual([started.expires_in, started.interval], [900, 5]);
      await decideDevice(new Browser(server), user, started.user_code);
      const tokens = await openid.pollDeviceAuthorizationGrant(config, started);
      assert.deepEqual([tokens.claims().sub, tokens.scope], [user.id, SCOPE]);
      const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
      assert.equal(refreshed.claims().sub, user.id);
    });
  }

  test('openid-client: a denial ends the polling', async () => {
    const client = await registerDeviceClient(server);
    const config = await openid.discovery(new URL(server.issuer), client.id, {}, openid.None(), { execute: [openid.allowInsecureRequests] });
    const started = await openid.initiateDeviceAuthorization(config, { scope: SCOPE });
    await decideDevice(new Browser(server), user, started.user_code, 'deny');
    await assert.rejects(openid.pollDeviceAuthorizationGrant(config, started), { error: 'access_denied' });
  });

  test('oauth4webapi: each error of a poll, then the tokens', async () => {
    const { id: client_id } = await registerDeviceClient(server);
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
    const client = { client_id };
    const response = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: SCOPE }, INSECURE);
    const started = await oauth.processDeviceAuthorizationResponse(as, client, response);
    const poll = async () => {
      const answer = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, INSECURE);
      return oauth.processDeviceCodeResponse(as, client, answer);
    };
    await assert.rejects(poll(), { error: 'authorization_pending' });
    await assert.rejects(poll(), { error: 'slow_down' });
    await decideDevice(new Browser(server), user, started.user_code);
    const tokens = await poll();
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, user.id);
    await assert.rejects(poll(), { error: 'invalid_grant' });
  });

  for (const method of ['none', 'client_secret_basic']) {
    for (const decision of ['allow', 'deny']) {
      test(`the Rust crate oauth2, ${method}: ${decision}`, async () => {
        const client = await registerDeviceClient(server, { token_endpoint_auth_method: method });
        const { code, result, errors, started } = await device(client, decision);
        assert.equal(code, 0, errors);
        assert.deepEqual([started.expires_in, started.interval], [900, 5]);
        assert.equal(started.verification_uri_complete, `${started.verification_uri}?user_code=${started.user_code}`);
        if (decision === 'deny') return assert.deepEqual(result, { error: 'access_denied' });
        const { access_token, ...rest } = result;
        assert.deepEqual(rest, { scope: SCOPE.split(' '), expires_in: 600, rotated: method === 'none' });
        return assert.equal(typeof access_token, 'string');
      });
    }
  }
});

/** Runs the program, and decides when it shows its code; returns its exit code, its lines and its error output. */
async function device(client, decision) {
  const env = { ...process.env, CLIENT_SECRET: client.secret };
  if (client.secret === undefined) delete env.CLIENT_SECRET;
  const child = spawn(join(target, 'debug', 'device-client'), [server.issuer, server.url, client.id], { env, timeout: 60_000 });
  const closed = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value: first } = await lines.next();
  assert.ok(first, errors);
  const started = JSON.parse(first);
  // An account may try ten codes.
  await decideDevice(new Browser(server), await createUser(server), started.user_code, decision);
  const { value: last } = await lines.next();
  const [code] = await closed;
  return { code, result: last && JSON.parse(last), errors, started };
}
