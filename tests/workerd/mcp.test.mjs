// The SDK of the Model Context Protocol, unmodified: its client discovers this issuer through a server that our package protects
// (the protocol's authorization, RFC 9728, RFC 8707), signs a user in, calls a tool, refreshes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { decode } from './forgery.mjs';
import { revoke } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { startMcpServer } from './mcp-server.mjs';
import { Browser, REDIRECT_URI, createUser, registerPublicClient } from './people.mjs';
import { rejection } from './relying-party.mjs';
import { bearer, until } from './request.mjs';
import { visit } from './visit.mjs';

const ACCESS_TOKEN_TTL = 4;
let server;
let user;
let mcp;

before(async () => {
  server = await startWorker({ vars: { ACCESS_TOKEN_TTL: `${ACCESS_TOKEN_TTL}` } });
  user = await createUser(server);
  mcp = await startMcpServer(server.issuer);
});

after(async () => {
  await mcp?.stop();
  await server?.stop();
});

test('discovery, sign-in and a tool call; a refresh after the token expires; a new sign-in after the grant is revoked', async () => {
  const client = await registerPublicClient(server, { resources: [mcp.url.href], scope: 'read' });
  const provider = new Provider(server, client.id);
  await signIn(provider);
  assert.deepEqual(provider.asked.getAll('resource'), [mcp.url.href]);
  assert.equal(provider.asked.get('scope'), 'read', 'the scope of the MCP server');

  const { connection, close } = await connect(provider);
  const claims = await whoami(connection);
  const { iss, aud, sub, client_id, scope } = claims;
  assert.deepEqual({ iss, aud, sub, client_id, scope },
    { iss: server.issuer, aud: mcp.url.href, sub: user.id, client_id: client.id, scope: 'read' });
  assert.deepEqual(provider.redirects, 1);

  const first = provider.saved;
  await until(() => Date.now() / 1000 > decode(first.access_token).claims.exp, 'the token is over');
  const later = await whoami(connection);
  assert.ok(mcp.refusals.includes('expired'), `${mcp.refusals}`);
  assert.notEqual(later.jti, claims.jti);
  assert.equal(later.aud, mcp.url.href);
  assert.notEqual(provider.saved.refresh_token, first.refresh_token, 'it is a public client');
  assert.deepEqual(provider.redirects, 1, 'no new sign-in');

  const second = provider.saved;
  assert.equal((await revoke(server, client, second.refresh_token)).status, 200);
  await until(() => Date.now() / 1000 > decode(second.access_token).claims.exp, 'the token is over');
  const error = await rejection(whoami(connection));
  assert.ok(error instanceof UnauthorizedError, error);
  assert.deepEqual([provider.saved, provider.redirects], [undefined, 2], 'the tokens are discarded, a sign-in starts');
  await close();
});

test('a client without the server\'s resource gets invalid_target at its redirect URI', async () => {
  const provider = new Provider(server, (await registerPublicClient(server, { scope: 'read' })).id);
  const error = await rejection(connect(provider));
  assert.ok(error instanceof UnauthorizedError, error);
  const { answer } = await visit(new Browser(server), user, provider.url);
  assert.deepEqual([answer.searchParams.get('error'), answer.searchParams.get('iss')], ['invalid_target', server.issuer]);
});

test('a token for another audience is refused, and the challenge names the metadata', async () => {
  const { access_token } = await token(server);
  const transport = new StreamableHTTPClientTransport(mcp.url, { requestInit: { headers: bearer(access_token) } });
  const error = await rejection(new Client({ name: 'test', version: '1.0.0' }).connect(transport));
  assert.ok(error instanceof StreamableHTTPError, error);
  assert.equal(error.code, 401);
  assert.equal(mcp.refusals.at(-1), 'audience_mismatch');

  const { status, headers } = await fetch(mcp.url, { method: 'POST', headers: bearer(access_token) });
  assert.equal(status, 401);
  const [, metadataUrl] = headers.get('www-authenticate').match(/resource_metadata="([^"]+)"/);
  const { resource, authorization_servers } = await (await fetch(metadataUrl)).json();
  assert.deepEqual({ resource, authorization_servers }, { resource: mcp.url.href, authorization_servers: [server.issuer] });
});

/** Takes a user through the sign-in that the SDK starts, as the application around it does. */
async function signIn(provider) {
  const transport = new StreamableHTTPClientTransport(mcp.url, { authProvider: provider });
  const error = await rejection(new Client({ name: 'test', version: '1.0.0' }).connect(transport));
  assert.ok(error instanceof UnauthorizedError, error);
  const { answer, shown } = await visit(new Browser(server), user, provider.url);
  assert.deepEqual(shown, ['sign-in', 'consent']);
  assert.equal(answer.searchParams.get('state'), provider.asked.get('state'));
  await transport.finishAuth(answer.searchParams.get('code'));
}

async function connect(provider) {
  const connection = new Client({ name: 'test', version: '1.0.0' });
  await connection.connect(new StreamableHTTPClientTransport(mcp.url, { authProvider: provider }));
  return { connection, close: () => connection.close() };
}

async function whoami(connection) {
  const { content } = await connection.callTool({ name: 'whoami', arguments: {} });
  return JSON.parse(content[0].text);
}

/** What an application passes to the SDK: a registered client, and a store for tokens. */
class Provider {
  redirects = 0;

  constructor(authority, id) {
    this.information = { client_id: id, issuer: authority.issuer };
  }

  redirectUrl = REDIRECT_URI;
  clientMetadata = { redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' };

  clientInformation() {
    return this.information;
  }

  state() {
    return randomUUID();
  }

  tokens() {
    return this.saved;
  }

  saveTokens(tokens) {
    this.saved = tokens;
  }

  invalidateCredentials(kind) {
    assert.equal(kind, 'tokens');
    this.saved = undefined;
  }

  redirectToAuthorization(url) {
    this.url = url;
    this.asked = url.searchParams;
    this.redirects += 1;
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }

  codeVerifier() {
    return this.verifier;
  }
}
