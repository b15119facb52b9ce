// Signing and verifying across engines: every pair of WebCrypto, Node's crypto and wasm, for every algorithm that both support;
// and every engine refuses an invalid signature.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { importFrom, install } from '../shared/consumer.mjs';
import { ASYMMETRIC, AUDIENCE, HMAC, ISSUER, NOW, options, tampered } from '../shared/signer.mjs';

const folder = await install();
const dist = join(folder, 'node_modules/edgemint/dist');
const load = (name) => import(pathToFileURL(join(dist, name)));
const { generateKey } = await importFrom(folder);
const engines = { 'node:crypto': await load('engine_node.js'), WebCrypto: await load('engine_webcrypto.js'), 'wasm alone': await load('engine_wasm.js') };
// A separate instance, which uses wasm for everything that wasm supports.
const slim = await importFrom(await install(), 'edgemint/slim');
slim.init(new WebAssembly.Module(readFileSync(join(dist, 'edgemint.wasm'))));
const wasm = { checks: [...HMAC, 'EdDSA'], signs: HMAC };

const header = (alg) => Buffer.from(JSON.stringify({ alg, typ: 'at+jwt' })).toString('base64url');
const claims = { iss: ISSUER, aud: AUDIENCE, sub: 's', client_id: 'c', iat: NOW, exp: NOW + 60, jti: 'j' };
const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');

/** The signers and the verifiers of an algorithm. */
async function contestants(alg) {
  const key = await generateKey(alg);
  const secret = key.toJwk();
  const verifying = key.type === 'secret' ? secret : key.toPublic().toJwk();
  const input = new TextEncoder().encode(`${header(alg)}.${payload}`);
  const seal = (signature) => `${header(alg)}.${payload}.${Buffer.from(signature).toString('base64url')}`;

  const signers = {};
  for (const [name, { importSign }] of Object.entries(engines)) {
    if (name === 'wasm alone') continue;
    const use = await importSign(secret, alg);
    signers[name] = async () => seal(await use.sign(input));
    if (use.signSync !== undefined) signers[`${name}, at once`] = async () => seal(use.signSync(input));
  }
  if (wasm.signs.includes(alg)) {
    const issuer = slim.createIssuer({ issuer: ISSUER, key: { ...secret, kid: undefined }, now: () => NOW });
    signers.wasm = async () => issuer.mintSync(claims);
  }

  const checkers = {};
  for (const [name, { importVerify }] of Object.entries(engines)) {
    if (name === 'wasm alone' && !wasm.checks.includes(alg)) {
      assert.throws(() => importVerify(verifying, alg), { code: 'algorithm_unavailable' });
      continue;
    }
    const use = await importVerify(verifying, alg);
    const split = (token) => [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)].map((part, index) => Buffer.from(part, index === 0 ? 'utf8' : 'base64url'));
    checkers[name] = async (token) => use.check(...split(token));
    if (use.checkSync !== undefined) checkers[`${name}, at once`] = async (token) => use.checkSync(...split(token));
  }
  if (wasm.checks.includes(alg)) {
    const verifier = slim.createVerifier({ ...options, key: { ...verifying, kid: undefined } });
    checkers.wasm = async (token) => {
      try {
        return verifier.verifySync(token).claims.sub === 's';
      } catch (error) {
        assert.equal(error.code, 'bad_signature');
        return false;
      }
    };
  }

  return { alg, signers, checkers };
}

// Slow work precedes the first test: a runner that is told to end does not wait for tests to come.
for (const { alg, signers, checkers } of await Promise.all([...HMAC, ...ASYMMETRIC].map(contestants))) {
  for (const [signer, sign] of Object.entries(signers)) {
    for (const [checker, check] of Object.entries(checkers)) {
      test(`${alg}: ${checker} verifies what ${signer} signs`, async () => {
        for (let round = 0; round < 5; round += 1) {
          const token = await sign();
          assert.equal(await check(token), true);
          assert.equal(await check(tampered(token)), false);
          assert.equal(await check(`${token.slice(0, token.lastIndexOf('.'))}.${Buffer.from('short').toString('base64url')}`), false);
        }
      });
    }
  }
}

test('wasm and the other engines have been compared where both support an algorithm', () => {
  for (const alg of wasm.checks) assert.ok([...HMAC, ...ASYMMETRIC].includes(alg));
});

test('skips an engine that lacks an algorithm, and refuses an algorithm that no engine has with a code', async () => {
  const { importVerify } = await load('engines.js');
  const { TokenError } = await load('errors.js');
  const lacking = { importVerify: () => { throw new TokenError('algorithm_unavailable'); } };
  const lackingLater = { importVerify: async () => { throw new TokenError('algorithm_unavailable'); } };
  const key = (await generateKey('ES256')).toPublic().toJwk();
  const use = await importVerify({ engines: [lacking, lackingLater, engines.WebCrypto] }, key, 'ES256');
  assert.equal(typeof use.check, 'function');
  for (const others of [[], [lacking], [lackingLater], [lacking, lackingLater]]) {
    await assert.rejects(async () => importVerify({ engines: others }, key, 'ES256'), { code: 'algorithm_unavailable' });
  }
  // An invalid key is invalid for all of them.
  const broken = { importVerify: () => { throw new TokenError('key_unusable'); } };
  await assert.rejects(async () => importVerify({ engines: [broken, engines.WebCrypto] }, key, 'ES256'), { code: 'key_unusable' });
});
