// Keys of every algorithm in every form, to and from jose and node:crypto, which share no code with the package.
import assert from 'node:assert/strict';
import { KeyObject, createHmac, createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  SignJWT, calculateJwkThumbprint, createLocalJWKSet, exportPKCS8, exportSPKI, importJWK, importPKCS8, importSPKI, jwtVerify,
} from 'jose';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, CLAIMS, HMAC, options } from '../shared/signer.mjs';

const { createIssuer, createJwks, createVerifier, generateKey, importKey, thumbprint } = await importFrom(await install());
const { subtle } = globalThis.crypto;
const all = Object.fromEntries(await Promise.all([...HMAC, ...ASYMMETRIC].map(async (alg) => [alg, await generateKey(alg)])));

/** Our key verifies a token that jose signed with its own form of the key. */
async function agrees(joseKey, key) {
  const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: key.alg, typ: 'at+jwt' }).sign(joseKey);
  assert.deepEqual((await createVerifier({ ...options, key }).verify(token)).claims, CLAIMS);
}

const named = ({ kid, ...jwk }) => ({ ...jwk, kid });
const publicHalf = ({ d, p, q, dp, dq, qi, ...jwk }) => jwk;

for (const alg of ASYMMETRIC) {
  const key = all[alg];
  const isRsa = /^[RP]S/.test(alg);

  test(`${alg}: a new key is a pair for that algorithm, with its thumbprint as kid`, async () => {
    assert.deepEqual({ ...key }, { type: 'private', alg, kid: await calculateJwkThumbprint(key.toJwk()) });
    assert.equal(await thumbprint(key), key.kid);
    assert.equal(await thumbprint(key.toJwk()), key.kid);
    const half = key.toPublic();
    assert.deepEqual({ ...half }, { type: 'public', alg, kid: key.kid });
    assert.equal(half.toPublic(), half);
    assert.deepEqual(half.toJwk(), publicHalf(key.toJwk()));
    assert.equal(await thumbprint(half), key.kid);
    if (isRsa) assert.equal(createPublicKey({ key: half.toJwk(), format: 'jwk' }).asymmetricKeyDetails.modulusLength, 2048);
  });

  test(`${alg}: jose reads our forms`, async () => {
    await agrees(await importJWK(key.toJwk(), alg), key.toPublic());
    await agrees(await importPKCS8(await key.toPem(), alg), key.toPublic());
    const token = await createIssuer({ issuer: options.issuer, key, now: options.now }).mint(CLAIMS);
    for (const half of [await importJWK(key.toPublic().toJwk(), alg), await importSPKI(await key.toPublic().toPem(), alg)]) {
      const { payload, protectedHeader } = await jwtVerify(token, half, { currentDate: new Date(CLAIMS.iat * 1000) });
      assert.equal(payload.sub, CLAIMS.sub);
      assert.deepEqual(named(protectedHeader), { alg, typ: 'at+jwt', kid: key.kid });
    }
  });

  test(`${alg}: we read what jose and node:crypto write`, async () => {
    const pair = createPrivateKey({ key: key.toJwk(), format: 'jwk' });
    const half = createPublicKey(pair);
    const pems = {
      private: [pair.export({ type: 'pkcs8', format: 'pem' }), await exportPKCS8(pair)],
      public: [half.export({ type: 'spki', format: 'pem' }), await exportSPKI(half)],
    };
    for (const pem of pems.private) assert.deepEqual((await importKey(pem, { alg })).toJwk(), key.toJwk());
    for (const pem of pems.public) assert.deepEqual((await importKey(pem, { alg })).toJwk(), key.toPublic().toJwk());
    assert.deepEqual((await importKey(pair.export({ format: 'jwk' }), { alg })).toJwk(), key.toJwk());
    assert.deepEqual((await importKey(half.export({ format: 'jwk' }), { alg })).toJwk(), key.toPublic().toJwk());
    // Conversely, the very same text.
    assert.equal(await key.toPem(), pems.private[0]);
    assert.equal(await key.toPublic().toPem(), pems.public[0]);
  });

  test(`${alg}: reads JSON text like an object, with its own kid and alg`, async () => {
    const jwk = { ...key.toJwk(), kid: 'its own' };
    for (const form of [jwk, JSON.stringify(jwk), `\n ${JSON.stringify(jwk, null, 2)}\n`]) {
      assert.deepEqual({ ...await importKey(form) }, { type: 'private', alg, kid: 'its own' });
      assert.deepEqual({ ...await importKey(form, { alg, kid: 'given' }) }, { type: 'private', alg, kid: 'given' });
    }
    const other = alg === 'ES256' ? 'ES384' : 'ES256';
    await assert.rejects(importKey(jwk, { alg: other }), { code: 'key_unusable', reason: 'unsupported' });
  });

  test(`${alg}: reads CryptoKeys, extractable and not`, async () => {
    const parameters = webCryptoOf(key);
    for (const [jwk, usage, type] of [[key.toJwk(), 'sign', 'private'], [key.toPublic().toJwk(), 'verify', 'public']]) {
      const { alg: _, kid: __, use: ___, ...bare } = jwk;
      const open = await importKey(await subtle.importKey('jwk', bare, parameters, true, [usage]));
      assert.deepEqual(open.toJwk(), jwk);
      const closed = await importKey(await subtle.importKey('jwk', bare, parameters, false, [usage]), { kid: 'given' });
      assert.deepEqual({ ...closed }, { type, alg, kid: 'given' });
      assert.throws(() => closed.toJwk(), { code: 'key_unusable', reason: 'no_such_form' });
      await assert.rejects(closed.toPem(), { code: 'key_unusable' });
      await assert.rejects(thumbprint(closed), { code: 'key_unusable' });
      assert.throws(() => createJwks([closed]), { code: 'key_unusable' });
      if (type === 'private') assert.throws(() => closed.toPublic(), { code: 'key_unusable' });
      else await agrees(await importJWK(key.toJwk(), alg), closed);
    }
  });

  test(`${alg}: reads raw bytes, if the algorithm has such a form`, async () => {
    assert.throws(() => key.toRaw(), { code: 'key_unusable' });
    const half = key.toPublic();
    if (isRsa) {
      assert.throws(() => half.toRaw(), { code: 'key_unusable' });
      await assert.rejects(importKey(new Uint8Array(256), { alg }), { code: 'key_unusable', reason: 'unsupported' });
      return;
    }
    const handle = await subtle.importKey('jwk', half.toJwk(), webCryptoOf(key), true, ['verify']);
    const raw = new Uint8Array(await subtle.exportKey('raw', handle));
    assert.deepEqual(half.toRaw(), raw);
    assert.deepEqual((await importKey(Buffer.from(raw), { alg })).toJwk(), half.toJwk());
  });
}

