// Minting: with every algorithm and every form of a key, verified by the package and by jose, and refused early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jwtVerify, importJWK } from 'jose';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, AUDIENCE, HMAC, ISSUER, NOW } from '../shared/signer.mjs';

const edgemint = await importFrom(await install());
const { createIssuer, createVerifier, generateKey, importKey } = edgemint;
const claims = { sub: 'subject', aud: AUDIENCE, client_id: 'client', scope: 'read write' };
const keys = Object.fromEntries(await Promise.all([...HMAC, ...ASYMMETRIC].map(async (alg) => [alg, await generateKey(alg, { kid: alg })])));
// Slow work precedes the first test: a runner that is told to end does not wait for tests to come.
const [otherRsa, otherPoint, otherEd] = (await Promise.all(['RS256', 'ES256', 'EdDSA'].map((alg) => generateKey(alg)))).map((key) => key.toJwk());
const cryptoKeys = Object.fromEntries(await Promise.all(Object.entries(keys).map(async ([alg, key]) => [alg, await cryptoKey(key)])));
const issuerOf = (key, more) => createIssuer({ issuer: ISSUER, key, now: () => NOW, ...more });
const isRefused = (promise, code, claim) => assert.rejects(promise, (error) => {
  assert.ok(error instanceof edgemint.TokenError, error.stack);
  assert.deepEqual({ code: error.code, claim: error.claim }, { code, claim }, error.stack);
  return true;
});

for (const [alg, key] of Object.entries(keys)) {
  const verifying = key.type === 'secret' ? key : key.toPublic();
  const forms = { 'a Key': key, 'a JWK': key.toJwk(), 'a CryptoKey': cryptoKeys[alg], ...(key.type === 'secret' && { bytes: key.toRaw() }) };
  for (const [form, given] of Object.entries(forms)) {
    test(`${alg} by ${form}: the package and jose verify what is minted, synchronously or not`, async () => {
      const algorithm = form === 'bytes' ? { algorithm: alg } : {};
      const issuer = issuerOf(given, { kid: alg, ...algorithm });
      const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, key: verifying, now: () => NOW });
      const theirs = key.type === 'secret' ? key.toRaw() : await importJWK(verifying.toJwk(), alg);
      for (const token of [await issuer.mint(claims), issuer.mintSync(claims)]) {
        const { claims: verified, header } = await verifier.verify(token);
        const { jti, ...rest } = verified;
        assert.deepEqual(rest, { iss: ISSUER, iat: NOW, exp: NOW + 600, ...claims });
        assert.match(jti, /^[\da-f-]{36}$/);
        assert.deepEqual(header, { alg, kid: alg, typ: 'at+jwt' });
        const { payload } = await jwtVerify(token, theirs, { issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(NOW * 1000), typ: 'at+jwt' });
        assert.deepEqual(payload, verified);
      }
    });
  }
}

function cryptoKey(key) {
  const hash = `SHA-${key.alg.slice(2)}`;
  const algorithm = {
    E: { name: 'ECDSA', namedCurve: `P-${key.alg.slice(2).replace('512', '521')}` },
    H: { name: 'HMAC', hash },
    P: { name: 'RSA-PSS', hash },
    R: { name: 'RSASSA-PKCS1-v1_5', hash },
  }[key.alg === 'EdDSA' ? '' : key.alg[0]] ?? { name: 'Ed25519' };
  const { kid: _, use: __, alg: ___, ...numbers } = key.toJwk();
  return crypto.subtle.importKey('jwk', numbers, algorithm, false, ['sign']);
}

test('given claims precede added ones, and iss cannot be changed', async () => {
  const issuer = issuerOf(keys.ES256, { ttl: 60, type: 'JWT' });
  const own = { ...claims, iss: ISSUER, iat: NOW - 5, exp: NOW + 5, jti: 'own', nbf: NOW, role: { deep: [1, null, 'é😀'] } };
  const { claims: read, header } = edgemint.decodeUnverified(await issuer.mint(own));
  assert.deepEqual(read, own);
  assert.deepEqual(header, { alg: 'ES256', kid: 'ES256', typ: 'JWT' });
  assert.equal(edgemint.decodeUnverified(await issuer.mint({})).claims.exp, NOW + 60);
  await isRefused(issuer.mint({ iss: 'https://other.example' }), 'claim_invalid', 'iss');
});

test('a key without a kid mints tokens without a kid', async () => {
  const { kid: _, ...jwk } = keys.ES256.toJwk();
  assert.deepEqual(edgemint.decodeUnverified(await issuerOf(jwk).mint(claims)).header, { alg: 'ES256', typ: 'at+jwt' });
  const bytes = edgemint.decodeUnverified(await issuerOf(new Uint8Array(32).fill(7)).mint(claims));
  assert.deepEqual(bytes.header, { alg: 'HS256', typ: 'at+jwt' });
});

