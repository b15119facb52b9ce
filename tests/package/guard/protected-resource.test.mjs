// The metadata of protected resources (RFC 9728): what is published and where, in each framework, and what third-party clients read.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { serve } from '@hono/node-server';
import { discoverOAuthProtectedResourceMetadata, extractWWWAuthenticateParams, selectResourceURL } from '@modelcontextprotocol/sdk/client/auth.js';
import { Hono } from 'hono';
import * as oauth from 'oauth4webapi';
import { modulesOf } from '../../../.scripts/modules.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import {
  assertRefused, createVerifier, expressGuard, expressResource, guard, honoGuard, honoResource, lacking, protectedResource, startIssuerWithKey,
  withBearer,
} from '../shared/guarded.mjs';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const authorizationServers = 'https://issuer.example';
const { issuer, token, options } = await startIssuerWithKey();
after(() => issuer.stop());
const servers = [];
after(() => servers.forEach((server) => {
  server.closeAllConnections();
  server.close();
}));
const describe = (resource, more) => protectedResource({ resource, authorizationServers, ...more });

/** The origin of a server whose handler is made for that origin. */
async function listen(handlerFor) {
  let handler;
  const server = createServer((request, response) => handler(request, response)).listen(0, '127.0.0.1');
  return started(server, (origin) => { handler = handlerFor(origin); });
}

async function started(server, prepare) {
  servers.push(server);
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  prepare(origin);
  return origin;
}

