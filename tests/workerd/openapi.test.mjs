// The OpenAPI document of the admin API: valid, complete, served without a token, and true: every response of a real Worker fits it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { validate } from '@readme/openapi-parser';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { adminDocument } from '../../.scripts/openapi.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { CALLS } from '../../src/js/shim/admin/calls.js';
import { admin, operator } from './admin.mjs';
import { newClientKey } from './client-key.mjs';
import { startWorker } from './harness.mjs';
import { addPasskey } from './passkeys.mjs';
import { createUser, registerPublicClient, signInAndRedeem } from './people.mjs';
import { send, until } from './request.mjs';

const document = adminDocument();
/** One row an operation: `{ id, method, path, operation, parameters }`. */
const operations = Object.entries(document.paths).flatMap(([path, { parameters = [], ...methods }]) =>
  Object.entries(methods).map(([method, operation]) =>
    ({ id: operation.operationId, method: method.toUpperCase(), path, operation, parameters: [...parameters, ...operation.parameters ?? []] })));
const source = (path) => readFileSync(join(root, path), 'utf8');

let server;

before(async () => {
  server = await startWorker({
    vars: { UPSTREAM_ISSUER: 'https://idp.example', UPSTREAM_CLIENT_ID: 'edgemint' }, secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: 'upstream' },
  });
});

after(() => server?.stop());

test('is a valid OpenAPI 3.1 document', async () => {
  const result = await validate(structuredClone(document));
  assert.deepEqual([result.valid, result.warnings], [true, []]);
  const broken = structuredClone(document);
  delete broken.paths['/admin/keys'].get.responses[200].description;
  assert.equal((await validate(broken)).valid, false);
});

test('has exactly the operations of the table of routes, under the names of their endpoints', () => {
  const [, table] = source('src/routes.rs').split('    Operator<\'p> {\n');
  const rows = table.slice(0, table.indexOf('\n    }')).matchAll(/\[([^\]]+)\][^{]*\{([^}]*)\}/g);
  const routed = Array.from(rows).flatMap(([, segments, endpoints]) => {
    const path = segments.split(', ').map((segment) => (segment.startsWith('"') ? JSON.parse(segment) : `{${segment}}`)).join('/');
    return Array.from(endpoints.matchAll(/(\w+) (\w+)/g), ([, method, name]) => `${name[0].toLowerCase()}${name.slice(1)} ${method} /${path}`);
  });
  assert.ok(routed.length > 35);
  assert.deepEqual(operations.map(({ id, method, path }) => `${id} ${method} ${path}`).sort(), routed.sort());
});

test('AdminClient has a method for each operation, with its arguments', () => {
  const rows = operations.map(({ id, method, path, operation, parameters }) => {
    const takes = [operation.requestBody && 'body', parameters.some((parameter) => parameter.in === 'query') && 'query'].filter(Boolean);
    const page = pageOf(operation);
    return [id, { method, path, ...(takes.length > 0 && { takes }), ...(page && { page }) }];
  });
  assert.deepEqual(CALLS, Object.fromEntries(rows));
});

function pageOf({ responses: { 200: ok } }) {
  const name = ok?.content['application/json']?.schema.$ref.split('/').at(-1);
  const { properties = {} } = document.components.schemas[name] ?? {};
  return name?.endsWith('Page') ? Object.keys(properties).find((member) => member !== 'cursor') : undefined;
}

test('every parameter in a path is described, and no other', () => {
  for (const { path, parameters } of operations) {
    const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
    assert.deepEqual(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name), named, path);
  }
});

