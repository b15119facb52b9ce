// Clients that authenticate with a signed assertion (RFC 7523): its required claims, and single use.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exportSPKI, importJWK } from 'jose';
import { registerClient } from './admin.mjs';
import { assertionClaims, assertionForm, keyMetadata, newClientKey, signAssertion } from './client-key.mjs';
import { forge, signedWithPublicKey, unsigned, withClaims, withOtherSignature } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { postForm } from './request.mjs';
import { changeRecord } from './sealed.mjs';

let server;
let key;
let id;

before(async () => {
  server = await startWorker();
  key = await newClientKey('ES256');
  ({ id } = await registerClient(server, keyMetadata(key)));
});

after(() => server?.stop());

for (const alg of ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'PS512', 'EdDSA']) {
  test(`accepts an assertion signed with ${alg}`, async () => {
    const own = await newClientKey(alg);
    const client = await registerClient(server, keyMetadata(own));
    granted(await ask(await signAssertion(own, assertionClaims(server, client.id))));
  });
}

test('accepts the types that a client assertion may have', async () => {
  for (const typ of [undefined, 'JWT', 'jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']) {
    granted(await ask(await good({}, { typ })));
  }
});

for (const typ of ['at+jwt', 'application/at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'x/JWT', '']) {
  test(`refuses an assertion of the type ${JSON.stringify(typ)}`, async () => refused(await ask(await good({}, { typ }))));
}

// Authlib sends the token endpoint, requests-oauth2client the URL of the request, older versions of openid-client a list of both.
test('a client that registered so may use the token endpoint as audience, and no other server', async () => {
  const { id: older, information } = await registerClient(server, keyMetadata(key, { assertion_audience: 'token_endpoint' }));
  assert.equal(information.assertion_audience, 'token_endpoint');
  await acceptsTheTokenEndpoint(older);
});

test('a client that was registered before assertion_audience existed may use the token endpoint as audience', async () => {
  const { id: before, information } = await registerClient(server, keyMetadata(key));
  assert.equal(information.assertion_audience, 'issuer');
  await changeRecord(server, `client|${server.issuer}|${before}`, ({ metadata }) => { delete metadata.assertion_audience; });
  await acceptsTheTokenEndpoint(before);
});

async function acceptsTheTokenEndpoint(client) {
  const asked = async (aud, header) => ask(await signAssertion(key, assertionClaims(server, client, { aud }), header));
  const endpoint = `${server.issuer}/oauth/token`;
  for (const aud of [server.issuer, endpoint, [endpoint], [server.issuer], [server.issuer, endpoint]]) granted(await asked(aud));
  for (const aud of [[endpoint, 'https://other.example/token'], [], `${server.issuer}/oauth/introspect`, [endpoint, 5]]) {
    refused(await asked(aud));
  }
  refused(await asked(endpoint, { typ: 'at+jwt' }));
}

test('accepts the client_id beside it, and assertions at the other endpoints', async () => {
  granted(await ask(await good(), { client_id: id }));
  for (const path of ['/oauth/introspect', '/oauth/revoke']) {
    const { client_assertion, client_assertion_type } = assertionForm(await good());
    const answer = await postForm(server, path, { client_assertion, client_assertion_type, token: 'x' });
    assert.equal(answer.status, 200, path);
  }
});

test('accepts a clock that is half a minute behind, and the longest lifetime', async () => {
  const now = Math.floor(Date.now() / 1000);
  granted(await ask(await good({ exp: now - 20 })));
  granted(await ask(await good({ nbf: now + 20 })));
  granted(await ask(await good({ exp: now + 3590 })));
});

for (const [what, changes] of [
  ['for another audience', () => ({ aud: 'https://other.example' })],
  ['for the token endpoint', () => ({ aud: `${server.issuer}/oauth/token` })],
  ['for a list, even of the issuer alone', () => ({ aud: [server.issuer] })],
  ['for the issuer and another server', () => ({ aud: ['https://other.example', server.issuer] })],
  ['for an audience that only begins like the issuer', () => ({ aud: `${server.issuer}.evil.example` })],
  ['for the introspection endpoint', () => ({ aud: `${server.issuer}/oauth/introspect` })],
  ['without an audience', () => ({ aud: undefined })],
  ['of another issuer', () => ({ iss: 'other' })],
  ['without an issuer', () => ({ iss: undefined })],
  ['about another subject', () => ({ sub: 'root' })],
  ['without a subject', () => ({ sub: undefined })],
  ['expired', () => ({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ['without an expiry', () => ({ exp: undefined })],
  ['that lives for longer than an hour', () => ({ exp: Math.floor(Date.now() / 1000) + 3700 })],
  ['with an expiry that is no number', () => ({ exp: '1e400' })],
  ['of the future', () => ({ nbf: Math.floor(Date.now() / 1000) + 120 })],
  ['without a jti', () => ({ jti: undefined })],
  ['with an empty jti', () => ({ jti: '' })],
  ['with a jti that is no text', () => ({ jti: 5 })],
  ['with a jti of 257 bytes', () => ({ jti: 'x'.repeat(257) })],
]) {
  test(`refuses an assertion ${what}`, async () => {
    refused(await ask(await good(changes())));
  });
}

for (const [what, change] of [
  ['with alg none', (assertion) => unsigned(assertion)],
  ['with other claims', (assertion) => withClaims(assertion, { jti: 'other' })],
  ['with another signature', (assertion) => withOtherSignature(assertion)],
  ['without a signature', (assertion) => assertion.slice(0, assertion.lastIndexOf('.') + 1)],
  ['with two parts', (assertion) => assertion.slice(0, assertion.lastIndexOf('.'))],
  ['that is no JWT', () => 'x.y.z'],
  ['that is empty JSON', () => forge({}, {})],
]) {
  test(`refuses an assertion ${what}`, async () => refused(await ask(change(await good()))));
}

test('refuses an HMAC whose secret is the registered public key', async () => {
  const spki = await exportSPKI(await importJWK(key.jwk, 'ES256', { extractable: true }));
  const point = Buffer.concat(['x', 'y'].map((name) => Buffer.from(key.jwk[name], 'base64url')));
  for (const text of [spki, spki.trim(), JSON.stringify(key.jwk), point, Buffer.concat([Buffer.of(4), point])]) {
    refused(await ask(signedWithPublicKey(await good(), text)));
  }
});

for (const alg of ['ES256', 'RS256']) {
  test(`an assertion without kid may be signed with any of the client's ${alg} keys, and with no other`, async () => {
    const keys = await Promise.all(Array.from({ length: 3 }, () => newClientKey(alg)));
    const [first, second] = keys;
    for (const jwks of [[first, second].map(({ jwk }) => jwk), [first, second].map(({ jwk: { kid, ...unnamed } }) => unnamed)]) {
      const client = await registerClient(server, keyMetadata(first, { jwks: { keys: jwks } }));
      const asked = async (own) => ask(await signAssertion(own, assertionClaims(server, client.id), { kid: undefined }));
      for (const own of [first, second]) granted(await asked(own));
      refused(await asked(keys[2]));
    }
  });
}

test('refuses an assertion without kid if more than four keys match', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => newClientKey('ES256')));
  for (const [count, expect] of [[4, granted], [5, refused]]) {
    const registered = keys.slice(0, count);
    const client = await registerClient(server, keyMetadata(keys[0], { jwks: { keys: registered.map(({ jwk }) => jwk) } }));
    expect(await ask(await signAssertion(registered.at(-1), assertionClaims(server, client.id), { kid: undefined })));
  }
});

test('refuses an unregistered key, and a key of another client', async () => {
  const other = await newClientKey('ES256');
  await registerClient(server, keyMetadata(other));
  refused(await ask(await signAssertion(other, assertionClaims(server, id))));
  const sameName = { ...other, jwk: { ...other.jwk, kid: key.jwk.kid } };
  refused(await ask(await signAssertion(sameName, assertionClaims(server, id))));
});

test('refuses another algorithm than the registered one', async () => {
  const [es256, ed25519] = await Promise.all(['ES256', 'EdDSA'].map(newClientKey));
  const client = await registerClient(server, {
    ...keyMetadata(es256), jwks: { keys: [es256.jwk, ed25519.jwk] }, token_endpoint_auth_signing_alg: 'EdDSA',
  });
  granted(await ask(await signAssertion(ed25519, assertionClaims(server, client.id))));
  refused(await ask(await signAssertion(es256, assertionClaims(server, client.id))));
});

test('refuses another client_id beside it, another type, and no type', async () => {
  refused(await ask(await good(), { client_id: 'other' }));
  refused(await ask(await good(), { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }));
  refused(await ask(await good(), { client_assertion_type: '' }));
});

test('an assertion can be used once', async () => {
  const assertion = await good();
  granted(await ask(assertion));
  refused(await ask(assertion));
  refused(await postForm(server, '/oauth/introspect', { ...assertionForm(assertion), token: 'x' }));
});

test('refuses the same jti in another assertion of the client, and accepts it from another client', async () => {
  const jti = crypto.randomUUID();
  granted(await ask(await good({ jti })));
  refused(await ask(await good({ jti, exp: Math.floor(Date.now() / 1000) + 90 })));
  const other = await newClientKey('ES256');
  const client = await registerClient(server, keyMetadata(other));
  granted(await ask(await signAssertion(other, assertionClaims(server, client.id, { jti }))));
});

test('accepts exactly one of 32 concurrent uses', async () => {
  const assertion = await good();
  const answers = await Promise.all(Array.from({ length: 32 }, () => ask(assertion)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(31).fill(401)]);
});

test('an assertion that was refused for another reason is not spent', async () => {
  const assertion = await good();
  refused(await ask(withOtherSignature(assertion)));
  granted(await ask(assertion));
});

test('used assertions stay refused after a restart', async () => {
  const assertion = await good();
  granted(await ask(assertion));
  await server.kill();
  server = await startWorker(server.settings);
  refused(await ask(assertion));
  granted(await ask(await good()));
});

function good(changes, header) {
  return signAssertion(key, assertionClaims(server, id, changes), header);
}

function ask(assertion, params = {}) {
  return postForm(server, '/oauth/token', assertionForm(assertion, params));
}

function granted(answer) {
  assert.equal(answer.status, 200, answer.text);
}

function refused(answer) {
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.json.error, 'invalid_client');
}
