// A key reveals its numbers only through its export methods: not in logs, JSON, clones or errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, HMAC } from '../shared/signer.mjs';

const { Key, generateKey, importKey } = await importFrom(await install());
const keys = await Promise.all([...HMAC, ...ASYMMETRIC].map((alg) => generateKey(alg, { kid: 'its name' })));
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];
const NUMBERS = [...SECRET, 'x', 'y', 'n'];

/** Every form in which a number could leak: base64url, hexadecimal, and a list of bytes. */
function spellings(jwk, names) {
  return names.filter((name) => typeof jwk[name] === 'string').flatMap((name) => {
    const bytes = Buffer.from(jwk[name], 'base64url');
    return [jwk[name], bytes.toString('hex'), [...bytes.subarray(0, 8)].join(','), [...bytes.subarray(0, 8)].join(', ')];
  });
}

function hides(text, jwk, names = NUMBERS) {
  for (const spelling of spellings(jwk, names)) assert.ok(!text.includes(spelling), text);
}

for (const key of keys) {
  test(`${key.alg}: no conversion reveals the numbers`, () => {
    const jwk = key.toJwk();
    const everything = {
      showHidden: true, depth: Infinity, getters: true, maxArrayLength: null, maxStringLength: null, showProxy: true,
    };
    const wrapped = { nested: [key], map: new Map([[key, key]]) };
    const texts = [
      inspect(key), inspect(key, everything), inspect(wrapped, everything), format('%s %o %O %j %d', key, key, key, key, key),
      JSON.stringify(key), JSON.stringify(wrapped), `${key}`, String(key), key.toString(), key + '', key.toLocaleString(),
      inspect(structuredClone(key), everything), inspect(deserialize(serialize(key)), everything),
      serialize(key).toString('latin1'),
      inspect({ ...key }, everything), inspect(Object.getOwnPropertyDescriptors(key), everything),
      inspect(Reflect.ownKeys(key).map((name) => key[name])), inspect(Object.entries(key)),
      inspect(Object.getOwnPropertyDescriptors(Key.prototype), everything),
    ];
    for (const text of texts) hides(text, jwk);
    assert.equal(JSON.stringify(key), JSON.stringify({ type: key.type, alg: key.alg, kid: 'its name' }));
    assert.equal(`${key}`, '[object Key]');
    assert.match(inspect(key), /^Key \{/);
  });

  test(`${key.alg}: the key is immutable, and exports are copies`, () => {
    const jwk = key.toJwk();
    assert.ok(Object.isFrozen(key));
    assert.throws(() => { key.alg = 'none'; }, TypeError);
    assert.throws(() => { key.own = 1; }, TypeError);
    for (const name of Object.keys(jwk)) key.toJwk()[name] = 'changed';
    assert.deepEqual(key.toJwk(), jwk);
  });

  test(`${key.alg}: no error contains a number`, async () => {
    const jwk = key.toJwk();
    const bytes = (text) => Buffer.from(text, 'base64url');
    const spoilt = [
      { ...jwk, alg: 'none' }, { ...jwk, use: 'enc' }, { ...jwk, kid: 1 }, { ...jwk, key_ops: [] },
      { ...jwk, crv: 'P-257', kty: 'EC' },
      `${JSON.stringify(jwk)} x`, JSON.stringify(jwk).replace('{', '{"kty":"oct",'), JSON.stringify(jwk).slice(0, -1),
      ...SECRET.filter((name) => name in jwk).flatMap((name) => {
        const one = bytes(jwk[name]);
        one[one.length >> 1] ^= 1;
        const texts = [`${jwk[name]}=`, jwk[name].slice(0, -4), ...(key.type === 'private' ? [one.toString('base64url')] : [])];
        return texts.map((value) => ({ ...jwk, [name]: value }));
      }),
    ];
    if (key.type === 'private') {
      const text = await key.toPem();
      spoilt.push(text.slice(0, -10), text.replace('PRIVATE', 'PUBLIC'), text.replace('A', '_'), `${text}${text}`);
    } else {
      spoilt.push([key.toRaw().subarray(1), { alg: key.alg }]);
    }
    for (const each of spoilt) {
      const [input, options] = Array.isArray(each) ? each : [each];
      const error = await importKey(input, options).then(() => assert.fail('taken'), (thrown) => thrown);
      assert.equal(error.code, 'key_unusable');
      const text = `${error.stack} ${inspect(error, { depth: Infinity, showHidden: true })} ${JSON.stringify(error)}`;
      hides(text, jwk, SECRET);
      const lines = typeof input === 'string' ? input.split('\n').filter((line) => /^\S{40,}$/.test(line)) : [];
      for (const line of lines) assert.ok(!text.includes(line));
    }
  });
}
