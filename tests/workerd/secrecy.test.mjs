// Private keys and secrets stay inside: no response, no log line and no file of the store has one in clear.
import assert from 'node:assert/strict';
import { createDecipheriv, createPrivateKey } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clientPath } from './admin.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { startWorker } from './harness.mjs';
import { basic, bearer } from './request.mjs';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };
// The secrets of the Worker, and those that it had to return.
const secrets = { brought: 'a-secret-that-was-brought', replaced: 'a-secret-that-replaced-it' };
const exchanges = [];
const events = [];
let server;

before(async () => {
  server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 RS256 EdDSA', SAMPLE_SCOPE: 'read' } });
  await useEverything();
});

after(() => server?.stop());

test('the requests reached every endpoint, valid and invalid ones', () => {
  const statuses = exchanges.map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)].sort(), [200, 201, 204, 304, 400, 401, 403, 404, 405, 413, 431]);
  assert.ok(server.logs.filter((line) => line.includes('"event":"refused"')).length > 10);
});

test('the private keys, opened with the key-encryption key, are in no response and no log line', () => {
  const ring = openedRing();
  assert.deepEqual(ring.keys.map(({ alg, private_jwk }) => [alg, typeof private_jwk.d]).sort(), [
    ...Array(2).fill(['ES256', 'string']), ...Array(2).fill(['EdDSA', 'string']), ...Array(2).fill(['RS256', 'string']),
  ]);
  for (const { private_jwk: jwk } of ring.keys) {
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi'].filter((member) => member in jwk)) {
      absent(encodings(Buffer.from(jwk[name], 'base64url')), name);
    }
    const pem = createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'der' });
    absent([pem.toString('base64').slice(0, 60)], 'PKCS #8');
  }
  absent(['"d":', '"d" :', 'BEGIN PRIVATE KEY', 'private_jwk', ...PKCS8_BEGINNINGS], 'private members');
});

test('the Worker\'s own secrets are in no response and no log line', () => {
  for (const name of ['EDGEMINT_KEY_ENCRYPTION_KEY', 'EDGEMINT_ROOT_SECRET']) {
    const secret = server.settings.secrets[name];
    absent([secret, ...encodings(Buffer.from(secret, 'base64url')), ...encodings(Buffer.from(secret))], name);
  }
});

test('a client secret is in the one response that sets it, and nowhere else', () => {
  assert.equal(typeof secrets.generated, 'string');
  for (const [name, secret] of Object.entries(secrets)) {
    const telling = exchanges.filter(({ text }) => text.includes(secret));
    assert.deepEqual(telling.map(({ sets }) => sets), [name], name);
    const others = [...exchanges.map(({ headers }) => headers), ...server.logs].join('\n');
    for (const form of [secret, ...encodings(Buffer.from(secret))]) assert.ok(!others.includes(form), name);
  }
});

test('no token and no value of a request is logged', () => {
  const logs = [...server.logs, JSON.stringify(events)].join('\n');
  assert.ok(events.some(({ event }) => event === 'client_authentication_failed'));
  const { access_token } = exchanges.find(({ text }) => text.includes('access_token')).json;
  for (const part of access_token.split('.')) assert.ok(!logs.includes(part), part);
  assert.ok(!logs.includes('a-value-that-was-sent'));
});

test('no file of the store has a secret in clear', () => {
  const hidden = [
    ...openedRing().keys.map(({ private_jwk }) => Buffer.from(private_jwk.d, 'base64url')),
    ...Object.values(server.settings.secrets).flatMap((secret) => [Buffer.from(secret), Buffer.from(secret, 'base64url')]),
    ...Object.values(secrets).map((secret) => Buffer.from(secret)),
  ];
  const forbidden = [
    ...['"d":', 'private_jwk', ...PKCS8_BEGINNINGS].map((text) => Buffer.from(text)),
    ...hidden.flatMap((bytes) => [bytes, ...encodings(bytes).map((text) => Buffer.from(text))]),
  ];
  const files = storedFiles();
  assert.ok(files.some(({ name }) => name.endsWith('.sqlite')));
  for (const { name, content } of files) {
    for (const bytes of forbidden) assert.ok(!content.includes(bytes), `${name} holds ${bytes}`);
  }
  // A counter-check: public values are found in clear.
  assert.ok(files.some(({ content }) => content.includes(Buffer.from(`keyring|${server.issuer}|`))));
});

const PKCS8_BEGINNINGS = ['MIGHAgEAMBMGByqGSM49', 'MIIEvAIBADAN', 'MIIEvQIBADAN', 'MIIEvgIBADAN', 'MC4CAQAwBQYDK2Vw'];

