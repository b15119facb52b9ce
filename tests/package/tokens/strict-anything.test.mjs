// Any input in place of a token yields a TokenError with a documented code, in bounded time, and never another exception, a wrong
// accept or a change of foreign objects. For input from the network see fetching.test.mjs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { CLAIMS, NOW, base64url, newKey, options, sign, signByHand, tampered } from '../shared/signer.mjs';

const { createVerifier, decodeUnverified, TokenError } = await importFrom(await install());
const codes = Object.keys(JSON.parse(readFileSync(new URL('../../vectors/error-codes.json', import.meta.url), 'utf8')));
const [hs256, es256, eddsa, rs256] = await Promise.all(['HS256', 'ES256', 'EdDSA', 'RS256'].map((alg) => newKey(alg)));
const header = { alg: 'HS256', kid: hs256.kid, typ: 'at+jwt' };
const verifier = createVerifier({ ...options, key: hs256.jwk });
const token = await sign(hs256);

/** Every function that takes one token, as an asynchronous function. */
const DOORS = {
  verify: (value) => verifier.verify(value),
  verifySync: async (value) => verifier.verifySync(value),
  verifyAll: async (value) => {
    const [result] = await verifier.verifyAll([value]);
    if (result.ok) return result.value;
    throw result.error;
  },
  decodeUnverified: async (value) => decodeUnverified(value),
};

/** The result of such a function: the value, or the code of its TokenError. A slow result fails the test. */
async function ask(door, value) {
  const started = process.cpuUsage();
  let answer;
  try {
    answer = { value: await DOORS[door](value) };
  } catch (error) {
    assert.ok(error instanceof TokenError, `${door}: ${error?.stack ?? String(error)}`);
    assert.ok(codes.includes(error.code) && error.code !== 'internal_error', `${door}: ${error.code}: ${error.cause?.stack}`);
    answer = { code: error.code };
  }
  // Processor time, so that a busy machine does not make it fail.
  assert.ok(process.cpuUsage(started).user < 2_000_000, `${door} took too long`);
  return answer;
}

async function refusedEverywhere(what, value, expected) {
  for (const door of Object.keys(DOORS)) {
    const { code } = await ask(door, value);
    assert.ok(expected.includes(code), `${what}, ${door}: ${code ?? 'accepted'}`);
  }
}

const trap = () => { throw new Error('the trap was touched'); };
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const NO_TEXTS = {
  undefined: undefined,
  null: null,
  true: true,
  'a number': 1,
  NaN,
  'a bigint': 10n,
  'a symbol': Symbol('token'),
  'a function': () => token,
  'an object': {},
  'an array': [token],
  'a String object': new String(token),
  bytes: Buffer.from(token),
  'a date': new Date(),
  'a regular expression': /a/,
  'an object that turns into a token': { toString: () => token, [Symbol.toPrimitive]: () => token, length: token.length },
  'getters that throw': Object.defineProperties({}, { length: { get: trap }, toString: { get: trap }, then: { get: trap } }),
  'a proxy that throws': new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap }),
  'a proxy of a function': new Proxy(() => token, { get: trap, apply: trap }),
  'a revoked proxy': revoked.proxy,
  'an object without a prototype': Object.create(null),
  'an error': new TokenError('expired'),
  'a promise of a token': Promise.resolve(token),
  'an iterable': new Set([token]),
  'the verifier itself': verifier,
};

for (const [what, value] of Object.entries(NO_TEXTS)) {
  test(`refuses what is no text: ${what}`, () => refusedEverywhere(what, value, ['malformed']));
}

