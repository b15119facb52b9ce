// Tokens for registered resources: who may ask, their scope, lifetime, algorithm and audience, and what is said about them.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { admin, clientPath, registerClient } from './admin.mjs';
import { decideDevice, enterCode, poll, registerDeviceClient, startDevice } from './devices.mjs';
import { decode } from './forgery.mjs';
import { introspect, newGrant, registerConfidentialClient } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, authorize, createUser, pkce, redeem, refresh, registerPublicClient } from './people.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const FILES = 'https://files.example/v1';
const MAIL = 'https://mail.example';
const SHARED = 'https://shared.example';
const PLAIN = 'https://plain.example';

let server;
let user;
let browser;

before(async () => {
  server = await startWorker();
  user = await createUser(server);
  browser = new Browser(server);
  await browser.signIn(user);
  await register(FILES, { name: 'Files <b>', scopes: [described('read', 'Read your <i>files</i>', '读取您的文件'), described('write', 'Change your files')] });
  await register(MAIL, { scopes: [described('read', 'Read your mail')], access_token_lifetime: 120, signing_algorithm: 'RS256', clients: 'all' });
  await register(SHARED, { scopes: [described('share', 'Share')], access_token_lifetime: 7200, other_audiences: true, clients: 'all' });
});

after(() => server?.stop());

const described = (value, en, zh) => ({ value, description: { en, zh } });

async function register(identifier, members = {}) {
  const { status, text, json } = await admin(server, 'POST', '/admin/resources', { identifier, name: identifier, ...members });
  assert.equal(status, 201, text);
  return json;
}

const credentials = (client, resource, parameters = {}) => {
  const form = [['grant_type', 'client_credentials'], ...[resource ?? []].flat().map((one) => ['resource', one])];
  return tokenRequestOf(client, [...form, ...Object.entries(parameters)]);
};

function tokenRequestOf(client, pairs) {
  return client.secret === undefined
    ? postForm(server, '/oauth/token', [['client_id', client.id], ...pairs])
    : postForm(server, '/oauth/token', pairs, basic(client));
}

function claimsOf({ status, text, json }) {
  assert.equal(status, 200, text);
  return decode(json.access_token).claims;
}

function assertRefused({ status, json }, error, what) {
  assert.deepEqual([status, json.error], [400, error], what);
}

test('a client may ask for a resource that names it, admits all, or is in its own record; for no other', async () => {
  const [listed, named, other] = await Promise.all([
    registerClient(server, { scope: 'read' }), registerClient(server, { scope: 'read', resources: ['https://who.example', PLAIN] }),
    registerClient(server, { scope: 'read' }),
  ]);
  const who = await register('https://who.example', { clients: [listed.id], scopes: [described('read', 'Read')] });
  for (const client of [listed, named]) assert.equal(claimsOf(await credentials(client, who.identifier)).aud, who.identifier);
  assertRefused(await credentials(other, who.identifier), 'invalid_target');
  assert.equal(claimsOf(await credentials(other, MAIL)).aud, MAIL, 'it admits all');
  assert.equal(claimsOf(await credentials(named, PLAIN)).aud, PLAIN, 'an unregistered resource as before');
  assertRefused(await credentials(other, PLAIN), 'invalid_target');
  assertRefused(await credentials(other, 'https://unknown.example'), 'invalid_target');
  assertRefused(await credentials(other, `${MAIL}#part`), 'invalid_target');
  const root = { id: 'root', secret: server.rootSecret };
  assertRefused(await credentials(root, MAIL), 'invalid_target', 'the root client administers this server alone');

  const url = `/admin/resources/${who.id}`;
  assert.equal((await admin(server, 'PUT', url, { ...who, clients: 'self_registered' })).status, 200);
  assertRefused(await credentials(listed, who.identifier), 'invalid_target', 'an operator has registered it');
  assert.equal(claimsOf(await credentials(named, who.identifier)).aud, who.identifier);
  const app = await registerPublicClient(server);
  const refused = await authorize(browser, user, app, pkce(), { scope: 'read', resource: who.identifier });
  assert.equal(refused.error, 'invalid_target', 'also at the authorization endpoint');
});