test('has the words of the vocabulary', () => {
  const wordsOf = (path, pattern) => Array.from(source(path).matchAll(pattern), ([, word]) => word);
  const { EventKind, ClientMetadata } = document.components.schemas;
  assert.deepEqual(EventKind.enum, wordsOf('src/oauth/vocabulary/event_kind.rs', /^    \w+: "(\w+)" \w+;$/gm));
  const metadata = source('src/oauth/vocabulary/client_metadata.rs');
  const namesIn = (type) => Array.from(metadata.slice(metadata.indexOf(`impl ${type} {`)).split('\n}\n')[0].matchAll(/=> "([^"]+)"/g), ([, name]) => name);
  assert.deepEqual(ClientMetadata.properties.grant_types.items.enum.toSorted(), namesIn('GrantType').toSorted());
  assert.deepEqual(ClientMetadata.properties.token_endpoint_auth_method.enum, namesIn('AuthMethod'));
  assert.deepEqual(ClientMetadata.properties.assertion_audience.enum, namesIn('AssertionAudience'));
});

test('is served without a token, to every origin, and only to be read', async () => {
  const { status, headers, json } = await send(server, '/admin/openapi.json');
  assert.deepEqual([status, headers['content-type'], headers['access-control-allow-origin']], [200, 'application/json', '*']);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.deepEqual(json, document);
  assert.equal((await send(server, '/admin/openapi.json', { method: 'HEAD' })).status, 200);
  assert.equal((await send(server, '/admin/openapi.json', { method: 'POST' })).status, 405);
  assert.equal((await send(server, '/admin/openapi.jsonx')).status, 404);
  assert.equal((await send(server, '/admin/clients')).status, 401);
});

/** Validators in which every object is closed: a member that the document lacks is an error. */
const ajv = addFormats(new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, strictRequired: false }));
ajv.addSchema({ $id: 'document', $defs: closed(document.components.schemas) });

function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, ...members } = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  if ($ref) return { $ref: $ref.replace('#/components/schemas/', 'document#/$defs/') };
  const isObject = members.type === 'object' && members.properties !== undefined && members.additionalProperties === undefined;
  // `default` is for readers; ajv would warn in strict mode where it is ignored.
  return isObject ? { ...members, additionalProperties: false } : members;
}

function assertFits(schema, value, what) {
  const validator = ajv.compile(closed(schema));
  assert.ok(validator(value), `${what}: ${ajv.errorsText(validator.errors)}\n${JSON.stringify(value)}`);
}

const seen = new Set();

/** A fetch that holds each request and response of the admin API against the document. */
async function held(url, init) {
  const response = await fetch(url, init);
  const { pathname } = new URL(url);
  if (!pathname.startsWith('/admin/')) return response;
  const matching = operations.filter(({ method, path }) => method === init.method && new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname));
  // A path without parameters comes first: `/admin/keys/rotate` is no key.
  const { id, operation } = matching.sort((one, other) => one.parameters.length - other.parameters.length)[0];
  const what = `${id} ${response.status}`;
  seen.add(what);
  const described = operation.responses[response.status];
  assert.ok(described, `${what} is not described`);
  const { headers = {}, content } = described.$ref ? document.components.responses[described.$ref.split('/').at(-1)] : described;
  for (const name of Object.keys(headers)) assert.ok(response.headers.has(name), `${what}: ${name}`);
  const text = await response.clone().text();
  if (content === undefined) assert.equal(text, '', what);
  else {
    const type = response.headers.get('content-type');
    assert.ok(Object.hasOwn(content, type), `${what}: ${type}`);
    assertFits(content[type].schema, /json$/.test(type) ? JSON.parse(text) : text, what);
  }
  if (response.ok && init.body !== undefined) assertFits(operation.requestBody.content['application/json'].schema, JSON.parse(init.body), `${id}, the request`);
  return response;
}