const surrogates = '\ud800\udfff\udc00\ud800';
const TEXTS = {
  nothing: '',
  'a null byte': '\0',
  'null bytes between dots': '\0.\0.\0',
  'a token and a null byte': `${token}\0`,
  'a null byte and a token': `\0${token}`,
  'a token cut by a null byte': token.replace('.', '.\0'),
  'half a pair': '\ud800',
  'halves of pairs': surrogates,
  'halves between dots': `${surrogates}.${surrogates}.${surrogates}`,
  'a token and half a pair': `${token}\ud800`,
  'half a pair in the payload': token.replace(/\.(.)/, '.\udc00$1'),
  'wide letters': token.replaceAll('e', '\uff45'),
  'letters beyond the first plane': '\u{1f600}.\u{1f600}.\u{1f600}',
  dots: '.'.repeat(16_000),
  braces: '{'.repeat(16_000),
  brackets: '['.repeat(16_000),
  quotes: '"'.repeat(16_000),
  'the name of a prototype': '__proto__',
  'the name of a constructor': 'constructor',
  'a URL': 'https://as.example/token',
  JSON: '{"alg":"none"}',
  'an array': '["a.b.c"]',
};

for (const [what, text] of Object.entries(TEXTS)) {
  test(`refuses a text: ${what}`, () => refusedEverywhere(what, text, ['malformed', 'unsupported', 'bad_signature']));
}

for (const [what, text] of Object.entries({
  'one letter': 'a'.repeat(10_000_000),
  dots: '.'.repeat(10_000_000),
  'a token at its start': `${token}${'A'.repeat(10_000_000)}`,
  'halves of pairs': '\ud800'.repeat(10_000_000),
  'wide letters': '\uffff'.repeat(10_000_000),
  'a rope': Array.from({ length: 1_000 }, () => 'ab.'.repeat(3_334)).reduce((a, b) => a + b),
})) {
  test(`refuses 10 MB: ${what}`, () => refusedEverywhere(what, text, ['too_large']));
}

// A generator of random numbers that are the same in every run.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test('3,000 randomly changed tokens are refused, with the same code by every function', async () => {
  const below = numbers(1);
  const letters = 'AZaz09-_.=+/ \0\n"{}[]\\\u00e9\ud800\u{1f600}';
  for (let round = 0; round < 3_000; round += 1) {
    let text = token;
    for (let change = 0; change <= below(3); change += 1) {
      const place = below(text.length);
      const letter = letters[below(letters.length)];
      text = [
        () => text.slice(0, place) + letter + text.slice(place + 1),
        () => text.slice(0, place) + letter + text.slice(place),
        () => text.slice(0, place) + text.slice(place + 1 + below(20)),
        () => text.slice(place) + text.slice(0, place),
      ][below(4)]();
    }
    if (text === token) continue;
    const answers = [await ask('verify', text), await ask('verifySync', text), await ask('verifyAll', text)];
    assert.ok(answers.every(({ code }) => code !== undefined && code === answers[0].code), JSON.stringify([text, answers]));
    await ask('decodeUnverified', text);
  }
});

test('of 3,000 random payloads with valid signatures, the accepted ones have the claims that JSON.parse reads', async () => {
  const below = numbers(2);
  const pick = (list) => list[below(list.length)];
  const values = [
    '1', '"x"', 'null', 'true', '[]', '{}', '1e400', '-1', '1e308', '"\\ud800"', '"\u00e9"', '{"a":{"a":1}}', '[1,[2,"3"]]', '{"a":1,"a":2}',
    `${NOW + 60}`, `"${CLAIMS.aud}"`,
  ];
  const names = [...Object.keys(CLAIMS), '__proto__', 'constructor', 'toString', 'then', 'toJSON', 'nbf', 'auth_time', '', '\u00e9', 'x'];
  let accepted = 0;
  for (let round = 0; round < 3_000; round += 1) {
    const more = Array.from({ length: below(3) }, () => `${JSON.stringify(pick(names))}:${pick(values)}`);
    const kept = Object.entries(CLAIMS).filter(() => below(30) > 0).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
    const payload = `{${[...kept, ...more].join(pick([',', ',', ',', ' , ', ';']))}}`;
    const text = signByHand(hs256, header, payload);
    const answers = [await ask('verify', text), await ask('verifySync', text), await ask('verify', text)];
    assert.ok(answers.every(({ code }) => code === answers[0].code), payload);
    if (answers[0].code !== undefined) continue;
    accepted += 1;
    for (const { value: { claims } } of answers) assert.deepEqual(claims, JSON.parse(payload));
  }
  assert.ok(accepted > 500 && accepted < 2_500, `${accepted} were accepted`);
});

