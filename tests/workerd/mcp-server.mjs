// A server of the Model Context Protocol, made of the SDK's own parts and protected by the packed package or by introspection.
import { once } from 'node:events';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { freePort } from './harness.mjs';

const SCOPE = 'read';

/**
 * Starts it on loopback; its one tool, `whoami`, returns the claims of the token. Returns `{ url, refusals, stop() }`, where
 * `refusals` are the codes of all the tokens that were refused. `verifierOf` makes the check of tokens from `{ issuer, audience }`: by
 * default the package's.
 */
export async function startMcpServer(issuer, verifierOf = packaged) {
  const port = await freePort();
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const refusals = [];

  const verify = await verifierOf({ issuer, audience: url.href });
  const verifyAccessToken = async (token) => {
    const { claims, code } = await verify(token);
    if (claims === undefined) {
      refusals.push(code);
      throw new InvalidTokenError('the token is not for here, or over');
    }
    return {
      token, clientId: claims.client_id, scopes: (claims.scope ?? '').split(' '), expiresAt: claims.exp, resource: url,
      extra: claims,
    };
  };

  const app = createMcpExpressApp();
  const oauthMetadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: url, scopesSupported: [SCOPE] }));
  app.use('/mcp', requireBearerAuth({
    verifier: { verifyAccessToken }, requiredScopes: [SCOPE], expectedResource: url,
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url),
  }));
  app.post('/mcp', async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await tools().connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all('/mcp', (_, response) => response.status(405).set('allow', 'POST').end());

  const listener = app.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url,
    refusals,
    async stop() {
      listener.close();
      listener.closeAllConnections();
      await once(listener, 'close');
    },
  };
}

async function packaged(terms) {
  // Imported only here: it builds and packs the package.
  const { importFrom, install } = await import('../package/shared/consumer.mjs');
  const { TokenError, createVerifier } = await importFrom(await install());
  const verifier = createVerifier(terms);
  return (token) => verifier.verify(token).catch((error) => {
    if (!(error instanceof TokenError)) throw error;
    return { code: error.code };
  });
}

function tools() {
  const server = new McpServer({ name: 'sample', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Says who asks.' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: JSON.stringify(authInfo.extra) }],
  }));
  return server;
}
