// Managing clients: create, read, list, replace, remove (RFC 7591 metadata, RFC 7592 verbs), for administrators only.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { keyMetadata, newClientKey } from './client-key.mjs';
import { startWorker, token } from './harness.mjs';
import { authorizationPath, createUser, pkce } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const PATH = '/admin/clients';
let server;

before(async () => {
  server = await startWorker();
});

after(() => server?.stop());

test('registers a client from minimal metadata', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { status, headers, json } = await admin(server, 'POST', PATH, {});
  assert.equal(status, 201);
  assert.equal(headers['cache-control'], 'no-store');
  const { client_id, client_id_issued_at, client_secret, ...rest } = json;
  assert.deepEqual(rest, {
    client_secret_expires_at: 0, grant_types: ['client_credentials'], scope: '', enabled: true,
    token_endpoint_auth_method: 'client_secret_basic',
  });
  assert.match(client_id, /^[A-Za-z0-9_-]{22}$/);
  assert.match(client_secret, /^[A-Za-z0-9_-]{43}$/);
  assert.ok(client_id_issued_at >= before && client_id_issued_at <= Date.now() / 1000);
  assert.equal(headers.location, `${server.issuer}${clientPath(client_id)}`);
  await works({ id: client_id, secret: client_secret });
});

test('returns all registered metadata and ignores unknown members', async () => {
  const metadata = {
    client_name: 'Büro – „Test“', client_uri: 'https://app.example', contacts: ['ops@app.example'],
    grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post',
    token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [(await newClientKey('RS256')).jwk] },
    scope: 'read write', resources: ['https://api.example'], software_id: 'app', software_version: '1.0',
  };
  const unknown = { tos_uri: 5, 'client_name#de': 'x', logo_uri: null, client_secret_expires_at: 1, nothing: { at: 'all' } };
  const { status, json } = await admin(server, 'POST', PATH, { ...metadata, ...unknown });
  assert.equal(status, 201);
  const { client_id, client_id_issued_at, client_secret, client_secret_expires_at, ...rest } = json;
  assert.deepEqual(rest, { ...metadata, enabled: true });
  const read = await admin(server, 'GET', clientPath(client_id));
  assert.deepEqual([read.status, read.json], [200, { ...metadata, client_id, client_id_issued_at, enabled: true }]);
});

test('issues no secret to a client with keys', async () => {
  const { information } = await registerClient(server, keyMetadata(await newClientKey('EdDSA')));
  assert.equal(Object.hasOwn(information, 'client_secret'), false);
  assert.equal(Object.hasOwn(information, 'client_secret_expires_at'), false);
});

test('keeps the identifier and the secret of an imported client', async () => {
  const brought = await registerClient(server, { client_id: 'legacy', client_secret: 'pass words of old' });
  assert.deepEqual([brought.id, brought.secret], ['legacy', 'pass words of old']);
  await works(brought);
});

test('refuses an identifier that is taken, and always `root`', async () => {
  const first = await registerClient(server, { client_id: 'taken' });
  for (const client_id of ['taken', 'root']) {
    const answer = await admin(server, 'POST', PATH, { client_id, client_secret: 'another-long-secret' });
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_client_metadata']);
  }
  await works(first);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) =>
    admin(server, 'POST', PATH, { client_id: 'wanted by many', client_secret: `one-secret-of-many-${index}` })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 400, 400, 400, 400, 400, 400, 400]);
  const winner = answers.find(({ status }) => status === 201).json;
  await works({ id: winner.client_id, secret: winner.client_secret });
});

