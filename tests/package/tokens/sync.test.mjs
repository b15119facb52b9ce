// verifySync, verifyAll and the cache: the same results as verify, synchronously, for many, or from memory.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, startIssuer } from '../shared/issuer.mjs';
import { ASYMMETRIC, AUDIENCE, CLAIMS, HMAC, ISSUER, NOW, newKey, options, sign, tampered } from '../shared/signer.mjs';

const { createVerifier, TokenError } = await importFrom(await install());
const keys = Object.fromEntries(await Promise.all([...HMAC, ...ASYMMETRIC].map(async (alg) => [alg, await newKey(alg)])));
const verifierOf = (key, more) => createVerifier({ ...options, key: key.jwk, ...more });
const codeOf = (act) => {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof TokenError, error.stack);
    return error.code;
  }
};

for (const [alg, key] of Object.entries(keys)) {
  test(`${alg}: verifySync returns the same as verify`, async () => {
    const verifier = verifierOf(key);
    const token = await sign(key);
    assert.deepEqual(verifier.verifySync(token), await verifier.verify(token));
    for (const spoilt of [
      tampered(token), await sign(key, { claims: { exp: NOW } }), await sign(key, { claims: { aud: 'x' } }), await sign(key, { header: { kid: 'x' } }),
      tampered(await sign(key, { claims: { aud: 'x' } })), 'a.b.c', undefined, 'x'.repeat(20_000), `${token}é`, `${token} `, `\u0141${token.slice(1)}`,
    ]) {
      const expected = await verifier.verify(spoilt).then(() => undefined, ({ code }) => code);
      assert.notEqual(expected, undefined);
      assert.equal(codeOf(() => verifier.verifySync(spoilt)), expected);
    }
  });
}

test('the memory of the wasm may move at any moment', async () => {
  const token = await sign(keys.ES256);
  const pending = [];
  // Each verifier takes 1 MiB of it, so that it grows between calls.
  for (let n = 0; n < 40; n += 1) {
    const verifier = verifierOf(keys.ES256, { maxTokenBytes: 1024 * 1024 });
    pending.push(verifier.verify(token));
    assert.equal(verifier.verifySync(token).claims.sub, CLAIMS.sub);
  }
  for (const { claims } of await Promise.all(pending)) assert.equal(claims.sub, CLAIMS.sub);
});

test('without cached keys verifySync requires verify, starts the fetch, and then works', async (t) => {
  const issuer = await startIssuer({ keys: [keys.ES256] });
  t.after(() => issuer.stop());
  const verifier = createVerifier({ ...options, issuer: issuer.issuer, requiredClaims: [] });
  const token = await sign(keys.ES256, { claims: { iss: issuer.issuer } });
  assert.equal(codeOf(() => verifier.verifySync(token)), 'async_required');
  await verifier.verify(token);
  assert.equal(issuer.count(JWKS), 1);
  assert.equal(verifier.verifySync(token).claims.iss, issuer.issuer);
  // An unknown key may be a new one, which requires a fetch.
  const unknown = await sign(keys.EdDSA, { claims: { iss: issuer.issuer } });
  assert.equal(codeOf(() => verifier.verifySync(unknown)), 'async_required');
  await assert.rejects(verifier.verify(unknown), { code: 'key_not_found' });
  assert.equal(codeOf(() => verifier.verifySync(unknown)), 'key_not_found');
});

test('an unavailable key server causes no other error', async () => {
  const verifier = createVerifier({ ...options, issuer: 'http://127.0.0.1:9', requiredClaims: [] });
  assert.equal(codeOf(() => verifier.verifySync('a.b.c')), 'async_required');
  await assert.rejects(verifier.verify('a.b.c'), { code: 'discovery_failed' });
});

test('verifyAll returns results in order, each with its own reason', async () => {
  const verifier = createVerifier({ ...options, jwks: { keys: [keys.ES256.jwk, keys.EdDSA.jwk, keys.RS256.jwk] } });
  const good = await Promise.all([keys.ES256, keys.EdDSA, keys.RS256].map((key, n) => sign(key, { claims: { sub: `${n}` } })));
  const results = await verifier.verifyAll([...good, tampered(good[0]), 7, good[1]]);
  assert.deepEqual(results.map(({ ok, value, error }) => (ok ? value.claims.sub : error.code)), ['0', '1', '2', 'bad_signature', 'malformed', '1']);
  assert.deepEqual(await verifier.verifyAll([]), []);
  for (const wrong of [undefined, 'token', { length: 1 }]) await assert.rejects(verifier.verifyAll(wrong), { code: 'invalid_option' });
});

