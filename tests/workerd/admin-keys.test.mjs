// Operators revoke a signing key, import one from another issuer, and export public keys; clients choose the algorithm of their
// tokens.
import assert from 'node:assert/strict';
import { X509Certificate, createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SignJWT, createLocalJWKSet, jwtVerify } from 'jose';
import { admin, registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, bearer, postForm, send } from './request.mjs';

const JWKS = '/.well-known/jwks.json';
const ALL = 'ES256 RS256 EdDSA';
const DAY = 24 * 3600;
const now = () => Math.floor(Date.now() / 1000);
let server;

before(async () => {
  server = await startWorker({ vars: { SIGNING_ALGORITHMS: ALL } });
});

after(() => server?.stop());

test('cron creates a next key for every algorithm, published long before it signs', async (t) => {
  const fresh = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 RS256', KEY_ROTATION_DAYS: '7' } });
  t.after(() => fresh.stop());
  await token(fresh);
  for (let times = 0; times < 2; times += 1) await fresh.cron();
  const { keys } = (await admin(fresh, 'GET', '/admin/keys')).json;
  assert.deepEqual(keys.map(({ alg, stage }) => `${alg} ${stage}`).sort(), ['ES256 active', 'ES256 next', 'RS256 active', 'RS256 next']);
  for (const next of keys.filter(({ stage }) => stage === 'next')) {
    const active = keys.find(({ alg, stage }) => alg === next.alg && stage === 'active');
    assert.equal(next.sign_from, active.sign_from + 7 * DAY);
    assert.equal(active.sign_until, next.sign_from);
    assert.ok(active.drop_at - active.sign_until >= 2 * DAY);
  }
  assert.equal((await send(fresh, JWKS)).json.keys.length, 4);
});

test('a revoked key signs and verifies nothing, and stays listed as revoked', async (t) => {
  const fresh = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  t.after(() => fresh.stop());
  const [first, second] = [(await token(fresh)).access_token, (await token(fresh)).access_token];
  const { kid } = decode(first).header;
  const before = now();
  const answer = await admin(fresh, 'POST', `/admin/keys/${kid}/revoke`);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.kid, kid);
  assert.ok(answer.json.revoked_at >= before && answer.json.revoked_at <= now());
  assert.equal(answer.json.refused_here_from - answer.json.revoked_at, 900);
  assert.equal(answer.json.refused_by_verifiers_from - answer.json.refused_here_from, 600);

  assert.deepEqual((await send(fresh, '/api/whoami', { headers: bearer(first) })).status, 401);
  const root = basic({ id: 'root', secret: fresh.rootSecret });
  assert.deepEqual((await postForm(fresh, '/oauth/introspect', { token: second }, root)).json, { active: false });
  const { keys } = (await send(fresh, JWKS)).json;
  assert.ok(keys.every((key) => key.kid !== kid));
  const later = (await token(fresh)).access_token;
  await verifies(later, { keys }, fresh);
  assert.equal((await send(fresh, '/api/whoami', { headers: bearer(later) })).status, 200);

  const again = await admin(fresh, 'POST', `/admin/keys/${kid}/revoke`);
  assert.deepEqual([again.status, again.json], [200, answer.json]);
  assert.equal((await send(fresh, `/keys/${kid}.jwk`)).status, 404);
  const list = (await admin(fresh, 'GET', '/admin/keys')).json;
  assert.deepEqual(list.revoked, [{ kid, alg: 'ES256', stage: 'revoked', revoked_at: answer.json.revoked_at }]);
  assert.deepEqual(list.keys.map(({ stage }) => stage), ['active', 'next']);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await refused(fresh, { key: pem(pair.privateKey), use: 'sign', kid }, 409, /was revoked/);

  await fresh.kill();
  const restarted = await startWorker(fresh.settings);
  t.after(() => restarted.stop());
  assert.deepEqual((await admin(restarted, 'GET', '/admin/keys')).json, list);
  assert.ok(fresh.logs.some((line) => line.includes('"event":"key_revoked"') && line.includes(`"kid":"${kid}"`)));
  assert.ok(fresh.logs.filter((line) => line.includes('"event":"key_created"')).length >= 3);
});

