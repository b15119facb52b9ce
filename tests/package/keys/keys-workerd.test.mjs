// Keys in real workerd, whose cryptography differs from Node's: Node accepts its keys, and it refuses what Node refuses.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync } from 'node:crypto';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { run } from '../../../.scripts/steps.mjs';
import { install } from '../shared/consumer.mjs';
import { ASYMMETRIC, HMAC } from '../shared/signer.mjs';

const compatibilityDate = '2026-11-01';
const bundle = await bundleWorker();
const wasm = readdirSync(bundle).filter((name) => name.endsWith('.wasm'));
const miniflare = new Miniflare(convertV4MiniflareOptions({
  modules: [
    { type: 'ESModule', path: join(bundle, 'keys-worker.js') },
    ...wasm.map((name) => ({ type: 'CompiledWasm', path: join(bundle, name) })),
  ],
  modulesRoot: bundle, compatibilityDate, cf: false, logRequests: false,
}));
after(() => miniflare.dispose());

async function bundleWorker() {
  const folder = await install();
  copyFileSync(join(import.meta.dirname, 'keys-worker.js'), join(folder, 'keys-worker.js'));
  const settings = { name: 'keys', main: 'keys-worker.js', compatibility_date: compatibilityDate };
  writeFileSync(join(folder, 'wrangler.json'), JSON.stringify(settings));
  await run('wrangler', ['deploy', '--dry-run', '--outdir', 'out'], { cwd: folder });
  return join(folder, 'out');
}

async function ask(path, body) {
  const response = await miniflare.dispatchFetch(`http://worker.example${path}`, { method: 'POST', body: JSON.stringify(body) });
  return response.json();
}

async function refuses(key, alg) {
  const { code } = await ask('/take', { key, alg });
  assert.equal(code, 'key_unusable', JSON.stringify(key));
}

for (const alg of [...HMAC, ...ASYMMETRIC]) {
  test(`${alg}: a new key is the same in every form, and signs`, async () => {
    const { jwk, again, half, pem, publicPem, set, thumbprint, used } = await ask('/make', { alg });
    const { kid: _, ...numbers } = again;
    const { kid = 'given', ...own } = jwk;
    assert.deepEqual(numbers, own);
    assert.deepEqual(used, { alg, ...(kid !== 'given' ? {} : { kid }) });
    assert.equal(thumbprint.length, 43);
    if (pem === undefined) return;
    assert.equal(createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }), pem);
    assert.equal(createPublicKey(pem).export({ type: 'spki', format: 'pem' }), publicPem);
    assert.deepEqual(set.keys, [half]);
    assert.equal(kid, thumbprint);
  });
}

test('refuses points off their curve, halves that do not match, and RSA numbers that do not fit', async () => {
  for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
    const [one, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' }));
    const { d: _, ...half } = one;
    assert.equal((await ask('/take', { key: half })).type, 'public');
    await refuses({ ...half, y: other.y });
    await refuses({ ...one, d: other.d });
    await refuses({ ...one, d: 'A'.repeat(one.d.length) });
  }
  const [one, other] = [0, 1].map(() => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  await refuses({ ...one, d: other.d });
  const newRsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const [rsa, another] = [newRsa(), newRsa()];
  assert.equal((await ask('/take', { key: rsa, alg: 'PS256' })).type, 'private');
  for (const name of ['n', 'd', 'p', 'q', 'dp', 'dq', 'qi']) await refuses({ ...rsa, [name]: another[name] }, 'PS256');
});

test('accepts an RSA key of 8192 bits, and derives the public half of an EC key', async () => {
  // Generating it may take long: done elsewhere, so that a connection that is closed meanwhile is noticed.
  const { publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 8192 });
  assert.equal((await ask('/take', { key: publicKey.export({ type: 'spki', format: 'pem' }), alg: 'RS256' })).type, 'public');
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const head = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex');
  const der = Buffer.concat([head, Buffer.from(pair.d, 'base64url')]).toString('base64').match(/.{1,64}/g).join('\n');
  const { d: _, ...half } = pair;
  const taken = await ask('/take', { key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----` });
  assert.deepEqual(taken, { type: 'private', alg: 'ES256', kid: (await ask('/take', { key: half })).kid });
});

test('CryptoKeys that are not extractable are handles', async () => {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  const taken = await ask('/closed', { jwk, parameters: { name: 'ECDSA', namedCurve: 'P-384' }, usages: ['sign'] });
  assert.deepEqual(taken, { type: 'private', alg: 'ES384' });
  const secret = { kty: 'oct', k: Buffer.alloc(31, 1).toString('base64url') };
  const short = await ask('/closed', { jwk: secret, parameters: { name: 'HMAC', hash: 'SHA-256' }, usages: ['sign', 'verify'] });
  assert.deepEqual([short.code, short.reason], ['key_unusable', 'weak']);
});