test('1,000 forged tokens with random claims all get the same code, from every engine', async () => {
  const below = numbers(3);
  const doors = {
    HS256: verifier,
    ES256: createVerifier({ ...options, key: es256.jwk }),
    RS256: createVerifier({ ...options, key: rs256.jwk }),
  };
  const kids = { HS256: hs256.kid, ES256: es256.kid, RS256: rs256.kid };
  const payloads = [
    '', '{}', 'not JSON', '{"exp":1}', '{"exp":"x"}', '{"a":1,"a":2}', '[]', '\ufeff{}', '{"iss":1}', '{"aud":[1]}', '\ud800', JSON.stringify(CLAIMS),
  ];
  for (let round = 0; round < 1_000; round += 1) {
    const alg = ['HS256', 'ES256', 'RS256'][below(3)];
    const payload = below(4) === 0 ? 'not_base64!' : base64url(payloads[below(payloads.length)].slice(0, 1 + below(300)));
    const length = { HS256: 32, ES256: 64, RS256: 256 }[alg];
    const signature = Buffer.from(Array.from({ length }, () => below(256)));
    const text = `${base64url(JSON.stringify({ alg, kid: kids[alg], typ: 'at+jwt' }))}.${payload}.${base64url(signature)}`;
    await assert.rejects(doors[alg].verify(text), (error) => error.code === 'bad_signature' && error.claim === undefined);
    assert.throws(() => doors[alg].verifySync(text), (error) => error.code === 'bad_signature' && error.claim === undefined);
  }
});

test('members that pollute prototypes are data in every function, and nothing is polluted', async () => {
  const before = Reflect.ownKeys(Object.prototype).length;
  const rest = JSON.stringify(CLAIMS).slice(1);
  const head = `"alg":"HS256","kid":"${hs256.kid}","typ":"at+jwt"`;
  for (const [own, text] of [
    ['claims', signByHand(hs256, header, `{"__proto__":{"admin":true,"sub":"mallory"},${rest}`)],
    ['claims', signByHand(hs256, header, `{"\\u005f_proto__":{"admin":true},${rest}`)],
    ['none', signByHand(hs256, header, `{"constructor":{"prototype":{"admin":true}},"then":1,"toString":null,${rest}`)],
    ['header', signByHand(hs256, `{"__proto__":{"admin":true},${head}}`, CLAIMS)],
    ['none', signByHand(hs256, `{"constructor":{"prototype":{"admin":true}},${head}}`, CLAIMS)],
  ]) {
    for (const door of Object.keys(DOORS)) {
      const { value } = await ask(door, text);
      for (const part of ['claims', 'header']) {
        assert.equal(Object.getPrototypeOf(value[part]), Object.prototype, door);
        assert.equal(value[part].admin, undefined);
        assert.equal(Object.hasOwn(value[part], '__proto__'), part === own, `${door}: ${part}`);
      }
      assert.equal(value.claims.sub, CLAIMS.sub);
    }
  }
  // Nor does a claim of that name replace a missing one.
  const { sub: _, ...without } = CLAIMS;
  const text = signByHand(hs256, header, `{"__proto__":{"sub":"mallory"},${JSON.stringify(without).slice(1)}`);
  assert.deepEqual(await ask('verify', text), { code: 'claim_missing' });
  assert.equal(Reflect.ownKeys(Object.prototype).length, before);
  assert.equal({}.admin, undefined);
});

