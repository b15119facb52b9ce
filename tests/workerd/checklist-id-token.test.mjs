// ID tokens, item by item of tests/checklists/oauch.json: their claims, and their signing keys.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { decode, withOtherSignature } from './forgery.mjs';
import { newGrant } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, registerPublicClient } from './people.mjs';
import { send } from './request.mjs';

const DIGESTS = { RS256: 'sha256', ES256: 'sha256', EdDSA: 'sha512' };
let server;
let user;
let keys;

before(async () => {
  server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 RS256 EdDSA' } });
  user = await createUser(server);
  keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
});

after(() => server?.stop());

for (const alg of Object.keys(DIGESTS)) {
  test(`an ID token signed with ${alg} has a valid signature and exactly these claims`, async () => {
    const client = await registerPublicClient(server, { id_token_signed_response_alg: alg });
    const before = Math.floor(Date.now() / 1000);
    const parameters = { scope: 'openid read', nonce: 'n-0S6_WzA2Mj' };
    const tokens = await newGrant(server, new Browser(server), user, client, parameters);
    const options = { issuer: server.issuer, audience: client.id, algorithms: [alg] };
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, keys, options);
    await assert.rejects(jwtVerify(withOtherSignature(tokens.id_token), keys, options));

    assert.deepEqual(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ'], 'neither a key nor its URL');
    const { iat, exp, auth_time, sid, jti, ...claims } = payload;
    const digest = createHash(DIGESTS[alg]).update(tokens.access_token).digest();
    assert.deepEqual(claims, {
      iss: server.issuer, sub: user.id, aud: client.id, nonce: 'n-0S6_WzA2Mj', acr: '1', amr: ['pwd'],
      at_hash: digest.subarray(0, digest.length / 2).toString('base64url'),
    }, 'one audience, so no authorized party');
    assert.ok(before <= auth_time && auth_time <= iat && iat < exp, `${auth_time} ${iat} ${exp}`);
    assert.match(sid, /^[\w-]{22}$/);
    assert.equal(jti, `${decode(tokens.access_token).claims.jti}.id`, 'it names the same grant');
    assert.equal(decode(tokens.access_token).claims.sub, claims.sub);
  });
}

test('issues no ID token without the scope openid, and no nonce claim without a nonce', async () => {
  const client = await registerPublicClient(server);
  const browser = new Browser(server);
  const { id_token } = await newGrant(server, browser, user, client, { scope: 'openid' });
  assert.equal(Object.hasOwn(decode(id_token).claims, 'nonce'), false);
  const without = await newGrant(server, browser, user, client, { scope: 'read' });
  assert.equal(Object.hasOwn(without, 'id_token'), false);
});

test('the keys of ID tokens are published, and long enough', async () => {
  const { json } = await send(server, '/.well-known/jwks.json');
  const bits = (text) => Buffer.from(text, 'base64url').length * 8;
  const kinds = json.keys.map((key) => {
    if (key.kty === 'RSA') assert.ok(bits(key.n) >= 2048, 'the modulus');
    else assert.ok(bits(key.x) >= 256, 'the curve');
    return key.kty;
  });
  assert.deepEqual(new Set(kinds), new Set(['EC', 'RSA', 'OKP']));
});

test('signs no ID token with HMAC', async () => {
  for (const alg of ['HS256', 'none']) {
    await assert.rejects(registerPublicClient(server, { id_token_signed_response_alg: alg }), { status: 400, code: 'invalid_client_metadata' });
  }
});
