// Strict rules for keys: every row of tests/vectors/strict-keys.json through the installed package. An import refuses a key that
// breaks a rule, and a published set skips it.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { base64url, options } from '../shared/signer.mjs';

const { createVerifier, TokenError } = await importFrom(await install());
const { keys, rows } = JSON.parse(readFileSync(new URL('../../vectors/strict-keys.json', import.meta.url), 'utf8'));

/** A token whose algorithm a key of that kind supports, with an invalid signature. */
const unsigned = ({ kty }) => {
  const alg = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA', oct: 'HS256' }[kty] ?? 'RS256';
  const signature = Buffer.alloc({ RSA: 256, EC: 64, OKP: 64, oct: 32 }[kty] ?? 256, 7);
  return `${base64url(JSON.stringify({ alg, typ: 'at+jwt' }))}.${base64url('{}')}.${base64url(signature)}`;
};

function jwkOf({ key, members = {}, without = [] }) {
  const jwk = { ...keys[key], ...members };
  for (const name of without) delete jwk[name];
  return jwk;
}

/** The code of the refusal, from the verifier or for the token. */
async function refusal(verify) {
  try {
    await verify();
  } catch (error) {
    assert.ok(error instanceof TokenError, error?.stack);
    return error.code;
  }
  return 'accepted';
}

/** The results of a valid key for an invalid signature, and for another algorithm. */
const ABOUT_THE_TOKEN = ['bad_signature', 'key_mismatch', 'key_not_found'];

for (const rule of new Set(rows.map((row) => row.rule))) {
  const broken = rows.filter((row) => row.rule === rule);
  test(`${rule}: ${broken.length} rows`, async () => {
    for (const row of broken) {
      const jwk = jwkOf(row);
      const token = unsigned(jwk);
      const given = await refusal(() => createVerifier({ ...options, key: jwk }).verify(token));
      const inSet = await refusal(() => createVerifier({ ...options, jwks: { keys: [jwk] } }).verify(token));
      // The numbers are strong but belong to no key: the runtime may refuse it when it is used.
      const expected = row.verdict === 'accepted' ? [...ABOUT_THE_TOKEN, 'key_unusable'] : ['key_unusable', 'invalid_option'];
      assert.ok(expected.includes(given), `${row.what}: ${given}`);
      assert.ok(expected.includes(inSet), `${row.what}, in a set: ${inSet}`);

      const fetch = async () => Response.json({ keys: [jwk] });
      const jwksUri = 'https://issuer.example/jwks';
      const published = await refusal(() => createVerifier({ ...options, jwksUri, fetch }).verify(token));
      const usable = row.verdict === 'accepted' && jwk.kty !== 'oct';
      assert.ok((usable ? expected : ['key_not_found']).includes(published), `${row.what}, published: ${published}`);
    }
  });
}

test('refuses to use a key from a set whose private half is published', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fetch = async () => Response.json({ keys: [privateKey.export({ format: 'jwk' })] });
  const verifier = createVerifier({ ...options, jwksUri: 'https://issuer.example/jwks', fetch });
  assert.equal(await refusal(() => verifier.verify(unsigned({ kty: 'EC' }))), 'key_not_found');
});

test('refuses the bytes of a public key as a secret', async () => {
  const taken = [];
  for (const [type, parameters] of [['rsa', { modulusLength: 2048 }], ['ec', { namedCurve: 'P-256' }], ['ed25519', {}]]) {
    const { publicKey } = generateKeyPairSync(type, parameters);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const jwk = publicKey.export({ format: 'jwk' });
    const forms = {
      PEM: pem, 'PEM after white space': `\n ${pem}`, JWK: JSON.stringify(jwk), 'JWK Set': JSON.stringify({ keys: [jwk] }),
      DER: publicKey.export({ type: 'spki', format: 'der' }),
    };
    for (const [form, bytes] of Object.entries(forms)) {
      for (const algorithm of ['HS256', 'HS384', 'HS512']) {
        const key = Uint8Array.from(Buffer.from(bytes));
        if (key.length < Number(algorithm.slice(2)) / 8) continue;
        const verifying = { ...options, key, algorithms: [algorithm] };
        const code = await refusal(() => createVerifier(verifying).verify(unsigned({ kty: 'oct' })));
        if (!['key_unusable', 'invalid_option'].includes(code)) taken.push(`${type}, ${form}, ${algorithm}: ${code}`);
      }
    }
  }
  assert.deepEqual(taken, []);
});
