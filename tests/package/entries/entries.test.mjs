// The entry that is handed its module, alone and beside the entry for Node; and runtimes that lack what both rely on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, AUDIENCE, CLAIMS, HMAC, ISSUER, newKey, options, sign } from '../shared/signer.mjs';

const folder = await install();
const bytes = readFileSync(join(folder, 'node_modules/edgemint/dist/edgemint.wasm'));
const slim = await importFrom(folder, 'edgemint/slim');
const keys = Object.fromEntries(await Promise.all([...HMAC, ...ASYMMETRIC].map(async (alg) => [alg, await newKey(alg)])));
const { subtle } = crypto;

test('before it has its module, and after it was given another, it says so; then it takes the right one', async () => {
  const verifier = slim.createVerifier({ ...options, key: keys.ES256.jwk });
  const token = await sign(keys.ES256);
  await assert.rejects(verifier.verify(token), { code: 'wasm_unavailable' });
  assert.throws(() => verifier.verifySync(token), { code: 'wasm_unavailable' });
  // The shortest module that there is, something else, and nothing.
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const wrong of [new WebAssembly.Module(empty), empty, new Uint8Array(8), {}, undefined, 'edgemint.wasm']) {
    assert.throws(() => slim.init(wrong), { code: 'wasm_unavailable' });
  }
  await assert.rejects(verifier.verify(token), { code: 'wasm_unavailable' });
  slim.init(new WebAssembly.Module(bytes));
  // Once more changes nothing, whatever it is.
  slim.init(undefined);
  assert.equal((await verifier.verify(token)).claims.sub, CLAIMS.sub);
});

test('two entries in one program leave each other alone', async () => {
  const both = await install();
  const [node, own] = [await importFrom(both), await importFrom(both, 'edgemint/slim')];
  own.init(bytes);
  const token = await sign(keys.HS256);
  for (const entry of [own, node, own, node]) {
    const verifier = entry.createVerifier({ ...options, key: keys.HS256.jwk, maxTokenBytes: 1024 * 1024 });
    assert.equal(verifier.verifySync(token).claims.sub, CLAIMS.sub);
    const issuer = entry.createIssuer({ issuer: ISSUER, key: keys.HS256.jwk });
    assert.equal(issuer.mintSync({ sub: 's', aud: AUDIENCE, client_id: 'c' }).split('.').length, 3);
  }
});

test('without WebCrypto, as on a page that is not secure, there is what wasm can, and a code for the rest', async (t) => {
  const { getBuiltinModule } = process;
  t.after(() => {
    Object.defineProperty(crypto, 'subtle', { value: subtle, configurable: true });
    process.getBuiltinModule = getBuiltinModule;
  });
  const tokens = Object.fromEntries(await Promise.all(Object.values(keys).map(async (key) => [key.alg, await sign(key)])));
  const signing = (await slim.generateKey('ES256')).toJwk();
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  // Of a page, no Node is behind it.
  process.getBuiltinModule = undefined;
  for (const key of Object.values(keys)) {
    const verification = slim.createVerifier({ ...options, key: key.jwk }).verify(tokens[key.alg]);
    if (HMAC.includes(key.alg) || key.alg === 'EdDSA') assert.equal((await verification).key.alg, key.alg);
    else await assert.rejects(verification, { code: 'algorithm_unavailable' });
  }
  await assert.rejects(slim.createIssuer({ issuer: ISSUER, key: signing }).mint({ sub: 's', aud: AUDIENCE, client_id: 'c' }), { code: 'algorithm_unavailable' });
  await assert.rejects(slim.generateKey('ES256'), { code: 'algorithm_unavailable' });
  await assert.rejects(slim.importKey(keys.ES256.jwk), { code: 'algorithm_unavailable' });
});

test('an older answer that comes after a newer one brings no key back', async () => {
  const [older, newer] = [keys.ES256, keys.EdDSA];
  let fetches = 0;
  // The first is slow on its way, so that another sets off after a second.
  const fetch = async () => {
    fetches += 1;
    const [published, delay] = fetches === 1 ? [older, 2_000] : [newer, 20];
    await pause(delay);
    return new Response(JSON.stringify({ keys: [published.jwk] }), { headers: { 'cache-control': 'max-age=86400' } });
  };
  const verifier = slim.createVerifier({ ...options, jwksUri: 'https://issuer.example/jwks', fetch });
  const [old, current] = [await sign(older), await sign(newer)];
  await Promise.all([verifier.verify(current), pause(50).then(() => verifier.verify(current))]);
  assert.equal(fetches, 2);
  await pause(2_200);
  assert.equal((await verifier.verify(current)).key.alg, 'EdDSA');
  await assert.rejects(verifier.verify(old), { code: 'key_not_found' });
});