const publicKey = await newClientKey('ES256');
for (const [member, metadata] of [
  ['client_id', { client_id: '' }],
  ['client_id', { client_id: 'x'.repeat(201) }],
  ['client_id', { client_id: 'caf\u00e9' }],
  ['client_id', { client_id: 5 }],
  // Clients with these identifiers could never be addressed, and so never be removed.
  ['client_id', { client_id: '.' }],
  ['client_id', { client_id: '..' }],
  ['client_secret', { client_secret: '' }],
  ['client_secret', { client_secret: 'with a line\nbreak in it' }],
  // Too short, or too little variety for a secret.
  ['client_secret', { client_secret: 'x' }],
  ['client_secret', { client_secret: 'fifteen-letters' }],
  ['client_secret', { client_id: 'imported', client_secret: 'aaaaaaaaaaaaaaaa' }],
  ['client_secret', { client_secret: 'passwordpassword' }],
  ['client_secret', { client_secret: `sixteen letters!${'x'.repeat(497)}` }],
  ['client_secret', keyMetadata(publicKey, { client_secret: 'useless-but-long-enough' })],
  ['client_name', { client_name: ['a'] }],
  ['client_name', { client_name: 'x'.repeat(501) }],
  ['client_uri', { client_uri: 1 }],
  ['contacts', { contacts: 'ops@app.example' }],
  ['grant_types', { grant_types: ['implicit'] }],
  ['grant_types', { grant_types: ['client_credentials', 'password'] }],
  ['grant_types', { grant_types: [] }],
  ['grant_types', { grant_types: 'client_credentials' }],
  // A public client cannot authenticate, so it gets no token of its own.
  ['client_credentials', { token_endpoint_auth_method: 'none' }],
  ['client_credentials', {
    token_endpoint_auth_method: 'none', redirect_uris: ['https://app.example/'], grant_types: ['authorization_code', 'client_credentials'],
  }],
  ['client_secret', { token_endpoint_auth_method: 'none', redirect_uris: ['https://app.example/'], client_secret: 'useless-but-long-enough' }],
  ['redirect_uris', { grant_types: ['authorization_code'] }],
  ['refresh_token', { grant_types: ['client_credentials', 'refresh_token'] }],
  ['redirect_uris', { redirect_uris: 'https://app.example/' }],
  ['redirect_uris', { redirect_uris: ['http://app.example/'] }],
  ['redirect_uris', { redirect_uris: ['https://app.example/#part'] }],
  ['redirect_uris', { redirect_uris: ['javascript:alert(1)'] }],
  ['redirect_uris', { redirect_uris: ['JavaScript:alert(1)'] }],
  ['redirect_uris', { redirect_uris: ['HTTP://app.example/'] }],
  ['redirect_uris', { redirect_uris: ['http://127.0.0.1:+80/cb'] }],
  ['redirect_uris', { redirect_uris: ['https://app.example:+443/cb'] }],
  ['post_logout_redirect_uris', { post_logout_redirect_uris: ['/bye'] }],
  ['response_types', { response_types: ['token'] }],
  ['id_token_signed_response_alg', { id_token_signed_response_alg: 'none' }],
  ['id_token_signed_response_alg', { id_token_signed_response_alg: 'HS256' }],
  // A valid algorithm for which this server has no key.
  ['id_token_signed_response_alg', { redirect_uris: ['https://app.example/'], id_token_signed_response_alg: 'EdDSA' }],
  ['token_endpoint_auth_method', { token_endpoint_auth_method: 'client_secret_jwt' }],
  ['token_endpoint_auth_signing_alg', { token_endpoint_auth_signing_alg: 'HS256' }],
  ['token_endpoint_auth_signing_alg', { token_endpoint_auth_signing_alg: 'none' }],
  ['assertion_audience', keyMetadata(publicKey, { assertion_audience: 'https://as.example' })],
  ['assertion_audience', keyMetadata(publicKey, { assertion_audience: ['issuer'] })],
  ['jwks', { token_endpoint_auth_method: 'private_key_jwt' }],
  ['jwks', { jwks: { keys: [] } }],
  ['jwks', { jwks: [publicKey.jwk] }],
  ['jwks', { jwks: { keys: [{ ...publicKey.jwk, d: publicKey.jwk.x }] } }],
  ['jwks', { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }],
  ['jwks', { jwks: { keys: [{ ...publicKey.jwk, x: 'AAAA' }] } }],
  ['jwks_uri', { jwks_uri: 'https://10.0.0.1/jwks.json' }],
  ['scope', { scope: ['read'] }],
  ['scope', { scope: 'read "write"' }],
  ['resources', { resources: ['/v1'] }],
  ['resources', { resources: 'https://api.example' }],
  ['software_id', { software_id: {} }],
  ['software_version', { software_version: 1 }],
]) {
  test(`refuses ${JSON.stringify(metadata).slice(0, 90)}`, async () => {
    const answer = await admin(server, 'POST', PATH, metadata);
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_client_metadata']);
    assert.ok(answer.json.error_description.includes(member), answer.json.error_description);
  });
}

test('refuses a body that is no JSON object', async () => {
  const headers = { ...bearer((await token(server)).access_token), 'content-type': 'application/json' };
  for (const body of [
    '', '[]', '"text"', 'null', '{', '{} {}', '{"scope":"a","scope":"b"}', '{"client_name":1e400}',
    Buffer.from('{"client_name":"\xff"}', 'latin1'),
  ]) {
    const answer = await send(server, PATH, { method: 'POST', headers, body });
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request'], `${body}`);
  }
  const plain = { ...headers, 'content-type': 'text/plain' };
  const untyped = await send(server, PATH, { method: 'POST', headers: plain, body: '{}' });
  assert.deepEqual([untyped.status, untyped.json.error], [400, 'invalid_request']);
  const large = JSON.stringify({ client_name: 'x'.repeat(64 * 1024) });
  assert.equal((await send(server, PATH, { method: 'POST', headers, body: large })).status, 413);
});

