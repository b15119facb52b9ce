// The CommonJS form of the package, loaded as test runners load it: in a realm of its own, where `Uint8Array` and
// `WebAssembly.Module` are other classes than those of Node, and, with a DOM, without the globals that jsdom hides.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import vm from 'node:vm';
import { run } from '../../../.scripts/steps.mjs';
import { install } from '../shared/consumer.mjs';
import { ASYMMETRIC, AUDIENCE, CLAIMS, HMAC, ISSUER, newKey, options, sign, tampered } from '../shared/signer.mjs';

const folder = await install();
const dist = join(folder, 'node_modules/edgemint/dist');
const bytes = readFileSync(join(dist, 'edgemint.wasm'));
const keys = await Promise.all([...HMAC, ...ASYMMETRIC].map((alg) => newKey(alg)));

/** A realm with a `require` of its own. `without` names globals that it lacks. */
function realm({ without = [] } = {}) {
  const names = [
    'AbortSignal', 'TextDecoder', 'TextEncoder', 'URL', 'atob', 'btoa', 'crypto', 'fetch', 'process', 'queueMicrotask', 'setTimeout',
  ];
  const context = vm.createContext(Object.fromEntries(names.filter((name) => !without.includes(name)).map((name) => [name, globalThis[name]])));
  const loaded = new Map();
  const load = (path) => {
    if (loaded.has(path)) return loaded.get(path).exports;
    const module = { exports: {} };
    loaded.set(path, module);
    const own = createRequire(path);
    const require = (name) => (name.startsWith('.') ? load(own.resolve(name)) : own(name));
    const wrapped = vm.runInContext(`(function (module, exports, require) {${readFileSync(path, 'utf8')}\n})`, context, { filename: path });
    wrapped(module, module.exports, require, dirname(path));
    return module.exports;
  };
  return { entry: (name) => load(join(dist, 'cjs', `${name}.cjs`)), run: (code) => vm.runInContext(code, context) };
}

// The globals that Jest 30 keeps with jsdom; `crypto` has no `subtle`.
const HIDDEN_BY_JSDOM = ['TextDecoder', 'TextEncoder', 'crypto', 'fetch'];

for (const [name, what, setting] of [
  ['inline_node', 'as Jest loads it for Node', {}],
  ['inline', 'as Jest loads it for jsdom', { without: HIDDEN_BY_JSDOM }],
]) {
  test(`${what}: verifies every algorithm, and refuses a changed signature`, async () => {
    const { createVerifier } = realm(setting).entry(name);
    for (const key of keys) {
      const token = await sign(key);
      const verifier = createVerifier({ ...options, key: key.jwk });
      assert.equal((await verifier.verify(token)).claims.sub, CLAIMS.sub, key.alg);
      await assert.rejects(verifier.verify(tampered(token)), { code: 'bad_signature' }, key.alg);
    }
  });

  test(`${what}: accepts bytes of either realm as a key`, async () => {
    const own = realm(setting);
    const { createIssuer, createVerifier, importKey } = own.entry(name);
    for (const secret of [new Uint8Array(32).fill(7), Buffer.alloc(32, 7), own.run('new Uint8Array(32).fill(7)')]) {
      assert.equal((await importKey(secret, { alg: 'HS256' })).toJwk().k, Buffer.alloc(32, 7).toString('base64url'));
      const token = createIssuer({ issuer: ISSUER, key: secret }).mintSync({ sub: 's', aud: AUDIENCE, client_id: 'c', jti: 'j' });
      const [header, payload, signature] = token.split('.');
      assert.equal(signature, createHmac('sha256', Buffer.alloc(32, 7)).update(`${header}.${payload}`).digest('base64url'));
      assert.equal(createVerifier({ issuer: ISSUER, audience: AUDIENCE, key: secret }).verifySync(token).claims.sub, 's');
    }
    for (const wrong of [new Uint16Array(32), new DataView(new ArrayBuffer(32)), new ArrayBuffer(32), { [Symbol.toStringTag]: 'Uint8Array' }]) {
      assert.throws(() => createVerifier({ ...options, key: wrong }), { code: 'invalid_option' });
    }
  });

  test(`${what}: throws the TokenError of its own realm, which a guard of another copy recognises`, async () => {
    const { createVerifier, TokenError } = realm(setting).entry(name);
    const verifier = createVerifier({ ...options, key: keys[0].jwk });
    const error = await verifier.verify('a.b.c').catch((thrown) => thrown);
    assert.ok(error instanceof TokenError && !(error instanceof Error));
    const { guard } = realm().entry('inline_node');
    // Its Response would be that of the realm, which has none.
    const told = [];
    await guard({ verifier, onError: (refused) => { told.push(refused.code); } }, () => {})({ headers: new Headers({ authorization: 'Bearer a.b.c' }) })
      .catch(() => {});
    assert.deepEqual(told, ['malformed']);
  });
}

test('slim accepts a module that another realm compiled, as edge sandboxes pass it', async () => {
  const own = realm();
  const slim = own.entry('slim');
  const module = new WebAssembly.Module(bytes);
  assert.ok(!(module instanceof own.run('WebAssembly.Module')));
  slim.init(module);
  const token = await sign(keys[0]);
  assert.equal((await slim.createVerifier({ ...options, key: keys[0].jwk }).verify(token)).claims.sub, CLAIMS.sub);
  const other = realm().entry('slim');
  for (const wrong of [new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)), { [Symbol.toStringTag]: 'WebAssembly.Module' }]) {
    assert.throws(() => other.init(wrong), { code: 'wasm_unavailable', message: /no WebAssembly module of this package/ });
  }
});

for (const conditions of [[], ['require']]) {
  test(`every entry can be required${conditions.length > 0 ? ' where a module cannot be' : ''}, and they share what they keep`, async () => {
    // Without `module-sync`, as in Jest and in Node before 20.19.
    const flags = conditions.length > 0 ? ['--no-experimental-require-module'] : [];
    const { stdout } = await run(process.execPath, [...flags, '--eval', `
      const edgemint = require('edgemint');
      const { TokenError } = require('edgemint/errors');
      const { guard } = require('edgemint/express');
      require('edgemint/hono'); require('edgemint/inline'); require('edgemint/slim'); require('edgemint/resource');
      const verifier = edgemint.createVerifier({ issuer: 'https://i.example', audience: 'a', key: new Uint8Array(32), scope: 'read' });
      const response = { writeHead: (status, headers) => ({ end: () => console.log(status, headers['WWW-Authenticate']) }) };
      try { verifier.verifySync('a.b.c'); } catch (error) { console.log(error.code, error instanceof TokenError, error instanceof edgemint.TokenError); }
      guard(verifier)({ headers: {} }, response, () => {});
    `], { cwd: folder, env: { NODE_OPTIONS: '' } });
    assert.equal(stdout, 'malformed true true\n401 Bearer scope="read"\n');
  });
}