test('accepts large headers below the limit, with many members, long names and long values, and refuses larger ones', async () => {
  const wide = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`m${index}`, index]));
  for (const more of [wide, { ['n'.repeat(9_000)]: 1 }, { x: 'v'.repeat(9_000) }, { x: [[[[[[[[[[[[[[1]]]]]]]]]]]]]] }]) {
    const { value } = await ask('verify', signByHand(hs256, { ...header, ...more }, CLAIMS));
    assert.deepEqual(value.header, { ...header, ...more });
  }
  assert.deepEqual(await ask('verify', signByHand(hs256, { ...header, kid: 'k'.repeat(9_000) }, CLAIMS)), { code: 'key_not_found' });
  assert.deepEqual(await ask('verify', signByHand(hs256, { ...header, x: 'v'.repeat(20_000) }, CLAIMS)), { code: 'too_large' });
});

test('more headers than the cache holds: each token gets its own', async () => {
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 1_500; index += 1) {
      const text = signByHand(hs256, { ...header, x: index }, { ...CLAIMS, jti: `${index}` });
      const { value } = await ask('verify', text);
      assert.equal(value.header.x, index);
      assert.equal(value.claims.jti, `${index}`);
      if (index % 100 === 0) assert.deepEqual(await ask('verify', tampered(text)), { code: 'bad_signature' });
    }
  }
});

test('concurrent tokens of all kinds get their own claims, their own key, or their own refusal', async () => {
  const all = createVerifier({ ...options, jwks: { keys: [es256.jwk, eddsa.jwk, rs256.jwk] }, cache: { max: 20 } });
  const jobs = await Promise.all(Array.from({ length: 300 }, async (_, index) => {
    const key = [es256, eddsa, rs256][index % 3];
    const good = await sign(key, { claims: { jti: `${index}`, ...(index % 7 === 0 && { exp: 1 }) } });
    return { index, key, text: index % 5 === 0 ? tampered(good) : good };
  }));
  for (let round = 0; round < 3; round += 1) {
    const results = await all.verifyAll(jobs.map(({ text }) => text));
    for (const [place, { index, key }] of jobs.entries()) {
      const { ok, value, error } = results[place];
      if (index % 5 === 0) assert.equal(error.code, 'bad_signature');
      else if (index % 7 === 0) assert.equal(error.code, 'expired');
      else assert.ok(ok && value.claims.jti === `${index}` && value.key.kid === key.kid);
    }
  }
});

test('the memory of the wasm may grow at any moment', async () => {
  const kept = [];
  for (let index = 0; index < 1_500; index += 1) {
    // Of every size, so that each call grows it.
    const x = 'x'.repeat((index * 997) % 4_000);
    const good = await sign(es256, { header: { x } });
    const verifying = { ...options, key: es256.jwk, cache: false, maxTokenBytes: 8_000 + (index * 661) % 5_000 };
    const fresh = createVerifier(verifying);
    kept.push(fresh);
    assert.deepEqual((await fresh.verify(good)).claims, CLAIMS, `${index}`);
    assert.deepEqual(createVerifier(verifying).verifySync(good).claims, CLAIMS, `${index}`);
  }
  const good = await sign(es256);
  for (const old of kept) assert.deepEqual((await old.verify(good)).claims, CLAIMS);
});

test('verifyAll refuses what is no list, and returns a result for every member of a list, in order', async () => {
  for (const value of [undefined, null, token, {}, new Set([token]), NO_TEXTS['a proxy that throws']]) {
    await assert.rejects(verifier.verifyAll(value), { name: 'TokenError', code: 'invalid_option' });
  }
  const results = await verifier.verifyAll([...Object.values(NO_TEXTS), token, ...Object.values(TEXTS)]);
  assert.equal(results.filter(({ ok }) => ok).length, 1);
  assert.ok(results[Object.keys(NO_TEXTS).length].ok);
  // A hole is no token.
  assert.deepEqual((await verifier.verifyAll([, token])).map(({ ok }) => ok), [false, true]);
});