for (const alg of HMAC) {
  test(`${alg}: a new secret is as long as the hash, and is read back from its forms`, async () => {
    const key = all[alg];
    assert.deepEqual({ ...key }, { type: 'secret', alg });
    const bytes = key.toRaw();
    assert.equal(bytes.length, Number(alg.slice(2)) / 8);
    assert.deepEqual(key.toJwk(), { k: Buffer.from(bytes).toString('base64url'), kty: 'oct', alg, use: 'sig' });
    assert.deepEqual((await importKey(bytes, { alg })).toJwk(), key.toJwk());
    assert.deepEqual((await importKey(key.toJwk())).toJwk(), key.toJwk());
    assert.deepEqual((await importKey(createSecretKey(bytes).export({ format: 'jwk' }), { alg })).toJwk(), key.toJwk());
    assert.equal(await thumbprint(key), await calculateJwkThumbprint(key.toJwk()));
    await agrees(await importJWK(key.toJwk(), alg), key);

    const parameters = { name: 'HMAC', hash: `SHA-${alg.slice(2)}` };
    const open = await subtle.importKey('raw', bytes, parameters, true, ['sign', 'verify']);
    assert.deepEqual((await importKey(open)).toJwk(), key.toJwk());
    assert.equal(KeyObject.from(open).export().toString('hex'), Buffer.from(bytes).toString('hex'));
    const closed = await importKey(await subtle.importKey('raw', bytes, parameters, false, ['sign', 'verify']));
    assert.throws(() => closed.toRaw(), { code: 'key_unusable' });
    await agrees(await importJWK(key.toJwk(), alg), closed);

    await assert.rejects(key.toPem(), { code: 'key_unusable' });
    assert.throws(() => key.toPublic(), { code: 'key_unusable' });
    assert.throws(() => createJwks([key]), { code: 'key_unusable' });
    const token = await createIssuer({ issuer: options.issuer, key, now: options.now }).mint(CLAIMS);
    const [header, payload, signature] = token.split('.');
    assert.equal(signature, createHmac(`sha${alg.slice(2)}`, bytes).update(`${header}.${payload}`).digest('base64url'));
  });
}

test('the bytes of a secret are copied, both ways', async () => {
  const bytes = new Uint8Array(32).fill(7);
  const key = await importKey(bytes, { alg: 'HS256' });
  bytes.fill(0);
  key.toRaw().fill(0);
  key.toJwk().k = '';
  assert.deepEqual(key.toRaw(), new Uint8Array(32).fill(7));
});

