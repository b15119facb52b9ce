// Keys that are refused: every fault in every form, each with its code and reason.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, HMAC } from '../shared/signer.mjs';

const { Key, TokenError, createJwks, generateKey, importKey, thumbprint } = await importFrom(await install());
const { subtle } = globalThis.crypto;
const secret = await generateKey('HS256');
const rsa = await generateKey('RS256');
const p256 = await generateKey('ES256');
const ed25519 = await generateKey('EdDSA');
const pairs = [rsa, p256, await generateKey('ES384'), await generateKey('ES512'), ed25519];

function refuses(key, reason, importOptions) {
  return assert.rejects(importKey(key, importOptions), (error) => {
    assert.ok(error instanceof TokenError, String(error));
    assert.deepEqual([error.code, error.reason], ['key_unusable', reason], `${error.message}: ${inspect(key).slice(0, 200)}`);
    return true;
  });
}

function isInvalid(promise) {
  return assert.rejects(promise, (error) => error instanceof TokenError && error.code === 'invalid_option');
}

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const bytesOf = (text) => Buffer.from(text, 'base64url');
const lines = (der) => der.toString('base64').match(/.{1,64}/g).join('\n');
const pem = (label, der) => `-----BEGIN ${label}-----\n${lines(der)}\n-----END ${label}-----\n`;

/** The number with one bit changed, in the same bytes. */
function changed(text) {
  const bytes = bytesOf(text);
  bytes[bytes.length >> 1] ^= 1;
  return base64url(bytes);
}

test('refuses a point that is not on its curve, in every form', async () => {
  for (const key of pairs.filter(({ alg }) => alg.startsWith('ES'))) {
    const { d: _, ...jwk } = key.toJwk();
    const off = { ...jwk, y: changed(jwk.y) };
    await refuses(off, 'not_taken');
    const raw = key.toPublic().toRaw();
    raw[raw.length - 1] ^= 1;
    await refuses(raw, 'not_taken', { alg: key.alg });
    const whole = key.toPublic().toRaw();
    const { length } = whole;
    const forms = [0, 2, 5, 6, 7].map((form) => [form, ...whole.subarray(1)]);
    const shorter = [length - 1, length - 2].map((end) => whole.subarray(0, end));
    const others = [...shorter, [2, ...whole.subarray(1, (length + 1) / 2)], [...whole, 0]];
    for (const bytes of [...forms, ...others]) await refuses(Uint8Array.from(bytes), 'malformed', { alg: key.alg });
    const der = createPublicKey(await key.toPublic().toPem()).export({ type: 'spki', format: 'der' });
    der[der.length - 1] ^= 1;
    await refuses(pem('PUBLIC KEY', der), 'not_taken');
    await refuses({ ...off, d: key.toJwk().d }, 'not_taken');
    const zero = base64url(Buffer.alloc(bytesOf(jwk.x).length));
    await refuses({ ...jwk, x: zero, y: zero }, 'not_taken');
  }
});

test('refuses a private half that does not belong to its public half', async () => {
  for (const key of pairs) {
    const other = (await generateKey(key.alg)).toJwk();
    const jwk = key.toJwk();
    await assert.rejects(importKey({ ...jwk, d: other.d }), { code: 'key_unusable' });
    await assert.rejects(importKey({ ...jwk, d: changed(jwk.d) }), { code: 'key_unusable' });
    const { d, p, q, dp, dq, qi, ...half } = other;
    await assert.rejects(importKey({ ...jwk, ...half }), { code: 'key_unusable' });
  }
});