test('the metadata has the members that were given, by their names in RFC 9728, and nothing else', async () => {
  const minimal = { resource: 'https://api.example', authorization_servers: [authorizationServers], bearer_methods_supported: ['header'] };
  const members = {
    bearer_methods_supported: [],
    jwks_uri: 'https://api.example/jwks', resource_signing_alg_values_supported: ['ES256'],
    resource_name: 'Notes "\u00e9\u4e2d"', 'resource_name#zh-Hans': '\u7b14\u8bb0', resource_documentation: 'https://api.example/docs',
    resource_policy_uri: 'https://api.example/policy', resource_tos_uri: 'http://localhost/tos', 'resource_tos_uri#fr': 'https://api.example/fr',
    tls_client_certificate_bound_access_tokens: false, authorization_details_types_supported: ['payment'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'], dpop_bound_access_tokens_required: true, signed_metadata: 'a.b.c',
  };
  const cases = [
    [{}, minimal],
    [{ scopes: undefined, resource_name: undefined }, minimal],
    [{ scopes: 'read write' }, { ...minimal, scopes_supported: ['read', 'write'] }],
    [{ scopes: ['read'], authorizationServers: ['https://a.example', 'http://localhost:1/b'] }, { ...minimal, scopes_supported: ['read'], authorization_servers: ['https://a.example', 'http://localhost:1/b'] }],
    [members, { ...minimal, ...members }],
  ];
  for (const [given, expected] of cases) {
    const notes = describe('https://api.example', given);
    assert.deepEqual(await notes(new Request(notes.metadataUrl)).json(), expected);
    assert.deepEqual(notes.metadata, expected);
  }
});

test('the path of the resource follows the well-known path, and so does its query', () => {
  const places = {
    'https://api.example': WELL_KNOWN,
    'https://api.example/': WELL_KNOWN,
    'https://api.example/notes': `${WELL_KNOWN}/notes`,
    'https://api.example/a/b': `${WELL_KNOWN}/a/b`,
    'https://api.example/notes/': `${WELL_KNOWN}/notes/`,
    'https://api.example?tenant=1': `${WELL_KNOWN}?tenant=1`,
    'https://api.example/notes?tenant=1': `${WELL_KNOWN}/notes?tenant=1`,
    'https://api.example:8443/a%20b': `${WELL_KNOWN}/a%20b`,
    'http://localhost:3000/mcp': `${WELL_KNOWN}/mcp`,
    'http://[::1]:3000/mcp': `${WELL_KNOWN}/mcp`,
  };
  for (const [resource, path] of Object.entries(places)) {
    const { metadataPath, metadataUrl, ...notes } = describe(resource);
    assert.deepEqual([metadataPath, metadataUrl, notes.resource], [path, new URL(path, resource).href, resource]);
  }
});

test('a request for the metadata is recognised by path and query, with or without a slash at the end', () => {
  const cases = [
    ['https://api.example/notes', [`${WELL_KNOWN}/notes`, `${WELL_KNOWN}/notes/`], [WELL_KNOWN, `${WELL_KNOWN}/`, `${WELL_KNOWN}/notes/1`, `${WELL_KNOWN}/note`, `${WELL_KNOWN}/Notes`, `${WELL_KNOWN}/notes//`, `${WELL_KNOWN}/notes?a=1`, `/notes${WELL_KNOWN}`, `/x?y=${WELL_KNOWN}/notes`, '/notes', '/']],
    ['https://api.example/notes/', [`${WELL_KNOWN}/notes`, `${WELL_KNOWN}/notes/`], [WELL_KNOWN]],
    ['https://api.example', [WELL_KNOWN, `${WELL_KNOWN}/`], [`${WELL_KNOWN}/notes`, `${WELL_KNOWN}s`, '/']],
    ['https://api.example/notes?tenant=1', [`${WELL_KNOWN}/notes?tenant=1`, `${WELL_KNOWN}/notes/?tenant=1`], [`${WELL_KNOWN}/notes`, `${WELL_KNOWN}/notes?tenant=2`, `${WELL_KNOWN}/notes?tenant=1/`]],
  ];
  for (const [resource, own, others] of cases) {
    const notes = describe(resource);
    // A proxy may have changed the host.
    for (const target of own) assert.equal(notes(new Request(`http://internal:8080${target}`))?.status, 200, target);
    for (const target of others) assert.equal(notes(new Request(`https://api.example${target}`)), undefined, target);
  }
  const root = describe('https://api.example');
  assert.equal(root(new Request(root.metadataUrl, { method: 'HEAD' })).body, null);
  assert.equal(root({ method: 'GET', url: `http://${WELL_KNOWN}:bad` }), undefined);
});

test('invalid options are refused, with the name of the option', () => {
  const given = { resource: 'https://api.example/notes', authorizationServers };
  const wrong = {
    resource: [
      undefined, null, '', 'notes', '/notes', 5, new URL('https://api.example'), 'http://api.example', 'urn:example:api', 'https://api.example#x',
      'https://api.example/#', 'https://user:secret@api.example', 'HTTPS://api.example', 'https://API.example', 'https://api.example:443/notes',
      'https://api.example/a/../b', 'https://api.example/a b', 'https://api.example/\u00e9', ' https://api.example', 'https://api.example/a\r\nb', 'https:\\\\api.example',
    ],
    authorizationServers: [
      undefined, null, '', [], 'issuer', 5, ['https://issuer.example', 'http://issuer.example'], 'https://issuer.example?a=1', 'https://issuer.example#a', [['https://issuer.example']],
      'javascript:alert(1)', 'https://issuer.example/?',
    ],
    scopes: ['', [], 'a  b', 'a"', 'a\\', ['a b'], 5, null, '\u00e9'],
    bearer_methods_supported: ['header', ['cookie'], null, [undefined]],
    jwks_uri: ['x', 'http://api.example/jwks', null, 5],
    resource_name: ['', null, 5, ['Notes']],
    'resource_name#en': ['', 5],
    resource_documentation: ['docs', 'javascript:alert(1)', 'data:text/html,x', null],
    resource_policy_uri: ['javascript:alert(1)'],
    resource_tos_uri: ['http://api.example/tos'],
    'resource_tos_uri#fr': ['javascript:alert(1)'],
    resource_signing_alg_values_supported: [[], ['none'], 'ES256', [5], null],
    dpop_signing_alg_values_supported: [[], ['none', 'ES256'], null, { length: 1 }],
    authorization_details_types_supported: [[], [''], 'payment', null],
    tls_client_certificate_bound_access_tokens: ['true', 1, null],
    dpop_bound_access_tokens_required: ['false', 0, null],
    signed_metadata: ['', {}, null],
    scope: ['read'], name: ['Notes'], 'resource_name#': ['x'], 'resource_name#e_n': ['x'], 'jwks_uri#en': ['https://api.example'], toString: ['x'], constructor: ['x'],
    scopes_supported: [['read']], authorization_servers: [['https://issuer.example']],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      for (const create of [protectedResource, honoResource, expressResource]) {
        assert.throws(() => create({ ...given, [name]: value }), (error) => {
          assert.deepEqual([error.name, error.code], ['TokenError', 'invalid_option']);
          return error.message.includes(name);
        }, `${name}: ${inspect(value)}`);
      }
    }
  }
  for (const value of [undefined, null, 'https://api.example', [], 5]) assert.throws(() => protectedResource(value), { code: 'invalid_option' });
  assert.throws(() => protectedResource({ ...given, scopes_supported: ['read'] }), { message: 'unknown option "scopes_supported", use scopes' });
  assert.throws(() => describe('https://API.example'), { message: 'resource must be written in its normal form, "https://api.example"' });
});

test('a resource cannot be changed after it was created', () => {
  const [scopes, servers] = [['read'], ['https://issuer.example']];
  const notes = protectedResource({ resource: 'https://api.example', authorizationServers: servers, scopes, dpop_signing_alg_values_supported: scopes });
  scopes.push('write');
  servers.push('https://other.example');
  assert.deepEqual([notes.metadata.scopes_supported, notes.metadata.authorization_servers], [['read'], ['https://issuer.example']]);
  for (const change of [() => { notes.metadataUrl = 'x'; }, () => { notes.metadata.resource = 'x'; }, ...Object.values(notes.metadata).filter(Array.isArray).map((list) => () => list.push('x'))]) {
    assert.throws(change, TypeError);
  }
});

