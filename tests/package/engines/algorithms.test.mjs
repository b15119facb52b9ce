// Every algorithm: the installed package verifies what jose signs, with the key in every form, and refuses everything else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, CLAIMS, HMAC, base64url, newKey, options, sign, signByHand, tampered } from '../shared/signer.mjs';

const { createVerifier } = await importFrom(await install());
const { subtle } = globalThis.crypto;
const all = await Promise.all([...HMAC, ...ASYMMETRIC].map((alg) => newKey(alg)));
const keyOf = Object.fromEntries(all.map((key) => [key.alg, key]));

/** WebCrypto's name for the algorithm of a key: repeated here, so that no table of the package checks itself. */
const WEB_CRYPTO = {
  HS256: { name: 'HMAC', hash: 'SHA-256' },
  HS384: { name: 'HMAC', hash: 'SHA-384' },
  HS512: { name: 'HMAC', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  PS384: { name: 'RSA-PSS', hash: 'SHA-384' },
  PS512: { name: 'RSA-PSS', hash: 'SHA-512' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
};

async function accepts(keyOptions, key, kid) {
  const verifier = createVerifier({ ...options, ...keyOptions });
  const token = await sign(key);
  const verified = await verifier.verify(token);
  assert.deepEqual(verified.claims, CLAIMS);
  assert.deepEqual(verified.header, { alg: key.alg, kid: key.kid, typ: 'at+jwt' });
  assert.deepEqual(verified.key, { alg: key.alg, ...(kid && { kid }) });
  await assert.rejects(verifier.verify(tampered(token)), { code: 'bad_signature' });
  const other = await sign({ ...(await freshKey(key.alg)), kid: key.kid });
  await assert.rejects(verifier.verify(other), { code: 'bad_signature' });
}

// All keys of the signer share RSA pairs; here another one is needed.
const otherRsa = subtle.generateKey(
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, ['sign', 'verify'],
);

async function freshKey(alg) {
  if (!/^[RP]S/.test(alg)) return newKey(alg);
  const { alg: _, key_ops, ...jwk } = await subtle.exportKey('jwk', (await otherRsa).privateKey);
  return { alg, signing: await subtle.importKey('jwk', jwk, WEB_CRYPTO[alg], false, ['sign']) };
}

for (const key of all) {
  const { alg, kid, jwk, secret } = key;
  test(`${alg} verifies with a JWK Set that has all keys of its kind`, () => {
    const keys = all.filter((each) => (each.secret === undefined) === (secret === undefined)).map((each) => each.jwk);
    return accepts({ jwks: { keys } }, key, kid);
  });
  test(`${alg} verifies with one JWK`, () => accepts({ key: jwk }, key, kid));
  test(`${alg} verifies with one JWK without kid, alg and use`, () => {
    const { kid: _, alg: __, use: ___, ...bare } = jwk;
    return accepts({ key: bare }, key, undefined);
  });
  for (const extractable of [true, false]) {
    test(`${alg} verifies with a CryptoKey, ${extractable ? '' : 'not '}extractable`, async () => {
      const cryptoKey = secret === undefined
        ? await subtle.importKey('jwk', jwk, WEB_CRYPTO[alg], extractable, ['verify'])
        : await subtle.importKey('raw', secret, WEB_CRYPTO[alg], extractable, ['verify']);
      await accepts({ key: cryptoKey }, key, undefined);
    });
  }
  if (secret !== undefined) test(`${alg} verifies with bytes`, () => accepts({ key: secret, algorithms: [alg] }, key, undefined));
}

test('accepts Ed25519, the name of RFC 9864, as EdDSA', async () => {
  const key = keyOf.EdDSA;
  const token = await sign(key, { header: { alg: 'Ed25519' } });
  const { header, key: used } = await createVerifier({ ...options, key: key.jwk, algorithms: ['Ed25519'] }).verify(token);
  assert.equal(header.alg, 'Ed25519');
  assert.equal(used.alg, 'EdDSA');
});

test('a public key is never used as an HMAC secret', async () => {
  const key = keyOf.RS256;
  const cryptoKey = await subtle.importKey('jwk', key.jwk, WEB_CRYPTO.RS256, true, ['verify']);
  const spki = Buffer.from(await subtle.exportKey('spki', cryptoKey));
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----\n`;
  for (const secret of [spki, Buffer.from(pem), Buffer.from(JSON.stringify(key.jwk)), Buffer.from(key.jwk.n, 'base64url')]) {
    const token = signByHand({ alg: 'HS256', secret }, { alg: 'HS256', kid: key.kid, typ: 'at+jwt' }, CLAIMS);
    const verifying = [{ key: key.jwk }, { key: cryptoKey }, { jwks: { keys: [key.jwk] } }];
    for (const keyOptions of verifying) {
      await assert.rejects(createVerifier({ ...options, ...keyOptions }).verify(token), { code: /^key_(mismatch|not_found)$/ });
    }
  }
});

test('keys in a token\'s header are never used', async () => {
  const [trusted, own] = [await newKey('ES256'), await newKey('ES256')];
  const verifier = createVerifier({ ...options, key: trusted.jwk });
  for (const header of [{ jwk: own.jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/x' }]) {
    await assert.rejects(verifier.verify(await sign(own, { header })), { code: 'bad_signature' });
  }
});

test('an RSA key without alg verifies every RSA algorithm, each with its own import', async () => {
  const { alg: _, ...jwk } = keyOf.PS256.jwk;
  const verifier = createVerifier({ ...options, key: jwk });
  for (let round = 0; round < 2; round += 1) {
    for (const alg of ['RS256', 'PS256', 'RS512', 'PS384']) {
      const token = await sign({ ...keyOf[alg], kid: jwk.kid });
      assert.equal((await verifier.verify(token)).key.alg, alg);
    }
  }
});

test('accepts a high-S ECDSA signature, and refuses r and s of zero or out of range', async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const token = await sign(keyOf.ES256);
  const verifier = createVerifier({ ...options, key: keyOf.ES256.jwk });
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const number = (part) => BigInt(`0x${part.toString('hex')}`);
  const text = (r, s) => base64url(Buffer.from(r.toString(16).padStart(64, '0') + s.toString(16).padStart(64, '0'), 'hex'));
  const [r, s] = [number(bytes.subarray(0, 32)), number(bytes.subarray(32))];
  await verifier.verify(`${header}.${payload}.${text(r, order - s)}`);
  for (const [badR, badS] of [[0n, s], [r, 0n], [0n, 0n], [order, s], [r, order]]) {
    await assert.rejects(verifier.verify(`${header}.${payload}.${text(badR, badS)}`), { code: 'bad_signature' });
  }
});
