// Strict rules for signatures: every row of tests/vectors/strict-signatures.json through the installed package, by each way in.
// Everything in these tokens is valid but the signature.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { importFrom, install } from '../shared/consumer.mjs';

const node = await importFrom(await install());
/** As in a browser: the small wasm, and WebCrypto for everything but HMACs. */
const web = await slim();
const { keys, rows } = JSON.parse(readFileSync(new URL('../../vectors/strict-signatures.json', import.meta.url), 'utf8'));
const options = { issuer: 'https://as.example', audience: 'https://api.example', now: () => 1_800_000_000 };

async function slim() {
  const dist = join(await install(), 'node_modules/edgemint/dist');
  const entry = await import(pathToFileURL(join(dist, 'slim.js')));
  entry.init(readFileSync(join(dist, 'edgemint.wasm')));
  return entry;
}

async function verdict(door, token) {
  try {
    await door(token);
    return 'accepted';
  } catch (error) {
    assert.equal(error?.name, 'TokenError', error?.stack);
    return error.code;
  }
}

/** The key as a CryptoKey, if it names its algorithm. */
async function cryptoKeyOf({ kid: _, alg, ...numbers }) {
  if (alg === undefined) return undefined;
  const names = { RS: 'RSASSA-PKCS1-v1_5', PS: 'RSA-PSS', ES: 'ECDSA', Ed: 'Ed25519' };
  const algorithm = { name: names[alg.slice(0, 2)], hash: `SHA-${alg.slice(2)}`, namedCurve: numbers.crv };
  return crypto.subtle.importKey('jwk', numbers, algorithm, false, ['verify']);
}

for (const rule of new Set(rows.map((row) => row.rule))) {
  const broken = rows.filter((row) => row.rule === rule);
  test(`${rule}: ${broken.length} rows`, async () => {
    const wrong = [];
    for (const { what, key, token, verdict: expected } of broken) {
      const ways = {
        key: node.createVerifier({ ...options, key: keys[key] }),
        'a set': node.createVerifier({ ...options, jwks: { keys: [keys[key]] } }),
        'no cache': node.createVerifier({ ...options, key: keys[key], cache: false }),
        web: web.createVerifier({ ...options, key: keys[key] }),
      };
      const handle = await cryptoKeyOf(keys[key]);
      if (handle !== undefined) {
        ways['a CryptoKey'] = node.createVerifier({ ...options, key: handle });
        ways['web, a CryptoKey'] = web.createVerifier({ ...options, key: handle });
      }
      for (const [way, verifier] of Object.entries(ways)) {
        for (const door of ['verify', 'verifySync', 'verify']) {
          const given = await verdict(verifier[door], token);
          // Not every algorithm can be verified synchronously.
          const isUnknown = door === 'verifySync' && given === 'async_required';
          // A handle has no kid, so a row about the kid of another key does not apply.
          const isNameless = way.endsWith('CryptoKey') && given === 'key_not_found' && expected === 'key_mismatch';
          if (given !== expected && !isUnknown && !isNameless) {
            wrong.push(`${what}, ${way}, ${door}: ${given} instead of ${expected}`);
          }
        }
      }
    }
    assert.deepEqual(wrong, []);
  });
}
