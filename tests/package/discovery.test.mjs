// Finding an issuer's keys by its metadata: where it is looked for, and what is not believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from './consumer.mjs';
import { JWKS, OAUTH, OPENID, sendJson, startIssuer } from './issuer.mjs';
import { newKey, options, sign } from './signer.mjs';

const { createVerifier } = await importFrom(await install());
const key = await newKey('ES256');

/** Starts an issuer for one test; gives it and what verifying a token of its own comes to. */
async function start(t, settings) {
  const issuer = await startIssuer({ keys: [key], ...settings });
  t.after(() => issuer.stop());
  const token = await sign(key, { claims: { iss: issuer.issuer } });
  return { issuer, verify: (more) => createVerifier({ ...options, issuer: issuer.issuer, ...more }).verify(token) };
}

test('the metadata of RFC 8414 is asked first, and it is enough', async (t) => {
  const { issuer, verify } = await start(t);
  await verify();
  assert.equal(issuer.count(OAUTH), 1);
  assert.equal(issuer.total(), 2);
});

test('the well-known path goes before the path of the issuer', async (t) => {
  const { issuer, verify } = await start(t, { path: '/tenant/1' });
  await verify();
  assert.equal(issuer.count(`${OAUTH}/tenant/1`), 1);
});

test('a slash at the end of the issuer counts for its name, not for the place', async (t) => {
  const { issuer } = await start(t, { path: '/tenant' });
  const withSlash = `${issuer.issuer}/`;
  issuer.routes[`${OAUTH}/tenant`].issuer = withSlash;
  const token = await sign(key, { claims: { iss: withSlash } });
  await createVerifier({ ...options, issuer: withSlash }).verify(token);
  await assert.rejects(createVerifier({ ...options, issuer: issuer.issuer }).verify(token), { code: 'discovery_failed' });
});

for (const path of ['', '/tenant']) {
  test(`OpenID Connect's place is asked after a 404, path "${path}"`, async (t) => {
    const { issuer, verify } = await start(t, { path });
    issuer.routes[`${path}${OPENID}`] = issuer.routes[`${OAUTH}${path}`];
    delete issuer.routes[`${OAUTH}${path}`];
    await verify();
    assert.equal(issuer.count(`${path}${OPENID}`), 1);
  });
}

test('a broken connection counts as a 404, for a browser tells no more of one', async (t) => {
  const { issuer, verify } = await start(t);
  issuer.routes[OPENID] = issuer.routes[OAUTH];
  issuer.routes[OAUTH] = (request) => request.socket.destroy();
  await verify();
  assert.equal(issuer.count(OPENID), 1);
});

test('an array of one issuer is that issuer', async (t) => {
  const { issuer, verify } = await start(t);
  await verify({ issuer: [issuer.issuer] });
});

const status = (code, headers) => (_, response) => response.writeHead(code, headers).end();
const body = (text) => (_, response) => response.end(text);

/** What may be served instead of the metadata. */
const UNBELIEVABLE = {
  'status 500': status(500),
  'status 403': status(403),
  'a redirect': status(302, { location: OPENID }),
  'a page': body('<!doctype html><title>Welcome</title>'),
  'nothing': body(''),
  'broken JSON': body('{"issuer":'),
  'no UTF-8': body(Buffer.from([0x22, 0xff, 0x22])),
  'null': body('null'),
  'an array': body('[]'),
};

/** What may be wrong in the metadata. */
const WRONG = {
  'another issuer': { issuer: 'https://issuer.example' },
  'no issuer': { issuer: undefined },
  'no jwks_uri': { jwks_uri: undefined },
  'a jwks_uri that is no URL': { jwks_uri: '/jwks.json' },
  'a jwks_uri in the clear': { jwks_uri: 'http://issuer.example/jwks.json' },
  'a jwks_uri that is a file': { jwks_uri: 'file:///etc/passwd' },
};

for (const [what, change] of [...Object.entries(UNBELIEVABLE), ...Object.entries(WRONG)]) {
  test(`refused: ${what}`, async (t) => {
    const { issuer, verify } = await start(t);
    const right = issuer.routes[OAUTH];
    issuer.routes[OAUTH] = typeof change === 'function' ? change : { ...right, ...change };
    // Nothing must lead there.
    issuer.routes[OPENID] = right;
    await assert.rejects(verify(), { name: 'TokenError', code: 'discovery_failed' });
    assert.equal(issuer.total(), 1);
  });
}

test('refused: no metadata at all', async (t) => {
  const { issuer, verify } = await start(t);
  delete issuer.routes[OAUTH];
  await assert.rejects(verify(), { name: 'TokenError', code: 'discovery_failed' });
  assert.equal(issuer.total(), 2);
});

test('an issuer on the network cannot send us to an address on this machine', async () => {
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return Response.json({ issuer: 'https://issuer.example', jwks_uri: 'http://localhost:9/jwks.json' });
  };
  const verifier = createVerifier({ ...options, fetch });
  await assert.rejects(verifier.verify(await sign(key)), { code: 'discovery_failed' });
  assert.deepEqual(asked, [`https://issuer.example${OAUTH}`]);
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
    assert.deepEqual(init.headers, { accept: 'application/json' });
    assert.ok(init.signal instanceof AbortSignal);
  }
});

test('the answer may come in pieces and under any content type', async (t) => {
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
