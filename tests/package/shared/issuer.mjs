// An issuer on loopback whose responses a test chooses, and which counts requests.
import { once } from 'node:events';
import { createServer } from 'node:http';

export const OAUTH = '/.well-known/oauth-authorization-server';
export const OPENID = '/.well-known/openid-configuration';
export const JWKS = '/jwks.json';

/**
 * Starts an issuer with metadata and the key set of `keys`. `routes` maps a path to a handler, or to a value that is sent as JSON;
 * every other path is 404. `count(path)` is the number of requests of a path, `total()` that of all.
 */
export async function startIssuer({ keys = [], path = '', port = 0 } = {}) {
  const counts = new Map();
  const routes = {};
  const server = createServer((request, response) => {
    counts.set(request.url, (counts.get(request.url) ?? 0) + 1);
    const route = routes[request.url];
    if (route === undefined) response.writeHead(404).end('no such page');
    else if (typeof route === 'function') route(request, response);
    else sendJson(response, route);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const issuer = `${origin}${path}`;
  routes[`${OAUTH}${path}`] = { issuer, jwks_uri: `${origin}${JWKS}` };
  routes[JWKS] = { keys: keys.map(({ jwk }) => jwk) };
  return {
    issuer,
    origin,
    routes,
    count: (asked) => counts.get(asked) ?? 0,
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    publish: (...published) => { routes[JWKS] = { keys: published.map(({ jwk }) => jwk) }; },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends a value as JSON, readable by every origin. */
export function sendJson(response, value, headers = {}) {
  response.writeHead(200, { 'content-type': 'application/json', 'access-control-allow-origin': '*', ...headers });
  response.end(JSON.stringify(value));
}