test('every token has a jti of its own', async () => {
  const issuer = issuerOf(keys.HS256);
  const all = Array.from({ length: 1000 }, () => edgemint.decodeUnverified(issuer.mintSync(claims)).claims.jti);
  assert.equal(new Set(all).size, all.length);
});

for (const [what, spoilt, code, claim] of [
  ['no sub', { ...claims, sub: undefined }, 'claim_missing', 'sub'],
  ['no aud', { ...claims, aud: undefined }, 'claim_missing', 'aud'],
  ['no client_id', { ...claims, client_id: undefined }, 'claim_missing', 'client_id'],
  ['no exp', { ...claims, exp: undefined }, 'claim_missing', 'exp'],
  ['exp as text', { ...claims, exp: '1' }, 'claim_invalid', 'exp'],
  ['exp no number', { ...claims, exp: NaN }, 'claim_invalid', 'exp'],
  ['exp in milliseconds', { ...claims, exp: NOW * 1000 }, 'claim_invalid', 'exp'],
  ['nbf negative', { ...claims, nbf: -1 }, 'claim_invalid', 'nbf'],
  ['sub a number', { ...claims, sub: 7 }, 'claim_invalid', 'sub'],
  ['aud with a number', { ...claims, aud: [AUDIENCE, 7] }, 'claim_invalid', 'aud'],
  ['scope an array', { ...claims, scope: ['read'] }, 'claim_invalid', 'scope'],
  ['half a character', { ...claims, name: '\ud800' }, 'mint_invalid'],
  ['nested too deep', { ...claims, deep: JSON.parse('['.repeat(70) + ']'.repeat(70)) }, 'mint_invalid'],
  ['a BigInt', { ...claims, big: 1n }, 'mint_invalid'],
  ['a number that is too large', { ...claims, big: 1e308 }, 'mint_invalid'],
  ['a toJSON that throws', { ...claims, bad: { toJSON() { throw new Error('no'); } } }, 'mint_invalid'],
  ['a toJSON that makes other claims of them', { ...claims, toJSON: () => ({ ...claims, iss: 'https://other.example' }) }, 'mint_invalid'],
  ['so many that no verifier takes the token', { ...claims, big: 'x'.repeat(12_200) }, 'mint_invalid'],
  ['a getter that throws a text', Object.defineProperty({ ...claims }, 'bad', { enumerable: true, get() { throw 'boom'; } }), 'internal_error'],
  ['a toJSON that is no object', { toJSON: () => 'text' }, 'mint_invalid'],
  ['too large', { ...claims, big: 'x'.repeat(300_000) }, 'mint_invalid'],
  ['no object', 'claims', 'mint_invalid'],
  ['an array', [claims], 'mint_invalid'],
  ['null', null, 'mint_invalid'],
  ['nothing', undefined, 'mint_invalid'],
]) {
  test(`refuses to mint claims with ${what}`, async () => {
    for (const key of [keys.HS256, keys.ES256]) {
      const issuer = issuerOf(key);
      await isRefused(issuer.mint(spoilt), code, claim);
      await isRefused((async () => issuer.mintSync(spoilt))(), code, claim);
      // The issuer still works.
      await issuer.mint(claims);
    }
  });
}

test('claims with the names of prototype members are ordinary claims', async () => {
  const token = await issuerOf(keys.ES256).mint({ ...claims, ...JSON.parse('{"__proto__":{"admin":true}}') });
  const { claims: read } = await createVerifier({ issuer: ISSUER, audience: AUDIENCE, key: keys.ES256.toPublic(), now: () => NOW }).verify(token);
  assert.ok(Object.hasOwn(read, '__proto__') && read.admin === undefined && ({}).admin === undefined);
});

for (const [what, options] of [
  ['no issuer', { issuer: undefined }], ['an empty issuer', { issuer: '' }], ['no key', { key: undefined }], ['a key as text', { key: 'secret' }],
  ['no lifetime', { ttl: 0 }], ['half a second', { ttl: 0.5 }], ['two years', { ttl: 2 * 366 * 86_400 }], ['a lifetime as text', { ttl: '60' }],
  ['no type', { type: '' }], ['an empty kid', { kid: '' }], ['no algorithm', { algorithm: 'none' }], ['a misspelt option', { tll: 60 }],
  ['bytes for ES256', { key: new Uint8Array(32), algorithm: 'ES256' }], ['no clock', { now: NOW }],
]) {
  test(`refuses at once: ${what}`, () => {
    assert.throws(() => issuerOf(keys.ES256, options), { code: 'invalid_option' });
  });
}

