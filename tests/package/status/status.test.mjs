// The verifier's result for each status, in each way to verify.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { StatusList } from '@sd-jwt/jwt-status-list';
import { stopClock, until } from '../shared/clock.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import { LIST, listOf, seconds, signList, startLists } from '../shared/lists.mjs';
import { newKey, tampered } from '../shared/signer.mjs';

const folder = await install();
const { createVerifier, guard, TokenError } = await importFrom(folder);
const { guard: honoGuard } = await importFrom(folder, 'edgemint/hono');
const { guard: expressGuard } = await importFrom(folder, 'edgemint/express');
const { source, lists } = JSON.parse(readFileSync(new URL('../../vectors/status-list.json', import.meta.url), 'utf8'));
const [key, other, secret] = await Promise.all([newKey('ES256'), newKey('EdDSA', 'other'), newKey('HS256')]);

async function start(t, more) {
  const site = await startLists(t, key);
  return { ...site, verifier: createVerifier({ ...site.options, status: 'check', ...more }) };
}

const codeOf = async (promise) => {
  try {
    await promise;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof TokenError, error.stack);
    return error.code;
  }
};
const codeOfSync = (act) => {
  try {
    act();
    return undefined;
  } catch ({ code }) {
    return code;
  }
};

test('without the option no list is fetched', async (t) => {
  const { token, list, options, fetches } = await startLists(t, key);
  list.statuses = { 5: 1 };
  for (const status of [undefined, false]) {
    const verifier = createVerifier({ ...options, status });
    assert.equal((await verifier.verify(await token(5))).claims.status.status_list.idx, 5);
    assert.deepEqual(verifier.status, { lists: 0, age: undefined, error: undefined });
    assert.ok((await verifier.explain(await token(5))).checks.every(({ name }) => name !== 'status'));
  }
  assert.equal(fetches(), 0);
});

for (const [bits, statuses] of Object.entries({ 1: [0, 1], 2: [0, 1, 2, 3], 4: [0, 1, 2, 3, 14, 15], 8: [0, 1, 2, 3, 128, 255] })) {
  test(`lists of ${bits} bits: valid, revoked, and the other values`, async (t) => {
    const { verifier, token, list } = await start(t);
    Object.assign(list, { bits: Number(bits), statuses: { ...statuses } });
    const expected = (status) => (status === 0 ? undefined : status === 1 ? 'revoked' : 'suspended');
    for (const [index, status] of statuses.entries()) {
      assert.equal(await codeOf(verifier.verify(await token(index))), expected(status), `${status}`);
    }
    // The neighbouring indices are unaffected.
    assert.equal(await codeOf(verifier.verify(await token(statuses.length))), undefined);
  });
}

test('the refusal names the claim and the reason', async (t) => {
  const { verifier, token, list } = await start(t);
  list.statuses = { 5: 1 };
  await assert.rejects(verifier.verify(await token(5)), { code: 'revoked', claim: 'status', message: 'the token has been revoked' });
});

for (const { name, bits, lst, size, all, statuses } of lists) {
  test(`${source}: ${name}`, async (t) => {
    const { verifier, token, list } = await start(t);
    list.claims.status_list = { bits, lst };
    const given = Object.entries(statuses ?? all).map(([index, status]) => [Number(index), status]);
    const zeros = given.flatMap(([index]) => [index - 1, index + 1])
      .filter((index) => index >= 0 && index < size && !given.some(([one]) => one === index));
    for (const [index, status] of [...given, ...zeros.map((index) => [index, 0]), [size - 1, given.find(([one]) => one === size - 1)?.[1] ?? 0]]) {
      const expected = status === 0 ? undefined : status === 1 ? 'revoked' : 'suspended';
      assert.equal(await codeOf(verifier.verify(await token(index))), expected, `${index}`);
    }
    assert.equal(await codeOf(verifier.verify(await token(size))), 'status_unavailable');
  });
}

