// Several issuers, each with its own keys: no key of one signs for another (RFC 8725 section 3.8), in any way to verify.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, startIssuer } from '../shared/issuer.mjs';
import { startLists } from '../shared/lists.mjs';
import { AUDIENCE, CLAIMS, NOW, newKey, sign, signByHand } from '../shared/signer.mjs';

const folder = await install();
const { TokenError, createVerifier, guard } = await importFrom(folder);
const [A, B, C] = ['a', 'b', 'c'].map((name) => `https://${name}.example`);
const byAlgorithm = await Promise.all(['ES256', 'EdDSA', 'HS256', 'RS256'].map(async (alg) => {
  const [a, b] = await Promise.all([newKey(alg, 'same'), newKey(alg, 'same')]);
  // All tests share one RSA pair: here they must differ.
  return alg === 'RS256' ? undefined : { alg, a, b };
})).then((pairs) => pairs.filter((pair) => pair !== undefined));
const [{ a, b }] = byAlgorithm;
const shared = { audience: AUDIENCE, now: () => NOW };
const tokenOf = (key, iss, more) => sign(key, { ...more, claims: { iss, ...more?.claims } });
const jwks = (...keys) => ({ keys: keys.map(({ jwk }) => jwk) });
const request = (token) => ({ headers: { authorization: `Bearer ${token}` } });

/** Every way to verify, as a promise of the claims. */
const WAYS = {
  verify: async (verifier, token) => (await verifier.verify(token)).claims,
  verifySync: async (verifier, token) => verifier.verifySync(token).claims,
  verifyAll: async (verifier, token) => {
    const [{ ok, value, error }] = await verifier.verifyAll([token]);
    if (!ok) throw error;
    return value.claims;
  },
  verifyRequest: async (verifier, token) => (await verifier.verifyRequest(request(token))).claims,
};

for (const { alg, a: first, b: second } of byAlgorithm) {
  for (const [name, way] of Object.entries(WAYS)) {
    test(`${name}, ${alg}: each issuer signs for itself only`, async () => {
      for (const kid of ['same', undefined]) {
        const header = { kid };
        for (const cache of [false, { max: 8 }]) {
          const issuers = { [A]: { jwks: jwks(first) }, [B]: { key: second.jwk } };
          const verifier = createVerifier({ ...shared, issuers, cache });
          for (let round = 0; round < 2; round += 1) {
            assert.equal((await way(verifier, await tokenOf(first, A, { header }))).iss, A);
            assert.equal((await way(verifier, await tokenOf(second, B, { header }))).iss, B);
            await assert.rejects(way(verifier, await tokenOf(first, B, { header })), { code: 'bad_signature' });
            await assert.rejects(way(verifier, await tokenOf(second, A, { header })), { code: 'bad_signature' });
            await assert.rejects(way(verifier, await tokenOf(first, C, { header })), { code: 'issuer_mismatch' });
            await assert.rejects(way(verifier, await tokenOf(first, undefined, { header })), { code: 'issuer_mismatch' });
          }
        }
      }
    });
  }
}

test('a JWK Set alone stands for the options of an issuer', async () => {
  const verifier = createVerifier({ ...shared, issuers: { [A]: jwks(a), [B]: jwks(b) } });
  await verifier.verify(await tokenOf(a, A));
  await assert.rejects(verifier.verify(await tokenOf(a, B)), { code: 'bad_signature' });
});

test('errors of form are reported as usual', async () => {
  const verifier = createVerifier({ ...shared, issuers: { [A]: jwks(a) } });
  for (const [token, code] of [
    [undefined, 'malformed'], ['', 'malformed'], ['a.b.c', 'malformed'], ['a.b.c.d.e', 'unsupported'], ['x'.repeat(20_000), 'too_large'],
    [await tokenOf(a, C, { header: { typ: 'JWT' } }), 'type_mismatch'],
    [await tokenOf(a, A, { header: { typ: 'JWT' } }), 'type_mismatch'],
    [await tokenOf(a, A, { claims: { aud: 'other' } }), 'audience_mismatch'],
  ]) {
    for (const way of Object.values(WAYS).slice(0, 3)) {
      await assert.rejects(way(verifier, token), (error) => error instanceof TokenError && error.code === code, `${code}: ${token}`);
    }
  }
});