test('refuses an RSA key with any wrong private number, also one that signatures do not use', async () => {
  const jwk = rsa.toJwk();
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) {
    for (const wrong of [changed(jwk[name]), name === 'p' ? jwk.q : undefined]) {
      if (wrong !== undefined) await assert.rejects(importKey({ ...jwk, [name]: wrong }), { code: 'key_unusable' }, name);
    }
    const { [name]: _, ...without } = jwk;
    await refuses(without, 'malformed');
  }
  // Swapped primes do not contradict RFC 8017, but then qi is that of the wrong prime.
  await assert.rejects(importKey({ ...jwk, p: jwk.q, q: jwk.p, dp: jwk.dq, dq: jwk.dp }), { code: 'key_unusable' });
  // Two other primes that fit everything but the modulus.
  const other = (await generateKey('RS256')).toJwk();
  const number = (text) => BigInt(`0x${bytesOf(text).toString('hex')}`);
  // In the fewest possible bytes.
  const text = (value) => base64url(Buffer.from(value.toString(16).replace(/^(?=(..)*.$)/, '0'), 'hex'));
  const { p, q, qi } = other;
  const [dp, dq] = [p, q].map((prime) => text(number(jwk.d) % (number(prime) - 1n)));
  await assert.rejects(importKey({ ...jwk, p, q, dp, dq, qi }), { code: 'key_unusable' });
  // An exponent that fits everything but the public one.
  const wrong = number(jwk.d) - 2n;
  const [ownDp, ownDq] = [jwk.p, jwk.q].map((prime) => text(wrong % (number(prime) - 1n)));
  await refuses({ ...jwk, d: text(wrong), dp: ownDp, dq: ownDq }, 'mismatched');
  await refuses({ ...jwk, oth: [{ r: 'AQAB', d: 'AQAB', t: 'AQAB' }] }, 'unsupported');
});

test('refuses a private number out of its range', async () => {
  const zero = base64url(Buffer.alloc(32));
  const order = base64url(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex'));
  for (const d of [zero, order]) await refuses({ ...p256.toJwk(), d }, 'not_taken');
  for (const key of [p256, ed25519]) {
    for (const length of [0, 31, 33]) await refuses({ ...key.toJwk(), d: base64url(Buffer.alloc(length, 1)) }, 'malformed');
  }
});

test('refuses an Ed25519 PEM whose public half is another\'s', async () => {
  const seed = bytesOf(ed25519.toJwk().d);
  const second = (x) => pem('PRIVATE KEY', Buffer.concat([
    Buffer.from('3051020101300506032b657004220420', 'hex'), seed, Buffer.from('812100', 'hex'), x,
  ]));
  assert.equal((await importKey(second(ed25519.toPublic().toRaw()))).kid, ed25519.kid);
  await refuses(second((await generateKey('EdDSA')).toPublic().toRaw()), 'mismatched');
});

test('refuses RSA below 2048 bits, above 8192, and with an exponent that is even or one', async () => {
  for (const [modulusLength, publicExponent] of [[1024, 65537], [2040, 65537]]) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
    for (const alg of ['RS256', 'PS512']) {
      await refuses(publicKey.export({ format: 'jwk' }), 'weak', { alg });
      await refuses(privateKey.export({ format: 'jwk' }), 'weak', { alg });
      await refuses(publicKey.export({ type: 'spki', format: 'pem' }), 'weak', { alg });
      await refuses(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'weak', { alg });
    }
    const parameters = { name: 'RSA-PSS', hash: 'SHA-256' };
    const bare = publicKey.export({ format: 'jwk' });
    await refuses(await subtle.importKey('jwk', bare, parameters, false, ['verify']), 'weak');
    await refuses(await subtle.importKey('jwk', bare, parameters, true, ['verify']), 'weak');
  }
  const { n } = rsa.toJwk();
  const jwk = (more) => ({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', ...more });
  await importKey(jwk({ e: 'Aw' }));
  for (const e of ['AQ', 'Ag', 'AQAA', 'AQAAAAE', 'AAEAAQ']) await refuses(jwk({ e }), 'weak');
  await refuses(jwk({ n: base64url(Buffer.alloc(1025, 0xff)) }), 'weak');
  for (const extractable of [true, false]) {
    const parameters = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const handle = (e) => subtle.importKey('jwk', jwk({ e }), parameters, extractable, ['verify']);
    for (const e of ['AQ', 'AQAAAAE']) await refuses(await handle(e), 'weak');
    assert.equal((await importKey(await handle('Aw'))).alg, 'RS256');
  }
  // Not in the fewest possible bytes (RFC 7518 section 2).
  await refuses(jwk({ n: base64url(Buffer.concat([Buffer.alloc(1), bytesOf(n)])) }), 'weak');
  const even = bytesOf(n);
  even[even.length - 1] ^= 1;
  await refuses(jwk({ n: base64url(even) }), 'weak');
});

test('refuses a secret that is shorter than the hash', async () => {
  for (const alg of HMAC) {
    const least = Number(alg.slice(2)) / 8;
    await importKey(new Uint8Array(least).fill(1), { alg });
    await importKey(new Uint8Array(200).fill(1), { alg });
    for (const length of [0, 1, least - 1]) {
      await refuses(new Uint8Array(length).fill(1), 'weak', { alg });
      await refuses({ kty: 'oct', k: base64url(Buffer.alloc(length, 1)), alg }, 'weak');
    }
    for (const extractable of [true, false]) {
      const parameters = { name: 'HMAC', hash: `SHA-${least * 8}` };
      const short = new Uint8Array(least - 1);
      await refuses(await subtle.importKey('raw', short, parameters, extractable, ['sign', 'verify']), 'weak');
    }
  }
});

test('refuses a degenerate Ed25519 key, and a second encoding of one', async () => {
  const little = (low, middle, high) => Buffer.from([low, ...new Array(30).fill(middle), high]);
  const spellings = [little(0, 0, 0), little(1, 0, 0), little(0, 0, 0x80), little(0xec, 0xff, 0x7f)];
  for (let low = 0xed; low <= 0xff; low += 1) spellings.push(little(low, 0xff, 0x7f), little(low, 0xff, 0xff));
  for (const x of spellings) {
    await refuses({ kty: 'OKP', crv: 'Ed25519', x: base64url(x) }, 'weak');
    await refuses(x, 'weak', { alg: 'EdDSA' });
    await refuses(pem('PUBLIC KEY', Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), x])), 'weak');
  }
});