test('every operation and every kind of refusal responds as described', async (t) => {
  // The client reports what a fetch throws as an unreachable server.
  const api = operator(server, { around: (url, init) => held(url, init).catch((error) => { t.diagnostic(error.message); throw error; }) });
  const refused = async (calling, status) => assert.equal((await calling.then(() => ({}), (error) => error)).status, status);

  const { client_id: id } = await api.createClient({ client_name: 'Reports', scope: 'read', contacts: ['ops@app.example'], resources: ['https://api.example'], token_endpoint_auth_method: 'client_secret_basic' });
  await api.readClient(id);
  await api.replaceClient(id, { client_name: 'Reports', scope: 'read write', client_secret: 'k'.repeat(12) + 'Zq7Lw0xN2vB9mT4rY6uP', enabled: false, software_id: 's', software_version: '1', client_uri: 'https://app.example' });
  const key = await newClientKey('ES256');
  await api.createClient({ client_id: 'robot', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, token_endpoint_auth_signing_alg: 'ES256', grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'], service_account: { jti: 'optional', scope: 'read' } });
  await api.endClientTokens(id);

  const user = await createUser(server, { email: 'ada@app.example', email_verified: true, name: 'Ada', groups: ['staff'], scope: 'openid profile email offline_access read write' });
  const client = await registerPublicClient(server, { post_logout_redirect_uris: ['https://app.example/'], id_token_signed_response_alg: 'RS256', access_token_signed_response_alg: 'ES256', id_token_claims: 'profile' });
  await signInAndRedeem(server, user, client);
  await signedIn(user, client);
  await api.listUsers({ username: user.username }).page();
  assert.equal((await api.listSessions(user.id)).sessions.length > 0, true);
  const { passkeys } = await api.listPasskeys(user.id);
  assert.equal(passkeys.length, 2);
  const { grants } = await api.listUserGrants(user.id);
  assert.ok(grants.length > 1);
  assert.ok((await api.listClientGrants(client.id).page()).grants.length > 1);
  await api.endUserGrant(user.id, grants[0].id);
  await api.removePasskey(user.id, passkeys[0].id);
  await api.removePasskeys(user.id);
  await api.endUserGrants(user.id);
  await api.endSessions(user.id);
  await api.endClientGrants(client.id);
  await api.replaceUser(user.id, { username: user.username, password: 'another correct horse', groups: null, scope: null, end_grants: true });
  const linked = await api.createUser({ upstream: { issuer: 'https://idp.example', sub: 's' }, scope: 'read' });
  await api.readUser(linked.id);

  const issuer = { issuer: 'https://idp.example', jwks: { keys: [key.jwk] }, algorithms: ['ES256'], subject: 'mapped_client', subjects: { build: 'robot' }, clients: ['robot'] };
  const trusted = await api.createTrustedIssuer(issuer);
  await api.readTrustedIssuer(trusted.id);
  await api.replaceTrustedIssuer(trusted.id, { ...trusted, scope: 'read', jti: 'optional' });
  await refused(api.createTrustedIssuer(issuer), 409);
  await until(async () => (await api.listTrustedIssuers().page()).trusted_issuers.length === 1, 'the trusted issuer is listed');
  await until(async () => (await api.listClients().page()).clients.length > 2, 'the clients are listed');
  await until(async () => (await api.listUsers().page()).users.length > 1, 'the users are listed');
  await api.removeTrustedIssuer(trusted.id);

  const resource = { identifier: 'https://files.example', name: 'Files', scopes: [{ value: 'files:read', description: { en: 'Read', zh: '读取' } }, { value: 'files', description: { en: 'All' } }] };
  const registered = await api.createResource(resource);
  await refused(api.createResource(resource), 409);
  await api.replaceResource(registered.id, { ...registered, clients: 'all', access_token_lifetime: 300, signing_algorithm: 'RS256', other_audiences: true, acr: 'phr', max_age: 3600, introspection_client: 'robot' });
  await api.replaceResource(registered.id, { ...resource, clients: ['robot'] });
  await api.readResource(registered.id);
  await api.listResources();
  await api.removeResource(registered.id);
  const rule = { client: 'robot', sources: ['https://api.example', id], targets: ['https://backend.example'], mode: 'delegation' };
  const allowed = await api.createExchangeRule(rule);
  await refused(api.createExchangeRule(rule), 409);
  await api.replaceExchangeRule(allowed.id, { ...allowed, scope: 'read', mode: 'impersonation' });
  await refused(api.replaceExchangeRule('nothing', rule), 404);
  await api.readExchangeRule(allowed.id);
  await api.listExchangeRules();
  await api.removeExchangeRule(allowed.id);

  await api.importKey({ key: key.jwk, use: 'verify', kid: 'old', alg: 'ES256', until: Math.floor(Date.now() / 1000) + 86_400 });
  await refused(api.importKey({ key: key.jwk, use: 'verify', kid: 'old', until: Math.floor(Date.now() / 1000) + 86_400 }), 409);
  for (const form of ['', '.pem', '.crt', '.jwk']) await api.readKey(`${(await api.listKeys()).keys[0].kid}${form}`);
  await api.rotateKeys();
  await api.revokeKey('old');
  await api.listKeys();
  await api.readKeyEncryption();
  await api.reseal();
  await until(async () => (await api.readKeyEncryption()).done, 'the records are re-encrypted');

  await refused(api.createClient({ redirect_uris: ['javascript:1'] }), 400);
  await refused(api.createClient({ client_name: 'x'.repeat(70_000) }), 413);
  for (const [name, { path, takes = [] }] of Object.entries(CALLS)) {
    const ids = path.match(/\{\w+\}/g) ?? [];
    // A client that was removed may still have grants, so their calls know any identifier.
    if (ids.length > 0 && !/ClientGrants$/.test(name) && !takes.includes('body')) await refused(api[name](...ids.map(() => 'nothing')), 404);
  }
  await refused(api.replaceUser('nothing', { username: 'nothing' }), 404);
  await refused(api.replaceResource('nothing', resource), 404);
  await refused(api.startRevocation({ user: 'AAAAAAAAAAAAAAAAAAAAAA' }), 404);
  await refused(api.createUser({ username: user.username, password: 'another correct horse' }), 409);
  await refused(api.listEvents({ cursor: '%' }).page(), 400);
  const { access_token: weak } = await weakToken(id);
  for (const [token, status] of [['x', 401], [weak, 403]]) {
    assert.equal((await held(`${server.url}/admin/clients`, { method: 'GET', headers: { authorization: `Bearer ${token}` } })).status, status);
  }

  const since = Math.floor(Date.now() / 1000) - 600;
  await until(async () => (await api.listEvents({ since, limit: 1000 }).page()).events.length > 20, 'the events are stored');
  for await (const page of api.listEvents({ since, severity: 'alert' }).pages()) assert.ok(page.events.every(({ severity }) => severity === 'alert'));
  const { id: revocation } = await api.startRevocation({ client: client.id, before: Math.floor(Date.now() / 1000) });
  await api.readRevocation(revocation);
  await api.removeUser(linked.id);
  await api.removeClient(id);
  await api.restored();

  const done = operations.filter(({ operation }) => ![...seen].some((what) => what.startsWith(`${operation.operationId} 2`)));
  assert.deepEqual(done.map((operation) => operation.id), [], 'operations without a success');
  for (const status of [400, 401, 403, 404, 409, 413]) assert.ok([...seen].some((what) => what.endsWith(` ${status}`)), `${status}`);
});

/** Signs in again, allows another grant and adds two passkeys. */
async function signedIn(user, client) {
  const { browser } = await signInAndRedeem(server, user, client);
  for (const name of ['One', 'Two']) await addPasskey(browser, { name });
}

async function weakToken(id) {
  await admin(server, 'PUT', `/admin/clients/${id}`, { scope: 'read', client_secret: 'Zq7Lw0xN2vB9mT4rY6uPkkkkkkkkkkkk', enabled: true });
  return until(async () => {
    const { status, json } = await send(server, '/oauth/token', {
      method: 'POST', headers: { authorization: `Basic ${btoa(`${id}:Zq7Lw0xN2vB9mT4rY6uPkkkkkkkkkkkk`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: server.issuer }),
    });
    return status === 200 && json;
  }, 'the client is enabled everywhere');
}
