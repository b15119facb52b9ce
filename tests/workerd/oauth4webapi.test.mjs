// oauth4webapi, a client that implements only the specifications, uses every feature of the Worker, unmodified.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { registerClient } from './admin.mjs';
import { keyMetadata, newClientKey } from './client-key.mjs';
import { startWorker } from './harness.mjs';

// The issuer is http://localhost here; nothing else about the client is changed.
const insecure = { [oauth.allowInsecureRequests]: true };
let server;
let as;
let issuer;

before(async () => {
  server = await startWorker();
  issuer = new URL(server.issuer);
  as = await discover('oauth2');
});

after(() => server?.stop());

test('discovery by OAuth and by OpenID Connect finds the same server', async () => {
  assert.equal(as.issuer, server.issuer);
  assert.deepEqual(await discover('oidc'), as);
});

for (const [method, authentication] of [
  ['client_secret_basic', oauth.ClientSecretBasic],
  ['client_secret_post', oauth.ClientSecretPost],
]) {
  for (const secret of [undefined, 'a+b%20:c/ &=~d?e#f']) {
    test(`${method} with a ${secret ? 'imported' : 'generated'} secret: token, introspection, revocation`, async () => {
      const client = await registerClient(server, {
        token_endpoint_auth_method: method, scope: 'read write', client_secret: secret,
      });
      await wholeLife({ client_id: client.id }, authentication(client.secret));
    });
  }
}

for (const alg of ['ES256', 'RS256', 'EdDSA']) {
  test(`private_key_jwt with ${alg}: token, introspection, revocation`, async () => {
    const key = await newClientKey(alg);
    const { id } = await registerClient(server, keyMetadata(key, { scope: 'read write' }));
    await wholeLife({ client_id: id }, oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.jwk.kid }));
  });
}

test('a wrong secret: the challenge names the scheme, the body the error', async () => {
  const { id } = await registerClient(server);
  const error = await rejection(requestToken({ client_id: id }, oauth.ClientSecretBasic('wrong'), {}));
  assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
  assert.equal(error.status, 401);
  assert.deepEqual(error.cause.map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } })), [
    { scheme: 'basic', parameters: { realm: 'edgemint' } },
  ]);
  assert.equal((await error.response.json()).error, 'invalid_client');
});

test('a scope that the client does not have, and an unknown grant type, are refused', async () => {
  const { id, secret } = await registerClient(server, { scope: 'read' });
  const client = { client_id: id };
  const scope = await rejection(requestToken(client, oauth.ClientSecretBasic(secret), { scope: 'admin' }));
  assert.ok(scope instanceof oauth.ResponseBodyError, scope);
  assert.deepEqual([scope.status, scope.error], [400, 'invalid_scope']);

  const response = await oauth.genericTokenEndpointRequest(
    as, client, oauth.ClientSecretBasic(secret), 'urn:example:grant', {}, insecure,
  );
  const grant = await rejection(oauth.processGenericTokenEndpointResponse(as, client, response));
  assert.ok(grant instanceof oauth.ResponseBodyError, grant);
  assert.deepEqual([grant.status, grant.error], [400, 'unsupported_grant_type']);
});

test('the sample resource is discovered, and the library validates its token', async () => {
  const found = await oauth.processResourceDiscoveryResponse(issuer, await oauth.resourceDiscoveryRequest(issuer, insecure));
  assert.deepEqual(found.authorization_servers, [server.issuer]);

  const { id, secret } = await registerClient(server, { scope: 'read' });
  const params = { resource: found.resource };
  const { access_token } = await requestToken({ client_id: id }, oauth.ClientSecretBasic(secret), params);
  const url = new URL('/api/whoami', server.url);
  const request = new Request(url, { headers: { authorization: `Bearer ${access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, found.resource, insecure);
  assert.equal(claims.client_id, id);
  assert.equal(claims.scope, 'read');
  const answer = await oauth.protectedResourceRequest(access_token, 'GET', url, undefined, undefined, insecure);
  assert.deepEqual(await answer.json(), JSON.parse(JSON.stringify(claims)));
});

test('the challenge of the sample resource names its metadata', async () => {
  const url = new URL('/api/whoami', server.url);
  const error = await rejection(oauth.protectedResourceRequest('no-token', 'GET', url, undefined, undefined, insecure));
  assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
  const [{ scheme, parameters }] = error.cause;
  assert.deepEqual([scheme, parameters.error], ['bearer', 'invalid_token']);
  const metadata = await (await fetch(parameters.resource_metadata)).json();
  assert.equal(metadata.resource, server.issuer);
});

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
  return oauth.processDiscoveryResponse(issuer, response);
}

async function requestToken(client, authentication, params) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, params, insecure);
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function introspect(client, authentication, token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token, insecure);
  return oauth.processIntrospectionResponse(as, client, response);
}

async function wholeLife(client, authentication) {
  const { access_token, token_type, expires_in, scope } = await requestToken(client, authentication, { scope: 'write' });
  assert.deepEqual({ token_type, expires_in, scope }, { token_type: 'bearer', expires_in: 600, scope: 'write' });

  const active = await introspect(client, authentication, access_token);
  assert.deepEqual([active.active, active.client_id, active.scope], [true, client.client_id, 'write']);

  const response = await oauth.revocationRequest(as, client, authentication, access_token, insecure);
  assert.equal(await oauth.processRevocationResponse(response), undefined);
  assert.deepEqual({ ...await introspect(client, authentication, access_token) }, { active: false });
}

async function rejection(promise) {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error, 'it was accepted');
  return error;
}