test('refuses the text of a key as a secret, and a public key for an HMAC algorithm', async () => {
  for (const key of pairs) {
    const half = key.toPublic();
    const spki = createPublicKey(await half.toPem()).export({ type: 'spki', format: 'der' });
    for (const alg of HMAC) {
      for (const text of [await half.toPem(), await key.toPem()]) {
        await refuses(text, 'unsupported', { alg });
        for (const disguise of [text, `\n ${text}`, `\ufeff${text}`, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '')]) {
          await refuses(Buffer.from(disguise), 'disguised', { alg });
          await refuses({ kty: 'oct', alg, k: base64url(disguise) }, 'disguised');
        }
      }
      await refuses(spki, 'disguised', { alg });
      for (const jwk of [half.toJwk(), key.toJwk()]) {
        await refuses(Buffer.from(JSON.stringify(jwk)), 'disguised', { alg });
        const { alg: _, ...bare } = jwk;
        await refuses(bare, 'unsupported', { alg });
        await refuses({ ...bare, alg }, 'unsupported');
      }
    }
  }
  await refuses('a secret that someone gives as text', 'malformed', { alg: 'HS256' });
});

test('refuses certificates and other labels with advice', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = createPrivateKey(await p256.toPem());
  const texts = [
    [privateKey.export({ type: 'pkcs1', format: 'pem' }), /PKCS#1.*openssl/],
    [createPublicKey(privateKey).export({ type: 'pkcs1', format: 'pem' }), /PKCS#1.*openssl/],
    [ec.export({ type: 'sec1', format: 'pem' }), /SEC 1.*openssl/],
    [ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }), /encrypted.*openssl/],
    [ec.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }), /SEC 1/],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', /certificate.*openssl/],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n', /OpenSSH/],
    ['-----BEGIN DSA PRIVATE KEY-----\nb3Bl\n-----END DSA PRIVATE KEY-----\n', /label/],
    [`${await p256.toPem()}${await p256.toPem()}`, /several/],
    [(await p256.toPem()).replaceAll('\n', '\\n'), /\\n as two characters/],
    [`here is my key: ${await p256.toPem()}`, /without trailing text/],
    [`${await p256.toPem()}.`, /without trailing text/],
  ];
  for (const [text, message] of texts) {
    await refuses(text, 'pem', { alg: 'RS256' });
    await assert.rejects(importKey(text, { alg: 'RS256' }), { message });
  }
  // RSA keys with the identifier that only PSS has.
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  await refuses(pss.publicKey.export({ type: 'spki', format: 'pem' }), 'pem', { alg: 'PS256' });
  await refuses(pss.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'pem', { alg: 'PS256' });
});