test('revoking an unknown key is not found', async () => {
  for (const kid of ['unknown', '%FF', 'a%20b']) {
    const answer = await admin(server, 'POST', `/admin/keys/${kid}/revoke`);
    assert.deepEqual([answer.status, answer.json.error], [404, 'not_found'], kid);
  }
});

const PAIRS = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

for (const [alg, make] of Object.entries(PAIRS)) {
  for (const form of ['pem', 'jwk']) {
    test(`a private ${alg} key as ${form} becomes the next signing key`, async (t) => {
      const fresh = await startWorker({ vars: { SIGNING_ALGORITHMS: ALL } });
      t.after(() => fresh.stop());
      await token(fresh);
      const { privateKey, publicKey } = make();
      const key = form === 'pem' ? pem(privateKey) : { ...privateKey.export({ format: 'jwk' }), kid: 'from-the-jwk' };
      const answer = await admin(fresh, 'POST', '/admin/keys', { key, use: 'sign', ...form === 'pem' && { kid: 'old:key/1' } });
      assert.equal(answer.status, 201, answer.text);
      const { json } = answer;
      const kid = form === 'pem' ? 'old:key/1' : 'from-the-jwk';
      assert.deepEqual([json.alg, json.stage, json.use], [alg, 'next', 'sign']);
      assert.equal(json.sign_from - json.publish_at, 1500);
      const published = (await send(fresh, JWKS)).json.keys.find((candidate) => candidate.kid === kid);
      assert.deepEqual(published, { ...publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' });
      assert.deepEqual((await send(fresh, new URL(answer.headers.location).pathname, { headers: bearer((await token(fresh)).access_token) })).json, published);
      assert.doesNotMatch(answer.text, /"d"/);
    });
  }
}

test('an imported public key verifies the old issuer\'s tokens until it expires, and never signs', async (t) => {
  const fresh = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  t.after(() => fresh.stop());
  const { privateKey, publicKey } = PAIRS.ES256();
  const { claims } = decode((await token(fresh)).access_token);
  const old = await new SignJWT({ ...claims, jti: 'of-the-old-issuer' }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'old' }).sign(privateKey);
  const ask = () => send(fresh, '/api/whoami', { headers: bearer(old) });
  assert.equal((await ask()).status, 401);
  const until = now() + 3600;
  const answer = await admin(fresh, 'POST', '/admin/keys', { key: pem(publicKey), kid: 'old', use: 'verify', until });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual([answer.json.use, answer.json.stage, answer.json.drop_at], ['verify', 'retiring', until]);
  await verifies(old, (await send(fresh, JWKS)).json, fresh);
  assert.equal((await ask()).status, 200);
  assert.equal(claims.scope, 'edgemint:admin');
  assert.equal((await send(fresh, '/admin/keys', { headers: bearer(old) })).status, 401, 'tokens of the old key open no admin endpoint');
  assert.notEqual(decode((await token(fresh)).access_token).header.kid, 'old');
  assert.equal((await send(fresh, '/keys/old.crt')).status, 404, 'a public key cannot sign');
  assert.equal((await admin(fresh, 'POST', '/admin/keys/old/revoke')).status, 200);
  assert.equal((await ask()).status, 401);
});

test('refuses invalid keys, each with its reason', async () => {
  const ec = PAIRS.ES256();
  const [one, other] = [ec.privateKey.export({ format: 'jwk' }), PAIRS.ES256().privateKey.export({ format: 'jwk' })];
  const [ed, otherEd] = [PAIRS.EdDSA(), PAIRS.EdDSA()].map(({ privateKey }) => privateKey.export({ format: 'jwk' }));
  const [rsa, otherRsa] = [PAIRS.RS256(), PAIRS.RS256()].map(({ privateKey }) => privateKey.export({ format: 'jwk' }));
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const sign = (key, more) => ({ key, use: 'sign', ...more });
  const verify = (key, more) => ({ key, use: 'verify', until: now() + 60, ...more });
  for (const [what, body, reason] of [
    ['no use', { key: pem(ec.privateKey) }, /use must be/],
    ['another use', { key: pem(ec.privateKey), use: 'encrypt' }, /use must be/],
    ['no key', { use: 'sign' }, /PEM text or a JWK/],
    ['a number', sign(5), /PEM text or a JWK/],
    ['no PEM', sign('hello'), /PEM/],
    ['a broken PEM', sign(pem(ec.privateKey).replace('MIG', 'MIH')), /malformed|PEM/],
    ['a certificate', verify('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), /certificate/],
    ['SEC 1', sign(ec.privateKey.export({ type: 'sec1', format: 'pem' })), /SEC 1/],
    ['a broken JWK', sign({ ...one, d: 'x' }), /malformed/],
    ['weak RSA in PEM', sign(pem(weak.privateKey)), /weak/],
    ['weak RSA to verify', verify(pem(weak.publicKey), { alg: 'RS256' }), /weak/],
    ['halves of two EC keys', sign({ ...one, d: other.d }), /does not belong/],
    ['halves of two Ed25519 keys', sign({ ...ed, d: otherEd.d }), /does not belong/],
    ['halves of two RSA keys', sign({ ...rsa, n: otherRsa.n }), /does not belong/],
    ['another curve point', verify({ kty: 'EC', crv: 'P-256', x: one.x, y: other.y }), /does not belong/],
    ['public to sign', sign(pem(ec.publicKey)), /is public, but must be private/],
    ['private to verify', verify(pem(ec.privateKey)), /is private, but must be public/],
    ['private JWK to verify', verify(one), /is private, but must be public/],
    ['an algorithm that is not supported', sign(pem(p521.privateKey)), /alg must be/],
    ['an algorithm of another kind', sign(pem(ec.privateKey), { alg: 'RS256' }), /alg must be/],
    ['an unknown algorithm', sign(pem(ec.privateKey), { alg: 'none' }), /alg must be/],
    ['RSA without an algorithm', verify(pem(PAIRS.RS256().publicKey)), /alg must name one/],
    ['a secret', sign({ kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDA', alg: 'HS256' }), /is unsupported|alg must/],
    ['no time', { key: pem(ec.publicKey), use: 'verify' }, /until must be/],
    ['a time to sign', sign(pem(ec.privateKey), { until: now() + 60 }), /until must be/],
    ['a time that has passed', verify(pem(ec.publicKey), { until: now() - 1 }), /until must be/],
    ['a time far away', verify(pem(ec.publicKey), { until: now() + 401 * DAY }), /until must be/],
    ['no name', sign(pem(ec.privateKey), { kid: '' }), /kid must be/],
    ['a name with a line', sign(pem(ec.privateKey), { kid: 'a\nb' }), /kid must be/],
    ['a name that is an endpoint', sign(pem(ec.privateKey), { kid: 'rotate' }), /kid must be/],
  ]) {
    await refused(server, body, 400, reason, what);
  }
  const { status } = await admin(server, 'POST', '/admin/keys', sign(pem(ec.privateKey), { kid: 'mine' }));
  assert.equal(status, 201);
  await refused(server, sign(pem(ec.privateKey), { kid: 'another-name' }), 409, /there already/);
  await refused(server, sign(pem(PAIRS.ES256().privateKey), { kid: 'mine' }), 409, /there already/);
  assert.equal((await send(server, '/admin/keys', { method: 'POST' })).status, 401);
});

test('exports a public key as JWK, PEM and certificate, without authentication', async () => {
  const { keys } = (await send(server, JWKS)).json;
  assert.deepEqual(new Set(keys.map(({ alg }) => alg)), new Set(ALL.split(' ')));
  const described = (await admin(server, 'GET', '/admin/keys')).json.keys;
  for (const jwk of keys) {
    const { publish_at: from, drop_at: until } = described.find(({ kid }) => kid === jwk.kid);
    const answers = {};
    for (const form of ['jwk', 'pem', 'crt']) {
      const answer = await send(server, `/keys/${jwk.kid}.${form}`, { headers: { origin: 'https://app.example' } });
      assert.equal(answer.status, 200, form);
      assert.equal(answer.headers['cache-control'], 'public, max-age=300');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      const unchanged = await send(server, `/keys/${jwk.kid}.${form}`, { headers: { 'if-none-match': answer.headers.etag } });
      // ECDSA signatures differ each time.
      if (form !== 'crt' || jwk.alg !== 'ES256') assert.equal(unchanged.status, 304, form);
      const own = await admin(server, 'GET', `/admin/keys/${jwk.kid}.${form}`);
      assert.deepEqual([own.status, own.headers['cache-control']], [200, 'no-store']);
      answers[form] = answer.text;
    }
    assert.deepEqual(JSON.parse(answers.jwk), jwk);
    assert.deepEqual((await admin(server, 'GET', `/admin/keys/${jwk.kid}`)).json, jwk);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    assert.equal(answers.pem, key.export({ type: 'spki', format: 'pem' }));
    const certificate = new X509Certificate(answers.crt);
    const host = `CN=${new URL(server.issuer).host}`;
    assert.deepEqual([certificate.subject, certificate.issuer], [host, host]);
    assert.equal(Date.parse(certificate.validFrom) / 1000, from);
    assert.equal(Date.parse(certificate.validTo) / 1000, until);
    assert.ok(certificate.publicKey.equals(key));
    assert.ok(certificate.verify(key), jwk.alg);
    assert.ok(certificate.checkIssued(certificate));
    const serial = createHash('sha256').update(`${jwk.kid} ${from} ${until}`).digest().subarray(0, 16);
    serial[0] = serial[0] & 0x7f | 0x40;
    assert.equal(certificate.serialNumber, serial.toString('hex').toUpperCase());
  }
  for (const path of ['/keys/unknown.jwk', `/keys/${keys[0].kid}`, `/keys/${keys[0].kid}.der`, '/keys/%FF.pem']) {
    assert.deepEqual([(await send(server, path)).status], [404], path);
  }
  assert.equal((await admin(server, 'GET', '/admin/keys/unknown')).status, 404);
  assert.equal((await send(server, `/admin/keys/${keys[0].kid}`)).status, 401);
});

test('access tokens are signed with the algorithm that the client registered', async () => {
  for (const alg of ALL.split(' ')) {
    const client = await registerClient(server, { scope: 'read', access_token_signed_response_alg: alg });
    assert.equal(client.information.access_token_signed_response_alg, alg);
    const { access_token } = await token(server, {}, client);
    assert.equal(decode(access_token).header.alg, alg);
    await verifies(access_token, (await send(server, JWKS)).json);
    assert.equal((await send(server, '/api/whoami', { headers: bearer(access_token) })).status, 200);
  }
  for (const alg of ['HS256', 'none', 'ES384', 5]) {
    const { status, json } = await admin(server, 'POST', '/admin/clients', { access_token_signed_response_alg: alg });
    assert.deepEqual([status, json.error], [400, 'invalid_client_metadata'], alg);
    assert.match(json.error_description, /access_token_signed_response_alg/);
  }
});

test('an algorithm whose first key is not yet active is not replaced by another', async (t) => {
  const first = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256' } });
  await refusedClient(first);
  await token(first);
  await first.kill();
  const second = await startWorker({ ...first.settings, vars: { SIGNING_ALGORITHMS: 'ES256 EdDSA' } });
  t.after(() => second.stop());
  const client = await registerClient(second, { scope: 'read', access_token_signed_response_alg: 'EdDSA' });
  const answer = await postForm(second, '/oauth/token', { grant_type: 'client_credentials' }, basic(client));
  assert.deepEqual([answer.status, answer.json.error], [503, 'temporarily_unavailable']);
  assert.equal(decode((await token(second)).access_token).header.alg, 'ES256');
});

async function refusedClient(where) {
  const { status } = await admin(where, 'POST', '/admin/clients', { access_token_signed_response_alg: 'EdDSA' });
  assert.equal(status, 400, 'an algorithm that is not configured');
}

async function refused(where, body, status, reason, what) {
  const answer = await admin(where, 'POST', '/admin/keys', body);
  assert.deepEqual([answer.status, answer.json.error], [status, 'invalid_request'], `${what}: ${answer.text}`);
  assert.match(answer.json.error_description, reason, what);
}

function pem(key) {
  return key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' });
}

function verifies(text, jwks, by = server) {
  return jwtVerify(text, createLocalJWKSet(jwks), { issuer: by.issuer, audience: by.issuer, typ: 'at+jwt' });
}
