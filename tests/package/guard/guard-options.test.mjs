// The options of a guard: given directly or by a function of the environment, with a verifier or without.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { createVerifier, guard, startIssuerWithKey, withBearer } from '../shared/guarded.mjs';
import { JWKS } from '../shared/issuer.mjs';

const PLACE = 'https://api.example/notes';
const { issuer, token, options } = await startIssuerWithKey();
after(() => issuer.stop());
const verifier = createVerifier(options);
const text = await token({ scope: 'read' });
const never = () => assert.fail('the handler was called');
const ok = () => new Response();
const good = () => new Request(PLACE, withBearer(text));

test('several guards with one verifier fetch its keys once', async () => {
  const before = issuer.count(JWKS);
  assert.equal((await guard({ verifier, scope: 'read' }, ok)(good())).status, 200);
  assert.equal((await guard({ verifier, scope: 'write' }, never)(good())).status, 403);
  assert.equal((await guard(verifier, ok)(good())).status, 200);
  assert.equal(issuer.count(JWKS), before + 1);
});

test('accepts a verifier from another implementation', async () => {
  class Verifier {
    async verify(presented) {
      return { claims: { presented } };
    }
  }
  const fetch = guard(new Verifier(), (request, env, ctx, { claims }) => new Response(claims.presented));
  assert.equal(await (await fetch(good())).text(), text);
});

test('onError gets every error with its request, and is awaited', async () => {
  const [env, ctx, request] = [{}, {}, new Request(PLACE)];
  const told = [];
  let isDone = false;
  const onError = async (...args) => {
    told.push(args);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    isDone = true;
  };
  await guard({ ...options, onError }, never)(request, env, ctx);
  assert.ok(isDone);
  const [[error, ...where], ...more] = told;
  assert.deepEqual([error.code, where.length, more.length], ['token_missing', 3, 0]);
  assert.ok(where[0] === request && where[1] === env && where[2] === ctx);
  await guard({ ...options, onError: () => assert.fail('nothing went wrong') }, ok)(good());
});

test('what onError throws passes through, and no handler runs', async () => {
  const error = new Error('the log is full');
  for (const onError of [() => { throw error; }, async () => { throw error; }]) {
    await assert.rejects(guard({ ...options, onError }, never)(new Request(PLACE)), (thrown) => thrown === error);
  }
});

for (const asynchronous of [false, true]) {
  test(`${asynchronous ? 'an asynchronous' : 'a'} function of the environment is called once per environment`, async () => {
    const seen = [];
    const fetch = guard((env) => {
      seen.push(env);
      const given = env?.verifier ?? { ...options, ...env };
      return asynchronous ? Promise.resolve(given) : given;
    }, ok);
    const [one, other, another] = [{ clockTolerance: 1 }, { audience: 'https://other.example' }, { verifier }];
    const answers = [];
    for (const env of [one, one, other, other, another, another, undefined, undefined, null, 'text']) {
      answers.push((await fetch(good(), env)).status);
    }
    assert.deepEqual(answers, [200, 200, 401, 401, 200, 200, 200, 200, 200, 200]);
    assert.deepEqual(seen, [one, other, another, undefined]);
  });
}

test('concurrent requests share one verifier once asynchronous options are ready', async () => {
  const before = issuer.count(JWKS);
  const env = {};
  const fetch = guard(async () => options, ok);
  const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(good(), env)));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  assert.equal(issuer.count(JWKS), before + 1);
});

test('a function of the environment that throws, or returns invalid options, rejects and calls no handler', async () => {
  const error = new Error('no such secret');
  for (const given of [() => { throw error; }, async () => { throw error; }]) {
    await assert.rejects(guard(given, never)(good(), {}), (thrown) => thrown === error);
  }
  for (const given of [undefined, null, 'text', { issuer: undefined, audience: 'a' }, { ...options, scopes: 'read' }]) {
    await assert.rejects(guard(() => given, never)(good(), {}), { name: 'TokenError', code: 'invalid_option' });
  }
});

test('a failure is not cached: the next request asks again', async () => {
  let calls = 0;
  const env = {};
  const fetch = guard(() => (calls++ === 0 ? undefined : options), ok);
  await assert.rejects(fetch(good(), env), { code: 'invalid_option' });
  assert.equal((await fetch(good(), env)).status, 200);
});

const WRONG = {
  options: [undefined, null, 'text', 5, [], {}, { audience: 'a' }],
  names: [
    { ...options, scopes: 'read' }, { ...options, variable: 'token' }, { verifier, issuer: options.issuer }, { verifier, scopes: 'a' },
  ],
  verifier: [{}, null, 'text', { verify: 'text' }].map((wrong) => ({ verifier: wrong })),
  scope: eachWith('scope', '', [], 'a  b', ' a', 'a"', 'a\\', '\u00e9', [5], [''], ['a b'], 5, null),
  realm: eachWith('realm', 5, 'a\n', '\u00e9', '\0', null),
  resourceMetadata: eachWith(
    'resourceMetadata', 'text', '', 'http://api.example', 'https://api.example#x', 'https://user:secret@api.example', null, {}, 5,
  ),
  acr: eachWith('acr', '', [], 'a  b', ' a', 'a"', 'a\\', 'a\n', '\u00e9', [5], [''], ['a b'], 5, null, true),
  maxAge: eachWith('maxAge', 0, -1, 1.5, '300', NaN, Infinity, null, [300]),
  onError: eachWith('onError', 'text', null, {}),
};

function eachWith(name, ...values) {
  return values.map((value) => ({ verifier, [name]: value }));
}

for (const [what, wrong] of Object.entries(WRONG)) {
  test(`refuses invalid options when the guard is created: ${what}`, () => {
    for (const given of wrong) {
      assert.throws(() => guard(given, never), { name: 'TokenError', code: 'invalid_option' }, inspect(given));
    }
  });
}

test('refuses a handler that is no function', () => {
  for (const handler of [undefined, null, {}, 'text']) {
    assert.throws(() => guard(options, handler), { name: 'TokenError', code: 'invalid_option' });
  }
});

test('verifyRequest refuses a misspelt challenge option', async () => {
  assert.equal((await verifier.verifyRequest(good(), { scope: 'read' })).claims.scope, 'read');
  await assert.rejects(verifier.verifyRequest(good(), { scope: 'admin' }), { code: 'scope_insufficient', status: 403 });
  for (const wrong of [{ scopes: 'admin' }, 'admin', ['admin'], null, 7, { scope: 5 }, { scope: '' }, { realm: 7 }, { resourceMetadata: 'x' }]) {
    await assert.rejects(verifier.verifyRequest(good(), wrong), { code: 'invalid_option', status: 500 });
  }
});