test('refuses unsupported kinds of keys', async () => {
  const others = [['x25519'], ['ed448'], ['ec', { namedCurve: 'secp256k1' }], ['dsa', { modulusLength: 2048 }]];
  for (const [type, parameters] of others) {
    const { publicKey, privateKey } = generateKeyPairSync(type, parameters);
    await refuses(publicKey.export({ type: 'spki', format: 'pem' }), 'unsupported');
    await refuses(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'unsupported');
    if (type !== 'dsa') await refuses(publicKey.export({ format: 'jwk' }), 'unsupported');
  }
  for (const alg of ['none', 'RSA-OAEP', 'ES256K', 'HS1', '']) await refuses({ ...p256.toJwk(), alg }, 'unsupported');
  for (const name of ['AES-GCM', 'AES-KW']) {
    const usages = name === 'AES-GCM' ? ['encrypt'] : ['wrapKey'];
    await refuses(await subtle.generateKey({ name, length: 256 }, true, usages), 'unsupported');
  }
  for (const extractable of [true, false]) {
    const { privateKey } = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, extractable, ['sign', 'verify']);
    for (const alg of ['ES384', 'HS256', 'RS256', 'EdDSA']) await refuses(privateKey, 'unsupported', { alg });
  }
});

test('use and key_ops allow what the key is for, and nothing but signatures', async () => {
  const { use: _, ...pair } = p256.toJwk();
  const { d: __, ...half } = pair;
  const mac = { kty: 'oct', k: base64url(Buffer.alloc(32, 1)), alg: 'HS256' };
  for (const [jwk, least] of [[pair, ['sign']], [half, ['verify']], [mac, ['sign', 'verify']]]) {
    await importKey({ ...jwk, use: 'sig', key_ops: least });
    await importKey({ ...jwk, key_ops: ['verify', 'sign'] });
    const both = ['sign', 'verify'];
    const more = ['encrypt', 'sign', 'deriveBits'].map((operation) => [...both, operation]);
    for (const key_ops of [[], ['encrypt'], ...more, ['SIGN', 'VERIFY']]) {
      await refuses({ ...jwk, key_ops }, 'wrong_use');
      await refuses({ ...jwk, use: 'sig', key_ops }, 'wrong_use');
    }
    for (const use of ['enc', 'SIG', '']) await refuses({ ...jwk, use }, 'wrong_use');
    await refuses({ ...jwk, use: 'enc', key_ops: ['sign', 'verify'] }, 'wrong_use');
  }
  await refuses({ ...pair, key_ops: ['verify'] }, 'wrong_use');
  await refuses({ ...half, key_ops: ['sign'] }, 'wrong_use');
  for (const operation of ['sign', 'verify']) await refuses({ ...mac, key_ops: [operation] }, 'wrong_use');
  for (const usage of ['sign', 'verify']) {
    for (const extractable of [true, false]) {
      const parameters = { name: 'HMAC', hash: 'SHA-256' };
      await refuses(await subtle.importKey('raw', new Uint8Array(32), parameters, extractable, [usage]), 'wrong_use');
    }
  }
});

