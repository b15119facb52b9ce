// The options of createVerifier: which are refused, and the effect of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { AUDIENCE, CLAIMS, ISSUER, NOW, newKey, options, sign } from '../shared/signer.mjs';

const { createVerifier, anyIssuer, anyAudience, anyType, TokenError } = await importFrom(await install());
const key = await newKey('HS256');
const es256 = await newKey('ES256');
const whole = { ...options, key: key.jwk };
const hmacKey = (hash, usages, length) => crypto.subtle.importKey('raw', new Uint8Array(length), { name: 'HMAC', hash }, true, usages);
async function exponentOfOne() {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, ['sign', 'verify'],
  );
  const { n } = await crypto.subtle.exportKey('jwk', publicKey);
  return crypto.subtle.importKey('jwk', { kty: 'RSA', n, e: 'AQ' }, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['verify']);
}

const weakRsa = crypto.subtle.generateKey(
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }, true, ['sign', 'verify'],
);
const cyclic = { kty: 'oct' };
cyclic.self = cyclic;

const REFUSED = {
  'no options': [undefined],
  'an array': [[]],
  'no issuer': [{ ...whole, issuer: undefined }],
  'no audience': [{ ...whole, audience: undefined }],
  'issuer null': [{ ...whole, issuer: null }],
  'issuer empty': [{ ...whole, issuer: '' }],
  'no issuers': [{ ...whole, issuer: [] }],
  'issuer a number among texts': [{ ...whole, issuer: [ISSUER, 1] }],
  'anyAudience as issuer': [{ ...whole, issuer: anyAudience }],
  'anyIssuer among texts': [{ ...whole, issuer: [anyIssuer] }],
  'a symbol of the same name': [{ ...whole, issuer: Symbol('anyIssuer') }, { ...whole, issuer: Symbol.for('anyIssuer') }],
  'audience a URL object': [{ ...whole, audience: new URL(AUDIENCE) }],
  'type empty': [{ ...whole, type: '' }, { ...whole, type: [] }, { ...whole, type: null }],
  'a misspelt option': [{ ...whole, audiences: AUDIENCE }, { ...whole, clockTolerence: 5 }, { ...whole, Issuer: ISSUER }],
  'two places for keys': [{ ...whole, jwks: { keys: [key.jwk] } }, { ...whole, jwksUri: `${ISSUER}/jwks` }],
  'no algorithms': [{ ...whole, algorithms: [] }],
  'algorithms as text': [{ ...whole, algorithms: 'HS256' }],
  'unknown algorithms': ['none', 'hs256', 'HS1', '', 'toString'].map((name) => ({ ...whole, algorithms: [name] })),
  'a cache without a bound': [true, {}, { max: 1 }, { max: 2.5 }, { max: '9' }, { max: 9, ttl: 1 }, [9], null].map((cache) => ({ ...whole, cache })),
  'an invalid status': [true, 'yes', '', 'refuse', 1, null, [], ['check'], { mode: 'check' }, { missing: true }, { missing: 'allow' }, { unavailable: null },
    { unavailable: 'check' }, ...[-1, 1.5, '1', null, Infinity].map((maxStale) => ({ maxStale })), ...[0, -1, 1.5, '9', null].map((maxLists) => ({ maxLists })),
  ].map((status) => ({ ...whole, status })),
  'bytes for two algorithms': [{ ...whole, key: key.secret, algorithms: ['HS256', 'HS512'] }],
  'bytes for another algorithm': [{ ...whole, key: key.secret, algorithms: ['ES256'] }],
  'a key as text': [{ ...whole, key: 'secret' }],
  'a key as ArrayBuffer': [{ ...whole, key: key.secret.buffer, algorithms: ['HS256'] }],
  'a key without kty': [{ ...whole, key: {} }],
  'a key null': [{ ...whole, key: null }],
  'a cyclic key': [{ ...whole, key: cyclic }],
  'a signing CryptoKey': [{ ...whole, key: await hmacKey('SHA-256', ['sign'], 32) }],
  'a CryptoKey of another kind': [{ ...whole, key: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']) }],
  'a CryptoKey for HMAC with SHA-1': [{ ...whole, key: await hmacKey('SHA-1', ['verify'], 64) }],
  'a CryptoKey shorter than its hash': [{ ...whole, key: await hmacKey('SHA-256', ['verify'], 31) }],
  'a CryptoKey with an exponent of one, under which the padded hash is the signature': [{ ...whole, key: await exponentOfOne() }],
  'a CryptoKey of 1024-bit RSA': [{ ...whole, key: (await weakRsa).publicKey }],
  'invalid jwks': [null, [], {}, { keys: {} }, { keys: [] }].map((jwks) => ({ ...whole, key: undefined, jwks })),
  'an invalid jwksUri': [null, 1, {}, Object.create(null), Symbol('url'), []].map((jwksUri) => ({ ...whole, key: undefined, jwksUri })),
  'jwksUri that is unsafe': ['http://issuer.example/jwks', 'ftp://issuer.example', 'jwks', '', 'https://a:b@issuer.example/',
    'http://127.0.0.1.issuer.example/', 'file:///jwks.json', 'data:application/json,{}'].map((jwksUri) => ({ ...whole, key: undefined, jwksUri })),
  'nowhere to find keys': [anyIssuer, [ISSUER, `${ISSUER}/2`], 'issuer', 'http://issuer.example', `${ISSUER}?a=1`, `${ISSUER}#a`]
    .map((issuer) => ({ ...whole, key: undefined, issuer })),
  'invalid seconds': [-1, 1.5, NaN, Infinity, '5', null, 2 ** 60].flatMap((value) => [
    { ...whole, clockTolerance: value }, { ...whole, maxTokenAge: value }]),
  'an invalid maxKeyAge': [-1, 0, 59, 60.5, NaN, -Infinity, '60', null, 2 ** 60].map((maxKeyAge) => ({ ...whole, maxKeyAge })),
  'maxTokenBytes out of range': [0, -1, 1.5, NaN, 2 ** 21, '100'].map((maxTokenBytes) => ({ ...whole, maxTokenBytes })),
  'invalid requiredClaims': ['exp', [1], [''], null].map((requiredClaims) => ({ ...whole, requiredClaims })),
  'scope that can never be granted': ['', ' ', 'a  b', 'a"b', 'a\\b', 'ä', [], ['a b'], 1].map((scope) => ({ ...whole, scope })),
  'invalid functions': [{ ...whole, now: NOW }, { ...whole, fetch: 'fetch' }],
};

for (const [what, cases] of Object.entries(REFUSED)) {
  test(`refuses at once: ${what}`, () => {
    for (const given of cases) {
      assert.throws(() => createVerifier(given), (error) => error instanceof TokenError && error.code === 'invalid_option');
    }
  });
}

test('an option that is undefined counts as absent', async () => {
  const verifier = createVerifier({ ...whole, jwks: undefined, jwksUri: undefined, type: undefined, clockTolerance: undefined, fetch: undefined });
  await verifier.verify(await sign(key));
});

test('no JSON value can stand for "any"', () => {
  const fromJson = JSON.parse(JSON.stringify({ issuer: anyIssuer, audience: anyAudience, type: anyType }));
  assert.throws(() => createVerifier({ ...fromJson, key: key.jwk }), { code: 'invalid_option' });
});

/** Which tokens pass with which options: `[options, claims and header, the code or undefined]`. */
const EFFECTS = [
  ['one of several issuers', { issuer: ['x', ISSUER] }, {}],
  ['any issuer', { issuer: anyIssuer }, { claims: { iss: undefined } }],
  ['none of several issuers', { issuer: ['x', 'y'] }, {}, 'issuer_mismatch'],
  ['one of several audiences', { audience: ['x', AUDIENCE] }, { claims: { aud: ['z', AUDIENCE] } }],
  ['any audience', { audience: anyAudience }, { claims: { aud: undefined } }],
  ['another type', { type: 'JWT' }, { header: { typ: 'jwt' } }],
  ['a type in full', { type: 'at+jwt' }, { header: { typ: 'application/AT+JWT' } }],
  ['one of several types', { type: ['JWT', 'at+jwt'] }, {}],
  ['any type', { type: anyType }, { header: { typ: undefined } }],
  ['another type only', { type: 'JWT' }, {}, 'type_mismatch'],
  ['an allowed algorithm', { algorithms: ['ES256', 'HS256'] }, {}],
  ['just within the tolerance', { clockTolerance: 5, now: () => CLAIMS.exp + 4 }, {}],
  ['nbf within the tolerance', { clockTolerance: 5 }, { claims: { nbf: NOW + 5 } }],
  ['nbf beyond the tolerance', { clockTolerance: 5 }, { claims: { nbf: NOW + 6 } }, 'not_yet_valid'],
  ['young enough', { maxTokenAge: 10 }, {}],
  ['too old', { maxTokenAge: 9 }, {}, 'too_old'],
  ['issued in the future', { maxTokenAge: 10 }, { claims: { iat: NOW + 1 } }, 'not_yet_valid'],
  ['required claims there', { requiredClaims: ['tenant'] }, { claims: { tenant: null, sub: undefined } }],
  ['required claims missing', { requiredClaims: ['tenant'] }, {}, 'claim_missing'],
  ['no required claims', { requiredClaims: [] }, { claims: { exp: undefined, sub: undefined, jti: undefined } }],
  ...['exp', 'sub', 'client_id', 'iat', 'jti'].map((name) => [
    `an access token without ${name}`, {}, { claims: { [name]: undefined } }, 'claim_missing']),
  ['another type needs exp', { type: 'JWT' }, { header: { typ: 'JWT' }, claims: { exp: undefined } }, 'claim_missing'],
  ['another type needs only exp', { type: 'JWT' }, { header: { typ: 'JWT' }, claims: { sub: undefined, jti: undefined } }],
  ['all scopes as text', { scope: 'write read' }, {}],
  ['all scopes as array', { scope: ['write', 'read'] }, {}],
  ['scopes in an array of texts', { scope: 'write read' }, { claims: { scope: ['read', 'write', 'more'] } }],
  ['scopes in an array, if none is required', {}, { claims: { scope: ['read'] } }],
  ['scopes in an array of one text', { scope: 'write read' }, { claims: { scope: ['read write'] } }],
  ['a scope that is missing from an array', { scope: 'admin' }, { claims: { scope: ['read', 'administrator'] } }, 'scope_insufficient'],
  ['a required scope, with an empty array', { scope: 'admin' }, { claims: { scope: [] } }, 'scope_insufficient'],
  ['claims nested 64 deep', {}, { claims: { deep: JSON.parse(`${'['.repeat(63)}${']'.repeat(63)}`) } }],
  ['claims nested 65 deep', {}, { claims: { deep: JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`) } }, 'malformed'],
  ['objects nested 64 deep', {}, { claims: { deep: JSON.parse(`${'{"a":'.repeat(62)}{}${'}'.repeat(62)}`) } }],
  ['one scope missing', { scope: ['write', 'admin'] }, {}, 'scope_insufficient'],
  ['a token as long as allowed', { maxTokenBytes: 16 * 1024 }, {}],
  ['a clock with fractions', { now: () => NOW + 0.9 }, {}],
];

for (const [what, given, token, code] of EFFECTS) {
  test(`${what}: ${code ?? 'accepted'}`, async () => {
    const verifying = createVerifier({ ...whole, ...given }).verify(await sign(key, token));
    if (code === undefined) await verifying;
    else await assert.rejects(verifying, { code });
  });
}

test('the bytes of a secret are copied: later changes have no effect', async () => {
  const secret = Uint8Array.from(key.secret);
  const verifier = createVerifier({ ...options, key: secret, algorithms: ['HS256'] });
  secret.fill(0);
  await verifier.verify(await sign(key));
});

test('skips unusable keys in a set, as RFC 7517 section 5 says', async () => {
  const keys = [{ kty: 'quantum' }, { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' }, { ...key.jwk, use: 'enc' }, es256.jwk];
  await createVerifier({ ...options, jwks: { keys } }).verify(await sign(es256));
});
