// The entry that is passed its module, alone and beside the entry for Node; and runtimes that lack WebCrypto or fetch.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { immediately, stopTimers } from '../shared/clock.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, AUDIENCE, CLAIMS, HMAC, ISSUER, newKey, options, sign } from '../shared/signer.mjs';

const folder = await install();
const bytes = readFileSync(join(folder, 'node_modules/edgemint/dist/edgemint.wasm'));
const slim = await importFrom(folder, 'edgemint/slim');
const keys = Object.fromEntries(await Promise.all([...HMAC, ...ASYMMETRIC].map(async (alg) => [alg, await newKey(alg)])));
const { subtle } = crypto;

test('reports a missing and an invalid module, and then accepts a valid one', async () => {
  const verifier = slim.createVerifier({ ...options, key: keys.ES256.jwk });
  const token = await sign(keys.ES256);
  await assert.rejects(verifier.verify(token), { code: 'wasm_unavailable' });
  assert.throws(() => verifier.verifySync(token), { code: 'wasm_unavailable' });
  // The shortest module, a value of another type, and nothing.
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const wrong of [new WebAssembly.Module(empty), empty, new Uint8Array(8), {}, undefined, 'edgemint.wasm']) {
    assert.throws(() => slim.init(wrong), { code: 'wasm_unavailable' });
  }
  await assert.rejects(verifier.verify(token), { code: 'wasm_unavailable' });
  slim.init(new WebAssembly.Module(bytes));
  // A second call changes nothing, even with an invalid argument.
  slim.init(undefined);
  assert.equal((await verifier.verify(token)).claims.sub, CLAIMS.sub);
});

test('two entries in one program are independent', async () => {
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

test('without WebCrypto, as on an insecure page, verifies what wasm supports, and refuses the rest with a code', async (t) => {
  const { getBuiltinModule } = process;
  t.after(() => {
    Object.defineProperty(crypto, 'subtle', { value: subtle, configurable: true });
    process.getBuiltinModule = getBuiltinModule;
  });
  const tokens = Object.fromEntries(await Promise.all(Object.values(keys).map(async (key) => [key.alg, await sign(key)])));
  const signing = (await slim.generateKey('ES256')).toJwk();
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  // A page has no Node.
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

test('an older response that arrives after a newer one restores no key', async (t) => {
  const [older, newer] = [keys.ES256, keys.EdDSA];
  const [old, current] = [await sign(older), await sign(newer)];
  const pass = stopTimers(t);
  const answerWith = (published) => new Response(JSON.stringify({ keys: [published.jwk] }), { headers: { 'cache-control': 'max-age=86400' } });
  // The first response is delayed, so that another fetch starts after a second.
  const answers = [];
  const fetch = async () => (answers.length === 2 ? answerWith(newer) : new Promise((resolve) => { answers.push(resolve); }));
  const verifier = slim.createVerifier({ ...options, jwksUri: 'https://issuer.example/jwks', fetch });
  const waiting = Promise.all([verifier.verify(current), verifier.verify(current)]);
  await pass(980);
  assert.equal(answers.length, 1);
  await pass(40);
  assert.equal(answers.length, 2);
  answers[1](answerWith(newer));
  let isDone = false;
  const finished = waiting.finally(() => { isDone = true; });
  for (let tries = 0; !isDone && tries < 1_000; tries += 1) await pass(10);
  await finished;
  const late = answerWith(older);
  answers[0](late);
  while (!late.bodyUsed) await immediately(1);
  await immediately(20);
  assert.equal((await verifier.verify(current)).key.alg, 'EdDSA');
  const refused = assert.rejects(verifier.verify(old), { code: 'key_not_found' });
  await pass(1_000);
  await refused;
});