/** The description of a key, or why it is refused. */
function outcome(jwk) {
  return importKey(jwk).then((key) => ({ ...key, jwk: key.toJwk() }), ({ code, reason }) => ({ code, reason }));
}

test('reads PEM by RFC 7468 section 2: white space, other line ends, and text before the block', async () => {
  for (const [key, label] of [[p256, 'PRIVATE KEY'], [p256.toPublic(), 'PUBLIC KEY'], [rsa.toPublic(), 'PUBLIC KEY']]) {
    const text = await key.toPem();
    const same = async (other) => {
      const read = await importKey(other, { alg: key.alg, kid: key.kid });
      assert.deepEqual(read.toJwk(), key.toJwk(), other);
    };
    await same(text.replaceAll('\n', ' \t\n'));
    await same(text.replaceAll('\n', '\r\n'));
    await same(text.replaceAll('\n', '\r'));
    await same(text.split('\n').map((line) => `    ${line}`).join('\n'));
    await same(`\n\n${text}\n\n`);
    await same(`Key of the staging realm\nBag Attributes: <none>\n\n${text}`);
    await same(text.replace('\nM', '\n\nM'));
    await refuses(`${text}${text}`, 'pem', { alg: key.alg });
    await refuses(`${text}and more`, 'pem', { alg: key.alg });
    await refuses(`text ${text}`, 'pem', { alg: key.alg });
    await refuses(text.replace(`END ${label}`, 'END CERTIFICATE'), 'pem', { alg: key.alg });
    await refuses(text.replace(`BEGIN ${label}`, 'BEGIN CERTIFICATE'), 'pem', { alg: key.alg });
    await refuses(text.replace('\n', '\nProc-Type: 4,ENCRYPTED\n'), 'pem', { alg: key.alg });
  }
});

test('refuses members of the wrong type, and numbers in another encoding', async () => {
  const good = [rsa.toJwk(), p256.toJwk(), ed25519.toJwk(), secret.toJwk()];
  for (const jwk of good) {
    for (const name of Object.keys(jwk)) {
      for (const value of [1, true, [], {}, [jwk[name]]]) {
        // Without a kty in text it is not recognised as a JWK.
        if (name !== 'kty') await refuses({ ...jwk, [name]: value }, 'malformed');
      }
      // A member that is null counts as absent.
      const { [name]: _, ...without } = jwk;
      if (name !== 'kty') assert.deepEqual(await outcome({ ...jwk, [name]: null }), await outcome(without), name);
      if (['kty', 'kid', 'alg', 'use', 'crv'].includes(name)) continue;
      const text = jwk[name];
      const changedInside = [`+${text.slice(1)}`, `/${text.slice(1)}`, `${text.slice(0, -1)}é`];
      for (const value of [`${text}=`, `${text}\n`, ` ${text}`, `${text}.`, '', 'A', ...changedInside]) {
        await assert.rejects(importKey({ ...jwk, [name]: value }), { code: 'key_unusable' }, `${name} ${value}`);
      }
    }
  }
  // Unused bits at the end of the last digit.
  const { x } = ed25519.toJwk();
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const stray = `${x.slice(0, -1)}${digits[digits.indexOf(x.at(-1)) | 1]}`;
  assert.deepEqual(bytesOf(stray), bytesOf(x));
  await refuses({ kty: 'OKP', crv: 'Ed25519', x: stray }, 'malformed');
  // A coordinate has all its bytes, leading zeros too (RFC 7518 section 6.2.1.2).
  const point = p256.toPublic().toJwk();
  await refuses({ ...point, x: base64url(bytesOf(point.x).subarray(1)) }, 'malformed');
  await refuses({ ...point, x: base64url(Buffer.concat([Buffer.alloc(1), bytesOf(point.x)])) }, 'malformed');
});