test('a token for a resource has only the scope that the resource knows', async () => {
  const client = await registerClient(server, { scope: 'read write share' });
  assert.equal(claimsOf(await credentials(client, MAIL)).scope, 'read');
  assert.equal(claimsOf(await credentials(client, [SHARED])).scope, 'share');
  assertRefused(await credentials(client, MAIL, { scope: 'write' }), 'invalid_scope');
  assert.equal(claimsOf(await credentials(client)).scope, 'read write share', 'without a resource as before');
  const app = await registerPublicClient(server);
  const { error } = await authorize(browser, user, app, pkce(), { scope: 'write', resource: MAIL });
  assert.equal(error, 'invalid_scope', 'before the user is asked');
});

test('a token has the lifetime and the algorithm of its resource', async () => {
  const client = await registerClient(server, { scope: 'read share', access_token_signed_response_alg: 'ES256' });
  const mail = await credentials(client, MAIL);
  const { iat, exp } = claimsOf(mail);
  assert.deepEqual([exp - iat, mail.json.expires_in, decode(mail.json.access_token).header.alg], [120, 120, 'RS256']);
  const own = await credentials(client);
  assert.deepEqual([own.json.expires_in, decode(own.json.access_token).header.alg], [600, 'ES256'], 'as before');
  assert.equal((await credentials(client, SHARED)).json.expires_in, 7200);
  assert.equal((await credentials(client, [SHARED, server.issuer])).json.expires_in, 600, 'the shortest counts');

  // Without a refresh token, the grant is active as long as its only token.
  const app = await registerPublicClient(server, { grant_types: ['authorization_code'], scope: 'read share' });
  const { access_token, expires_in } = await newGrant(server, browser, user, app, { scope: 'share', resource: SHARED });
  assert.equal(expires_in, 7200);
  const told = (await introspect(server, access_token)).json;
  assert.deepEqual([told.active, told.exp - told.iat], [true, 7200]);
});

test('a token for a resource that admits no other audience names it alone; userinfo gets one that is asked for without resource', async () => {
  const app = await registerConfidentialClient(server, { resources: [FILES], scope: 'openid read offline_access share' });
  const both = new URLSearchParams({ scope: 'openid read share offline_access' });
  const { code, proof } = await newCodeFor(app, both, [FILES, MAIL, SHARED]);
  const named = await redeem(server, app, code, proof, { resource: FILES });
  const claims = claimsOf(named);
  assert.deepEqual([claims.aud, claims.scope], [FILES, 'openid read offline_access']);
  assert.ok(named.json.id_token, 'an ID token comes with it');
  assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(named.json.access_token) })).status, 401);

  const { refresh_token } = named.json;
  const without = claimsOf(await refresh(server, app, refresh_token));
  assert.deepEqual(without.aud, [SHARED, server.issuer]);
  const { json } = await refresh(server, app, refresh_token);
  assert.equal((await send(server, '/oauth/userinfo', { headers: bearer(json.access_token) })).status, 200);
  const mail = await refresh(server, app, refresh_token, { resource: MAIL });
  assert.deepEqual([claimsOf(mail).aud, mail.json.expires_in], [MAIL, 120]);

  for (const pair of [[FILES, MAIL], [FILES, SHARED], [server.issuer, FILES]]) {
    const refused = await tokenRequestOf(app, [
      ['grant_type', 'refresh_token'], ['refresh_token', refresh_token], ...pair.map((one) => ['resource', one]),
    ]);
    assertRefused(refused, 'invalid_target', pair);
    assert.match(refused.json.error_description, /Name one/);
  }
  assert.equal((await refresh(server, app, refresh_token)).status, 200, 'a refusal spends nothing');
  assert.equal((await introspect(server, refresh_token, app)).json.active, true);
});

test('a request that names none of several exclusive resources is refused, and the grant stays', async () => {
  const app = await registerConfidentialClient(server, { resources: [FILES], scope: 'read' });
  const { code, proof } = await newCodeFor(app, new URLSearchParams({ scope: 'read' }), [FILES, MAIL]);
  assertRefused(await redeem(server, app, code, proof), 'invalid_target');
  const { json } = await redeem(server, app, code, proof, { resource: MAIL });
  assert.equal(decode(json.access_token).claims.aud, MAIL);
  const told = await introspect(server, json.refresh_token, app);
  assert.deepEqual([told.json.active, told.json.scope], [true, 'read'], 'introspection describes the grant');
  const client = await registerClient(server, { scope: 'read share', resources: [FILES] });
  assertRefused(await credentials(client, [FILES, SHARED]), 'invalid_target');
});

