// Documents of an upstream provider that are endless, fail, or are served as a JWK Set: how much of them is read, and how often
// they are fetched.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import * as jose from 'jose';
import { startWorker } from './harness.mjs';
import { Browser } from './people.mjs';
import { until } from './request.mjs';

const DOCUMENT = '/.well-known/openid-configuration';
// The limit is 256 KiB; the sockets of both sides may hold the rest.
const MOST_TAKEN = 16 * 1024 * 1024;

for (const [path, status] of [[DOCUMENT, 200], ['/jwks', 200], [DOCUMENT, 500], [DOCUMENT, 302]]) {
  test(`stops reading an endless body at ${path} (${status})`, async (t) => {
    const { provider, server } = await start(t, { [path]: endless(status) });
    const browser = new Browser(server);
    assert.equal((await browser.open('/account/sign-in/upstream')).status, 502);
    const { taken, closed } = provider.endless;
    await until(() => closed(), 'the connection is closed');
    assert.ok(taken() < MOST_TAKEN, `${taken()} bytes`);
  });
}

for (const [what, path, asked, broken] of [
  ['a document that fails', DOCUMENT, [DOCUMENT], (request, response) => response.writeHead(500).end()],
  ['a document of another issuer', DOCUMENT, [DOCUMENT], (request, response) => response.end('{"issuer":"https://other.example"}')],
  ['a key set that fails', '/jwks', [DOCUMENT, '/jwks'], (request, response) => response.writeHead(500).end()],
]) {
  test(`fetches ${what} again only after some seconds, however many visitors there are`, async (t) => {
    const { provider, server } = await start(t, { [path]: broken });
    const visit = async () => (await new Browser(server).open('/account/sign-in/upstream'));
    for (let visitor = 0; visitor < 20; visitor += 1) assert.equal((await visit()).status, 502);
    assert.deepEqual(provider.asked, asked);
    delete provider.answers[path];
    const back = await until(async () => {
      const { location } = await visit();
      return location;
    }, 'the provider is asked again');
    assert.ok(back.startsWith(`${provider.issuer}/auth?`));
    assert.deepEqual(provider.asked, [...asked, DOCUMENT, '/jwks']);
  });
}

test('accepts a key set that is served only under its own media type', async (t) => {
  const strict = async (request, response) => {
    const accepted = (request.headers.accept ?? '').split(/\s*,\s*/);
    if (!accepted.includes('application/jwk-set+json')) return response.writeHead(406).end();
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' });
    return response.end(JSON.stringify(await keySet()));
  };
  const { provider, server } = await start(t, { '/jwks': strict });
  const { location } = await new Browser(server).open('/account/sign-in/upstream');
  assert.ok(location.startsWith(`${provider.issuer}/auth?`));
});

/** A provider whose answers can be replaced by path, and a Worker that signs users in there. */
async function start(t, answers) {
  const provider = { asked: [], answers };
  const http = createServer(async (request, response) => {
    provider.asked.push(request.url);
    if (provider.answers[request.url]) return provider.answers[request.url](request, response, provider);
    const document = {
      issuer: provider.issuer, authorization_endpoint: `${provider.issuer}/auth`, token_endpoint: `${provider.issuer}/token`,
      jwks_uri: `${provider.issuer}/jwks`,
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(request.url === '/jwks' ? await keySet() : document));
  });
  http.listen(0);
  await once(http, 'listening');
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  provider.issuer = `http://localhost:${http.address().port}`;
  const server = await startWorker({ vars: { UPSTREAM_ISSUER: provider.issuer, UPSTREAM_CLIENT_ID: 'em' } });
  t.after(() => server.stop());
  return { provider, server };
}

/** A response that lasts for as long as it is read; counts what was read, in `provider.endless`. */
function endless(status) {
  return (request, response, provider) => {
    let [closed, taken] = [false, 0];
    provider.endless = { taken: () => taken, closed: () => closed };
    response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' });
    response.once('close', () => { closed = true; });
    response.write('{"x":"');
    const piece = Buffer.alloc(64 * 1024, 'a');
    const more = () => {
      // Enough to show that reading is not bounded, and an end to the test if so.
      if (closed || taken > 8 * MOST_TAKEN) return;
      taken += piece.length;
      if (response.write(piece)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  };
}

async function keySet() {
  const { publicKey } = await jose.generateKeyPair('ES256');
  return { keys: [{ ...await jose.exportJWK(publicKey), kid: 'k', alg: 'ES256' }] };
}
