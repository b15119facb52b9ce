// jose verifies our tokens by our key set, for every algorithm that the Worker signs with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { registerClient } from './admin.mjs';
import { withClaims, withOtherSignature } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';

const KEY_TYPES = { ES256: 'EC', RS256: 'RSA', EdDSA: 'OKP' };

for (const setting of ['ES256', 'RS256', 'EdDSA', 'RS256 EdDSA ES256']) {
  test(`SIGNING_ALGORITHMS=${setting}`, async (t) => {
    const algorithms = setting.split(' ');
    const server = await startWorker({ vars: { SIGNING_ALGORITHMS: setting } });
    t.after(() => server.stop());
    const { id, secret } = await registerClient(server, { scope: 'read write' });
    const { access_token } = await token(server, {}, { id, secret });

    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.url));
    const { payload, protectedHeader, key } = await verify(keys, access_token, server);
    assert.equal(protectedHeader.alg, algorithms[0], 'the first algorithm signs');
    assert.equal(protectedHeader.typ, 'at+jwt');
    assert.equal(key.type, 'public');
    assert.deepEqual([payload.sub, payload.client_id, payload.scope], [id, id, 'read write']);

    const published = keys.jwks().keys;
    assert.deepEqual(published.map((jwk) => jwk.alg).sort(), [...algorithms].sort());
    for (const jwk of published) {
      assert.equal(jwk.kty, KEY_TYPES[jwk.alg]);
      assert.equal(jwk.use, 'sig');
    }
    assert.equal(new Set(published.map((jwk) => jwk.kid)).size, algorithms.length);
    assert.ok(published.some((jwk) => jwk.kid === protectedHeader.kid && jwk.alg === protectedHeader.alg));

    for (const changed of [withClaims(access_token, { scope: 'admin' }), withOtherSignature(access_token)]) {
      await assert.rejects(verify(keys, changed, server), errors.JWSSignatureVerificationFailed);
    }
  });
}

function verify(keys, text, server) {
  return jwtVerify(text, keys, {
    issuer: server.issuer,
    audience: server.issuer,
    typ: 'at+jwt',
    requiredClaims: ['sub', 'client_id', 'iat', 'exp', 'jti', 'scope'],
    maxTokenAge: '1 minute',
  });
}
