// explain(): the result of every check of a token, as text for developers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { startIssuer } from '../shared/issuer.mjs';
import { CLAIMS, NOW, base64url, newKey, options, sign, tampered } from '../shared/signer.mjs';

const { createVerifier } = await importFrom(await install());
const hs256 = await newKey('HS256');
const es256 = await newKey('ES256');
const NAMES = [
  'format', 'type', 'algorithm', 'key', 'signature', 'claims', 'issuer', 'audience', 'expiry', 'not_before', 'age',
  'required_claims', 'scope',
];

/** The checks that did not pass: by name, the code, or null if it was not run. */
async function failing(verifier, token) {
  const { checks } = await verifier.explain(token);
  assert.deepEqual(checks.map(({ name }) => name), NAMES);
  for (const { ok, code, sentence } of checks) {
    assert.equal(typeof code, ok === false ? 'string' : 'undefined');
    assert.equal(typeof sentence, ok === false ? 'string' : 'undefined');
  }
  return Object.fromEntries(checks.filter(({ ok }) => ok !== true).map(({ name, code = null }) => [name, code]));
}

for (const key of [hs256, es256]) {
  const verifier = createVerifier({ ...options, key: key.jwk });
  const without = (...names) => Object.fromEntries(NAMES.filter((name) => !names.includes(name)).map((name) => [name, null]));

  test(`${key.alg}: a valid token passes every check`, async () => {
    const { header, claims, checks } = await verifier.explain(await sign(key));
    assert.deepEqual({ header, claims }, { header: { alg: key.alg, kid: key.kid, typ: 'at+jwt' }, claims: CLAIMS });
    assert.deepEqual(checks, NAMES.map((name) => ({ name, ok: true })));
  });

  test(`${key.alg}: reports every failure, not only the first`, async () => {
    const token = tampered(await sign(key, { claims: { aud: 'other', exp: NOW - 1, sub: undefined } }));
    assert.deepEqual(await failing(verifier, token), {
      signature: 'bad_signature', audience: 'audience_mismatch', expiry: 'expired', required_claims: 'claim_missing',
    });
    const { checks } = await verifier.explain(token);
    assert.equal(checks.find(({ name }) => name === 'required_claims').claim, 'sub');
  });

  test(`${key.alg}: reports what cannot be read`, async () => {
    for (const token of ['', 'a.b.c', undefined, 7]) {
      assert.deepEqual(await failing(verifier, token), { ...without('format'), format: 'malformed' });
    }
    assert.deepEqual(await failing(verifier, 'x'.repeat(1_000_000)), { ...without('format'), format: 'too_large' });
    const wrongType = await sign(key, { header: { typ: 'JWT' } });
    assert.deepEqual(await failing(verifier, wrongType), { type: 'type_mismatch', signature: null });
    const noObject = (await sign(key)).replace(/\..*\./, `.${base64url('[]')}.`);
    const unread = Object.fromEntries(NAMES.slice(NAMES.indexOf('issuer')).map((name) => [name, null]));
    assert.deepEqual(await failing(verifier, noObject), { signature: 'bad_signature', claims: 'malformed', ...unread });
  });

  test(`${key.alg}: reports an unknown kid`, async () => {
    const token = await sign(key, { header: { kid: 'other' } });
    assert.deepEqual(await failing(verifier, token), { key: 'key_not_found', signature: null });
  });
}

test('a key that the runtime refuses fails the check of the signature', async () => {
  const key = { ...es256.jwk, y: base64url(Buffer.alloc(32, 7)) };
  assert.deepEqual(await failing(createVerifier({ ...options, key }), await sign(es256)), { signature: 'key_unusable' });
});

test('keys that cannot be fetched fail the check of the key, and the claims are still shown', async () => {
  const issuer = await startIssuer();
  await issuer.stop();
  const verifier = createVerifier({ ...options, issuer: issuer.issuer });
  const token = await sign(es256, { claims: { iss: issuer.issuer } });
  assert.deepEqual(await failing(verifier, token), { key: 'discovery_failed', signature: null });
  assert.equal((await verifier.explain(token)).claims.sub, CLAIMS.sub);
  // A token that is invalid by itself is reported first.
  assert.equal((await failing(verifier, 'a.b.c')).format, 'malformed');
});

test('rejects if no check can be run', async () => {
  const token = await sign(hs256);
  await assert.rejects(createVerifier({ ...options, key: { ...es256.jwk, d: 'AA' } }).explain(token), { code: 'key_unusable' });
  await assert.rejects(createVerifier({ ...options, key: hs256.jwk, now: () => NaN }).explain(token), { code: 'invalid_option' });
});
