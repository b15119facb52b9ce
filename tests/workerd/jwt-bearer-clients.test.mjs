// Third-party clients in JavaScript, unmodified, exchange assertions for access tokens: oauth4webapi and openid-client, authenticated in each
// way that a client may have, with published keys too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { JWT_BEARER, grantClaims, registerAssertionClient, signGrant, trustIssuer } from './assertion-grants.mjs';
import { newClientKey, publishedKeyMetadata, signAssertion } from './client-key.mjs';
import { startWorker } from './harness.mjs';
import { startKeyServer } from './key-server.mjs';
import { createUser } from './people.mjs';

let server;
let user;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
});

after(() => server?.stop());

// Each takes the client's identifier, its authentication for the library, and the assertion; gives the token response.
const LIBRARIES = {
  async oauth4webapi(client_id, authentication, assertion) {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
    const client = { client_id };
    const response = await oauth.genericTokenEndpointRequest(as, client, authentication(oauth), JWT_BEARER, { assertion, scope: 'read' }, insecure);
    return oauth.processGenericTokenEndpointResponse(as, client, response);
  },
  async 'openid-client'(client_id, authentication, assertion) {
    const options = { execute: [openid.allowInsecureRequests] };
    const config = await openid.discovery(new URL(server.issuer), client_id, undefined, authentication(openid), options);
    return openid.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'read' });
  },
};

for (const [library, request] of Object.entries(LIBRARIES)) {
  for (const [method, ask] of [
    ['client_secret_basic', ({ secret }) => ({ ClientSecretBasic }) => ClientSecretBasic(secret)],
    ['client_secret_post', ({ secret }) => ({ ClientSecretPost }) => ClientSecretPost(secret)],
    ['none', () => ({ None }) => None()],
  ]) {
    test(`${library}, ${method}: an assertion of a trusted issuer about a user`, async () => {
      const client = await registerAssertionClient(server, { token_endpoint_auth_method: method });
      const idp = await trustIssuer(server, { clients: [client.id] });
      const tokens = await request(client.id, ask(client), await signGrant(server, idp, user.id));
      const { sub, client_id, scope } = decodeJwt(tokens.access_token);
      assert.deepEqual([sub, client_id, scope, tokens.refresh_token], [user.id, client.id, 'read', undefined]);
      const again = request(client.id, ask(client), await signGrant(server, idp, 'missing'));
      await assert.rejects(again, ({ error }) => error === 'invalid_grant');
    });
  }

  test(`${library}, private_key_jwt with published keys: a service account`, async (t) => {
    const key = await newClientKey('ES256');
    const published = await startKeyServer(t, [key.jwk]);
    const { id } = await registerAssertionClient(server, publishedKeyMetadata(published.url));
    const authentication = ({ PrivateKeyJwt }) => PrivateKeyJwt({ key: key.privateKey, kid: key.jwk.kid });
    const tokens = await request(id, authentication, await signAssertion(key, grantClaims(server, id, id)));
    assert.equal(decodeJwt(tokens.access_token).sub, id);
    assert.deepEqual(published.asked, ['/jwks'], 'one set for both JWTs');
  });
}
