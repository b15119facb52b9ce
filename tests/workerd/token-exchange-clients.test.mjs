// Third-party clients exchange tokens, unmodified: oauth4webapi and openid-client, and in Python google-auth and requests-oauth2client.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ACCESS_TOKEN, API, BACKEND, TOKEN_EXCHANGE, allowExchange, registerApp, registerGateway } from './exchanges.mjs';
import { introspect, newGrant } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { Browser, createUser } from './people.mjs';
import { runPython, skip } from './python.mjs';

describe('clients that exchange tokens', { concurrency: 5 }, () => {
  let server;
  let user;
  let gateway;
  let subject_token;
  let actor_token;

  before(async () => {
    server = await startWorker();
    let app;
    [user, app, gateway] = await Promise.all([createUser(server), registerApp(server), registerGateway(server)]);
    await allowExchange(server, gateway);
    const browser = new Browser(server);
    await browser.signIn(user);
    subject_token = (await newGrant(server, browser, user, app, { scope: 'openid read write', resource: API })).access_token;
    actor_token = (await token(server, {}, gateway)).access_token;
  });

  after(() => server?.stop());

  const parameters = (changes) => ({ subject_token, subject_token_type: ACCESS_TOKEN, audience: BACKEND, scope: 'read', ...changes });

  async function assertExchanged({ access_token, issued_token_type, scope }) {
    const { sub, aud, act } = decodeJwt(access_token);
    assert.deepEqual([sub, aud, act, issued_token_type, scope], [user.id, BACKEND, { sub: gateway.id }, ACCESS_TOKEN, 'read']);
    assert.equal((await introspect(server, access_token)).json.active, true);
  }

  test('oauth4webapi', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
    const client = { client_id: gateway.id };
    const request = async (changes) => {
      const response = await oauth.genericTokenEndpointRequest(as, client, oauth.ClientSecretBasic(gateway.secret), TOKEN_EXCHANGE, parameters(changes), insecure);
      return oauth.processGenericTokenEndpointResponse(as, client, response);
    };
    await assertExchanged(await request());
    await assertExchanged(await request({ actor_token, actor_token_type: ACCESS_TOKEN }));
    await assert.rejects(request({ scope: 'admin' }), ({ error }) => error === 'invalid_scope');
    await assert.rejects(request({ audience: 'https://evil.example' }), ({ error }) => error === 'invalid_target');
    await assert.rejects(request({ subject_token: 'x' }), ({ error }) => error === 'invalid_request');
  });

  test('openid-client', async () => {
    const authentication = openid.ClientSecretBasic(gateway.secret);
    const config = await openid.discovery(new URL(server.issuer), gateway.id, {}, authentication, { execute: [openid.allowInsecureRequests] });
    const request = (changes) => openid.genericGrantRequest(config, TOKEN_EXCHANGE, parameters(changes));
    await assertExchanged(await request());
    await assertExchanged(await request({ actor_token, actor_token_type: ACCESS_TOKEN }));
    await assert.rejects(request({ actor_token }), ({ error }) => error === 'invalid_request');
    await assert.rejects(request({ scope: 'admin' }), ({ error }) => error === 'invalid_scope');
  });

  const input = (changes) => ({
    token_endpoint: `${server.url}/oauth/token`, client_id: gateway.id, secret: gateway.secret, subject_token, audience: BACKEND, scope: 'read', ...changes,
  });
  const python = async (library, changes) => runPython('token_exchange.py', [library], input(changes));

  for (const library of ['google-auth', 'requests-oauth2client']) {
    test(library, { skip }, async () => {
      await assertExchanged(await python(library));
      await assertExchanged(await python(library, { actor_token }));
      await assert.rejects(python(library, { scope: 'admin' }), /invalid_scope|InvalidScope/);
      await assert.rejects(python(library, { audience: 'https://evil.example' }), /invalid_target|InvalidTarget/);
    });
  }

  test('google-auth, the credentials of an identity pool', { skip }, async () => {
    await assertExchanged(await python('google-auth, identity_pool'));
  });
});