test('refuses at once a CryptoKey that cannot sign, or has another algorithm', async () => {
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  assert.throws(() => issuerOf(publicKey), { code: 'invalid_option' });
  assert.throws(() => issuerOf(privateKey, { algorithm: 'ES384' }), { code: 'invalid_option' });
});

test('a Key signs only with its own algorithm, and a weak CryptoKey not at all', async () => {
  assert.throws(() => issuerOf(keys.RS256, { algorithm: 'PS256' }), { code: 'invalid_option' });
  assert.throws(() => issuerOf(keys.HS512, { algorithm: 'HS256' }), { code: 'invalid_option' });
  const rsa1024 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
  const { privateKey } = await crypto.subtle.generateKey(rsa1024, false, ['sign', 'verify']);
  const short = await crypto.subtle.importKey('raw', new Uint8Array(1), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  for (const key of [privateKey, short]) assert.throws(() => issuerOf(key), { code: 'invalid_option' });
});

test('later changes of a JWK that was passed have no effect', async () => {
  const jwk = keys.ES256.toJwk();
  const issuer = issuerOf(jwk);
  for (const name of Object.keys(jwk)) delete jwk[name];
  assert.equal(edgemint.decodeUnverified(await issuer.mint(claims)).header.kid, 'ES256');
});

test('mints a token of 16 KiB, which passes', async () => {
  for (const alg of ['HS256', 'ES256', 'RS256']) {
    const issuer = issuerOf(keys[alg]);
    let size = 11_000;
    let token;
    for (;;) {
      const next = await issuer.mint({ ...claims, big: 'x'.repeat(size) }).catch(({ code }) => assert.equal(code, 'mint_invalid'));
      if (next === undefined) break;
      token = next;
      size += 1;
    }
    assert.ok(token.length > 16_380 && token.length <= 16_384, `${token.length}`);
    const key = alg === 'HS256' ? keys[alg] : keys[alg].toPublic();
    await createVerifier({ issuer: ISSUER, audience: AUDIENCE, key, now: () => NOW }).verify(token);
  }
});

const rsa = keys.RS256.toJwk();
const { alg: _, ...rsaForAny } = rsa;
for (const [what, key, options] of [
  ['a public one', keys.ES256.toPublic().toJwk()],
  ['RSA without an algorithm', rsaForAny],
  ['RSA for another algorithm', rsa, { algorithm: 'PS256' }],
  ['one that only encrypts', { ...keys.ES256.toJwk(), use: 'enc' }],
  ['one that only verifies', { ...keys.ES256.toJwk(), key_ops: ['verify'] }],
  ['a secret that is too short', { kty: 'oct', alg: 'HS512', k: 'A'.repeat(43) }],
  ['short bytes', new Uint8Array(31)],
  ['a point and the secret of another', { ...keys.ES256.toJwk(), d: otherPoint.d }],
  ['an Edwards point and the secret of another', { ...keys.EdDSA.toJwk(), d: otherEd.d }],
  ['an RSA modulus and the primes of another', { ...rsa, n: otherRsa.n }],
  ['an RSA exponent of another, which platforms sign with all the same', { ...rsa, dp: otherRsa.dp }],
  ['no key', { kty: 'none' }],
  ['a cyclic object', (() => { const key = { kty: 'EC' }; key.self = key; return key; })()],
]) {
  test(`refuses to mint with ${what}`, async () => {
    const issuer = issuerOf(key, options);
    await isRefused(issuer.mint(claims), 'key_unusable');
    await isRefused((async () => issuer.mintSync(claims))(), 'key_unusable');
  });
}

test('no error contains the key', async () => {
  const secret = rsa.d.slice(10, 40);
  await issuerOf({ ...rsa, n: otherRsa.n }).mint(claims).catch((error) => {
    for (let at = error; at !== undefined; at = at.cause) assert.ok(!`${at.stack}${JSON.stringify(at)}`.includes(secret));
  });
});

test('many concurrent tokens are all signed, each with its own claims', async () => {
  for (const alg of ['HS256', 'ES256', 'EdDSA', 'RS256']) {
    const issuer = issuerOf(keys[alg]);
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, key: keys[alg].type === 'secret' ? keys[alg] : keys[alg].toPublic(), now: () => NOW });
    const tokens = await Promise.all(Array.from({ length: 40 }, (_, n) => issuer.mint({ ...claims, sub: `${n}` })));
    const results = await verifier.verifyAll(tokens);
    assert.deepEqual(results.map(({ value }) => value?.claims.sub), tokens.map((_, n) => `${n}`));
  }
});

test('an imported key signs under its kid', async () => {
  const imported = await importKey(await keys.ES256.toPem(), { kid: 'imported' });
  assert.equal(edgemint.decodeUnverified(await issuerOf(imported).mint(claims)).header.kid, 'imported');
});
