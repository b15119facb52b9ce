// Clients that authenticate with a secret: every form in which clients send it, and one response to every failure.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { registerClient } from './admin.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, postForm } from './request.mjs';
import { changeRecord } from './sealed.mjs';

const GRANT = { grant_type: 'client_credentials' };
let server;
let client;

before(async () => {
  server = await startWorker();
  client = await registerClient(server);
});

after(() => server?.stop());

test('accepts the secret in the header and in the body if the client registered neither method', async () => {
  granted(await ask(GRANT, basic(client)));
  granted(await ask({ ...GRANT, ...inBody(client) }));
  granted(await ask({ ...GRANT, client_id: client.id }, basic(client)));
  const { authorization } = basic(client);
  for (const scheme of ['basic ', 'BASIC ', 'Basic   ']) {
    granted(await ask(GRANT, { authorization: authorization.replace('Basic ', scheme) }));
  }
});

test('accepts the registered method only', async () => {
  const header = await registerClient(server, { token_endpoint_auth_method: 'client_secret_basic' });
  granted(await ask(GRANT, basic(header)));
  refused(await ask({ ...GRANT, ...inBody(header) }));
  const body = await registerClient(server, { token_endpoint_auth_method: 'client_secret_post' });
  granted(await ask({ ...GRANT, ...inBody(body) }));
  refused(await ask(GRANT, basic(body)));
  const key = await newClientKey('ES256');
  const { id } = await registerClient(server, keyMetadata(key));
  refused(await ask(GRANT, basic({ id, secret: 'anything' })));
  refused(await ask({ ...GRANT, ...inBody({ id, secret: 'anything' }) }));
});

for (const [id, secret] of [
  ['plus+and%percent', 'a+b%c-plus+and%percent'],
  ['my old client', 'colon:in:the:secret'],
  ['old/client?&=', ' spaces and ~!@#$^*() '],
  ['looks%20encoded', 'looks%2Bencoded%20too'],
]) {
  test(`accepts the migrated client ${JSON.stringify(id)} with the secret ${JSON.stringify(secret)}`, async () => {
    const migrated = await registerClient(server, { client_id: id, client_secret: secret });
    assert.deepEqual([migrated.id, migrated.secret], [id, secret]);
    granted(await ask(GRANT, basic(migrated)), 'as it is');
    granted(await ask(GRANT, basic({ id: formEncoded(id), secret: formEncoded(secret) })), 'form-encoded');
    granted(await ask(GRANT, basic({ id: encodeURIComponent(id), secret: encodeURIComponent(secret) })), 'URI-encoded');
    granted(await ask({ ...GRANT, ...inBody(migrated) }), 'in the body');
    refused(await ask(GRANT, basic({ id, secret: `${secret}x` })));
    refused(await ask(GRANT, basic({ id: formEncoded(id), secret: formEncoded(`${secret}x`) })));
  });
}

test('accepts a weak secret that was registered before the rule for secrets', async () => {
  const weak = { id: 'registered-long-ago', secret: 'p w' };
  const strong = await registerClient(server, { client_id: weak.id });
  await changeRecord(server, `client|${server.issuer}|${weak.id}`, (record) => {
    record.secret = createHash('sha256').update(weak.secret).digest('base64url');
  });
  granted(await ask(GRANT, basic(weak)));
  refused(await ask(GRANT, basic(strong)));
});

test('a colon in the identifier has to be encoded', async () => {
  const { id, secret } = await registerClient(server, { client_id: 'urn:example:client' });
  granted(await ask(GRANT, basic({ id: formEncoded(id), secret })));
  refused(await ask(GRANT, basic({ id, secret })));
});

