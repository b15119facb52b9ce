// Every code of a TokenError, each caused for real, and what such an error may contain.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { importFrom, install } from '../shared/consumer.mjs';
import { startIssuer } from '../shared/issuer.mjs';
import { MEDIA_TYPE, listOf } from '../shared/lists.mjs';
import { AUDIENCE, CLAIMS, ISSUER, NOW, base64url, newKey, options, sign, signByHand, tampered } from '../shared/signer.mjs';

const { createIssuer, createVerifier, decodeUnverified, TokenError } = await importFrom(await install());
const codes = JSON.parse(readFileSync(new URL('../../vectors/error-codes.json', import.meta.url), 'utf8'));

const key = await newKey('HS256');
const es256 = await newKey('ES256');
const header = { alg: 'HS256', kid: key.kid, typ: 'at+jwt' };
const verifier = (more) => createVerifier({ ...options, key: key.jwk, ...more });
const LISTS = 'https://lists.example/1';

/** The causes of each code: `[what, the call, the claim that the error names]`. */
const CASES = {
  algorithm_not_allowed: [
    ['none', () => verifier().verify(`${base64url('{"alg":"none","typ":"at+jwt"}')}.${base64url(JSON.stringify(CLAIMS))}.`)],
    ['not on the allow list', async () => verifier({ algorithms: ['HS512'] }).verify(await sign(key))],
  ],
  algorithm_unavailable: [['WebCrypto without P-521', withoutP521]],
  async_required: [['keys that are still to be fetched', () => {
    const fetch = async () => Response.json({ keys: [es256.jwk] });
    return createVerifier({ ...options, jwksUri: 'https://issuer.example/jwks', fetch }).verifySync('a.b.c');
  }]],
  audience_mismatch: [['another audience', async () => verifier().verify(await sign(key, { claims: { aud: ['x', 'y'] } })), 'aud']],
  authentication_insufficient: [
    ['no acr', async () => verifier().verifyRequest(requestWith(`Bearer ${await sign(key)}`), { acr: 'gold' }), 'acr'],
    ['no auth_time', async () => verifier().verifyRequest(requestWith(`Bearer ${await sign(key)}`), { maxAge: 60 }), 'auth_time'],
  ],
  bad_signature: [
    ['one bit changed', async () => verifier().verify(tampered(await sign(key)))],
    ['cut short', async () => verifier().verify(cutShort(await sign(key)))],
    ['a lone surrogate in the payload', async () => verifier().verify((await sign(key)).replace('.e', '.\udfff'))],
    ['claims exchanged', async () => verifier().verify(await exchangedClaims())],
  ],
  claim_invalid: [
    ['exp as text', async () => verifier().verify(signByHand(key, header, { ...CLAIMS, exp: `${NOW + 1}` })), 'exp'],
    ['status as text', () => withStatus('valid'), 'status'],
    ['scope as a number', async () => verifier().verify(signByHand(key, header, { ...CLAIMS, scope: 1 })), 'scope'],
    ['scope as an array with a number', async () => verifier().verify(signByHand(key, header, { ...CLAIMS, scope: ['read', 1] })), 'scope'],
  ],
  claim_missing: [
    ['no sub', async () => verifier().verify(await sign(key, { claims: { sub: undefined } })), 'sub'],
    ['no iat under maxTokenAge', async () => {
      const lenient = verifier({ requiredClaims: [], maxTokenAge: 60 });
      return lenient.verify(await sign(key, { claims: { iat: undefined } }));
    }, 'iat'],
  ],
  discovery_failed: [['metadata of another issuer', metadataOfAnother]],
  expired: [
    ['at exp', async () => verifier({ now: () => CLAIMS.exp }).verify(await sign(key)), 'exp'],
    ['beyond the tolerance', async () => verifier({ now: () => CLAIMS.exp + 5, clockTolerance: 5 }).verify(await sign(key)), 'exp'],
  ],
  internal_error: [['a trap in the wasm', trap]],
  invalid_option: [
    ['no issuer', () => createVerifier({ audience: AUDIENCE, key: key.jwk })],
    ['now in milliseconds', async () => verifier({ now: Date.now }).verify(await sign(key))],
    ['now that throws', async () => verifier({ now: () => { throw new Error('no clock'); } }).verify(await sign(key))],
  ],
  issuer_mismatch: [['another issuer', async () => verifier().verify(await sign(key, { claims: { iss: `${ISSUER}/` } })), 'iss']],
  key_ambiguous: [['no kid, five keys', async () => {
    const keys = (await Promise.all(['1', '2', '3', '4'].map((kid) => newKey('HS256', kid)))).concat(key).map(({ jwk }) => jwk);
    return verifier({ key: undefined, jwks: { keys } }).verify(await sign(key, { header: { kid: undefined } }));
  }]],
  key_mismatch: [['kid of a key for another algorithm', async () => {
    return verifier({ key: es256.jwk }).verify(await sign(key, { header: { kid: es256.kid } }));
  }]],
  key_not_found: [['unknown kid', async () => verifier().verify(await sign(key, { header: { kid: 'other' } }))]],
  key_unusable: [
    ['a point off the curve', async () => {
      const y = base64url(Buffer.alloc(32, 7));
      return verifier({ key: { ...es256.jwk, y } }).verify(await sign(es256));
    }],
    ['a private key', async () => verifier({ key: { ...es256.jwk, d: es256.jwk.x } }).verify(await sign(es256))],
    ['a private key in a set', async () => {
      return verifier({ key: undefined, jwks: { keys: [key.jwk, { ...es256.jwk, d: es256.jwk.x }] } }).verify(await sign(key));
    }],
    ['secrets beside public keys', async () => verifier({ key: undefined, jwks: { keys: [key.jwk, es256.jwk] } }).verify(await sign(key))],
    ['a secret shorter than its hash', async () => {
      return verifier({ key: key.secret.subarray(1), algorithms: ['HS256'] }).verify(await sign(key));
    }],
    ['a set without one usable key', async () => verifier({ key: undefined, jwks: { keys: [{ kty: 'EC' }] } }).verify(await sign(key))],
  ],
  keys_unavailable: [['a closed port', async () => createVerifier({ ...options, jwksUri: await closedPort() }).verify(await sign(es256))]],
  malformed: [
    ...[undefined, null, 1, {}, [], Symbol('token'), new String('a.b.c'), Buffer.from('a.b.c')]
      .map((token) => [`not a text: ${typeof token}`, () => verifier().verify(token)]),
    ...['', '.', '..', 'a.b', 'a.b.c', ' ', '\0.\0.\0', '\ud800.\ud800.\ud800', 'é.é.é']
      .map((token) => [`text: ${JSON.stringify(token)}`, () => verifier().verify(token)]),
    ['white space', async () => verifier().verify(` ${await sign(key)}`)],
    ['line end', async () => verifier().verify(`${await sign(key)}\n`)],
    ['padding', async () => verifier().verify(`${await sign(key)}=`)],
    ['stray bits', async () => verifier().verify(strayBits(await sign(key)))],
    ['the same member twice', () => verifier().verify(signByHand(key, header, `{"exp":${NOW + 1},"exp":${NOW + 2}}`))],
    ['a byte order mark', () => verifier().verify(signByHand(key, header, `\ufeff${JSON.stringify(CLAIMS)}`))],
    ['a payload that is no object', () => verifier().verify(signByHand(key, header, '"claims"'))],
    ['65 levels', () => verifier().verify(signByHand(key, header, { ...CLAIMS, x: JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`) }))],
    ['a deep header', () => verifier().verify(signByHand(key, `{"alg":"HS256","a":${'['.repeat(2000)}${']'.repeat(2000)}}`, CLAIMS))],
  ],
  mint_invalid: [
    ['claims that are a text', () => createIssuer({ issuer: ISSUER, key: key.jwk }).mint('claims')],
    ['claims that no JSON can hold', () => createIssuer({ issuer: ISSUER, key: key.jwk }).mint({ ...CLAIMS, n: 1n })],
  ],
  not_yet_valid: [['before nbf', async () => verifier().verify(await sign(key, { claims: { nbf: NOW + 1 } }))]],
  proof_missing: [['a token that is bound to a key', async () => {
    const token = await sign(key, { claims: { cnf: { jkt: 'A'.repeat(43) } } });
    return verifier().verifyRequest(requestWith(`Bearer ${token}`));
  }, 'cnf']],
  request_invalid: [
    ['two tokens', () => verifier().verifyRequest(requestWith('Bearer a.b.c d.e.f'))],
    ['no token after the scheme', () => verifier().verifyRequest(requestWith('Bearer'))],
  ],
  revoked: [['by its list', () => withStatus({ status_list: { idx: 1, uri: LISTS } }), 'status']],
  scope_insufficient: [['one of two', async () => verifier({ scope: 'read admin' }).verify(await sign(key)), 'scope']],
  status_missing: [['no claim status', () => withStatus(undefined), 'status']],
  status_unavailable: [
    ['beyond the end of its list', () => withStatus({ status_list: { idx: 100, uri: LISTS } }), 'status'],
    ['a list that is not there', () => withStatus({ status_list: { idx: 1, uri: `${LISTS}0` } }), 'status'],
  ],
  suspended: [['by its list', () => withStatus({ status_list: { idx: 2, uri: LISTS } }), 'status']],
  token_missing: [
    ['no Authorization header', () => verifier().verifyRequest(new Request('https://api.example/'))],
    ['another scheme', () => verifier().verifyRequest(requestWith('Basic YTpi'))],
  ],
  too_large: [
    ['beyond the default', () => verifier().verify('a'.repeat(16 * 1024 + 1))],
    ['10 MB', () => verifier().verify('a'.repeat(10_000_000))],
    ['beyond maxTokenBytes', async () => verifier({ maxTokenBytes: 100 }).verify(await sign(key))],
  ],
  too_old: [['older than maxTokenAge', async () => verifier({ maxTokenAge: 9 }).verify(await sign(key)), 'iat']],
  type_mismatch: [
    ['an ID token', async () => verifier().verify(await sign(key, { header: { typ: 'JWT' } }))],
    ['no type', async () => verifier().verify(await sign(key, { header: { typ: undefined } }))],
  ],
  unsupported: [
    ['encrypted', () => verifier().verify(`${base64url('{"alg":"dir","enc":"A256GCM"}')}..e30.e30.e30`)],
    ['JSON serialisation', () => verifier().verify('{"payload":"e30","signatures":[]}')],
    ['crit', () => verifier().verify(signByHand(key, { ...header, crit: ['exp'], exp: 1 }, CLAIMS))],
    ['b64', () => verifier().verify(signByHand(key, { ...header, b64: false }, CLAIMS))],
    ['zip', () => verifier().verify(signByHand(key, { ...header, zip: 'DEF' }, CLAIMS))],
  ],
  wasm_unavailable: [['the web entry where its wasm cannot be fetched', withoutWasm]],
};

test('every code has a case, and every case a code', () => {
  assert.deepEqual(Object.keys(CASES).sort(), Object.keys(codes).sort());
});

test('the lists of codes are complete and disjoint', async () => {
  const { errorCodes, refusalCodes, requestCodes, troubleCodes } = await importFrom(await install(), 'edgemint/errors');
  const from = (...kinds) => Object.keys(codes).filter((code) => kinds.includes(codes[code].from)).sort();
  assert.deepEqual([refusalCodes, requestCodes, troubleCodes].map((list) => [...list].sort()), [from('core', 'status'), from('request'), from('package')]);
  assert.deepEqual(Object.keys(errorCodes).sort(), Object.keys(codes).sort());
});

for (const [code, cases] of Object.entries(CASES)) {
  for (const [what, provoke, claim] of cases) {
    test(`${code}: ${what}`, async () => {
      // A synchronous throw counts like a rejection.
      const error = await Promise.resolve().then(provoke).then(() => assert.fail('it was not refused'), (thrown) => thrown);
      assert.equal(error.code, code, error.stack);
      assert.equal(error.name, 'TokenError');
      assert.equal(error.claim, claim);
      assert.ok(error instanceof Error);
      assert.match(error.message, /^\S.{8,}/);
      // A code of one word may also be a word of a sentence.
      assert.ok(!error.message.startsWith(code) && !(code.includes('_') && error.message.includes(code)), 'the message repeats the code');
      for (const value of [key.kid, ISSUER, AUDIENCE, CLAIMS.sub, base64url(JSON.stringify(header))]) {
        assert.ok(!`${error.message}${error.cause?.message}`.includes(value), 'the message holds a part of the token');
      }
    });
  }
}

test('the error for a forged token has nothing of its claims', async () => {
  for (const claims of [{ exp: 1 }, { iss: 'x' }, { aud: 'x' }, { sub: undefined }, { scope: '' }]) {
    await assert.rejects(verifier({ scope: 'read' }).verify(tampered(await sign(key, { claims }))), { code: 'bad_signature' });
  }
});

test('prototype members in a token are data', async () => {
  const payload = JSON.stringify(CLAIMS).replace(/}$/, ',"__proto__":{"admin":true},"constructor":1}');
  const { claims } = await verifier().verify(signByHand(key, header, payload));
  assert.equal(claims.admin, undefined);
  assert.deepEqual(Object.getOwnPropertyDescriptor(claims, '__proto__').value, { admin: true });
  assert.equal({}.admin, undefined);
});

test('verified objects belong to the caller', async () => {
  const token = await sign(key);
  const strict = verifier();
  (await strict.verify(token)).claims.scope = 'admin';
  assert.deepEqual((await strict.verify(token)).claims, CLAIMS);
});

test('a huge text is not copied into the wasm', async () => {
  const before = process.memoryUsage().external;
  await assert.rejects(verifier().verify('a'.repeat(50_000_000)), { code: 'too_large' });
  assert.ok(process.memoryUsage().external - before < 5_000_000);
});

test('decodeUnverified reads what it can and refuses the rest with the same codes', async () => {
  const token = await sign(key);
  assert.deepEqual(decodeUnverified(token), { header, claims: CLAIMS });
  assert.deepEqual(decodeUnverified(tampered(token)).claims, CLAIMS);
  const refused = (text, code) => assert.throws(() => decodeUnverified(text), (error) => error instanceof TokenError && error.code === code);
  for (const text of [undefined, 1, '', 'a.b', 'a.b.c', ` ${token}`, `${token}=`, `${token}\n`, strayBits(token), 'e30.e30.AB', 'e30.W10.', 'bnVsbA.e30.']) {
    refused(text, 'malformed');
  }
  refused(signByHand(key, header, '\ufeff{}'), 'malformed');
  refused('e30.e30.e30.e30.e30', 'unsupported');
  refused('{"payload":""}', 'unsupported');
  refused('a'.repeat(2_000_000), 'too_large');
});

/** Verifies a token with that claim `status`: in the list, 1 is revoked and 2 suspended. */
async function withStatus(status) {
  const list = signByHand(key, { ...header, typ: 'statuslist+jwt' }, { sub: LISTS, iat: NOW, status_list: listOf({ 1: 1, 2: 2 }, { bits: 2 }) });
  const fetch = async (url) => (url === LISTS
    ? new Response(list, { headers: { 'content-type': MEDIA_TYPE } })
    : new Response('none', { status: 404 }));
  return verifier({ fetch, status: 'check' }).verify(await sign(key, { claims: { status } }));
}

function requestWith(authorization) {
  return new Request('https://api.example/', { headers: { authorization } });
}

async function exchangedClaims() {
  const [head, , signature] = (await sign(key)).split('.');
  const [, payload] = (await sign(key, { claims: { sub: 'mallory' } })).split('.');
  return `${head}.${payload}.${signature}`;
}

function cutShort(token) {
  const [head, payload, signature] = token.split('.');
  return `${head}.${payload}.${base64url(Buffer.from(signature, 'base64url').subarray(0, 16))}`;
}

/** Sets one of the unused bits at the end of the last character. */
function strayBits(token) {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.at(-1)) + 1];
}

async function closedPort() {
  const issuer = await startIssuer();
  await issuer.stop();
  return `${issuer.origin}/jwks.json`;
}

async function metadataOfAnother() {
  const issuer = await startIssuer({ keys: [es256] });
  try {
    issuer.routes['/.well-known/oauth-authorization-server'].issuer = ISSUER;
    return await createVerifier({ ...options, issuer: issuer.issuer }).verify(await sign(es256));
  } finally {
    await issuer.stop();
  }
}

/**
 * A stand-in, because no available runtime lacks an algorithm: older browsers do, and this is their error. With the small wasm,
 * as in browsers, and a copy of the package, since the other copy loads the large wasm.
 */
async function withoutP521() {
  const es512 = await newKey('ES512');
  const token = await sign(es512);
  const dist = join(await install(), 'node_modules/edgemint/dist');
  const slim = await import(pathToFileURL(join(dist, 'slim.js')));
  slim.init(readFileSync(join(dist, 'edgemint.wasm')));
  const { importKey } = crypto.subtle;
  crypto.subtle.importKey = async () => { throw new DOMException('Unrecognized name.', 'NotSupportedError'); };
  try {
    return await slim.createVerifier({ ...options, key: es512.jwk }).verify(token);
  } finally {
    crypto.subtle.importKey = importKey;
  }
}

/** Installs the package again and plants a trap at the start of a verification. */
async function trap() {
  const { default: binaryen } = await import('binaryen');
  const other = await install();
  const path = join(other, 'node_modules/edgemint/dist/edgemint.wasm');
  const module = binaryen.readBinary(readFileSync(path));
  const NAMES = ['MutableGlobals', 'SignExt', 'NontrappingFPToInt', 'BulkMemory', 'Multivalue', 'ReferenceTypes', 'SIMD128'];
  module.setFeatures(NAMES.reduce((all, name) => all | binaryen.Features[name], 0));
  const exports = Array.from({ length: module.getNumExports() }, (_, index) => binaryen.getExportInfo(module.getExportByIndex(index)));
  const { value } = exports.find(({ name }) => name === 'verifier_check');
  const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
  module.removeFunction(value);
  module.addFunction(value, params, results, [], module.unreachable());
  writeFileSync(path, module.emitBinary());
  const trapped = await importFrom(other);
  return trapped.createVerifier({ ...options, key: key.jwk }).verify(await sign(key));
}

async function withoutWasm() {
  // Node's fetch reads no files, so the web entry cannot load its wasm here. A separate copy, because the wasm is loaded in the
  // other one.
  const web = await import(pathToFileURL(join(await install(), 'node_modules/edgemint/dist/web.js')));
  return web.createVerifier({ ...options, key: key.jwk }).verify(await sign(key));
}

test('an error of decodeUnverified does not repeat its input', () => {
  for (const payload of ['s3cr3t-payload', '{"a":s3cr3t}']) {
    const token = `${base64url('{"alg":"HS256"}')}.${base64url(payload)}.AAAA`;
    assert.throws(() => decodeUnverified(token), (error) => error.code === 'malformed' && error.cause === undefined && !`${error.stack}`.includes('s3cr3t'));
  }
});

test('a published key without a kid verifies no token with one: the token may name a newer key', async (t) => {
  const issuer = await startIssuer({ keys: [es256] });
  t.after(() => issuer.stop());
  const { kid: _, ...nameless } = es256.jwk;
  issuer.publish({ jwk: nameless });
  const fetching = createVerifier({ ...options, jwksUri: `${issuer.origin}/jwks.json` });
  assert.equal((await fetching.verify(await sign(es256, { header: { kid: undefined } }))).claims.sub, CLAIMS.sub);
  const newer = await newKey('ES256', 'newer');
  issuer.publish(newer);
  assert.equal((await fetching.verify(await sign(newer))).claims.sub, CLAIMS.sub);
});
