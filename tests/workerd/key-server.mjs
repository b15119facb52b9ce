// A server on loopback that publishes a JWK Set, as a client or a trusted issuer does.
import { createServer } from 'node:http';
import { once } from 'node:events';

/**
 * Starts a server that publishes `keys`, which may be replaced; stops it after the test `t`. `asked` are the paths of its requests;
 * `answer`, if it is set, answers in place of the set.
 */
export async function startKeyServer(t, keys = []) {
  const published = { keys, asked: [], answer: undefined };
  const http = createServer((request, response) => {
    published.asked.push(request.url);
    if (published.answer) return published.answer(request, response);
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' });
    return response.end(JSON.stringify({ keys: published.keys }));
  });
  http.listen(0);
  await once(http, 'listening');
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  published.origin = `http://localhost:${http.address().port}`;
  published.url = `${published.origin}/jwks`;
  return published;
}
