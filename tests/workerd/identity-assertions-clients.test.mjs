// Third-party software, unmodified, with identity assertions: the cross-app access of the MCP client against two Workers, and Authlib on the
// other side of each.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, CrossAppAccessProvider, StreamableHTTPClientTransport, discoverAndRequestJwtAuthGrant } from '@modelcontextprotocol/client';
import { decodeJwt, exportPKCS8 } from 'jose';
import { admin, clientPath } from './admin.mjs';
import { trustIssuer } from './assertion-grants.mjs';
import { newClientKey } from './client-key.mjs';
import { introspect } from './grants.mjs';
import { CHAT, permitAssertions, requestAssertion, startOrganisations } from './identity-assertions.mjs';
import { startMcpServer } from './mcp-server.mjs';
import { runPython, skip } from './python.mjs';
import { rejection } from './relying-party.mjs';

describe('clients of identity assertions', { concurrency: 3 }, () => {
  let all;
  let mcp;

  before(async () => {
    all = await startOrganisations();
    mcp = await startMcpServer(all.ras.issuer, ({ audience }) => async (token) => {
      const { json } = await introspect(all.ras, token);
      return json.active && json.aud === audience ? { claims: json } : { code: 'inactive' };
    });
    const { ras, idp, atRas, atIdp, rule, trusted } = all;
    // The scope of the MCP server is `read`.
    const { status, text } = await admin(ras, 'PUT', clientPath(atRas.id), {
      ...atRas.information, client_secret: undefined, scope: 'read', resources: [mcp.url.href, CHAT],
    });
    assert.equal(status, 200, text);
    assert.equal((await admin(ras, 'PUT', `/admin/trusted-issuers/${trusted.id}`, { ...trusted, scope: 'read' })).status, 200);
    assert.equal((await admin(idp, 'PUT', `/admin/exchange-rules/${rule.id}`, { ...rule, scope: 'read', resources: [mcp.url.href, CHAT] })).status, 200);
    assert.equal(rule.client, atIdp.id);
  });

  after(async () => {
    await mcp?.stop();
    await all?.stop();
  });

  /** The provider of the SDK, as an application makes it. `changes` are those of the request for the assertion. */
  const provider = (changes = {}) => new CrossAppAccessProvider({
    assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
      const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
        idpUrl: all.idp.issuer, audience: authorizationServerUrl, resource: resourceUrl, idToken: all.tokens.id_token,
        clientId: all.atIdp.id, clientSecret: all.atIdp.secret, scope, fetchFn, ...changes,
      });
      return jwtAuthGrant;
    },
    clientId: all.atRas.id, clientSecret: all.atRas.secret, expectedIssuer: all.ras.issuer,
  });

  async function connect(authProvider) {
    const connection = new Client({ name: 'test', version: '1.0.0' });
    await connection.connect(new StreamableHTTPClientTransport(mcp.url, { authProvider }));
    return connection;
  }

  test('the MCP client calls a tool at the other organisation without a sign-in there', async () => {
    const connection = await connect(provider());
    const { content } = await connection.callTool({ name: 'whoami', arguments: {} });
    const { iss, sub, aud, client_id, scope } = JSON.parse(content[0].text);
    assert.deepEqual({ iss, sub, aud, client_id, scope }, {
      iss: all.ras.issuer, sub: all.local.id, aud: mcp.url.href, client_id: all.atRas.id, scope: 'read',
    });
    await connection.close();
  });

  test('the MCP client is told what is wrong', async () => {
    for (const [changes, error] of [
      [{ idToken: 'x' }, /invalid_request/], [{ clientSecret: 'wrong' }, /invalid_client/], [{ scope: 'admin' }, /invalid_scope/],
      [{ audience: 'https://other.example' }, /invalid_target/], [{ resource: 'https://other.example' }, /invalid_target/],
    ]) {
      assert.match(`${await rejection(connect(provider(changes)))}`, error);
    }
  });

  test('Authlib signs an assertion as an identity provider', { skip }, async () => {
    const { ras, local, atRas } = all;
    const key = await newClientKey('RS256', { extractable: true });
    const { issuer } = await trustIssuer(ras, {
      clients: [atRas.id], subject: 'user_id', assertions: 'id_jag', scope: 'read', algorithms: ['RS256'], jwks: { keys: [key.jwk] },
    });
    const input = {
      issuer, audience: ras.issuer, subject: local.id, assertion_client: atRas.id, key: await exportPKCS8(key.privateKey), kid: key.jwk.kid,
      token_endpoint: `${ras.url}/oauth/token`, client_id: atRas.id, secret: atRas.secret, resource: CHAT,
    };
    const { access_token, refresh_token, scope } = await runPython('identity_assertion.py', ['sign'], input);
    assert.deepEqual([decodeJwt(access_token).sub, decodeJwt(access_token).aud, refresh_token, scope], [local.id, CHAT, undefined, 'read']);
    for (const change of [{ assertion_client: 'another' }, { audience: 'https://other.example' }]) {
      assert.equal((await runPython('identity_assertion.py', ['sign'], { ...input, ...change })).error, 'invalid_grant');
    }
  });

  test('Authlib accepts an assertion as a resource authorization server', { skip }, async () => {
    const { idp, user, atIdp } = all;
    const other = { issuer: 'https://authlib.example' };
    await permitAssertions(idp, atIdp, other, { id: 'at-authlib' }, { scope: 'mail' });
    const { status, json, text } = await requestAssertion(idp, atIdp, other, all.tokens.id_token);
    assert.equal(status, 200, text);
    const jwks = await (await fetch(`${idp.url}/.well-known/jwks.json`)).json();
    const input = { assertion: json.access_token, audience: other.issuer, client_id: 'at-authlib', issuer: idp.issuer, subject: user.id, jwks };
    assert.deepEqual(await runPython('identity_assertion.py', ['accept'], input), { user: user.id, scope: 'mail' });
    assert.equal((await runPython('identity_assertion.py', ['accept'], { ...input, client_id: 'another' })).error, 'invalid_grant');
  });
});