test('refuses a token that names its issuer twice', async () => {
  const [secret, other] = [await newKey('HS256'), await newKey('HS256')];
  const verifier = createVerifier({ ...shared, issuers: { [A]: { key: secret.jwk }, [B]: { key: other.jwk } } });
  const header = { alg: 'HS256', kid: secret.kid, typ: 'at+jwt' };
  const text = JSON.stringify({ ...CLAIMS, iss: A });
  for (const both of [`{"iss":"${B}",${text.slice(1)}`, `{"iss":"${A}",${text.slice(1)}`, `{"i\\u0073s":"${B}",${text.slice(1)}`]) {
    await assert.rejects(verifier.verify(signByHand(secret, header, both)), { code: 'malformed' });
  }
});

test('names of prototype members are no issuers', async () => {
  const verifier = createVerifier({ ...shared, issuers: { [A]: jwks(a) } });
  for (const iss of ['constructor', '__proto__', 'toString', ['constructor'], { toString: A }, 1, null]) {
    await assert.rejects(verifier.verify(await tokenOf(a, iss)), { code: 'issuer_mismatch' }, `${JSON.stringify(iss)}`);
  }
});

test('finds the keys by the metadata of each issuer, and fetches each once', async (t) => {
  const [first, second] = await Promise.all([a, b].map((key) => startIssuer({ keys: [key] })));
  t.after(() => Promise.all([first.stop(), second.stop()]));
  const issuers = { [first.issuer]: {}, [second.issuer]: { jwksUri: `${second.origin}${JWKS}` } };
  const verifier = createVerifier({ ...shared, issuers });
  assert.throws(() => verifier.verifySync('a.b.c'), { code: 'malformed' });
  const tokens = [await tokenOf(a, first.issuer), await tokenOf(b, second.issuer)];
  assert.throws(() => verifier.verifySync(tokens[0]), { code: 'async_required' });
  await Promise.all([...tokens, ...tokens].map((token) => verifier.verify(token)));
  for (const token of tokens) verifier.verifySync(token);
  assert.deepEqual([first.count(JWKS), second.count(JWKS)], [1, 1]);
  // A token of an unknown issuer causes no fetch.
  await assert.rejects(verifier.verify(await tokenOf(a, C)), { code: 'issuer_mismatch' });
  assert.deepEqual([first.count(JWKS), second.count(JWKS)], [1, 1]);
  await assert.rejects(verifier.verify(await tokenOf({ ...b, kid: 'new' }, first.issuer)), { code: 'key_not_found' });
  assert.deepEqual([first.count(JWKS), second.count(JWKS)], [2, 1]);
});

test('one unavailable issuer does not affect the others, and `keys` reports it', async (t) => {
  const issuer = await startIssuer({ keys: [a] });
  t.after(() => issuer.stop());
  const down = async () => { throw new TypeError('no route'); };
  const verifier = createVerifier({ ...shared, issuers: { [issuer.issuer]: {}, [B]: { fetch: down } } });
  await verifier.verify(await tokenOf(a, issuer.issuer));
  assert.equal(verifier.keys.error, undefined);
  assert.ok(verifier.keys.age >= 0 && verifier.keys.maxAge > 86_400);
  await assert.rejects(verifier.verify(await tokenOf(b, B)), { code: 'discovery_failed' });
  await verifier.verify(await tokenOf(a, issuer.issuer));
  assert.equal(verifier.keys.error.code, 'discovery_failed');
});

test('an issuer may have its own audience, type and required claims', async () => {
  const issuers = { [A]: jwks(a), [B]: { jwks: jwks(b), type: 'JWT', audience: 'other', requiredClaims: ['exp'], algorithms: ['ES256'] } };
  const verifier = createVerifier({ ...shared, issuers });
  await verifier.verify(await tokenOf(a, A));
  await verifier.verify(await tokenOf(b, B, { header: { typ: 'JWT' }, claims: { aud: 'other', jti: undefined } }));
  await assert.rejects(verifier.verify(await tokenOf(b, B)), { code: 'type_mismatch' });
  await assert.rejects(verifier.verify(await tokenOf(a, A, { header: { typ: 'JWT' } })), { code: 'type_mismatch' });
});

