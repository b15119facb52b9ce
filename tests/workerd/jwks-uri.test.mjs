// Clients that publish their keys (`jwks_uri`, RFC 7591 section 2): which addresses are fetched, how much of a response is read, how
// often it is fetched, and what happens while it cannot be.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { assertionClaims, assertionForm, newClientKey, publishedKeyMetadata, signAssertion } from './client-key.mjs';
import { withOtherSignature } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { startKeyServer } from './key-server.mjs';
import { postForm, until } from './request.mjs';

let server;

before(async () => { server = await startWorker(); });

after(() => server?.stop());

test('accepts an assertion by a key that the client publishes, and fetches the set once', async (t) => {
  const { client, key, published } = await publishing(t);
  for (let times = 0; times < 3; times += 1) granted(await ask(client, key));
  assert.deepEqual(published.asked, ['/jwks']);
});

test('32 concurrent requests to a cold set cause one fetch', async (t) => {
  const { client, key, published } = await publishing(t);
  const answers = await Promise.all(Array.from({ length: 32 }, () => ask(client, key)));
  answers.forEach(granted);
  assert.deepEqual(published.asked, ['/jwks']);
});

test('finds a key that was published after the set was fetched', async (t) => {
  const { client, key, published } = await publishing(t);
  granted(await ask(client, key));
  const next = await newClientKey('ES256');
  published.keys = [next.jwk];
  granted(await ask(client, next));
  // The removed key might be one that was published since.
  unavailable(await ask(client, key), 60);
  assert.equal(published.asked.length, 2);
});

test('finds a key without kid that was replaced', async (t) => {
  const { client, key, published } = await publishing(t);
  const unnamed = ({ jwk: { kid, ...jwk } }) => jwk;
  published.keys = [unnamed(key)];
  granted(await ask(client, key, { kid: undefined }));
  const next = await newClientKey('ES256');
  published.keys = [unnamed(next)];
  granted(await ask(client, next, { kid: undefined }));
  assert.equal(published.asked.length, 2);
});

test('an unknown kid causes one fetch a minute, and then 503, so that no client takes it for final', async (t) => {
  const { client, key, published } = await publishing(t);
  granted(await ask(client, key));
  refused(await ask(client, key, { kid: 'unknown' }));
  for (let times = 0; times < 5; times += 1) unavailable(await ask(client, key, { kid: `unknown-${times}` }), 60);
  granted(await ask(client, key));
  assert.equal(published.asked.length, 2);
});

test('a wrong signature by a known kid causes no fetch', async (t) => {
  const { client, key, published } = await publishing(t);
  granted(await ask(client, key));
  const assertion = withOtherSignature(await signAssertion(key, assertionClaims(server, client.id)));
  refused(await postForm(server, '/oauth/token', assertionForm(assertion)));
  assert.equal(published.asked.length, 1);
});

test('keeps the last good set while the server fails', async (t) => {
  const { client, key, published } = await publishing(t);
  granted(await ask(client, key));
  published.answer = (request, response) => response.writeHead(500).end();
  unavailable(await ask(client, key, { kid: 'unknown' }), 60);
  granted(await ask(client, key));
  assert.equal(published.asked.length, 2);
});

describe('a response that is no key set', { concurrency: 8 }, () => {
  for (const [what, answer] of [
    ['a redirect', (request, response) => (request.url === '/jwks' ? response.writeHead(302, { location: '/elsewhere' }) : response).end('{"keys":[]}')],
    ['an error', (request, response) => response.writeHead(500).end()],
    ['no JSON', (request, response) => response.end('<html>')],
    ['no key set', (request, response) => response.end('{}')],
    ['an empty set', (request, response) => response.end('{"keys":[]}')],
    ['a set of shared secrets', (request, response) => response.end('{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]}')],
    ['a broken connection', (request, response) => response.destroy()],
  ]) {
    test(`${what} is a failure that is not repeated for five seconds`, async (t) => {
      const { client, key, published } = await publishing(t);
      published.answer = answer;
      for (let times = 0; times < 5; times += 1) unavailable(await ask(client, key), 5);
      assert.deepEqual(published.asked, ['/jwks']);
      published.answer = undefined;
      const back = await until(async () => {
        const response = await ask(client, key);
        return response.status === 200 && response;
      }, 'the set is fetched again');
      granted(back);
      assert.deepEqual(published.asked, ['/jwks', '/jwks']);
    });
  }
});