test('refuses more than one authentication method in a request', async () => {
  const key = await newClientKey('ES256');
  const assertion = assertionForm(await signAssertion(key, assertionClaims(server, client.id)));
  for (const [form, headers] of [
    [{ ...GRANT, ...inBody(client) }, basic(client)],
    [assertion, basic(client)],
    [{ ...assertion, ...inBody(client) }, {}],
  ]) {
    const answer = await ask(form, headers);
    assert.equal(answer.status, 400);
    assert.equal(answer.json.error, 'invalid_request');
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
});

test('every failure has the same response, to the byte', async () => {
  const key = await newClientKey('ES256');
  const keyed = await registerClient(server, keyMetadata(key));
  const assertion = async (id) => assertionForm(await signAssertion(key, assertionClaims(server, id)));
  const spent = await assertion(keyed.id);
  granted(await ask(spent));
  const posting = await registerClient(server, { token_endpoint_auth_method: 'client_secret_post' });
  const failures = {
    'unknown client': await ask(GRANT, basic({ id: 'unknown', secret: client.secret })),
    'wrong secret': await ask(GRANT, basic({ id: client.id, secret: 'wrong' })),
    'no secret': await ask(GRANT, basic({ id: client.id, secret: '' })),
    'secret of another': await ask(GRANT, basic({ id: client.id, secret: posting.secret })),
    'wrong secret in the body': await ask({ ...GRANT, ...inBody({ id: client.id, secret: 'wrong' }) }),
    'unknown client in the body': await ask({ ...GRANT, ...inBody({ id: 'unknown', secret: 'x' }) }),
    'the wrong way': await ask(GRANT, basic(posting)),
    'a secret for a client with a key': await ask(GRANT, basic({ id: keyed.id, secret: 'x' })),
    'a spent assertion': await ask(spent),
    'an assertion of an unknown client': await ask(await assertion('unknown')),
    'an assertion of a client with a secret': await ask(await assertion(client.id)),
    'no proof': await ask(GRANT),
    'a name alone': await ask({ ...GRANT, client_id: client.id }),
    'another name in the body': await ask({ ...GRANT, client_id: 'other' }, basic(client)),
    'no base64': await ask(GRANT, { authorization: 'Basic ***' }),
    'no colon': await ask(GRANT, { authorization: `Basic ${btoa('nocolon')}` }),
    'another scheme': await ask(GRANT, { authorization: `Bearer ${(await token(server)).access_token}` }),
    'the wrong secret of root': await ask(GRANT, basic({ id: 'root', secret: 'wrong' })),
    'an empty secret of root': await ask(GRANT, basic({ id: 'root', secret: '' })),
  };
  for (const [what, answer] of Object.entries(failures)) {
    refused(answer, what);
    assert.deepEqual(answer, failures['unknown client'], what);
  }
});

test('every failure takes the same time', async (t) => {
  const posting = await registerClient(server, { token_endpoint_auth_method: 'client_secret_post' });
  const attempts = {
    'unknown client': { id: 'an-unknown-identifier', secret: 'wrong' },
    'wrong secret': { id: client.id, secret: 'wrong' },
    'the wrong way': posting,
    'the wrong secret of root': { id: 'root', secret: 'wrong' },
  };
  const times = Object.fromEntries(Object.keys(attempts).map((what) => [what, []]));
  // Interleaved, so that the machine's load affects all of them alike.
  for (let round = 0; round < 200; round += 1) {
    for (const [what, attempt] of Object.entries(attempts)) {
      const started = performance.now();
      refused(await ask(GRANT, basic(attempt)));
      times[what].push(performance.now() - started);
    }
  }
  const quartiles = Object.entries(times).map(([what, all]) => [what, all.sort((a, b) => a - b)[all.length >> 2]]);
  t.diagnostic(quartiles.map(([what, quartile]) => `${what}: ${quartile.toFixed(2)} ms`).join('; '));
  const typical = quartiles.map(([, quartile]) => quartile);
  assert.ok(Math.max(...typical) < 1.25 * Math.min(...typical));
});

test('introspection and revocation require the same authentication', async () => {
  for (const path of ['/oauth/introspect', '/oauth/revoke']) {
    const { access_token } = await token(server, {}, client);
    refused(await postForm(server, path, { token: access_token }));
    refused(await postForm(server, path, { token: access_token }, basic({ id: client.id, secret: 'wrong' })));
    assert.equal((await postForm(server, path, { token: access_token, ...inBody(client) })).status, 200);
  }
});

function ask(form, headers) {
  return postForm(server, '/oauth/token', form, headers);
}

function inBody({ id, secret }) {
  return { client_id: id, client_secret: secret };
}

function formEncoded(text) {
  return `${new URLSearchParams([[text, '']])}`.slice(0, -1);
}

function granted(answer, message) {
  assert.equal(answer.status, 200, message ?? answer.text);
  assert.ok(answer.json.access_token);
}

function refused(answer, message) {
  assert.equal(answer.status, 401, message);
  assert.equal(answer.json.error, 'invalid_client', message);
  assert.equal(answer.headers['www-authenticate'], 'Basic realm="edgemint"');
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
}