test('replacing removes members that are not sent, but keeps the secret', async () => {
  const client = await registerClient(server, { client_name: 'Before', scope: 'read write', resources: ['urn:a:b'] });
  const { status, json } = await admin(server, 'PUT', clientPath(client.id), { client_id: client.id, scope: 'read' });
  assert.equal(status, 200);
  assert.deepEqual(json, {
    client_id: client.id, client_id_issued_at: client.information.client_id_issued_at, scope: 'read',
    enabled: true, grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic',
  });
  assert.deepEqual((await admin(server, 'GET', clientPath(client.id))).json, json);
  assert.equal((await works(client)).scope, 'read');
});

test('a replaced secret works at once, and the old one no longer does', async () => {
  const client = await registerClient(server, {});
  await works(client);
  const { json } = await admin(server, 'PUT', clientPath(client.id), { client_secret: 'a-new-secret-of-it' });
  assert.equal(json.client_secret, 'a-new-secret-of-it');
  await works({ id: client.id, secret: 'a-new-secret-of-it' });
  await fails(client);
});

test('replaces the authentication method, and changes it back', async () => {
  const client = await registerClient(server, {});
  const keyed = await admin(server, 'PUT', clientPath(client.id), keyMetadata(publicKey));
  assert.equal(Object.hasOwn(keyed.json, 'client_secret'), false);
  await fails(client);
  const back = await admin(server, 'PUT', clientPath(client.id), {});
  assert.notEqual(back.json.client_secret, client.secret);
  await works({ id: client.id, secret: back.json.client_secret });
  await fails(client);
});

test('a refused replacement changes nothing: bad metadata, another identifier', async () => {
  const client = await registerClient(server, { scope: 'read' });
  for (const metadata of [{ scope: 5 }, { client_id: 'other' }, { client_secret: 'too-short' }]) {
    const answer = await admin(server, 'PUT', clientPath(client.id), { client_secret: 'not-this-one-either', ...metadata });
    assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_client_metadata']);
  }
  assert.equal((await works(client)).scope, 'read');
});

test('a removed client is gone at once', async () => {
  const client = await registerClient(server, {});
  await works(client);
  const removed = await admin(server, 'DELETE', clientPath(client.id));
  assert.deepEqual([removed.status, removed.text], [204, '']);
  await fails(client);
  for (const [method, metadata] of [['GET'], ['PUT', {}], ['DELETE']]) {
    const answer = await admin(server, method, clientPath(client.id), metadata);
    assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], method);
  }
});

test('refuses an identifier that a user has, for as long as that user exists', async () => {
  const user = await createUser(server);
  const answer = await admin(server, 'POST', PATH, { client_id: user.id, scope: 'read' });
  assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_client_metadata']);
  assert.match(answer.json.error_description, /^client_id is the identifier of a user/);
  assert.equal((await admin(server, 'GET', clientPath(user.id))).status, 404);
  // An identifier of the same form that no user has, that of a removed user, and names of other forms.
  assert.equal((await admin(server, 'POST', PATH, { client_id: randomBytes(16).toString('base64url') })).status, 201);
  assert.equal((await admin(server, 'DELETE', `/admin/users/${user.id}`)).status, 204);
  assert.equal((await admin(server, 'POST', PATH, { client_id: user.id })).status, 201);
  assert.equal((await admin(server, 'POST', PATH, { client_id: user.username })).status, 201);
});

test('refuses the identifier of a user whom KV does not list', async () => {
  const user = await createUser(server);
  await (await server.store()).delete(`user|${server.issuer}|${user.id}`);
  assert.equal((await admin(server, 'POST', PATH, { client_id: user.id })).status, 400);
});

test('a new user\'s identifier is checked against the clients', async () => {
  const counted = await startWorker({ vars: { COST_LOG: 'true' } });
  try {
    await createUser(counted);
    const costs = () => counted.logs.filter((line) => line.includes('"endpoint":"/admin/users"') && line.includes('"kv_reads"'));
    const [line] = await until(() => costs().length > 0 && costs(), 'the cost of creating a user');
    assert.equal(JSON.parse(line).kv_reads, 1);
  } finally {
    await counted.stop();
  }
});