test('resources with different algorithms share no token', async () => {
  const other = await register('https://es256.example', { scopes: [described('share', 'Share')], signing_algorithm: 'ES256', other_audiences: true, clients: 'all' });
  const third = await register('https://rs256.example', { scopes: [described('share', 'Share')], signing_algorithm: 'RS256', other_audiences: true, clients: 'all' });
  const client = await registerClient(server, { scope: 'share' });
  assertRefused(await credentials(client, [other.identifier, third.identifier]), 'invalid_target');
  const { json } = await credentials(client, [third.identifier, SHARED]);
  assert.equal(decode(json.access_token).header.alg, 'RS256');
});

test('grants over unregistered resources are as they were', async () => {
  const app = await registerPublicClient(server, { resources: [PLAIN, 'urn:other'] });
  const { code, proof } = await newCodeFor(app, new URLSearchParams({ scope: 'openid read' }), [PLAIN, 'urn:other']);
  const { json } = await redeem(server, app, code, proof);
  assert.deepEqual(decode(json.access_token).claims.aud, [PLAIN, 'urn:other', server.issuer]);
});

test('the consent page describes the scope of registered resources, in the language of the page', async () => {
  const app = await registerPublicClient(server, { resources: [FILES, PLAIN], scope: 'openid read write other' });
  const parameters = { scope: 'openid read write other', resource: FILES };
  const english = (await browser.open(authorizationPath(app, pkce(), parameters))).html;
  assert.match(english, /<bdi>Read your &lt;i&gt;files&lt;\/i&gt;<\/bdi>/);
  assert.match(english, /<bdi>Change your files<\/bdi>/);
  assert.match(english, /<bdi[^>]*>Files &lt;b&gt;<\/bdi>/);
  assert.ok(english.includes(FILES) && !english.includes('<i>') && !english.includes('>other<'), 'the resource knows no scope other');
  const chinese = (await browser.open(authorizationPath(app, pkce(), { ...parameters, ui_locales: 'zh' }))).html;
  assert.match(chinese, /<bdi>读取您的文件<\/bdi>/);
  assert.match(chinese, /<bdi lang="en">Change your files<\/bdi>/);
  const plain = (await browser.open(authorizationPath(app, pkce(), { ...parameters, resource: PLAIN }))).html;
  assert.match(plain, /<code translate="no">read<\/code>/);

  const devices = await registerDeviceClient(server, { resources: [FILES], scope: 'read' });
  const started = await startDevice(server, devices, { scope: 'read', resource: FILES });
  const page = await enterCode(browser, user, started.user_code);
  assert.match(page.html, /<bdi>Read your &lt;i&gt;files&lt;\/i&gt;<\/bdi>/);
  await decideDevice(browser, user, started.user_code);
  assert.equal(decode((await poll(server, devices, started.device_code)).json.access_token).claims.aud, FILES);
});

test('introspection tells the client of a resource about its own tokens only', async () => {
  const api = await registerClient(server);
  const own = await register('https://api.example', { clients: 'all', introspection_client: api.id, other_audiences: true, scopes: [described('read', 'Read')] });
  const client = await registerClient(server, { scope: 'read' });
  const at = async (resource) => (await credentials(client, resource)).json.access_token;
  const [mine, both, foreign, plain] = [await at(own.identifier), await at([own.identifier, server.issuer]), await at(MAIL), await at()];
  const active = async (token, by) => (await introspect(server, token, by)).json.active;
  for (const [token, expected] of [[mine, true], [both, true], [foreign, false], [plain, false]]) {
    assert.equal(await active(token, api), expected);
    assert.equal(await active(token), true, 'a client that no resource names learns about all tokens');
  }
  assert.deepEqual((await introspect(server, foreign, api)).json, { active: false });
  await admin(server, 'PUT', `/admin/resources/${own.id}`, { ...own, introspection_client: null });
  assert.equal(await active(foreign, api), true);
});

