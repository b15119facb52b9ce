// A server in place of an authorization server: it responds as it is told to, and keeps the requests.
import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Starts one. `serve(routes)` sets the responses by method and path and forgets the requests: a function gets query and body, and returns the
 * members of the JSON body, with `status` and `headers` if they matter, or `'broken'`, which breaks the connection.
 */
export async function startFakeServer() {
  const fake = { requests: [], serve(routes) { Object.assign(fake, { routes, requests: [] }); } };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    let body = '';
    for await (const chunk of request) body += chunk;
    fake.requests.push(`${request.method} ${request.url}`);
    const answer = await fake.routes[`${request.method} ${pathname}`]?.(searchParams, body);
    if (answer === 'broken') return request.socket.destroy();
    const { status = 200, headers, ...value } = answer ?? { status: 404, error: 'not_found', error_description: 'There is none.' };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  fake.issuer = `http://127.0.0.1:${server.address().port}`;
  fake.stop = () => server.close();
  return fake;
}