test('refuses JWK text with a repeated member, or with anything before or after it', async () => {
  const text = JSON.stringify(p256.toJwk());
  await importKey(text);
  for (const bad of [
    text.replace('{', '{"kty":"EC",'), text.replace('{', '{"k\\u0074y":"RSA",'), text.replace('{', '{"x":{"a":1,"a":2},'),
    `${text}${text}`, `${text} x`, text.slice(0, -1), text.replace('}', ',}'), text.replaceAll('"', "'"), '{}', '{',
    text.replace(p256.kid, '\\ud800'),
  ]) await refuses(bad, 'malformed');
  for (const bad of [`\ufeff${text}`, `[${text}]`, '', ' ', 'null', `"${text}"`, '\0']) await refuses(bad, 'malformed');
});

test('treats __proto__ and similar names like any other', async () => {
  const inherited = '"__proto__":{"kid":"evil","k":"AAAA"},"constructor":{"prototype":{"kid":"evil"}}';
  const hostile = JSON.parse(JSON.stringify(p256.toJwk()).replace('{', `{${inherited},`));
  assert.ok(Object.hasOwn(hostile, '__proto__'));
  delete hostile.kid;
  for (const form of [hostile, JSON.stringify(hostile)]) {
    const key = await importKey(form);
    assert.equal(key.kid, p256.kid);
    assert.deepEqual(key.toJwk(), p256.toJwk());
  }
  assert.equal({}.kid, undefined);
  // Inherited members are not the key's own.
  await isInvalid(importKey(Object.create(null)));
  const { kty, ...rest } = p256.toJwk();
  await refuses(Object.assign(Object.create({ kty }), rest), 'malformed');
});

test('refuses values that are no key', async () => {
  const nothing = [
    undefined, null, 1, 1n, true, Symbol('key'), () => {}, [], {}, new Map(), new ArrayBuffer(32), new Uint16Array(32),
    { keys: [] }, { kty: 1 },
  ];
  for (const key of nothing) {
    await isInvalid(importKey(key));
    await isInvalid(importKey(key, { alg: 'HS256' }));
    await isInvalid(thumbprint(key));
    // An empty set is valid.
    if (!Array.isArray(key)) assert.throws(() => createJwks(key), { code: 'invalid_option' });
    assert.throws(() => createJwks([key]), { code: 'invalid_option' });
  }
  assert.throws(() => createJwks(p256), { code: 'invalid_option' });
  assert.throws(() => createJwks([p256.toJwk()]), { code: 'invalid_option' });
  const cyclic = { kty: 'EC' };
  cyclic.self = cyclic;
  const throwing = { kty: 'EC', get x() { throw new Error('mine'); } };
  for (const kty of ['', 'toString', '__proto__', 'OCT', 'AKP']) {
    await refuses({ kty }, 'unsupported');
    await assert.rejects(thumbprint({ kty }), { code: 'key_unusable', reason: 'unsupported' });
  }
  const huge = 'A'.repeat(1e7);
  for (const key of [cyclic, { kty: 'EC', x: 1n }, throwing, { kty: 'EC', toJSON: () => undefined }, { kty: 'oct', k: huge }]) {
    await refuses(key, 'malformed');
  }
  for (const text of [huge, `-----BEGIN PUBLIC KEY-----\n${huge}`, `{"a":"${huge}"}`]) await refuses(text, 'malformed');
  await refuses(new Uint8Array(1e7), 'malformed', { alg: 'HS256' });
  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA']) {
    for (const length of [0, 1, 31, 33, 64, 65, 66, 97, 133]) {
      await assert.rejects(importKey(new Uint8Array(length), { alg }), { code: 'key_unusable' });
    }
  }
  assert.throws(() => new Key(), { code: 'invalid_option' });
  assert.throws(() => new Key(Symbol('making'), { type: 'public', alg: 'ES256' }), { code: 'invalid_option' });
  assert.throws(() => p256.toJwk.call({}), TypeError);
});