for (const bits of [1, 2, 4, 8]) {
  test(`reads lists of ${bits} bits by @sd-jwt/jwt-status-list, which reads ours`, async (t) => {
    const { verifier, token, list } = await start(t);
    const values = Array.from({ length: 1000 }, (_, index) => (index * 7919) % 2 ** bits);
    list.claims.status_list = { bits, lst: new StatusList(values, bits).compressStatusList() };
    for (const index of [...Array(20).keys(), 511, 512, 998, 999]) {
      const expected = ['none', 'revoked'][values[index]] ?? 'suspended';
      assert.equal(await codeOf(verifier.verify(await token(index))) ?? 'none', expected, `${index}`);
    }
    const theirs = StatusList.decompressStatusList(listOf({ ...values }, { bits, size: 1000 }).lst, bits);
    assert.deepEqual(values.map((_, index) => theirs.getStatus(index)), values);
  });
}

test('refuses a token without a status list entry, unless the option allows it', async (t) => {
  const { tokenWith, options, fetches } = await startLists(t, key);
  const token = await tokenWith(undefined);
  await assert.rejects(createVerifier({ ...options, status: 'check' }).verify(token), { code: 'status_missing', claim: 'status' });
  await assert.rejects(createVerifier({ ...options, status: {} }).verify(token), { code: 'status_missing' });
  assert.equal((await createVerifier({ ...options, status: { missing: 'accept' } }).verify(token)).claims.status, undefined);
  assert.equal(createVerifier({ ...options, key: key.jwk, jwksUri: undefined, status: { missing: 'accept' } }).verifySync(token).claims.status, undefined);
  assert.equal(fetches(), 0);
});

const BAD_REFERENCES = {
  'a status that is no object': ['x', 1, null, [], true],
  'another mechanism': [{}, { other: {} }],
  'a status_list that is no object': [{ status_list: null }, { status_list: [] }, { status_list: 'x' }],
  'an invalid idx': [undefined, null, -1, 1.5, '1', 2 ** 53, 1e300, [1], true].map((idx) => ({ status_list: { idx, uri: 'https://lists.example/1' } })),
  'an invalid uri': [undefined, null, '', 'lists', 1, {}, ['https://lists.example/1']].map((uri) => ({ status_list: { idx: 1, uri } })),
  'a uri that is unsafe': ['http://lists.example/1', 'ftp://lists.example/1', 'file:///etc/passwd', 'data:,x', 'https://a:b@lists.example/1',
    'http://127.0.0.1.lists.example/'].map((uri) => ({ status_list: { idx: 1, uri } })),
};
for (const [what, references] of Object.entries(BAD_REFERENCES)) {
  test(`refuses an invalid reference: ${what}`, async (t) => {
    const fetched = [];
    const { tokenWith, options } = await startLists(t, key);
    const fetch = (url, init) => {
      if (!url.startsWith(options.issuer)) fetched.push(url);
      return globalThis.fetch(url, init);
    };
    // Refused with every setting of the option.
    const verifier = createVerifier({ ...options, fetch, status: { missing: 'accept', unavailable: 'accept' } });
    for (const reference of references) {
      const token = await tokenWith(reference);
      await assert.rejects(verifier.verify(token), { code: 'claim_invalid', claim: 'status' }, JSON.stringify(reference));
      assert.equal(codeOfSync(() => verifier.verifySync(token)), 'claim_invalid');
    }
    assert.deepEqual(fetched, []);
  });
}

test('a token of an issuer on the network causes no fetch from this machine', async (t) => {
  const { uri, issuer, fetches, token, options } = await startLists(t, key);
  const verifier = createVerifier({ ...options, issuer: [issuer.issuer, 'https://issuer.example'], status: 'check' });
  const foreign = await token(1, { claims: { iss: 'https://issuer.example' } });
  await assert.rejects(verifier.verify(foreign), { code: 'claim_invalid', claim: 'status' }, uri);
  assert.equal(fetches(), 0);
});

test('a token that is invalid by itself causes no fetch', async (t) => {
  const { verifier, token, fetches } = await start(t, { scope: 'admin' });
  assert.equal(await codeOf(verifier.verify(await token(1))), 'scope_insufficient');
  assert.equal(await codeOf(verifier.verify(tampered(await token(1)))), 'bad_signature');
  assert.equal(await codeOf(verifier.verify(await token(1, { claims: { exp: seconds() - 1 } }))), 'expired');
  assert.equal((await verifier.explain(tampered(await token(1)))).checks.at(-1).ok, null);
  assert.equal(fetches(), 0);
});