test('verifyAll verifies tokens of many keys at once', async () => {
  const several = await Promise.all(['ES256', 'EdDSA', 'RS256', 'PS512', 'ES512'].flatMap((alg) => ['a', 'b', 'c'].map((kid) => newKey(alg, `${alg} ${kid}`))));
  const verifier = createVerifier({ ...options, jwks: { keys: several.map(({ jwk }) => jwk) } });
  const tokens = await Promise.all(Array.from({ length: 60 }, (_, n) => sign(several[n % several.length], { claims: { sub: `${n}` } })));
  const mixed = tokens.map((token, n) => (n % 7 === 3 ? tampered(token) : token));
  const results = await verifier.verifyAll(mixed);
  assert.deepEqual(results.map(({ ok, value, error }) => (ok ? value.claims.sub : error.code)), mixed.map((_, n) => (n % 7 === 3 ? 'bad_signature' : `${n}`)));
});

/** A verifier with a cache whose signature checks can be counted: only those of Node's crypto with ES256. */
function cached(key, more) {
  let now = NOW;
  const verifier = verifierOf(key, { cache: { max: 4 }, now: () => now, ...more });
  return { verifier, at: (time) => { now = time; } };
}

test('a cached token yields new claims, in objects of their own', async () => {
  for (const key of [keys.HS256, keys.ES256]) {
    const { verifier } = cached(key);
    const token = await sign(key, { claims: { deep: { list: [1] } }, header: { more: { deep: 1 } } });
    const first = await verifier.verify(token);
    first.claims.deep.list.push('changed');
    first.claims.sub = 'changed';
    first.header.more.deep = 'changed';
    first.key.kid = 'changed';
    for (const again of [await verifier.verify(token), verifier.verifySync(token)]) {
      assert.deepEqual(again.claims, { ...CLAIMS, deep: { list: [1] } });
      assert.deepEqual(again.header, { alg: key.alg, kid: key.kid, typ: 'at+jwt', more: { deep: 1 } });
      assert.deepEqual(again.key, { alg: key.alg, kid: key.kid });
    }
  }
});

test('a cached token is checked for its times again', async () => {
  const { verifier, at } = cached(keys.ES256, { clockTolerance: 5, maxTokenAge: 300 });
  const token = await sign(keys.ES256, { claims: { nbf: NOW - 10, exp: NOW + 600 } });
  const fresh = cached(keys.ES256, { clockTolerance: 5, maxTokenAge: 300, cache: false });
  await verifier.verify(token);
  for (const time of [NOW, NOW + 100, CLAIMS.iat + 305, CLAIMS.iat + 306, NOW - 15, NOW - 16, NOW + 605, NOW + 604, CLAIMS.iat - 6, NOW]) {
    at(time);
    fresh.at(time);
    assert.equal(codeOf(() => verifier.verifySync(token)), codeOf(() => fresh.verifier.verifySync(token)), `${time - NOW}`);
  }
});

test('fractions of a second change nothing', async () => {
  const { verifier, at } = cached(keys.HS256, { maxTokenAge: 20 });
  const token = await sign(keys.HS256, { claims: { iat: NOW - 10.5, nbf: NOW - 3.25, exp: NOW + 9.75 } });
  const fresh = cached(keys.HS256, { maxTokenAge: 20, cache: false });
  await verifier.verify(token);
  for (let quarter = -60; quarter < 60; quarter += 1) {
    at(NOW + quarter / 4);
    fresh.at(NOW + quarter / 4);
    assert.equal(codeOf(() => verifier.verifySync(token)), codeOf(() => fresh.verifier.verifySync(token)), `${quarter / 4}`);
  }
});