test('redirect URI schemes may have upper-case letters, and are compared as written', async () => {
  const redirect_uris = ['com.example.MyApp:/cb', 'HTTPS://app.example/cb'];
  const client = await registerClient(server, { redirect_uris, token_endpoint_auth_method: 'none' });
  assert.deepEqual(client.information.redirect_uris, redirect_uris);
  const ask = async (redirect_uri) => (await send(server, authorizationPath(client, pkce(), { redirect_uri, prompt: 'none' })));
  for (const redirect_uri of redirect_uris) {
    const { status, headers } = await ask(redirect_uri);
    assert.deepEqual([status, headers.location.startsWith(`${redirect_uri}?error=login_required`)], [303, true], headers.location);
  }
  for (const redirect_uri of ['com.example.myapp:/cb', 'COM.EXAMPLE.MYAPP:/cb', 'https://app.example/cb']) {
    assert.equal((await ask(redirect_uri)).status, 400, redirect_uri);
  }
});

test('root and unknown clients are not found', async () => {
  for (const id of ['root', 'never', '%', '%zz', '%00', '%ff', 'caf%C3%A9']) {
    assert.equal((await admin(server, 'GET', `${PATH}/${id}`)).status, 404, id);
  }
});

for (const id of [
  'a b', 'a/b', 'a%2Fb', 'a?b#c', 'urn:example:a&b=c', '"quoted"', '|', '~!@$^*()[]{}<>', 'ends with a dot.', '...',
]) {
  test(`addresses a client by the identifier ${JSON.stringify(id)}`, async () => {
    const { status, headers } = await admin(server, 'POST', PATH, { client_id: id });
    assert.equal(status, 201);
    const path = headers.location.slice(server.issuer.length);
    assert.equal((await admin(server, 'GET', path)).json?.client_id, id);
    assert.equal((await admin(server, 'DELETE', path)).status, 204);
  });
}

test('refuses requests without a token, with too little scope, or with a token for another resource', async () => {
  const plain = await registerClient(server, { scope: 'read', resources: ['https://api.example'] });
  const administrator = await registerClient(server, { scope: 'edgemint:admin read', resources: ['https://api.example'] });
  const routes = [
    ['GET', PATH], ['POST', PATH], ['GET', `${PATH}/x`], ['PUT', `${PATH}/x`], ['DELETE', `${PATH}/x`],
    ['GET', '/admin/keys'], ['POST', '/admin/keys/rotate'],
  ];
  const challenge = `Bearer resource_metadata="${server.issuer}/.well-known/oauth-protected-resource"`;
  for (const [method, path] of routes) {
    const ask = async (client, params) => send(server, path, {
      method, headers: client && bearer((await token(server, params, client)).access_token),
    });
    const anonymous = await ask();
    assert.deepEqual([anonymous.status, anonymous.headers['www-authenticate']], [401, challenge], path);
    for (const poor of [await ask(plain), await ask(administrator, { scope: 'read' })]) {
      assert.deepEqual([poor.status, poor.json.error], [403, 'insufficient_scope'], path);
      const told = poor.headers['www-authenticate'];
      assert.ok(told.startsWith(`${challenge}, error="insufficient_scope", `), told);
      assert.ok(told.endsWith(', scope="edgemint:admin"'), told);
    }
    const elsewhere = await ask(administrator, { resource: 'https://api.example' });
    assert.deepEqual([elsewhere.status, elsewhere.json.error], [401, 'invalid_token'], path);
    assert.ok(![401, 403].includes((await ask(administrator)).status), path);
  }
});

test('reading an unknown client creates no table in its registry', async (t) => {
  const other = await startWorker();
  t.after(() => rmSync(other.persist, { recursive: true, force: true }));
  await registerClient(other, { client_id: 'existing' });
  for (const id of ['absent-1', 'absent-2']) {
    assert.equal((await admin(other, 'GET', clientPath(id))).status, 404);
    assert.equal((await admin(other, 'DELETE', `${clientPath(id)}/tokens`)).status, 404);
  }
  await other.kill();
  const folder = join(other.persist, 'do', '-RegistryObject');
  const tables = readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name)).map((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    try {
      return database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name IN ('record', 'note', 'account')").get().n;
    } finally {
      database.close();
    }
  });
  assert.equal(tables.filter((n) => n === 3).length, 1, 'the registry of the registered client');
  assert.equal(tables.filter((n) => n > 0).length, 1, `${tables} tables`);
});

async function works(client) {
  return token(server, {}, client);
}

async function fails(client) {
  const answer = await postForm(server, '/oauth/token', { grant_type: 'client_credentials' }, basic(client));
  assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_client']);
}