test('refuses unknown options, and options of the wrong type', async () => {
  const jwk = p256.toJwk();
  for (const options of [null, 1, 'ES256', { algorithm: 'ES256' }, { use: 'sig' }]) {
    await isInvalid(importKey(jwk, options));
    await isInvalid(generateKey('ES256', options));
  }
  for (const kid of ['', 1, null, {}, 'x'.repeat(257), '\ud800']) {
    await isInvalid(importKey(jwk, { kid }));
    await isInvalid(generateKey('ES256', { kid }));
  }
  assert.equal((await importKey(jwk, { kid: '🔑 "\n' })).kid, '🔑 "\n');
  for (const alg of [undefined, null, 1, '', 'none', 'es256', 'RSA', 'toString', '__proto__', ['ES256']]) {
    await isInvalid(generateKey(alg));
    if (alg !== undefined) await isInvalid(importKey(jwk, { alg }));
  }
  for (const modulusLength of [0, 1024, 2047, 2049, 8200, 16384, NaN, Infinity, '2048', null, 2048n]) {
    await isInvalid(generateKey('RS256', { modulusLength }));
  }
  for (const alg of ['ES256', 'EdDSA', 'HS256']) await isInvalid(generateKey(alg, { modulusLength: 2048 }));
});

test('refuses a published set with a secret, or with a repeated kid', async () => {
  assert.throws(() => createJwks([p256, secret]), { code: 'key_unusable' });
  const twin = await importKey(ed25519.toJwk(), { kid: p256.kid });
  const forPss = await importKey(await rsa.toPem(), { alg: 'PS256' });
  for (const keys of [[p256, p256], [p256, p256.toPublic()], [p256, twin], [rsa, forPss]]) {
    assert.throws(() => createJwks(keys), { code: 'invalid_option', message: /same kid/ });
  }
  assert.equal(createJwks([rsa, await importKey(await rsa.toPem(), { alg: 'PS256', kid: 'for PSS' })]).keys.length, 2);
});

test('the names of the algorithms are complete', () => {
  assert.equal(HMAC.length + ASYMMETRIC.length, 13);
});

test('refuses a key as secret in every form that an environment variable may hold', async () => {
  const key = await generateKey('ES256');
  const rsa = await generateKey('RS256');
  for (const pem of [await key.toPublic().toPem(), await rsa.toPublic().toPem(), await key.toPem()]) {
    const body = pem.replace(/-----.*-----/g, '').trim();
    const der = Buffer.from(body, 'base64');
    for (const disguised of [
      pem, `\n ${pem}`, body, body.replaceAll('\n', ''), der.toString('base64url'), Buffer.from(pem).toString('base64'), Buffer.from(pem).toString('base64url'),
      Buffer.concat([der, Buffer.from('\n')]), ` ${JSON.stringify(key.toPublic().toJwk())}`, Buffer.from(JSON.stringify(key.toJwk())).toString('base64'),
      ` ssh-rsa ${body.replaceAll('\n', '')}`, `---- BEGIN SSH2 PUBLIC KEY ----\n${body}`,
    ]) {
      await assert.rejects(importKey(new Uint8Array(Buffer.from(disguised)), { alg: 'HS256' }), { code: 'key_unusable', reason: 'disguised' });
    }
  }
  // DER may end in what looks like white space.
  const blank = () => {
    for (;;) {
      const der = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
      if ([9, 10, 12, 13, 32].includes(der.at(-1))) return der;
    }
  };
  for (const more of ['', '\n', '\r\n ']) {
    const disguised = Buffer.concat([blank(), Buffer.from(more)]);
    await assert.rejects(importKey(new Uint8Array(disguised), { alg: 'HS256' }), { code: 'key_unusable', reason: 'disguised' });
  }
  // Random text in base64 is accepted.
  for (let n = 0; n < 50; n += 1) await importKey(new TextEncoder().encode(Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64')), { alg: 'HS256' });
});