async function useEverything() {
  const root = basic({ id: 'root', secret: server.rootSecret });
  const grant = 'grant_type=client_credentials';
  const { access_token } = (await post('/oauth/token', grant, root)).json;
  const door = bearer(access_token);

  const generated = await change('POST', '/admin/clients', door, { scope: 'read' }, 'generated');
  secrets.generated = generated.json.client_secret;
  const client = { id: generated.json.client_id, secret: secrets.generated };
  const brought = { client_id: 'b', client_secret: secrets.brought };
  const { json } = await change('POST', '/admin/clients', door, brought, 'brought');
  await change('PUT', clientPath(json.client_id), door, { client_secret: secrets.replaced }, 'replaced');
  await change('PUT', clientPath(json.client_id), door, { client_id: 'other' });
  await change('POST', '/admin/clients', door, { scope: ['a-value-that-was-sent'] });
  await change('POST', '/admin/clients', door, { client_id: 'b', client_secret: 'a-value-that-was-sent' });
  const key = await newClientKey('ES256');
  const keyed = await change('POST', '/admin/clients', door, keyMetadata(key));
  for (const path of ['/admin/clients', clientPath('b'), clientPath(client.id), clientPath('unknown'), '/admin/keys']) {
    await exchange(path, { headers: door });
  }
  await exchange('/admin/keys/rotate', { method: 'POST', headers: door });

  const signed = await signAssertion(key, assertionClaims(server, keyed.json.client_id));
  const assertion = `${new URLSearchParams(assertionForm(signed))}`;
  for (const form of [assertion, assertion, assertion.replace('e', 'f')]) await post('/oauth/token', form, {});
  for (const [form, headers] of [
    [grant, basic(client)],
    [`${grant}&client_id=${client.id}&client_secret=${client.secret}`, {}],
    [`${grant}&client_id=${client.id}&client_secret=${client.secret}`, basic(client)],
    [`${grant}&scope=a-value-that-was-sent`, basic(client)],
    [`${grant}&resource=a-value-that-was-sent`, basic(client)],
    ['grant_type=a-value-that-was-sent', basic(client)],
    [`${grant}&x=%`, basic(client)],
    [`${grant}&x=${'x'.repeat(66_000)}`, basic(client)],
    [grant, basic({ id: client.id, secret: 'a-value-that-was-sent' })],
    [grant, basic({ id: 'b', secret: secrets.brought })],
    [grant, basic({ id: 'unknown', secret: client.secret })],
    [grant, { authorization: `Basic ${'x'.repeat(21_000)}` }],
  ]) await post('/oauth/token', form, headers);
  await exchange(`/oauth/token?client_secret=${client.secret}`, { method: 'POST', headers: FORM, body: grant });

  for (const token of [access_token, 'a-value-that-was-sent', `${access_token}x`]) {
    await post('/oauth/introspect', `token=${token}`, basic(client));
    await exchange('/api/whoami', { headers: bearer(token) });
    await exchange(`/api/whoami?access_token=${token}`);
  }
  await exchange('/api/whoami');
  for (const name of ['jwks.json', 'oauth-authorization-server', 'oauth-protected-resource']) {
    const { headers } = await exchange(`/.well-known/${name}`);
    await exchange(`/.well-known/${name}`, { headers: { 'if-none-match': headers.match(/^etag: (.*)$/m)[1] } });
  }
  for (const path of ['/health', '/nothing', '/oauth/token', '/admin/keys']) await exchange(path);
  await exchange(clientPath(keyed.json.client_id), { method: 'DELETE', headers: door });
  await post('/oauth/revoke', `token=${access_token}`, basic(client));
  await post('/oauth/revoke', `token=${access_token}`, root);
  await exchange('/admin/keys', { headers: door });
  // The first token is revoked by now: another one queries the events of all this.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const again = (await post('/oauth/token', grant, root)).json;
  const { json: found } = await exchange('/admin/events?limit=1000', { headers: bearer(again.access_token) });
  events.push(...found.events);
}

async function exchange(path, init, sets) {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  exchanges.push({ status: response.status, headers, text, sets });
  return Object.assign(exchanges.at(-1), { json: text.startsWith('{') ? JSON.parse(text) : undefined });
}

function post(path, body, headers) {
  return exchange(path, { method: 'POST', headers: { ...FORM, ...headers }, body });
}

function change(method, path, headers, metadata, sets) {
  return exchange(path, { method, headers: { ...headers, ...JSON_TYPE }, body: JSON.stringify(metadata) }, sets);
}

function absent(texts, what) {
  const seen = [...exchanges.map(({ headers, text }) => `${headers}\n${text}`), ...server.logs].join('\n');
  for (const text of texts) {
    const at = seen.indexOf(text);
    assert.equal(at, -1, `${what}: ${seen.slice(Math.max(0, at - 80), at + 120)}`);
  }
}

function encodings(bytes) {
  return ['base64', 'base64url', 'hex'].map((encoding) => bytes.toString(encoding).replace(/=+$/, ''));
}

function storedFiles() {
  const entries = readdirSync(server.persist, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, content: readFileSync(join(parentPath, name)) }));
}

// The newest keyring in the store, as the manual's page on storage describes it.
function openedRing() {
  const key = Buffer.from(server.settings.secrets.EDGEMINT_KEY_ENCRYPTION_KEY, 'base64url');
  const rings = storedFiles().map(({ content }) => open(key, `keyring|${server.issuer}|`, content)).filter(Boolean);
  assert.ok(rings.length > 0, 'there is a sealed keyring');
  return JSON.parse(rings.sort((a, b) => b.length - a.length)[0]);
}

function open(key, name, content) {
  const bytes = Buffer.from(content.toString('latin1'), 'base64url');
  if (bytes.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-16));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
  } catch {
    return undefined;
  }
}
