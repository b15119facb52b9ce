// The public documents: exact metadata, caching and cross-origin headers, and 404 for every other path.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEVICE_GRANT } from './devices.mjs';
import { TOKEN_EXCHANGE } from './exchanges.mjs';
import { startWorker } from './harness.mjs';
import { send } from './request.mjs';

const SERVER_METADATA = '/.well-known/oauth-authorization-server';
const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';
const JWKS = '/.well-known/jwks.json';
// How long each may be cached, in seconds.
const DOCUMENTS = {
  [SERVER_METADATA]: 3600, '/.well-known/openid-configuration': 3600, [RESOURCE_METADATA]: 3600, [JWKS]: 300,
};
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
// Endpoints for programs.
const ENDPOINTS = {
  '/admin/clients': 'GET, POST',
  '/admin/clients/some-client': 'GET, PUT, DELETE',
  '/admin/clients/some-client/grants': 'GET, DELETE',
  '/admin/keys': 'GET, POST',
  '/admin/keys/some-key': 'GET, HEAD',
  '/admin/keys/some-key/revoke': 'POST',
  '/admin/keys/rotate': 'POST',
  '/admin/resources': 'GET, POST',
  '/admin/resources/some-resource': 'GET, PUT, DELETE',
  '/admin/users': 'GET, POST',
  '/admin/users/some-user': 'GET, PUT, DELETE',
  '/admin/users/some-user/grants': 'GET, DELETE',
  '/admin/users/some-user/grants/some-grant': 'DELETE',
  '/admin/users/some-user/sessions': 'GET, DELETE',
  '/api/whoami': 'GET, HEAD, OPTIONS',
  '/health': 'GET, HEAD',
  '/keys/some-key.crt': 'GET, HEAD, OPTIONS',
  '/oauth/device_authorization': 'POST, OPTIONS',
  '/oauth/introspect': 'POST',
  '/oauth/revoke': 'POST, OPTIONS',
  '/oauth/token': 'POST, OPTIONS',
  '/oauth/userinfo': 'GET, HEAD, POST, OPTIONS',
  ...Object.fromEntries(Object.keys(DOCUMENTS).map((path) => [path, 'GET, HEAD, OPTIONS'])),
};
// Pages for users.
const PAGES = {
  '/account': 'GET, HEAD, POST',
  '/account/sign-in': 'GET, HEAD, POST',
  '/account/sign-in/passkey': 'POST',
  '/account/sign-in/upstream': 'GET, HEAD',
  '/account/sign-in/upstream/callback': 'GET, HEAD',
  '/account/sign-up': 'GET, HEAD, POST',
  '/device': 'GET, HEAD, POST',
  '/device/consent': 'POST',
  '/oauth/authorize': 'GET, HEAD, POST',
  '/oauth/consent': 'POST',
  '/oauth/logout': 'GET, HEAD, POST',
};
// Endpoints that an application in a browser may use from its own origin.
const OPEN = [...Object.keys(DOCUMENTS), '/keys/some-key.crt', '/api/whoami', '/oauth/device_authorization', '/oauth/revoke', '/oauth/token', '/oauth/userinfo'];
let server;

before(async () => {
  server = await startWorker();
});

after(() => server?.stop());