test('a removed resource is refused at once; clients and grants lose only it', async () => {
  const [gone, kept] = [await register('https://gone.example', { other_audiences: true, clients: 'all', scopes: [described('read', 'Read')] }), PLAIN];
  const app = await registerConfidentialClient(server, { resources: [gone.identifier, kept], scope: 'read offline_access' });
  const service = await registerClient(server, { scope: 'read', resources: [gone.identifier] });
  const admitted = await registerClient(server, { scope: 'read' });
  const { code, proof } = await newCodeFor(app, new URLSearchParams({ scope: 'read offline_access' }), [gone.identifier, kept]);
  const { json: tokens } = await redeem(server, app, code, proof);
  const ownTokens = await Promise.all([service, admitted].map(async (client) => (await credentials(client, gone.identifier)).json.access_token));

  const { status, json } = await admin(server, 'DELETE', `/admin/resources/${gone.id}`);
  assert.equal(status, 202);
  for (const client of [service, admitted]) assertRefused(await credentials(client, gone.identifier), 'invalid_target');
  const done = await until(async () => {
    const { json: progress } = await admin(server, 'GET', `/admin/revocations/${json.id}`);
    return progress.done && progress;
  }, 'the removal');
  assert.equal(done.resource, gone.identifier);
  assert.equal((await admin(server, 'GET', clientPath(service.id))).json.resources, undefined);
  assert.deepEqual((await admin(server, 'GET', clientPath(app.id))).json.resources, [kept]);
  assert.deepEqual((await introspect(server, tokens.access_token)).json, { active: false });
  for (const token of ownTokens) assert.deepEqual((await introspect(server, token)).json, { active: false });
  const next = await refresh(server, app, tokens.refresh_token);
  assert.equal(claimsOf(next).aud, kept, 'the grant has lost only that resource');
  assertRefused(await refresh(server, app, tokens.refresh_token, { resource: gone.identifier }), 'invalid_target');
});

test('a removed resource can be registered again once it is taken from everything', async () => {
  const gone = await register('https://back.example', { clients: 'all', scopes: [described('read', 'Read')] });
  assert.equal((await admin(server, 'DELETE', `/admin/resources/${gone.id}`)).status, 202);
  assert.equal((await admin(server, 'POST', '/admin/resources', { identifier: gone.identifier, name: 'Back' })).status, 409);
  await restart((file) => {
    // The second pass comes when no isolate has an old copy of a client's record.
    if (file.includes('MaintenanceObject')) {
      change(file, `UPDATE record SET state = json_set(state, '$.not_before', 0) WHERE kind = 'job' AND json_type(state, '$.finished_at') = 'null'`);
    }
  });
  await admin(server, 'POST', '/admin/revocations', { client: 'none' });
  await until(async () => {
    const { status } = await admin(server, 'POST', '/admin/resources', { ...gone, name: 'Back' });
    return status === 201;
  }, 'the end of the removal');
  const client = await registerClient(server, { scope: 'read' });
  assert.equal(claimsOf(await credentials(client, gone.identifier)).aud, gone.identifier);
});

test('a copy that KV has lost is no empty catalogue, and one that opens nowhere is a fault', async () => {
  const client = await registerClient(server, { scope: 'read' });
  const name = `catalogue|${server.issuer}|`;
  for (const lose of [(store) => store.delete(name), (store) => store.put(name, 'garbage')]) {
    await lose(await server.store());
    await restart();
    const { json } = await credentials(client, MAIL);
    assert.equal(json.expires_in, 120, 'the object has the rules');
  }
  await restart((file) => {
    if (file.includes('CatalogueObject')) change(file, `UPDATE record SET state = json_set(state, '$.sealed', 'garbage') WHERE kind = 'catalogue'`);
  });
  for (const ask of [() => credentials(client, MAIL), () => credentials(client)]) {
    const { status, json } = await ask();
    assert.deepEqual([status, json.error], [503, 'temporarily_unavailable']);
  }
});

/** A code for several resources. */
async function newCodeFor(app, parameters, resources) {
  const proof = pkce();
  const query = new URLSearchParams([...new URL(authorizationPath(app, proof, Object.fromEntries(parameters)), server.url).searchParams]);
  for (const resource of resources) query.append('resource', resource);
  let page = await browser.open(`/oauth/authorize?${query}`);
  if (page.location === null) page = await browser.submit(page, { decision: 'allow' });
  const code = new URL(page.location).searchParams.get('code');
  assert.ok(code, page.location);
  return { code, proof };
}

/** Restarts the Worker; `each` may change the storage of its objects meanwhile. */
async function restart(each = () => {}) {
  await server.kill();
  const folder = join(server.persist, 'do');
  for (const file of readdirSync(folder, { recursive: true })) {
    if (file.endsWith('.sqlite') && !file.endsWith('metadata.sqlite')) each(join(folder, file));
  }
  server = await startWorker(server.settings);
  browser.server = server;
}

function change(file, sql) {
  const database = new DatabaseSync(file);
  try {
    const { count } = database.prepare("SELECT count(*) AS count FROM sqlite_master WHERE name = 'record'").get();
    if (count > 0) database.prepare(sql).run();
  } finally {
    database.close();
  }
}
