// A token without a kid: each matching key is tried, up to four.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, startIssuer } from '../shared/issuer.mjs';
import { startLists } from '../shared/lists.mjs';
import { newKey, options, sign, tampered } from '../shared/signer.mjs';

const { createVerifier } = await importFrom(await install());
const nameless = { header: { kid: undefined } };
const sets = await Promise.all(['HS256', 'EdDSA', 'ES256', 'ES384'].map(async (alg) => {
  return { alg, keys: await Promise.all([1, 2, 3, 4, 5].map((n) => newKey(alg, `key-${n}`))) };
}));
const jwks = (keys) => ({ keys: keys.map(({ jwk }) => jwk) });
const bare = (keys) => ({ keys: keys.map(({ jwk: { kid: _, ...jwk } }) => jwk) });

for (const { alg, keys: [first, second, third, fourth, fifth] } of sets) {
  const four = [first, second, third, fourth];

  test(`${alg}: finds the signing key among four, synchronously and asynchronously, also from the cache`, async () => {
    for (const [published, named] of [[jwks(four), true], [bare(four), false]]) {
      for (const cache of [false, { max: 8 }]) {
        const verifier = createVerifier({ ...options, jwks: published, cache });
        for (const key of [fourth, first, third, second, second, fourth]) {
          const token = await sign(key, nameless);
          const expected = named ? { kid: key.kid, alg } : { alg };
          for (let round = 0; round < 2; round += 1) {
            assert.deepEqual((await verifier.verify(token)).key, expected);
            assert.deepEqual(verifier.verifySync(token).key, expected);
          }
          const { checks } = await verifier.explain(token);
          assert.ok(checks.every(({ ok }) => ok === true), JSON.stringify(checks));
        }
        const tokens = await Promise.all([...four, ...four].map((key) => sign(key, nameless)));
        const results = await verifier.verifyAll(tokens);
        assert.deepEqual(results.map(({ value }) => value?.key), [...four, ...four].map(({ kid }) => (named ? { kid, alg } : { alg })));
      }
    }
  });

  test(`${alg}: refuses what none of them signed, and reports nothing about its claims`, async () => {
    const verifier = createVerifier({ ...options, jwks: jwks(four), cache: { max: 8 } });
    const good = await sign(third, nameless);
    await verifier.verify(good);
    for (const token of [tampered(good), await sign(fifth, nameless), await sign(fifth, { ...nameless, claims: { exp: 1, iss: 'other' } })]) {
      await assert.rejects(verifier.verify(token), { code: 'bad_signature' });
      assert.throws(() => verifier.verifySync(token), { code: 'bad_signature' });
      const { checks } = await verifier.explain(token);
      assert.equal(checks.find(({ name }) => name === 'signature').code, 'bad_signature');
    }
    // The claims of a token that one of them signed are reported as usual.
    await assert.rejects(verifier.verify(await sign(fourth, { ...nameless, claims: { exp: 1 } })), { code: 'expired' });
    const old = await sign(fourth, { ...nameless, claims: { exp: 1 } });
    assert.throws(() => verifier.verifySync(old), { code: 'expired' });
  });

  test(`${alg}: refuses five matching keys, and says so; the same key twice counts once`, async () => {
    const verifier = createVerifier({ ...options, jwks: jwks([...four, fifth]) });
    const token = await sign(first, nameless);
    const ambiguous = { code: 'key_ambiguous', message: 'the token has no kid, and too many keys match' };
    await assert.rejects(verifier.verify(token), ambiguous);
    assert.throws(() => verifier.verifySync(token), ambiguous);
    await verifier.verify(await sign(fifth));
    const twice = createVerifier({ ...options, jwks: { keys: [...jwks(four).keys, ...jwks(four).keys, ...bare(four).keys] } });
    await twice.verify(await sign(fourth, nameless));
    twice.verifySync(await sign(fourth, nameless));
  });

  test(`${alg}: tries both of two keys with the same kid`, async () => {
    const again = { ...second, jwk: { ...second.jwk, kid: first.kid } };
    const verifier = createVerifier({ ...options, jwks: jwks([first, again]) });
    for (const key of [first, second]) {
      await verifier.verify(await sign(key, { header: { kid: first.kid } }));
      verifier.verifySync(await sign(key, { header: { kid: first.kid } }));
    }
    await assert.rejects(verifier.verify(await sign(third, { header: { kid: first.kid } })), { code: 'bad_signature' });
  });
}

test('tries keys that are published while others are tried', async (t) => {
  const [first, second, third] = sets.find(({ alg }) => alg === 'ES256').keys;
  const issuer = await startIssuer({ keys: [first, second] });
  t.after(() => issuer.stop());
  const verifier = createVerifier({ ...options, issuer: issuer.issuer, jwksUri: `${issuer.origin}${JWKS}` });
  const token = (key, more = nameless) => sign(key, { ...more, claims: { iss: issuer.issuer } });
  await verifier.verify(await token(second));
  issuer.publish(third, second, first);
  // Many at once are checked on other threads, and a new kid has the set renewed meanwhile.
  const tokens = await Promise.all(Array.from({ length: 40 }, (_, n) => token([first, second][n % 2])));
  const results = await Promise.all([...tokens.map((one) => verifier.verify(one)), verifier.verify(await token(third, {})), ...tokens.map((one) => verifier.verify(one))]);
  assert.equal(results.length, 81);
  for (const key of [first, second, third]) await verifier.verify(await token(key));
});

test('a status list without kid is tried with each key, too', async (t) => {
  const [first, second] = sets.find(({ alg }) => alg === 'ES256').keys;
  const { issuer, list, options: given, token } = await startLists(t, first);
  issuer.publish(second, first);
  list.header = { kid: undefined };
  list.statuses = { 1: 1 };
  const verifier = createVerifier({ ...given, status: 'check' });
  await verifier.verify(await token(0));
  await assert.rejects(verifier.verify(await token(1)), { code: 'revoked' });
});
