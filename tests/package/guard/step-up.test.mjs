// Step-up (RFC 9470): guards that demand how and when the user authenticated.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { Hono } from 'hono';
import * as oauth from 'oauth4webapi';
import { MISSING, REFUSED, assertRefused, challengeOf, createVerifier, expected, expressGuard, guard, honoGuard, lacking, startIssuerWithKey, withBearer } from '../shared/guarded.mjs';
import { AUDIENCE, tampered } from '../shared/signer.mjs';

const PLACE = 'https://api.example/notes';
const ERROR = 'insufficient_user_authentication';
const NOW = Math.floor(Date.now() / 1000);
const { issuer, key, token, options } = await startIssuerWithKey();
after(() => issuer.stop());
const bearing = (text) => new Request(PLACE, withBearer(text));
const ok = () => new Response();
/** A verifier whose clock stands at NOW. */
const verifierAt = (more) => createVerifier({ ...options, now: () => NOW, ...more });
/** The expected response, with the parameters that the challenge ends with. */
const demanding = (after, before = '') => expected(401, ERROR, challengeOf(ERROR, { before, after }));

/** The status of the response, and the code and the claim of the error. */
async function outcome(given, text) {
  let told = {};
  const { status } = await guard({ ...given, onError: (error) => { told = error; } }, ok)(bearing(text));
  return [status, told.code, told.claim];
}

test('acr must be one of those that the guard demands, compared by case', async () => {
  const verifier = verifierAt();
  for (const acr of ['gold', 'silver gold', ['silver', 'gold']]) {
    assert.deepEqual(await outcome({ verifier, acr }, await token({ acr: 'gold' })), [200, undefined, undefined]);
    for (const claim of [undefined, null, '', 'Gold', 'silver gold', 'bronze', 'gol', ['gold'], { gold: true }, 1, true]) {
      assert.deepEqual(await outcome({ verifier, acr }, await token({ acr: claim })), [401, 'authentication_insufficient', 'acr'], inspect(claim));
    }
  }
});

test('auth_time must be within maxAge, and not in the future, by the clock and the tolerance of the verifier', async () => {
  for (const clockTolerance of [0, 5]) {
    const verifier = verifierAt({ clockTolerance });
    const ages = {
      [-1 - clockTolerance]: 401, [-clockTolerance]: 200, 0: 200, 299: 200, 300: 200, [300 + clockTolerance]: 200, [301 + clockTolerance]: 401, [NOW]: 401,
    };
    for (const [age, status] of Object.entries(ages)) {
      const [got, , claim] = await outcome({ verifier, maxAge: 300 }, await token({ auth_time: NOW - Number(age) }));
      assert.deepEqual([got, claim], [status, status === 200 ? undefined : 'auth_time'], `${age} seconds with a tolerance of ${clockTolerance}`);
    }
  }
  const late = verifierAt({ now: () => NOW + 0.5 });
  assert.equal((await outcome({ verifier: late, maxAge: 300 }, await token({ auth_time: NOW - 300 })))[0], 401);
  assert.equal((await outcome({ verifier: late, maxAge: 300 }, await token({ auth_time: NOW - 299.5 })))[0], 200);
});

test('a token without auth_time fails, and one with another type is invalid', async () => {
  const verifier = verifierAt();
  assert.deepEqual(await outcome({ verifier, maxAge: 300 }, await token()), [401, 'authentication_insufficient', 'auth_time']);
  for (const time of [null, `${NOW}`, [NOW], true]) {
    assert.deepEqual(await outcome({ verifier, maxAge: 300 }, await token({ auth_time: time })), [401, 'claim_invalid', 'auth_time']);
    // Another implementation may not check it.
    const lax = { verify: async () => ({ claims: { auth_time: time } }) };
    assert.deepEqual(await outcome({ verifier: lax, maxAge: 300 }, 'abc'), [401, 'authentication_insufficient', 'auth_time']);
  }
});

test('with several issuers, the clock tolerance is that of the issuer of the token', async () => {
  const keys = { keys: [key.jwk] };
  const other = 'https://other.example';
  const verifier = createVerifier({ issuers: { [issuer.issuer]: { jwks: keys }, [other]: { jwks: keys, clockTolerance: 60 } }, audience: AUDIENCE, now: () => NOW });
  const status = async (iss) => (await outcome({ verifier, maxAge: 300 }, await token({ iss, auth_time: NOW - 330 })))[0];
  assert.deepEqual([await status(issuer.issuer), await status(other)], [401, 200]);
});

test('a verifier of another implementation is used with the clock of the system and no tolerance', async () => {
  const verifierOf = (claims) => ({ verify: async () => ({ claims }) });
  const status = async (age) => (await outcome({ verifier: verifierOf({ auth_time: Date.now() / 1000 - age }), maxAge: 300 }, 'abc'))[0];
  assert.deepEqual([await status(10), await status(301), await status(-60)], [200, 401, 401]);
});