test('explain reports the check that the issuer fails, with the keys of the issuer that the token names', async () => {
  const verifier = createVerifier({ ...shared, issuers: { [A]: jwks(a), [B]: jwks(b) } });
  const failing = async (token) => {
    const { checks } = await verifier.explain(token);
    return Object.fromEntries(checks.filter(({ ok }) => ok !== true).map(({ name, code = null }) => [name, code]));
  };
  assert.deepEqual(await failing(await tokenOf(a, A)), {});
  assert.deepEqual(await failing(await tokenOf(b, B)), {});
  assert.deepEqual(await failing(await tokenOf(a, B)), { signature: 'bad_signature' });
  assert.deepEqual(await failing(await tokenOf(a, C)), { key: 'key_not_found', signature: null, issuer: 'issuer_mismatch' });
  assert.equal((await failing('a.b.c')).format, 'malformed');
});

test('a status list is accepted only if the issuer of the token signed it', async (t) => {
  const [first, second] = [await startLists(t, a), await startLists(t, b)];
  const issuers = Object.fromEntries([first, second].map(({ issuer, options: { jwksUri } }) => [issuer.issuer, { jwksUri }]));
  const verifier = createVerifier({ audience: AUDIENCE, issuers, status: 'check' });
  first.list.statuses = { 1: 1 };
  await verifier.verify(await first.token(0));
  await verifier.verify(await second.token(1));
  await assert.rejects(verifier.verify(await first.token(1)), { code: 'revoked' });
  assert.throws(() => verifier.verifySync(first.tokenWith), { code: 'malformed' });
  assert.equal(verifier.status.lists, 2);
  // B refers to the list of A, which B has not signed.
  const astray = await second.tokenWith({ status_list: { idx: 0, uri: first.uri } });
  await assert.rejects(verifier.verify(astray), { code: 'status_unavailable' });
});

test('guards accept several issuers, also from the environment, and require the same scope of all', async () => {
  const call = async (options, token, env) => {
    const fetch = guard(options, (_, __, ___, { claims }) => Response.json(claims.iss));
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return fetch(new Request('https://api.example/', { headers }), env, {});
  };
  const options = { ...shared, issuers: { [A]: jwks(a), [B]: jwks(b) }, scope: 'read' };
  for (const [given, env] of [[options, {}], [(bindings) => ({ ...shared, issuers: bindings.ISSUERS, scope: 'read' }), { ISSUERS: options.issuers }]]) {
    assert.equal(await (await call(given, await tokenOf(b, B), env)).json(), B);
    const refused = await call(given, await tokenOf(a, B), env);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate'), /error="invalid_token"/);
    const asked = await call(given, undefined, env);
    assert.match(asked.headers.get('www-authenticate'), /scope="read"/);
    assert.equal((await call(given, await tokenOf(a, A, { claims: { scope: 'write' } }), env)).status, 403);
  }
});

test('refuses at once: invalid issuers, and issuers that share keys', () => {
  for (const options of [
    ...[null, [], {}, 'a', [A], { [A]: null }, { [A]: 'https://a.example/jwks' }, { [A]: [] }, { [A]: { keys: [] } }].map((issuers) => ({ issuers })),
    { issuers: { [A]: jwks(a) }, issuer: A },
    { issuers: { [A]: {} }, jwks: jwks(a) },
    { issuers: { [A]: {} }, jwksUri: `${A}/jwks` },
    { issuers: { [A]: {} }, key: a.jwk },
    { issuers: { '': jwks(a) } },
    { issuers: { 'not a URL': {} } },
    ...['issuer', 'issuers', 'scope', 'now', 'cache', 'status', 'jwk', 'maxTokenBytes'].map((name) => ({ issuers: { [A]: { jwks: jwks(a), [name]: {} } } })),
    { issuers: { [A]: { jwks: jwks(a), key: a.jwk } } },
  ]) {
    assert.throws(() => createVerifier({ ...shared, ...options }), { code: 'invalid_option' }, JSON.stringify(options));
  }
});

test('several spellings of one issuer share its keys', async () => {
  const verifier = createVerifier({ ...shared, issuer: ['accounts.google.com', 'https://accounts.google.com'], jwks: jwks(a) });
  for (const iss of ['accounts.google.com', 'https://accounts.google.com']) assert.equal((await verifier.verify(await tokenOf(a, iss))).claims.iss, iss);
});