test('accepts Ed25519, the name of RFC 9864, as EdDSA', async () => {
  const key = await generateKey('Ed25519');
  assert.equal(key.alg, 'EdDSA');
  for (const alg of ['EdDSA', 'Ed25519']) {
    assert.equal((await importKey({ ...key.toJwk(), alg })).alg, 'EdDSA');
    assert.equal((await importKey(await key.toPem(), { alg })).kid, key.kid);
    assert.equal((await importKey(key.toPublic().toRaw(), { alg })).kid, key.kid);
  }
});

test('derives the algorithm from the kind, except for RSA and secrets', async () => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA']) {
    assert.equal((await importKey(await all[alg].toPem())).alg, alg);
    assert.equal((await importKey(await all[alg].toPublic().toPem())).alg, alg);
  }
  const { alg: _, ...secret } = all.HS256.toJwk();
  const { alg: __, ...rsa } = all.PS384.toJwk();
  for (const key of [secret, rsa, await all.RS256.toPem(), await all.RS256.toPublic().toPem()]) {
    await assert.rejects(importKey(key), { code: 'key_unusable', reason: 'algorithm_missing' });
  }
  await assert.rejects(importKey(new Uint8Array(32)), { code: 'invalid_option' });
});

test('computes the thumbprints of the RFCs', async () => {
  const vectors = JSON.parse(readFileSync(new URL('../../vectors/thumbprints.json', import.meta.url), 'utf8'));
  assert.equal(vectors.length, 3);
  for (const { rfc, key, thumbprint: expected } of vectors) {
    assert.equal(await thumbprint(key), expected, `RFC ${rfc}`);
    const { kid: _, ...nameless } = key;
    assert.equal((await importKey(nameless, { alg: key.kty === 'RSA' ? 'RS256' : undefined })).kid, expected);
  }
});

test('reproduces RFC 8037 appendix A: the pair, its thumbprint, and its signature', async () => {
  const pair = {
    kty: 'OKP', crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  };
  const key = await importKey(pair);
  assert.deepEqual({ ...key }, { type: 'private', alg: 'EdDSA', kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' });
  assert.equal(Buffer.from(key.toPublic().toRaw()).toString('base64url'), pair.x);
  const again = createPrivateKey(await key.toPem()).export({ format: 'jwk' });
  assert.deepEqual([again.d, again.x], [pair.d, pair.x]);
});

test('reads a private Ed25519 key of the second version, which contains its public half (RFC 8410 section 10.3)', async () => {
  const key = await importKey(`-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
`);
  assert.equal(await key.toPublic().toPem(), `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`);
});

test('derives the public half of an EC key without one', async () => {
  const d = Buffer.from(all.ES256.toJwk().d, 'base64url');
  const head = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex');
  const lines = Buffer.concat([head, d]).toString('base64').match(/.{1,64}/g).join('\n');
  const pem = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----`;
  assert.deepEqual((await importKey(pem)).toJwk(), all.ES256.toJwk());
});

test('jose and our verifier read the published set', async () => {
  const keys = ASYMMETRIC.map((alg) => all[alg]);
  const set = createJwks([...keys.slice(0, 5), ...keys.slice(5).map((key) => key.toPublic())]);
  assert.equal(set.keys.length, ASYMMETRIC.length);
  for (const [place, jwk] of set.keys.entries()) {
    assert.deepEqual(jwk, keys[place].toPublic().toJwk());
    assert.equal(jwk.use, 'sig');
    assert.ok(!('d' in jwk));
  }
  const jose = createLocalJWKSet(set);
  const verifier = createVerifier({ ...options, jwks: set });
  for (const key of keys) {
    const token = await createIssuer({ issuer: options.issuer, key, now: options.now }).mint(CLAIMS);
    assert.deepEqual((await verifier.verify(token)).key, { alg: key.alg, kid: key.kid });
    await jwtVerify(token, jose, { currentDate: new Date(CLAIMS.iat * 1000) });
  }
  assert.deepEqual(createJwks([]), { keys: [] });
});

test('generates an RSA key of the requested length', async () => {
  const key = await generateKey('PS256', { modulusLength: 3072, kid: 'long' });
  assert.equal(key.kid, 'long');
  assert.equal(createPublicKey(await key.toPublic().toPem()).asymmetricKeyDetails.modulusLength, 3072);
});

/** WebCrypto's name for the algorithm of a key: repeated here, so that no table of the package checks itself. */
function webCryptoOf({ alg }) {
  const hash = `SHA-${alg.slice(2)}`;
  switch (alg.slice(0, 2)) {
    case 'RS': return { name: 'RSASSA-PKCS1-v1_5', hash };
    case 'PS': return { name: 'RSA-PSS', hash };
    case 'ES': return { name: 'ECDSA', namedCurve: { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[alg] };
    default: return { name: 'Ed25519' };
  }
}