test('stops reading an endless set', async (t) => {
  const { client, key, published } = await publishing(t);
  let [closed, taken] = [false, 0];
  published.answer = (request, response) => {
    response.once('close', () => { closed = true; });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"keys":[],"x":"');
    const piece = Buffer.alloc(64 * 1024, 'a');
    const more = () => {
      if (closed || taken > 64 * 1024 * 1024) return;
      taken += piece.length;
      if (response.write(piece)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  };
  unavailable(await ask(client, key), 5);
  await until(() => closed, 'the connection is closed');
  // The limit is 128 KiB; the sockets of both sides may hold the rest.
  assert.ok(taken < 16 * 1024 * 1024, `${taken} bytes`);
});

test('stops waiting for a set whose end never comes', async (t) => {
  const { client, key, published } = await publishing(t);
  let closed = false;
  published.answer = (request, response) => {
    response.once('close', () => { closed = true; });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"keys":[');
  };
  unavailable(await ask(client, key), 5);
  await until(() => closed, 'the connection is closed');
});

test('jwks_uri is shown, replaced and removed', async (t) => {
  const { client, published } = await publishing(t);
  const path = clientPath(client.id);
  assert.equal((await admin(server, 'GET', path)).json.jwks_uri, published.url);
  const key = await newClientKey('EdDSA');
  const body = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } };
  const { json } = await admin(server, 'PUT', path, body);
  assert.deepEqual([json.jwks_uri, json.jwks], [undefined, { keys: [key.jwk] }]);
  // Within a minute, the isolate may have the old record in memory: a refusal there reads it again.
  granted(await ask(client, key));
});

test('refuses jwks_uri beside jwks, and every address that must not be fetched', async () => {
  const key = await newClientKey('ES256');
  const both = await admin(server, 'POST', '/admin/clients', publishedKeyMetadata('https://keys.example/jwks', { jwks: { keys: [key.jwk] } }));
  assert.deepEqual([both.status, both.json.error], [400, 'invalid_client_metadata']);
  for (const address of [
    'http://keys.example/jwks', 'https://127.0.0.1.', 'https://2130706433/', 'https://[::ffff:127.0.0.1]/', 'https://metadata.google.internal/',
    'https://keys.example:8443/jwks', 'https://user@keys.example/jwks', 'https://keys.example/jwks#x', 'https://KEYS.example/jwks',
    'https://intranet/jwks', 'ftp://localhost/jwks', '', 5,
  ]) {
    const { status, json } = await admin(server, 'POST', '/admin/clients', publishedKeyMetadata(address));
    assert.deepEqual([status, json.error], [400, 'invalid_client_metadata'], address);
  }
});

test('a server that is not on loopback neither registers nor fetches addresses on loopback', async (t) => {
  const published = await startKeyServer(t, [(await newClientKey('ES256')).jwk]);
  const remote = await startWorker({ issuer: 'https://as.example' });
  t.after(() => remote.stop());
  for (const address of [published.url, published.url.replace('localhost', '127.0.0.1'), published.url.replace('localhost', '[::1]')]) {
    const { status, json } = await admin(remote, 'POST', '/admin/clients', publishedKeyMetadata(address));
    assert.deepEqual([status, json.error], [400, 'invalid_client_metadata'], address);
  }
  assert.deepEqual(published.asked, []);
});

async function publishing(t) {
  const key = await newClientKey('ES256');
  const published = await startKeyServer(t, [key.jwk]);
  return { key, published, client: await registerClient(server, publishedKeyMetadata(published.url)) };
}

async function ask({ id }, key, header) {
  return postForm(server, '/oauth/token', assertionForm(await signAssertion(key, assertionClaims(server, id), header)));
}

function granted(answer) {
  assert.equal(answer.status, 200, answer.text);
}

function refused(answer) {
  assert.deepEqual([answer.status, answer.json?.error], [401, 'invalid_client'], answer.text);
}

/** Expects that the client is told to try again, after at most this number of seconds. */
function unavailable(answer, seconds) {
  assert.deepEqual([answer.status, answer.json?.error], [503, 'temporarily_unavailable'], answer.text);
  const wait = Number(answer.headers['retry-after']);
  assert.ok(wait >= 1 && wait <= seconds, `Retry-After: ${answer.headers['retry-after']}`);
}