test('serves exactly this authorization server metadata', async () => {
  const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
  const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
  const { json } = await send(server, SERVER_METADATA);
  for (const name of Object.keys(json)) if (name.endsWith('_alg_values_supported')) json[name].sort();
  algorithms.sort();
  assert.deepEqual(json, {
    issuer: server.issuer,
    device_authorization_endpoint: `${server.issuer}/oauth/device_authorization`,
    authorization_endpoint: `${server.issuer}/oauth/authorize`,
    token_endpoint: `${server.issuer}/oauth/token`,
    userinfo_endpoint: `${server.issuer}/oauth/userinfo`,
    end_session_endpoint: `${server.issuer}/oauth/logout`,
    introspection_endpoint: `${server.issuer}/oauth/introspect`,
    revocation_endpoint: `${server.issuer}/oauth/revoke`,
    jwks_uri: `${server.issuer}${JWKS}`,
    status_list_aggregation_endpoint: `${server.issuer}/oauth/status`,
    grant_types_supported: ['authorization_code', 'client_credentials', DEVICE_GRANT, 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer', TOKEN_EXCHANGE],
    refresh_token_expiration_types_supported: ['authorization', 'token_timeout'],
    authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    identity_chaining_requested_token_types_supported: ['urn:ietf:params:oauth:token-type:id-jag'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'groups'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    acr_values_supported: ['phr', '1'],
    claim_types_supported: ['normal'],
    claims_supported: [
      'acr', 'amr', 'at_hash', 'aud', 'auth_time', 'email', 'email_verified', 'exp', 'groups', 'iat', 'iss', 'jti', 'name', 'nonce',
      'preferred_username', 'sid', 'sub', 'updated_at',
    ],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    ui_locales_supported: ['en', 'zh'],
    token_endpoint_auth_methods_supported: [...methods, 'none'],
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: [...methods, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    protected_resources: [server.issuer],
  });
  const { text } = await send(server, '/.well-known/openid-configuration');
  assert.equal(text, (await send(server, SERVER_METADATA)).text);
});

test('every URL in the metadata is an endpoint', async () => {
  const { json } = await send(server, SERVER_METADATA);
  const addresses = Object.entries(json).filter(([name]) => /_(endpoint|uri)$/.test(name));
  assert.equal(addresses.length, 9);
  for (const [name, address] of addresses) {
    const method = /^(device_authorization|introspection|revocation|token)_/.test(name) ? 'POST' : 'GET';
    const response = await fetch(address, { method });
    assert.ok(![404, 405].includes(response.status), `${name}: ${response.status}`);
  }
});

test('serves the protected resource metadata, with and without a scope', async (t) => {
  const metadata = (of) => ({
    resource: of.issuer,
    authorization_servers: [of.issuer],
    bearer_methods_supported: ['header'],
    resource_name: 'Edgemint',
  });
  assert.deepEqual((await send(server, RESOURCE_METADATA)).json, metadata(server));
  const scoped = await startWorker({ vars: { SAMPLE_SCOPE: 'read write' } });
  t.after(() => scoped.stop());
  const { json } = await send(scoped, RESOURCE_METADATA);
  assert.deepEqual(json, { ...metadata(scoped), scopes_supported: ['read', 'write'] });
});

test('the key set has public members only', async () => {
  const { json, headers } = await send(server, JWKS);
  assert.equal(headers['content-type'], 'application/jwk-set+json');
  assert.deepEqual(Object.keys(json), ['keys']);
  const members = Object.fromEntries(json.keys.map((key) => [key.alg, Object.keys(key).sort().join(' ')]));
  assert.deepEqual(members, { ES256: 'alg crv kid kty use x y', RS256: 'alg e kid kty n use' });
});

for (const [path, maxAge] of Object.entries(DOCUMENTS)) {
  test(`${path} can be cached, and read from any origin`, async () => {
    const { status, headers, text } = await send(server, path, { headers: { origin: 'https://app.example' } });
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^application\/(jwk-set\+)?json$/);
    assert.equal(headers['cache-control'], `public, max-age=${maxAge}`);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(headers.etag, /^"[A-Za-z0-9_-]{22}"$/);

    for (const tag of [headers.etag, `W/${headers.etag}`, `"other", ${headers.etag}`, '*']) {
      const unchanged = await send(server, path, { headers: { 'if-none-match': tag } });
      assert.deepEqual([unchanged.status, unchanged.text], [304, ''], tag);
      assert.equal(unchanged.headers.etag, headers.etag);
      assert.equal(unchanged.headers['cache-control'], headers['cache-control']);
      assert.equal(unchanged.headers['access-control-allow-origin'], '*');
    }
    const changed = await send(server, path, { headers: { 'if-none-match': '"other"' } });
    assert.deepEqual([changed.status, changed.text], [200, text]);

    const head = await send(server, path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text, head.headers.etag], [200, '', headers.etag]);

    const preflight = await send(server, path, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], '*');
    assert.match(preflight.headers['access-control-allow-methods'], /\bGET\b/);
    assert.match(preflight.headers['access-control-allow-headers'], /(^|, )MCP-Protocol-Version(,|$)/);
  });
}

