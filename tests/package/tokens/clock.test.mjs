// Times with fractions of a second (RFC 7519 section 2, NumericDate) are compared without rounding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { startLists } from '../shared/lists.mjs';
import { NOW, newKey, options, sign } from '../shared/signer.mjs';

const folder = await install();
const { createIssuer, createVerifier, decodeUnverified, guard } = await importFrom(folder);
const express = await importFrom(folder, 'edgemint/express');
const keys = await Promise.all(['HS256', 'ES256', 'EdDSA'].map((alg) => newKey(alg)));
const refused = (code) => (error) => error.code === code;

/** Every way to verify, as a promise that rejects with the reason. `verifier` is one that may cache the token. */
const WAYS = {
  verify: async (given, token, verifier) => verifier.verify(token),
  verifySync: async (given, token, verifier) => verifier.verifySync(token),
  verifyAll: async (given, token, verifier) => {
    const [{ ok, error }] = await verifier.verifyAll([token]);
    if (!ok) throw error;
  },
  verifyRequest: async (given, token, verifier) => verifier.verifyRequest(`Bearer ${token}`),
  guard: async (given, token) => {
    let refusal;
    const fetch = guard({ ...given, onError: (error) => { refusal = error; } }, () => new Response());
    await fetch(new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } }), {}, {});
    if (refusal !== undefined) throw refusal;
  },
  'guard of Express': async (given, token) => {
    let refusal;
    const middleware = express.guard({ ...given, onError: (error) => { refusal = error; } });
    const response = { headersSent: false, writeHead: () => ({ end: () => {} }) };
    await middleware({ headers: { authorization: `Bearer ${token}` } }, response, () => {});
    if (refusal !== undefined) throw refusal;
  },
  explain: async (given, token, verifier) => {
    const { checks } = await verifier.explain(token);
    const failed = checks.find(({ ok }) => ok === false);
    if (failed !== undefined) throw failed;
  },
};

/** `[what, claims, options, the clock, the code or undefined]`, the clock in seconds from NOW. */
const CASES = [
  ['before a fractional nbf', { nbf: NOW + 0.5 }, {}, 0.25, 'not_yet_valid'],
  ['at a fractional nbf', { nbf: NOW + 0.5 }, {}, 0.5],
  ['just after a fractional nbf, in the same second', { nbf: NOW + 0.5 }, {}, 0.75],
  ['before a fractional exp, in the same second', { exp: NOW + 0.5 }, {}, 0.25],
  ['at a fractional exp', { exp: NOW + 0.5 }, {}, 0.5, 'expired'],
  ['after a fractional exp, in the same second', { exp: NOW + 0.5 }, {}, 0.75, 'expired'],
  ['before a whole exp, in the second before', { exp: NOW + 1 }, {}, 0.999],
  ['a fractional nbf within the tolerance', { nbf: NOW + 0.5 }, { clockTolerance: 2 }, -1.5],
  ['a fractional nbf beyond the tolerance', { nbf: NOW + 0.5 }, { clockTolerance: 2 }, -1.75, 'not_yet_valid'],
  ['a fractional exp within the tolerance', { exp: NOW + 0.5 }, { clockTolerance: 2 }, 2.25],
  ['a fractional exp beyond the tolerance', { exp: NOW + 0.5 }, { clockTolerance: 2 }, 2.5, 'expired'],
  ['a fractional iat in the same second, under maxTokenAge', { iat: NOW + 0.5 }, { maxTokenAge: 10 }, 0.625],
  ['a fractional iat in the future, under maxTokenAge', { iat: NOW + 0.5 }, { maxTokenAge: 10 }, 0.25, 'not_yet_valid'],
  ['a fractional iat in the future, within the tolerance', { iat: NOW + 0.5 }, { maxTokenAge: 10, clockTolerance: 1 }, -0.5],
  ['just young enough', { iat: NOW - 9.5 }, { maxTokenAge: 10 }, 0.5],
  ['too old by a fraction', { iat: NOW - 9.5 }, { maxTokenAge: 10 }, 0.75, 'too_old'],
  ['too old by a fraction, within the tolerance', { iat: NOW - 9.5 }, { maxTokenAge: 10, clockTolerance: 1 }, 1.5],
  ['too old by a fraction, beyond the tolerance', { iat: NOW - 9.5 }, { maxTokenAge: 10, clockTolerance: 1 }, 1.75, 'too_old'],
  ['iat in the future without maxTokenAge', { iat: NOW + 0.5 }, {}, 0.25],
];

for (const [what, claims, more, clock, code] of CASES) {
  test(`${what}: ${code ?? 'accepted'}`, async () => {
    for (const key of keys) {
      const token = await sign(key, { claims });
      for (const [name, way] of Object.entries(WAYS)) {
        for (const cache of [false, { max: 4 }]) {
          let now = NOW + clock;
          const given = { ...options, ...more, key: key.jwk, cache, now: () => now };
          const verifier = createVerifier(given);
          const says = async () => {
            if (code === undefined) await way(given, token, verifier);
            else await assert.rejects(way(given, token, verifier), refused(code), `${key.alg}, ${name}`);
          };
          await says();
          if (cache === false) continue;
          // Again after it was cached at a time when it was valid.
          now = code === 'not_yet_valid' ? NOW + 2 : NOW;
          await verifier.verify(token).catch(() => {});
          now = NOW + clock;
          await says();
        }
      }
    }
  });
}

test('the system clock counts in milliseconds', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: (NOW + 0.25) * 1000 });
  const [key] = keys;
  const token = await sign(key, { claims: { nbf: NOW + 0.5, exp: NOW + 1.5 } });
  for (const cache of [false, { max: 4 }]) {
    const verifier = createVerifier({ ...options, now: undefined, key: key.jwk, cache });
    for (const [ms, code] of [[250, 'not_yet_valid'], [499, 'not_yet_valid'], [500], [999], [1499], [1500, 'expired'], [1001]]) {
      t.mock.timers.setTime(NOW * 1000 + ms);
      if (code === undefined) verifier.verifySync(token);
      else assert.throws(() => verifier.verifySync(token), { code }, `${ms}`);
    }
  }
});

test('a list that expires within this second has expired', async (t) => {
  const key = keys[1];
  const second = Math.ceil(Date.now() / 1000);
  t.mock.timers.enable({ apis: ['Date'], now: second * 1000 });
  const { list, options: given, token } = await startLists(t, key);
  list.claims = { iat: second - 0.5, exp: second + 1.5 };
  const verifier = createVerifier({ ...given, status: 'check' });
  const good = await token(0);
  await verifier.verify(good);
  t.mock.timers.setTime((second + 1.25) * 1000);
  await verifier.verify(good);
  t.mock.timers.setTime((second + 1.75) * 1000);
  assert.throws(() => verifier.verifySync(good), { code: 'async_required' });
  await assert.rejects(verifier.verify(good), { code: 'status_unavailable' });
});

test('an issuer mints whole seconds, also with a clock of fractions', async () => {
  const claims = { sub: 'a', aud: 'b', client_id: 'c' };
  const token = await createIssuer({ issuer: options.issuer, key: keys[0].secret, now: () => NOW + 0.9 }).mint(claims);
  const { iat, exp } = decodeUnverified(token).claims;
  assert.deepEqual({ iat, exp }, { iat: NOW, exp: NOW + 600 });
});