test('a text that resembles a cached token is not that token', async () => {
  const { verifier } = cached(keys.ES256);
  const token = await sign(keys.ES256);
  const [header, payload, signature] = token.split('.');
  await verifier.verify(token);
  const claims = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'admin' })).toString('base64url');
  for (const [other, code] of [
    [`${header}.${claims}.${signature}`, 'bad_signature'], [`${header}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`, 'bad_signature'],
    [`${header}.${payload}.${signature}=`, 'malformed'], [`x${token}`, 'malformed'], [token.slice(1), 'malformed'], [signature, 'malformed'],
  ]) {
    assert.equal(codeOf(() => verifier.verifySync(other)), code, other);
  }
  assert.equal(verifier.verifySync(token).claims.sub, CLAIMS.sub);
});

test('a refused token is never cached as valid', async () => {
  const { verifier } = cached(keys.ES256);
  const bad = tampered(await sign(keys.ES256));
  for (let times = 0; times < 3; times += 1) assert.equal(codeOf(() => verifier.verifySync(bad)), 'bad_signature');
  const early = await sign(keys.ES256, { claims: { nbf: NOW + 1 } });
  for (let times = 0; times < 3; times += 1) assert.equal(codeOf(() => verifier.verifySync(early)), 'not_yet_valid');
});

test('a cached token does not outlive the key that signed it', async (t) => {
  const issuer = await startIssuer({ keys: [keys.ES256] });
  t.after(() => issuer.stop());
  const verifier = createVerifier({ ...options, issuer: issuer.issuer, requiredClaims: [], cache: { max: 10 } });
  const [token, newer] = await Promise.all([keys.ES256, keys.EdDSA].map((key) => sign(key, { claims: { iss: issuer.issuer } })));
  await verifier.verify(token);
  verifier.verifySync(token);
  issuer.publish(keys.EdDSA);
  // An unknown key has the set fetched again.
  await verifier.verify(newer);
  await assert.rejects(verifier.verify(token), { code: 'key_not_found' });
  verifier.verifySync(newer);
});

test('nor if its key is removed while its signature is being checked', async (t) => {
  const folder = await install();
  const slim = await importFrom(folder, 'edgemint/slim');
  slim.init(readFileSync(join(folder, 'node_modules/edgemint/dist/edgemint.wasm')));
  const issuer = await startIssuer({ keys: [keys.ES256] });
  t.after(() => issuer.stop());
  const { verify } = crypto.subtle;
  t.after(() => { crypto.subtle.verify = verify; });
  const verifier = slim.createVerifier({ ...options, issuer: issuer.issuer, requiredClaims: [], cache: { max: 10 } });
  const [token, newer] = await Promise.all([keys.ES256, keys.EdDSA].map((key) => sign(key, { claims: { iss: issuer.issuer } })));
  let begun;
  let letGo;
  const [hasBegun, gate] = [new Promise((resolve) => { begun = resolve; }), new Promise((resolve) => { letGo = resolve; })];
  crypto.subtle.verify = (...args) => {
    begun();
    const answer = verify.apply(crypto.subtle, args);
    return gate.then(() => answer);
  };
  const pending = verifier.verify(token);
  await hasBegun;
  issuer.publish(keys.EdDSA);
  await verifier.verify(newer);
  letGo();
  // It was valid when it arrived.
  assert.equal((await pending).claims.iss, issuer.issuer);
  await assert.rejects(verifier.verify(token), { code: 'key_not_found' });
});

test('the cache holds no more than its maximum', async () => {
  const { TokenCache } = await import(pathToFileURL(join(await install(), 'node_modules/edgemint/dist/cache.js')));
  for (const max of [2, 3, 10, 1000]) {
    const cache = new TokenCache({ cache: max, clockTolerance: 0, maxTokenAge: null });
    const tokens = Array.from({ length: 3 * max }, (_, n) => `header.payload.${`${n}`.padStart(43, 'x')}`);
    for (const token of tokens) cache.set(token, { token, times: { exp: 2, nbf: NaN, iat: NaN } });
    const held = tokens.filter((token) => cache.get(token, 1) !== undefined);
    assert.ok(held.length >= 1 && held.length <= max, `${held.length} of ${max}`);
    cache.clear();
    assert.equal(tokens.filter((token) => cache.get(token, 1) !== undefined).length, 0);
  }
});
