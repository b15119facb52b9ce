// Discovering an issuer's keys by its metadata: the URLs that are tried, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, OAUTH, OPENID, sendJson, startIssuer } from '../shared/issuer.mjs';
import { MEDIA_TYPE, listOf, signList } from '../shared/lists.mjs';
import { NOW, newKey, options, sign } from '../shared/signer.mjs';

const { allowInsecureRequests, createVerifier, guard } = await importFrom(await install());
const key = await newKey('ES256');

/** Starts an issuer for one test; returns it and the result of verifying one of its tokens. */
async function start(t, settings) {
  const issuer = await startIssuer({ keys: [key], ...settings });
  t.after(() => issuer.stop());
  const token = await sign(key, { claims: { iss: issuer.issuer } });
  return { issuer, verify: (more) => createVerifier({ ...options, issuer: issuer.issuer, ...more }).verify(token) };
}

test('the metadata of RFC 8414 is fetched first, and is sufficient', async (t) => {
  const { issuer, verify } = await start(t);
  await verify();
  assert.equal(issuer.count(OAUTH), 1);
  assert.equal(issuer.total(), 2);
});

test('the well-known path is inserted before the path of the issuer', async (t) => {
  const { issuer, verify } = await start(t, { path: '/tenant/1' });
  await verify();
  assert.equal(issuer.count(`${OAUTH}/tenant/1`), 1);
});

test('a slash at the end of the issuer is part of its name, but not of the metadata\'s path', async (t) => {
  const { issuer } = await start(t, { path: '/tenant' });
  const withSlash = `${issuer.issuer}/`;
  issuer.routes[`${OAUTH}/tenant`].issuer = withSlash;
  const token = await sign(key, { claims: { iss: withSlash } });
  await createVerifier({ ...options, issuer: withSlash }).verify(token);
  await assert.rejects(createVerifier({ ...options, issuer: issuer.issuer }).verify(token), { code: 'discovery_failed' });
});

for (const path of ['', '/tenant']) {
  test(`OpenID Connect's path is fetched after a 404, path "${path}"`, async (t) => {
    const { issuer, verify } = await start(t, { path });
    issuer.routes[`${path}${OPENID}`] = issuer.routes[`${OAUTH}${path}`];
    delete issuer.routes[`${OAUTH}${path}`];
    await verify();
    assert.equal(issuer.count(`${path}${OPENID}`), 1);
  });
}

test('a broken connection counts as a 404, since a browser reports no more about one', async (t) => {
  const { issuer, verify } = await start(t);
  issuer.routes[OPENID] = issuer.routes[OAUTH];
  issuer.routes[OAUTH] = (request) => request.socket.destroy();
  await verify();
  assert.equal(issuer.count(OPENID), 1);
});

test('an array of one issuer equals that issuer', async (t) => {
  const { issuer, verify } = await start(t);
  await verify({ issuer: [issuer.issuer] });
});


const status = (code, headers) => (_, response) => response.writeHead(code, headers).end();
const body = (text) => (_, response) => response.end(text);

/** The ways in which servers say that there is no metadata at a URL. */
const ABSENT = {
  ...Object.fromEntries([400, 401, 403, 404, 405, 406, 410].map((code) => [`status ${code}`, status(code)])),
  'a redirect': status(302, { location: '/elsewhere' }),
  'a redirect to the right place': status(302, { location: OPENID }),
  'a page': body('<!doctype html><title>Welcome</title>'),
  'nothing': body(''),
  'broken JSON': body('{"issuer":'),
  'no UTF-8': body(Buffer.from([0x22, 0xff, 0x22])),
  'a broken connection': (request) => request.socket.destroy(),
};

for (const [what, handler] of Object.entries(ABSENT)) {
  for (const path of ['', '/tenant']) {
    test(`the other URL is fetched after ${what}, path "${path}"`, async (t) => {
      const { issuer, verify } = await start(t, { path });
      issuer.routes[`${path}${OPENID}`] = issuer.routes[`${OAUTH}${path}`];
      issuer.routes[`${OAUTH}${path}`] = handler;
      await verify();
      assert.equal(issuer.count(`${path}${OPENID}`), 1);
      assert.equal(issuer.count('/elsewhere'), 0);
    });
  }

  test(`after ${what}, metadata of another issuer is refused`, async (t) => {
    const { issuer, verify } = await start(t);
    issuer.routes[OPENID] = { ...issuer.routes[OAUTH], issuer: 'https://issuer.example' };
    issuer.routes[OAUTH] = handler;
    await assert.rejects(verify(), { code: 'discovery_failed', message: /another issuer/ });
    assert.equal(issuer.total(), 2);
  });

  test(`refuses ${what} at both URLs, and the error names both`, async (t) => {
    const { issuer, verify } = await start(t);
    issuer.routes[OAUTH] = handler;
    issuer.routes[OPENID] = handler;
    const named = new RegExp(`${OAUTH}.*; .*${OPENID}`);
    await assert.rejects(verify(), { name: 'TokenError', code: 'discovery_failed', message: named });
    assert.equal(issuer.total(), 2);
  });
}