/** Each Express that is installed. */
const EXPRESSES = await Promise.all(['express', 'express-4'].map(async (name) => {
  const express = await import(name).then((module) => module.default, () => undefined);
  return { name, express, skip: express === undefined && `${name} is not installed` };
}));

/** Servers of each kind with the resource `/notes`, guarded below that path, and one other page. Each returns the origin. */
const KINDS = [
  ['Workers', false, () => {
    const app = serve({ fetch: (...args) => respond(...args), port: 0, hostname: '127.0.0.1' });
    let respond;
    return started(app, (origin) => {
      const notes = protectedResource(given(origin));
      const api = guard({ ...options, scope: 'admin', resourceMetadata: notes }, () => new Response('in'));
      respond = (request) => notes(request) ?? (new URL(request.url).pathname === '/notes' ? api(request) : new Response('other'));
    });
  }],
  ['Hono', false, () => {
    const app = new Hono();
    return started(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }), (origin) => {
      const notes = honoResource(given(origin));
      app.use(notes);
      app.use('/notes', honoGuard({ ...options, scope: 'admin', resourceMetadata: notes }));
      app.all('*', (c) => c.text('other'));
    });
  }],
  ['node:http', false, () => listen((origin) => {
    const notes = expressResource(given(origin));
    const ask = expressGuard({ ...options, scope: 'admin', resourceMetadata: notes });
    return (request, response) => notes(request, response, () => {
      if (request.url === '/notes') void ask(request, response, () => response.end('in'));
      else response.end('other');
    });
  })],
  ...EXPRESSES.map(({ name, express, skip }) => [name, skip, () => listen((origin) => {
    const notes = expressResource(given(origin));
    const app = express();
    app.use(notes);
    app.use('/notes', expressGuard({ ...options, scope: 'admin', resourceMetadata: notes }));
    app.use((request, response) => response.send('other'));
    return app;
  })]),
];

function given(origin) {
  return { resource: `${origin}/notes`, authorizationServers: issuer.issuer, scopes: ['read', 'admin'], resource_name: 'Notes' };
}

for (const [kind, skip, start] of KINDS) {
  test(`${kind}: GET, HEAD, OPTIONS and other methods have their responses, and other paths pass`, { skip }, async () => {
    const origin = await start();
    const url = `${origin}${WELL_KNOWN}/notes`;
    const responses = await Promise.all(['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE'].map((method) => fetch(url, { method })));
    assert.deepEqual(responses.map(({ status }) => status), [200, 200, 204, 405, 405]);
    for (const { headers } of responses) assert.equal(headers.get('access-control-allow-origin'), '*');
    const [get, head, preflight, post] = responses;
    for (const { headers } of [get, head]) {
      assert.deepEqual([headers.get('content-type'), headers.get('cache-control')], ['application/json', 'public, max-age=3600']);
    }
    assert.equal(await head.text(), '');
    assert.equal(post.headers.get('allow'), 'GET, HEAD, OPTIONS');
    assert.match(preflight.headers.get('access-control-allow-headers'), /MCP-Protocol-Version, \*$/);
    assert.match(preflight.headers.get('access-control-allow-methods'), /GET/);
    assert.deepEqual(await get.json(), {
      resource: `${origin}/notes`, authorization_servers: [issuer.issuer], scopes_supported: ['read', 'admin'], bearer_methods_supported: ['header'], resource_name: 'Notes',
    });
    for (const path of ['/', WELL_KNOWN, `${WELL_KNOWN}/other`]) assert.equal(await (await fetch(`${origin}${path}`)).text(), 'other', path);
  });

  test(`${kind}: the unmodified MCP SDK finds the issuer from a refusal`, { skip }, async () => {
    const origin = await start();
    const refused = await fetch(`${origin}/notes`);
    const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(refused);
    assert.deepEqual([refused.status, resourceMetadataUrl.href, scope], [401, `${origin}${WELL_KNOWN}/notes`, 'admin']);
    // With the URL of the challenge, and with the place that the client computes.
    for (const hint of [{ resourceMetadataUrl }, {}]) {
      const metadata = await discoverOAuthProtectedResourceMetadata(`${origin}/notes`, hint);
      assert.deepEqual([metadata.resource, metadata.authorization_servers], [`${origin}/notes`, [issuer.issuer]]);
      assert.equal((await selectResourceURL(`${origin}/notes`, {}, metadata)).href, `${origin}/notes`);
    }
  });

  test(`${kind}: unmodified oauth4webapi reads the metadata`, { skip }, async () => {
    const resource = new URL(`${await start()}/notes`);
    const response = await oauth.resourceDiscoveryRequest(resource, { [oauth.allowInsecureRequests]: true });
    const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
    assert.deepEqual([metadata.authorization_servers, metadata.scopes_supported], [[issuer.issuer], ['read', 'admin']]);
  });

  test(`${kind}: every 401 and 403 names the metadata`, { skip }, async () => {
    const origin = await start();
    const before = `resource_metadata="${origin}${WELL_KNOWN}/notes", `;
    await assertRefused(await fetch(`${origin}/notes`, withBearer(await token({ scope: 'read' }))), lacking('admin', before));
    const invalid = await fetch(`${origin}/notes`, withBearer('x'));
    assert.ok(invalid.status === 401 && invalid.headers.get('www-authenticate').startsWith(`Bearer ${before}error="invalid_token"`));
  });
}

