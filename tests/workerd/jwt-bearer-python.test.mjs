// Third-party clients in Python, unmodified, exchange assertions for access tokens: google-auth, Authlib and librdkafka (confluent-kafka) as service
// accounts, requests-oauth2client with an assertion of a trusted issuer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, exportPKCS8 } from 'jose';
import { JWT_BEARER, registerAssertionClient, registerServiceAccount, trustIssuer } from './assertion-grants.mjs';
import { newClientKey } from './client-key.mjs';
import { loggedEvents } from './events.mjs';
import { introspect } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { createUser } from './people.mjs';
import { runPython, skip, startPython } from './python.mjs';
import { until } from './request.mjs';

describe('clients in Python', { concurrency: 4 }, () => {
  let server;
  let user;

  before(async () => {
    if (skip) return;
    server = await startWorker();
    user = await createUser(server);
  });

  after(() => server?.stop());

  /** A service account with an RSA key, as these clients have, and the input of the program. */
  async function serviceAccount(members = {}) {
    const key = await newClientKey('RS256', { extractable: true });
    const { id } = await registerServiceAccount(server, key, members);
    return {
      client_id: id, subject: id, token_endpoint: `${server.url}/oauth/token`, issuer: server.issuer, scope: 'read',
      key: await exportPKCS8(key.privateKey), kid: key.jwk.kid,
    };
  }

  async function assertActive({ access_token, scope }, subject, client) {
    const { sub, client_id } = decodeJwt(access_token);
    assert.deepEqual([sub, client_id, scope], [subject, client, 'read']);
    assert.equal((await introspect(server, access_token)).json.active, true);
  }

  for (const [library, members] of [['google-auth', { jti: 'optional' }], ['Authlib', { jti: 'required' }]]) {
    test(`${library}, for itself and for a user`, { skip }, async () => {
      const input = await serviceAccount({ service_account: { ...members, users: [user.id], scope: 'read' } });
      await assertActive(await runPython('jwt_bearer.py', [library], input), input.client_id, input.client_id);
      const delegated = await runPython('jwt_bearer.py', [library], { ...input, subject: user.id });
      await assertActive(delegated, user.id, input.client_id);
      await assert.rejects(runPython('jwt_bearer.py', [library], { ...input, subject: 'A'.repeat(22) }), /invalid_grant/);
      await assert.rejects(runPython('jwt_bearer.py', [library], { ...input, scope: 'admin' }), /invalid_scope/);
    });
  }

  test('google-auth is refused where an assertion must have a jti', { skip }, async () => {
    await assert.rejects(runPython('jwt_bearer.py', ['google-auth'], await serviceAccount()), /invalid_grant/);
  });

  test('requests-oauth2client, with its secret and an assertion of a trusted issuer', { skip }, async () => {
    const key = await newClientKey('RS256', { extractable: true });
    const app = await registerAssertionClient(server);
    const { issuer } = await trustIssuer(server, { clients: [app.id], algorithms: ['RS256'], jwks: { keys: [key.jwk] }, client_authentication: 'required' });
    const input = {
      client_id: app.id, secret: app.secret, asserter: issuer, subject: user.id, token_endpoint: `${server.url}/oauth/token`,
      issuer: server.issuer, scope: 'read', key: await exportPKCS8(key.privateKey), kid: key.jwk.kid,
    };
    await assertActive(await runPython('jwt_bearer.py', ['requests-oauth2client'], input), user.id, app.id);
    await assert.rejects(runPython('jwt_bearer.py', ['requests-oauth2client'], { ...input, secret: 'wrong' }), /InvalidClient/);
  });

  test('confluent-kafka requests a token for its connection to a broker', { skip }, async () => {
    const input = await serviceAccount();
    const child = startPython('jwt_bearer.py', ['confluent-kafka'], input);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { said += chunk; });
    const closed = once(child, 'close');
    try {
      const issued = ({ event, reason, client }) => event === 'token_issued' && reason === JWT_BEARER && client === input.client_id;
      await until(() => child.exitCode !== null || loggedEvents(server).some(issued), 'librdkafka gets a token');
      assert.ok(loggedEvents(server).some(issued), said);
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
  });
});