test('serves the health document', async () => {
  const { status, json, headers } = await send(server, '/health');
  assert.deepEqual([status, json, headers['cache-control']], [200, { status: 'ok' }, 'no-store']);
});

test('endpoints that read a cookie or a server\'s secret accept no other origin', async () => {
  for (const path of [...Object.keys(ENDPOINTS), ...Object.keys(PAGES)].filter((path) => !OPEN.includes(path))) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { headers } = await send(server, path, { method, headers: { origin: 'https://app.example' } });
      assert.equal(Object.keys(headers).some((name) => name.startsWith('access-control-')), false, path);
      assert.equal(headers['cache-control'], 'no-store', `${method} ${path}`);
    }
  }
});

test('refuses other methods with 405, and lists the allowed ones', async () => {
  for (const [path, allow] of Object.entries({ ...ENDPOINTS, ...PAGES })) {
    for (const method of METHODS.filter((name) => !allow.includes(name))) {
      const answer = await send(server, path, { method });
      assert.deepEqual([answer.status, answer.headers.allow], [405, allow], `${method} ${path}`);
      assert.equal(answer.headers['content-type'], 'application/json');
      if (method !== 'HEAD') assert.equal(answer.json.error, 'method_not_allowed');
    }
  }
});

test('responds to every other path with 404 in JSON', async () => {
  for (const path of [
    '/oauth', '/oauth/', '/oauth/authorize/', '/oauth/register', '/oauth/par', '/oauth/consent/', '/oauth/logout/x',
    '/oauth/device_authorization/', '/device/', '/device/code', '/oauth/token/', '/oauth//token', '/oauth/token;x', '/oauth/%74oken', '/OAUTH/token',
    '/token', '/introspect', '/revoke', '/authorize', '/register', '/userinfo', '/jwks', '/jwks.json', '/keys',
    '/.well-known', '/.well-known/', '/.well-known/jwks', '/.well-known/webfinger', '/.well-known/jwks.json/',
    '/.well-known/oauth-authorization-server/tenant', '/.well-known/oauth-protected-resource/api/whoami',
    '/admin', '/admin/', '/admin/clients/', '/admin/clients/a/b', '/admin/clients//grants', '/admin/users/',
    '/admin/users/a/b', '/admin/users/a/passkeys/', '/admin/users/a/passkeys/b/c', '/admin/users/a/grants/', '/admin/users/a/grants/b/c', '/admin/keys/', '/admin/keys/rotate/', '/admin/keys/1/2', '/keys/', '/keys/a/b',
    '/api', '/api/', '/api/whoami/', '/health/', '/healthz', '/status', '/metrics', '/debug', '/console',
    '/.dev.vars', '/.env', '/wrangler.toml', '/index_bg.wasm', '/build/index.js',
  ]) {
    for (const method of ['GET', 'POST']) {
      const answer = await send(server, path, { method });
      assert.equal(answer.status, 404, `${method} ${path}`);
      assert.equal(answer.json?.error, 'not_found', `${method} ${path}`);
      assert.equal(answer.headers['cache-control'], 'no-store');
    }
  }
});

test('no static file hides an endpoint', async (t) => {
  const www = mkdtempSync(join(tmpdir(), 'edgemint-www-'));
  t.after(() => rmSync(www, { recursive: true }));
  const paths = Object.keys({ ...ENDPOINTS, ...PAGES });
  // A path that other paths extend has to be a folder.
  const names = paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`)));
  for (const name of ['/index.html', ...names, ...names.map((path) => `${path}.html`)]) {
    mkdirSync(dirname(join(www, name)), { recursive: true });
    writeFileSync(join(www, name), 'a static file');
  }
  const shadowed = await startWorker({ assets: www });
  t.after(() => shadowed.stop());
  assert.equal((await send(shadowed, '/')).text, 'a static file');
  for (const [path, allow] of Object.entries({ ...ENDPOINTS, ...PAGES })) {
    const answer = await send(shadowed, path);
    assert.notEqual(answer.text, 'a static file', path);
    assert.equal(answer.status === 405, !allow.includes('GET'), path);
    if (Object.hasOwn(ENDPOINTS, path)) assert.match(answer.headers['content-type'], /^application\/(jwk-set\+)?json$/, path);
  }
});