/** Invalid responses instead of the metadata. */
const UNBELIEVABLE = {
  'status 500': status(500),
  'status 503': status(503),
  'too many requests': status(429),
  'null': body('null'),
  'an array': body('[]'),
};

/** Invalid members of the metadata. */
const WRONG = {
  'another issuer': { issuer: 'https://issuer.example' },
  'no issuer': { issuer: undefined },
  'no jwks_uri': { jwks_uri: undefined },
  'a jwks_uri that is no URL': { jwks_uri: '/jwks.json' },
  'a jwks_uri in the clear': { jwks_uri: 'http://issuer.example/jwks.json' },
  'a jwks_uri that is a file': { jwks_uri: 'file:///etc/passwd' },
};

for (const [what, change] of [...Object.entries(UNBELIEVABLE), ...Object.entries(WRONG)]) {
  test(`refuses ${what}`, async (t) => {
    const { issuer, verify } = await start(t);
    const right = issuer.routes[OAUTH];
    issuer.routes[OAUTH] = typeof change === 'function' ? change : { ...right, ...change };
    // No request may reach this URL.
    issuer.routes[OPENID] = right;
    await assert.rejects(verify(), { name: 'TokenError', code: 'discovery_failed' });
    assert.equal(issuer.total(), 1);
  });
}

test('refuses an issuer without metadata', async (t) => {
  const { issuer, verify } = await start(t);
  delete issuer.routes[OAUTH];
  await assert.rejects(verify(), { name: 'TokenError', code: 'discovery_failed' });
  assert.equal(issuer.total(), 2);
});

test('an issuer on the network cannot refer to a URL on this machine', async () => {
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return Response.json({ issuer: 'https://issuer.example', jwks_uri: 'http://localhost:9/jwks.json' });
  };
  const verifier = createVerifier({ ...options, fetch });
  await assert.rejects(verifier.verify(await sign(key)), { code: 'discovery_failed' });
  assert.deepEqual(asked, [`https://issuer.example${OAUTH}`]);
});

const inCluster = 'http://auth.cluster.internal:8080';

/** A network of machines that support only http, as `fetch` sees it. `asked` are the URLs. */
function cluster(documents) {
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return documents[url] === undefined ? new Response(null, { status: 404 }) : Response.json(documents[url]);
  };
  return { fetch, asked };
}

test('an issuer on http inside a cluster is refused, unless a symbol allows it', async () => {
  const documents = {
    [`${inCluster}${OAUTH}`]: { issuer: inCluster, jwks_uri: 'http://keys.cluster.internal/jwks.json' },
    'http://keys.cluster.internal/jwks.json': { keys: [key.jwk] },
  };
  const token = await sign(key, { claims: { iss: inCluster } });
  const { fetch } = cluster(documents);
  for (const where of [{}, { jwksUri: 'http://keys.cluster.internal/jwks.json' }, { jwksUri: new URL('http://keys.cluster.internal/jwks.json') }]) {
    const given = { ...options, issuer: inCluster, ...where, fetch };
    for (const no of [{}, { allowInsecureRequests: true }, { [Symbol('allowInsecureRequests')]: true }, { [allowInsecureRequests]: false }]) {
      assert.throws(() => createVerifier({ ...given, ...no }), { code: 'invalid_option' });
    }
    for (const odd of [1, 'true', null, {}]) {
      assert.throws(() => createVerifier({ ...given, [allowInsecureRequests]: odd }), { code: 'invalid_option' });
    }
    await createVerifier({ ...given, [allowInsecureRequests]: true }).verify(token);
    assert.throws(() => createVerifier(JSON.parse(JSON.stringify({ ...given, fetch: undefined, [allowInsecureRequests]: true }))), { code: 'invalid_option' });
  }
  const several = createVerifier({ ...options, issuer: undefined, issuers: { [inCluster]: {} }, fetch, [allowInsecureRequests]: true });
  await several.verify(token);
  const guarded = guard({ ...options, issuer: inCluster, fetch, [allowInsecureRequests]: true }, () => new Response('in'));
  const answer = await guarded(new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } }), {}, {});
  assert.equal(answer.status, 200);
});