test('third-party clients find resources with and without path, slash and query', async () => {
  for (const resource of ['https://api.example', 'https://api.example/notes', 'https://api.example/notes/', 'https://api.example/a/b', 'https://api.example/notes?tenant=1']) {
    const notes = describe(resource);
    const ask = async (url, init) => notes(new Request(url, init)) ?? new Response(null, { status: 404 });
    const response = await oauth.resourceDiscoveryRequest(new URL(resource), { [oauth.customFetch]: ask });
    assert.equal((await oauth.processResourceDiscoveryResponse(new URL(resource), response)).resource, resource);
    const metadata = await discoverOAuthProtectedResourceMetadata(resource, {}, ask);
    assert.equal(metadata.resource, resource);
  }
});

test('the guards of every entry accept the resource of any other', async () => {
  const resource = 'https://api.example/notes?a="b\\c';
  assert.throws(() => describe(resource), { code: 'invalid_option' });
  const normal = 'https://api.example/notes?a=%22b\\c';
  const described = [protectedResource, honoResource, expressResource].map((create) => create({ resource: normal, authorizationServers }));
  const verifier = createVerifier(options);
  const challenge = `Bearer resource_metadata="https://api.example${WELL_KNOWN}/notes?a=%22b\\\\c"`;
  for (const resourceMetadata of described) {
    await assert.rejects(verifier.verifyRequest(undefined, { resourceMetadata }), { wwwAuthenticate: challenge });
    const response = await guard({ verifier, resourceMetadata }, () => assert.fail('the handler was called'))(new Request('https://api.example'));
    assert.equal(response.headers.get('www-authenticate'), challenge);
  }
  for (const metadataUrl of ['x', 'http://api.example', 'https://api.example#x', 5, null]) {
    assert.throws(() => guard({ verifier, resourceMetadata: { metadataUrl } }, () => {}), { code: 'invalid_option' });
  }
});

test('below a mounted router of Express, the whole path counts', { skip: EXPRESSES[0].skip }, async () => {
  const { express } = EXPRESSES[0];
  const origin = await listen(() => {
    const notes = expressResource({ resource: 'https://api.example/notes', authorizationServers });
    return express().use('/.well-known', express.Router().use(notes)).get('/other', (request, response) => response.send('other'));
  });
  assert.equal((await fetch(`${origin}${WELL_KNOWN}/notes`)).status, 200);
  assert.equal((await fetch(`${origin}/other`)).status, 200);
});

test('the guards of edgemint/slim and edgemint/inline, and those that were required, name the metadata and demand step-up', async () => {
  const folder = await install();
  const [slim, inline] = [await importFrom(folder, 'edgemint/slim'), await importFrom(folder, 'edgemint/inline')];
  slim.init(readFileSync(join(folder, 'node_modules/edgemint/dist/edgemint.wasm')));
  const require = createRequire(join(folder, 'required.cjs'));
  const notes = require('edgemint/resource').protectedResource({ resource: 'https://api.example/notes', authorizationServers });
  for (const entry of [slim, inline, require('edgemint/inline')]) {
    const place = entry.guard({ ...options, acr: 'gold', resourceMetadata: notes }, () => new Response());
    const request = async (claims) => place(new Request('https://api.example/notes', withBearer(await token(claims))));
    const challenge = (await request()).headers.get('www-authenticate');
    assert.ok(challenge.startsWith(`Bearer resource_metadata="${notes.metadataUrl}", error="insufficient_user_authentication"`));
    assert.ok(challenge.endsWith(', acr_values="gold"'));
    assert.equal((await request({ acr: 'gold' })).status, 200);
  }
});

test('the entry loads no WebAssembly', async () => {
  const loaded = [...modulesOf(join(await install(), 'node_modules/edgemint/dist/resource.js'))].map((path) => basename(path));
  assert.ok(loaded.includes('protected_resource.js') && !loaded.some((name) => /wasm|glue|core|memory/.test(name)), loaded.join(' '));
});