test('the challenge names what is demanded, quoted, as a third-party client reads it', async () => {
  const verifier = verifierAt();
  const text = await token();
  const cases = [
    [{ acr: 'gold' }, ', acr_values="gold"'],
    [{ acr: ['urn:a:b', "x'y,z=;"] }, ', acr_values="urn:a:b x\'y,z=;"'],
    [{ maxAge: 300 }, ', max_age="300"'],
    [{ acr: 'gold silver', maxAge: 1 }, ', acr_values="gold silver", max_age="1"'],
    [{ maxAge: Number.MAX_SAFE_INTEGER, acr: 'a' }, `, acr_values="a", max_age="${Number.MAX_SAFE_INTEGER}"`],
  ];
  for (const [given, after] of cases) {
    const response = await guard({ verifier, ...given }, ok)(bearing(text));
    const client = { [oauth.customFetch]: async () => response.clone() };
    await assert.rejects(oauth.protectedResourceRequest('x', 'GET', new URL(PLACE), undefined, undefined, client), ({ cause: [{ scheme, parameters }, ...more] }) => {
      assert.deepEqual([scheme, parameters.error, more], ['bearer', ERROR, []]);
      assert.equal(parameters.acr_values, [given.acr ?? []].flat().join(' ') || undefined);
      assert.equal(parameters.max_age, given.maxAge?.toString());
      return true;
    });
    await assertRefused(response, demanding(after));
  }
  const metadata = 'https://api.example/metadata';
  const full = { verifier, acr: 'gold', maxAge: 60, realm: 'a "b"', resourceMetadata: metadata };
  const before = `realm="a \\"b\\"", resource_metadata="${metadata}", `;
  await assertRefused(await guard(full, ok)(bearing(text)), demanding(', acr_values="gold", max_age="60"', before));
});

test('the token is checked first, then its binding, then the authentication, then the scope', async () => {
  const verifier = verifierAt();
  const given = { verifier, acr: 'gold', maxAge: 60, scope: 'admin' };
  const respond = async (text) => guard(given, ok)(bearing(text));
  await assertRefused(await guard(given, ok)(new Request(PLACE)), { ...MISSING, challenge: 'Bearer scope="admin"' });
  await assertRefused(await respond(tampered(await token())), REFUSED);
  await assertRefused(await respond(await token({ exp: NOW - 1 })), REFUSED);
  await assertRefused(await respond(await token({ cnf: { jkt: 'x' } })), REFUSED);
  // The scope is named, so that one authorization request can satisfy both.
  const after = ', acr_values="gold", max_age="60", scope="admin"';
  for (const claims of [{ scope: 'admin' }, { acr: 'gold', auth_time: NOW - 61 }, { acr: 'bronze', auth_time: NOW }]) {
    await assertRefused(await respond(await token(claims)), demanding(after));
  }
  const strong = { acr: 'gold', auth_time: NOW - 60 };
  await assertRefused(await respond(await token(strong)), lacking('admin'));
  assert.equal((await respond(await token({ ...strong, scope: 'admin' }))).status, 200);
  // The scope of the verifier is part of its own check.
  const strict = { verifier: verifierAt({ scope: 'admin' }), acr: 'gold' };
  await assertRefused(await guard(strict, ok)(bearing(await token())), lacking('admin'));
});

test('a cached token becomes too old', async () => {
  let now = NOW;
  const given = { verifier: createVerifier({ ...options, now: () => now, cache: { max: 10 } }), maxAge: 60 };
  const text = await token({ auth_time: NOW });
  const statuses = [];
  for (now of [NOW, NOW + 60, NOW + 61, NOW]) statuses.push((await outcome(given, text))[0]);
  assert.deepEqual(statuses, [200, 200, 401, 200]);
});

test('the guards for Hono and Express and verifyRequest demand the same, synchronously too', async () => {
  const verifier = verifierAt({ key: key.jwk });
  const given = { acr: 'gold', maxAge: 60 };
  const after = ', acr_values="gold", max_age="60"';
  const [weak, strong] = [await token({ acr: 'gold' }), await token({ acr: 'gold', auth_time: NOW })];
  const app = new Hono().use(honoGuard({ verifier, ...given })).get('/', (c) => c.text('in'));
  await assertRefused(await app.request('/', withBearer(weak)), demanding(after));
  assert.equal(await (await app.request('/', withBearer(strong))).text(), 'in');

  const visit = async (text) => {
    const seen = [];
    const response = { writeHead: (status, headers) => (seen.push(status, headers['WWW-Authenticate']), response), end() {} };
    await expressGuard({ verifier, ...given })({ headers: { authorization: `Bearer ${text}` } }, response, () => seen.push('in'));
    return seen;
  };
  assert.deepEqual([await visit(weak), await visit(strong)], [[401, demanding(after).challenge], ['in']]);

  const error = { code: 'authentication_insufficient', claim: 'auth_time', status: 401, wwwAuthenticate: demanding(after).challenge };
  await assert.rejects(verifier.verifyRequest(bearing(weak), given), error);
  assert.equal((await verifier.verifyRequest(bearing(strong), given)).claims.acr, 'gold');
});

test('a verifier shows no secret of its own', () => {
  const secret = 'a shared secret of thirty-two by';
  const verifier = createVerifier({ ...options, key: new TextEncoder().encode(secret) });
  const shown = Object.getOwnPropertySymbols(verifier).map((name) => verifier[name]({ iss: options.issuer }));
  assert.equal(shown.length, 1);
  assert.ok(!JSON.stringify(shown).includes(Buffer.from(secret).toString('base64url')));
});