test('where http is allowed, an issuer on https still names no http URL, and one on the network no URL on this machine', async () => {
  const token = (iss) => sign(key, { claims: { iss } });
  for (const [issuer, jwksUri] of [
    ['https://issuer.example', 'http://issuer.example/jwks.json'], ['https://issuer.example', 'http://localhost:9/jwks.json'],
    [inCluster, 'http://localhost:9/jwks.json'], [inCluster, 'http://127.0.0.1/jwks.json'], [inCluster, 'http://[::1]/jwks.json'],
    [inCluster, 'http://user:secret@keys.cluster.internal/jwks.json'], [inCluster, 'ftp://keys.cluster.internal/jwks.json'],
  ]) {
    const { fetch, asked } = cluster({ [`${issuer}${OAUTH}`]: { issuer, jwks_uri: jwksUri } });
    const verifier = createVerifier({ ...options, issuer, fetch, [allowInsecureRequests]: true });
    await assert.rejects(verifier.verify(await token(issuer)), { code: 'discovery_failed' }, `${issuer} ${jwksUri}`);
    assert.deepEqual(asked, [`${issuer}${OAUTH}`]);
  }
});

test('where http is allowed, status lists are fetched over it, by the same rules', async () => {
  const uri = 'http://lists.cluster.internal/1';
  const statusOf = (at) => ({ status: { status_list: { idx: 0, uri: at } } });
  const list = await signList(key, { sub: uri, iss: inCluster, iat: NOW, ttl: 60, status_list: listOf({ 1: 1 }) });
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return new Response(list, { headers: { 'content-type': MEDIA_TYPE } });
  };
  const keys = { jwks: { keys: [key.jwk] }, fetch, status: 'check' };
  const insecure = { ...options, ...keys, issuer: inCluster, [allowInsecureRequests]: true };
  const token = await sign(key, { claims: { iss: inCluster, ...statusOf(uri) } });
  await createVerifier(insecure).verify(token);
  assert.deepEqual(asked, [uri]);
  const revoked = await sign(key, { claims: { iss: inCluster, status: { status_list: { idx: 1, uri } } } });
  await assert.rejects(createVerifier(insecure).verify(revoked), { code: 'revoked' });
  const secure = createVerifier({ ...insecure, [allowInsecureRequests]: false });
  await assert.rejects(secure.verify(token), { code: 'claim_invalid', claim: 'status' });
  for (const [iss, at] of [['https://issuer.example', uri], [inCluster, 'http://localhost:9/1'], ['https://issuer.example', 'http://127.0.0.1:9/1']]) {
    const astray = await sign(key, { claims: { iss, ...statusOf(at) } });
    await assert.rejects(createVerifier({ ...insecure, issuer: iss }).verify(astray), { code: 'claim_invalid', claim: 'status' }, `${iss} ${at}`);
  }
});

test('a shared secret in a fetched set is never used', async (t) => {
  const secret = await newKey('HS256');
  const { issuer } = await start(t, { keys: [secret, key] });
  const claims = { iss: issuer.issuer };
  for (const given of [{ issuer: issuer.issuer }, { issuer: issuer.issuer, jwksUri: `${issuer.origin}${JWKS}` }]) {
    const verifier = createVerifier({ ...options, ...given, algorithms: ['HS256', 'ES256'] });
    await assert.rejects(verifier.verify(await sign(secret, { claims })), { code: 'key_not_found' });
    await verifier.verify(await sign(key, { claims }));
  }
});

test('a given fetch is called without this, follows no redirect and sends no credentials', async (t) => {
  const { issuer, verify } = await start(t);
  const calls = [];
  async function recording(url, init) {
    calls.push({ self: this, url, init });
    return fetch(url, init);
  }
  await verify({ fetch: recording });
  assert.deepEqual(calls.map(({ url }) => url), [`${issuer.origin}${OAUTH}`, `${issuer.origin}${JWKS}`]);
  for (const { self, init } of calls) {
    assert.equal(self, undefined);
    assert.equal(init.redirect, 'manual');
    assert.match(init.headers.accept, /^(application\/jwk-set\+json, )?application\/json$/);
    assert.ok(init.signal instanceof AbortSignal);
  }
});

test('accepts a response in pieces and with any content type', async (t) => {
  const { issuer, verify } = await start(t);
  const set = issuer.routes[JWKS];
  issuer.routes[JWKS] = (_, response) => {
    const text = JSON.stringify(set);
    response.writeHead(200);
    for (const character of text) response.write(character);
    response.end();
  };
  await verify();
  issuer.routes[JWKS] = (_, response) => sendJson(response, set, { 'content-type': 'text/plain' });
  await verify();
});