test('verifySync works once the list is cached', async (t) => {
  const { verifier, token, list, fetches } = await start(t);
  list.statuses = { 5: 1 };
  const [good, revoked] = await Promise.all([token(4), token(5)]);
  assert.equal(codeOfSync(() => verifier.verifySync(good)), 'async_required');
  // The keys are cached now, but the list is not: the call has it fetched.
  await until(() => verifier.keys.age !== undefined);
  assert.equal(codeOfSync(() => verifier.verifySync(good)), 'async_required');
  await until(() => codeOfSync(() => verifier.verifySync(good)) === undefined);
  assert.equal(codeOfSync(() => verifier.verifySync(revoked)), 'revoked');
  assert.equal(fetches(), 1);
});

test('verifyAll and verifyRequest check the status', async (t) => {
  const { verifier, token, tokenWith, list } = await start(t);
  list.bits = 2;
  list.statuses = { 5: 1, 6: 2 };
  const tokens = [...await Promise.all([4, 5, 6].map((index) => token(index))), await tokenWith(undefined)];
  const results = await verifier.verifyAll(tokens);
  assert.deepEqual(results.map(({ error }) => error?.code), [undefined, 'revoked', 'suspended', 'status_missing']);
  const answers = await Promise.all(tokens.map((one) => verifier.verifyRequest(`Bearer ${one}`).then(() => 200, ({ status, wwwAuthenticate }) => [status, wwwAuthenticate])));
  const [status, challenge] = answers[1];
  assert.equal(status, 401);
  assert.match(challenge, /error="invalid_token"/);
  assert.deepEqual(answers, [200, ...Array(3).fill([status, challenge])]);
});

test('a guard responds 401 for a revoked token, and 503 while the status is unknown', async (t) => {
  const { options, token, list, issuer } = await startLists(t, key);
  list.statuses = { 5: 1 };
  const told = [];
  const checked = { ...options, status: 'check' };
  const next = () => new Response('in');
  const fetch = guard({ ...checked, onError: ({ code }) => told.push(code) }, next);
  const ask = async (index) => fetch(new Request('https://api.example/', { headers: { authorization: `Bearer ${await token(index)}` } }), {}, {});
  assert.equal((await ask(4)).status, 200);
  assert.equal((await ask(5)).status, 401);
  issuer.routes[LIST] = (_, response) => response.writeHead(500).end();
  const cold = guard({ ...checked, onError: ({ code }) => told.push(code) }, next);
  const answer = await cold(new Request('https://api.example/', { headers: { authorization: `Bearer ${await token(4)}` } }), {}, {});
  assert.deepEqual([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')], [503, '5', null]);
  assert.deepEqual(told, ['revoked', 'status_unavailable']);
});

test('the guards for Hono and Express do so too, and try synchronously first', async (t) => {
  const { options, token, list } = await startLists(t, key);
  list.statuses = { 5: 1 };
  const express = expressGuard({ ...options, status: 'check' });
  const through = async (index) => {
    const request = { headers: { authorization: `Bearer ${await token(index)}` }, rawHeaders: [] };
    return new Promise((resolve) => {
      const response = { headersSent: false, setHeader() {}, set() { return this; }, status(code) { this.statusCode = code; return this; },
        writeHead(code) { this.statusCode = code; return this; }, end() { resolve(this.statusCode); }, send() { resolve(this.statusCode); } };
      express(request, response, () => resolve('next'));
    });
  };
  assert.deepEqual([await through(4), await through(5), await through(4), await through(5)], ['next', 401, 'next', 401]);
  const hono = honoGuard({ ...options, status: 'check' });
  const context = async (index) => {
    const raw = new Request('https://api.example/', { headers: { authorization: `Bearer ${await token(index)}` } });
    const answer = await hono({ req: { raw }, env: {}, set() {} }, async () => {});
    return answer?.status;
  };
  assert.deepEqual([await context(4), await context(5)], [undefined, 401]);
});

test('a cached token is checked again', async (t) => {
  const turn = stopClock(t);
  const { verifier, token, list, fetches } = await start(t, { cache: { max: 10 } });
  const one = await token(5);
  await verifier.verify(one);
  verifier.verifySync(one);
  list.statuses = { 5: 1 };
  turn(61);
  verifier.verifySync(one);
  await until(() => codeOfSync(() => verifier.verifySync(one)) === 'revoked');
  assert.equal(await codeOf(verifier.verify(one)), 'revoked');
  assert.equal(fetches(), 2);
  list.statuses = {};
  turn(61);
  await until(async () => (await codeOf(verifier.verify(one))) === undefined);
});

test('explain reports the result of the check', async (t) => {
  const { verifier, token, tokenWith, list, issuer } = await start(t);
  list.statuses = { 5: 1 };
  const last = async (text) => (await verifier.explain(text)).checks.at(-1);
  assert.deepEqual(await last(await token(4)), { name: 'status', ok: true });
  assert.deepEqual(await last(await token(5)), { name: 'status', ok: false, code: 'revoked', claim: 'status', sentence: 'the token has been revoked' });
  assert.equal((await last(await tokenWith(undefined))).code, 'status_missing');
  assert.deepEqual(await last(await token(4, { claims: { aud: 'x' } })), { name: 'status', ok: null });
  issuer.routes['/other'] = (_, response) => response.writeHead(500).end();
  const { code, sentence } = await last(await tokenWith({ status_list: { idx: 1, uri: `${issuer.origin}/other` } }));
  assert.equal(code, 'status_unavailable');
  assert.match(sentence, /status 500/);
});

test('with given keys, lists are fetched by the given fetch', async (t) => {
  for (const own of [key, secret]) {
    const site = await startLists(t, own);
    site.list.statuses = { 5: 1 };
    let fetched = 0;
    const fetch = (...args) => {
      fetched += 1;
      return globalThis.fetch(...args);
    };
    const verifier = createVerifier({ ...site.options, jwksUri: undefined, key: own.jwk, fetch, status: 'check' });
    assert.equal(await codeOf(verifier.verify(await site.token(4))), undefined);
    assert.equal(await codeOf(verifier.verify(await site.token(5))), 'revoked');
    assert.equal(fetched, 1);
  }
  const site = await startLists(t, key);
  site.list.statuses = { 5: 1 };
  const handle = await crypto.subtle.importKey('jwk', key.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  const verifier = createVerifier({ ...site.options, jwksUri: undefined, key: handle, status: 'check' });
  assert.deepEqual([await codeOf(verifier.verify(await site.token(4))), await codeOf(verifier.verify(await site.token(5)))], [undefined, 'revoked']);
});

test('a list that is signed with a newly published key is accepted, as a token is', async (t) => {
  const { verifier, token, tokenWith, issuer } = await start(t);
  await verifier.verify(await token(1));
  issuer.publish(key, other);
  const second = `${issuer.origin}/statuslists/2`;
  issuer.routes['/statuslists/2'] = async (_, response) => response.writeHead(200, { 'content-type': 'application/statuslist+jwt' })
    .end(await signList(other, { sub: second, iat: seconds(), status_list: listOf({ 5: 1 }) }));
  assert.equal(await codeOf(verifier.verify(await tokenWith({ status_list: { idx: 5, uri: second } }))), 'revoked');
  assert.equal(issuer.count('/jwks.json'), 2);
});

test('a token is not accepted as a list, nor a list as a token', async (t) => {
  const { verifier, token, list, text, uri, issuer, options } = await start(t);
  // A token with the claims of a list.
  list.text = await token(1, { claims: { sub: uri, status_list: listOf({}) } });
  await assert.rejects(verifier.verify(await token(1)), { code: 'status_unavailable', message: /another type/ });
  list.text = undefined;
  const claims = { iss: issuer.issuer, aud: options.audience, exp: seconds() + 60, client_id: 'c', jti: 'j', status: { status_list: { idx: 1, uri } } };
  list.claims = claims;
  assert.equal(await codeOf(verifier.verify(await text())), 'type_mismatch');
  assert.equal(await codeOf(createVerifier(options).verify(await text())), 'type_mismatch');
});

test('reports the cached lists', async (t) => {
  const turn = stopClock(t);
  const { verifier, token, issuer } = await start(t);
  assert.deepEqual(verifier.status, { lists: 0, age: undefined, error: undefined });
  await verifier.verify(await token(1));
  assert.deepEqual(verifier.status, { lists: 1, age: 0, error: undefined });
  issuer.routes[LIST] = (_, response) => response.writeHead(500).end();
  turn(65);
  await verifier.verify(await token(1));
  await until(() => verifier.status.error !== undefined);
  assert.deepEqual([verifier.status.lists, verifier.status.age, verifier.status.error.code], [1, 65, 'status_unavailable']);
  turn(30);
  assert.deepEqual([verifier.status.lists, verifier.status.age], [0, undefined]);
});
