// The guard for Workers, in Node: what it accepts, and its response to everything else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import * as oauth from 'oauth4webapi';
import {
  HEADERS, MALFORMED, MISSING, PREFLIGHT, REFUSED, TokenError, assertRefused, challengeOf, createVerifier, expected, guard,
  lacking, startIssuerWithKey, withBearer,
} from '../shared/guarded.mjs';
import { JWKS } from '../shared/issuer.mjs';
import { newKey, tampered } from '../shared/signer.mjs';

const PLACE = 'https://api.example/notes';
const { issuer, key, token, options } = await startIssuerWithKey();
after(() => issuer.stop());
const never = () => assert.fail('the handler was called');
const bearing = (text, init) => new Request(PLACE, withBearer(text, init));
const authorized = (authorization) => new Request(PLACE, { headers: { authorization } });
/** A verifier that refuses everything with this error. */
const refusing = (thrown) => ({ verify: async () => { throw thrown; } });

/** The response of a guard with these options if no handler may run, and the arguments of `onError`. */
async function refusalOf(given, request) {
  let told;
  const onError = (error) => { told = error; };
  const response = await guard({ ...given, onError }, never)(request);
  return { response, told };
}

test('the handler gets the request, the environment, the context and the token; its response is returned unchanged', async () => {
  const [env, ctx, response] = [{}, {}, new Response('hello')];
  let seen;
  const fetch = guard(options, (...args) => {
    seen = args;
    return response;
  });
  const request = bearing(await token({ sub: 'alice' }));
  assert.equal(await fetch(request, env, ctx), response);
  assert.ok(seen.length === 4 && seen[0] === request && seen[1] === env && seen[2] === ctx);
  assert.deepEqual([seen[3].claims.sub, seen[3].key.alg], ['alice', 'ES256']);
});

test('accepts the scheme in any case, one space or several, and every character that a token may have', async () => {
  let presented;
  const fetch = guard({ verify: async (text) => ((presented = text), { claims: {} }) }, () => new Response());
  for (const authorization of ['Bearer abc', 'bearer abc', 'BEARER abc', 'bEaReR   abc']) {
    assert.equal((await fetch(authorized(authorization))).status, 200, authorization);
    assert.equal(presented, 'abc');
  }
  const all = 'azAZ09-._~+/==';
  await fetch(bearing(all));
  assert.equal(presented, all);
});

test('refuses every other Authorization, without calling the verifier', async (t) => {
  const verifier = createVerifier({ ...options, jwksUri: `${issuer.origin}/never` });
  const readings = { malformed: ['request_invalid', MALFORMED], missing: ['token_missing', MISSING] };
  for (const [what, authorization, reading, sending] of HEADERS) {
    await t.test(what, async () => {
      const [code, answer] = readings[reading];
      const error = { name: 'TokenError', code, status: answer.status, wwwAuthenticate: answer.challenge };
      await assert.rejects(verifier.verifyRequest(authorization), error);
      if (sending === 'trimmed') return;
      if (sending === 'refused') {
        assert.throws(() => authorized(authorization), TypeError);
        return;
      }
      const { response, told } = await refusalOf({ verifier }, authorized(authorization));
      await assertRefused(response, answer);
      assert.equal(told.code, code);
    });
  }
  assert.equal(issuer.count('/never'), 0);
});

test('two headers are malformed, in either order', async () => {
  const headers = new Headers([['authorization', `Bearer ${await token()}`], ['authorization', 'Bearer x']]);
  await assertRefused(await guard(options, never)(new Request(PLACE, { headers })), MALFORMED);
});

test('ignores a token in the query and in a form', async () => {
  const form = new URLSearchParams({ access_token: await token() });
  await assertRefused(await guard(options, never)(new Request(`${PLACE}?${form}`)), MISSING);
  await assertRefused(await guard(options, never)(new Request(PLACE, { method: 'POST', body: form })), MISSING);
});

test('verifyRequest accepts a Request, a message of Node and a header value, and refuses anything else', async () => {
  const verifier = createVerifier(options);
  const authorization = `Bearer ${await token({ sub: 'alice' })}`;
  for (const request of [authorized(authorization), { headers: { authorization } }, authorization]) {
    assert.equal((await verifier.verifyRequest(request)).claims.sub, 'alice');
  }
  const missing = { code: 'token_missing', status: MISSING.status, wwwAuthenticate: MISSING.challenge };
  for (const nothing of [undefined, null, '', { headers: {} }, new Request(PLACE)]) {
    await assert.rejects(verifier.verifyRequest(nothing), missing);
  }
  const isFault = (error) => error.code === 'invalid_option' && error.status === 500 && error.wwwAuthenticate === undefined;
  for (const wrong of [{}, [], { headers: null }, { headers: 'authorization' }]) {
    await assert.rejects(verifier.verifyRequest(wrong), isFault);
  }
  for (const wrong of [5, true, Symbol('x'), () => {}, { headers: { authorization: [authorization] } }]) {
    await assert.rejects(verifier.verifyRequest(wrong), { code: 'request_invalid', status: 400 });
  }
});

test('refuses a header of 10 MB quickly', async () => {
  const verifier = createVerifier(options);
  const [long, longest] = [10_000_000, 1_048_000];
  const cases = [
    [`Bearer ${'a'.repeat(long)}`, 'too_large'],
    [`Bearer ${'='.repeat(long)}`, 'too_large'],
    [`Bearer${' '.repeat(long)}a`, 'too_large'],
    [`Bearer ${'a'.repeat(longest)}`, 'too_large'],
    [`Bearer ${'a'.repeat(longest)}!`, 'request_invalid'],
    [' '.repeat(long), 'request_invalid'],
    ['a'.repeat(long), 'token_missing'],
  ];
  for (const [value, code] of cases) {
    const started = process.cpuUsage();
    await assert.rejects(verifier.verifyRequest(value), { code });
    // White space around a value is not part of it.
    await assert.rejects(verifier.verifyRequest(authorized(value)), { code: value.trim() === '' ? 'token_missing' : code });
    // A tenth of a second of processor time is usual; quadratic behaviour would take minutes.
    const { user } = process.cpuUsage(started);
    assert.ok(user < 10_000_000, `${code}: ${user} microseconds`);
  }
});

test('every refused token gets the same response; only onError gets the reason, and no part of the token', async () => {
  const good = await token();
  const cases = {
    bad_signature: [tampered(good), await token({}, await newKey('ES256', key.kid))],
    expired: [await token({ exp: 1_700_000_000 })],
    audience_mismatch: [await token({ aud: 'https://other.example' })],
    issuer_mismatch: [await token({ iss: 'https://other.example' })],
    claim_missing: [await token({ sub: undefined })],
    malformed: ['abc', 'a.b.c', `${good}=`, '~'],
    too_large: ['a'.repeat(20_000)],
    key_not_found: [await token({}, await newKey('ES256', 'unknown'))],
    // RFC 9449 section 6, RFC 8705 section 3, and values that are neither.
    proof_missing: await Promise.all([{ jkt: 'abc' }, { 'x5t#S256': 'abc' }, {}, null].map((cnf) => token({ cnf }))),
  };
  const verifier = createVerifier(options);
  for (const [code, texts] of Object.entries(cases)) {
    for (const text of texts) {
      const { response, told } = await refusalOf({ verifier }, bearing(text));
      await assertRefused(response, REFUSED, code);
      assert.ok(told instanceof TokenError);
      assert.deepEqual([told.code, told.status, told.wwwAuthenticate], [code, 401, REFUSED.challenge]);
      if (text.length > 20) assert.ok(!text.split('.').some((part) => inspect(told).includes(part)), inspect(told));
    }
  }
});

test('every code has its response, and an unknown one is a fault', async () => {
  const codes = JSON.parse(readFileSync(new URL('../../vectors/error-codes.json', import.meta.url), 'utf8'));
  const unavailable = ['discovery_failed', 'keys_unavailable', 'status_unavailable', 'wasm_unavailable'];
  const faults = ['algorithm_unavailable', 'async_required', 'internal_error', 'invalid_option', 'key_unusable', 'mint_invalid'];
  const answers = {
    token_missing: MISSING,
    request_invalid: MALFORMED,
    proof_missing: REFUSED,
    authentication_insufficient: expected(401, 'insufficient_user_authentication'),
    scope_insufficient: expected(403, 'insufficient_scope'),
    ...Object.fromEntries(unavailable.map((code) => [code, expected(503, 'temporarily_unavailable')])),
    ...Object.fromEntries(faults.map((code) => [code, expected(500, 'server_error')])),
  };
  for (const code of new Set([...Object.keys(codes), ...Object.keys(answers)])) {
    const { response } = await refusalOf({ verifier: refusing(new TokenError(code, 'no')) }, bearing('abc'));
    await assertRefused(response, answers[code] ?? REFUSED, code);
  }
  for (const code of ['no_such_code', 'constructor', '__proto__', 'toString', '']) {
    const { response } = await refusalOf({ verifier: refusing(new TokenError(code, 'no')) }, bearing('abc'));
    await assertRefused(response, expected(500, 'server_error'), code);
  }
});

test('a broken verifier accepts nothing', async () => {
  const faulty = [
    refusing(new Error('secret')), refusing('text'), refusing(undefined), refusing(null), refusing({ code: 'expired' }),
    { verify: async () => undefined }, { verify: async () => ({}) }, { verify: () => { throw new RangeError('secret'); } },
  ];
  for (const verifier of faulty) {
    const { response, told } = await refusalOf({ verifier }, bearing('abc'));
    await assertRefused(response, expected(500, 'server_error'));
    assert.deepEqual([told.name, told.code, told.status], ['TokenError', 'internal_error', 500]);
  }
});

test('the challenge names the scope that the guard or its verifier requires', async () => {
  const text = await token({ scope: 'read write' });
  for (const scope of ['read', 'read write', ['write'], undefined]) {
    assert.equal((await guard({ ...options, scope }, () => new Response())(bearing(text))).status, 200);
  }
  for (const scope of [['read', 'write'], ['read write']]) {
    const texts = bearing(await token({ scope }));
    assert.equal((await guard({ ...options, scope: 'read write' }, () => new Response())(texts)).status, 200);
    await assertRefused((await refusalOf({ ...options, scope: 'admin' }, texts)).response, lacking('admin'));
    await assertRefused((await refusalOf({ verifier: createVerifier(options), scope: 'rea' }, texts)).response, lacking('rea'));
  }
  const verifier = createVerifier({ ...options, scope: 'read admin' });
  const reader = createVerifier({ ...options, scope: 'read' });
  const cases = [
    [{ ...options, scope: 'admin' }, 'admin'],
    [{ ...options, scope: ['read', 'rea'] }, 'read rea'],
    [{ verifier }, 'read admin'],
    [{ verifier: reader, scope: 'admin read' }, 'read admin'],
  ];
  for (const [given, scope] of cases) await assertRefused((await refusalOf(given, bearing(text))).response, lacking(scope));
  const { response } = await refusalOf({ verifier: reader }, bearing(await token({ scope: undefined })));
  await assertRefused(response, lacking('read'));
  const { challenge } = lacking('read admin');
  await assert.rejects(verifier.verifyRequest(bearing(text)), { status: 403, claim: 'scope', wwwAuthenticate: challenge });
  // Also without a token, since the client needs to know what to request; not with an invalid one.
  await assertRefused(await guard(verifier, never)(new Request(PLACE)), { ...MISSING, challenge: 'Bearer scope="read admin"' });
  await assertRefused(await guard(verifier, never)(bearing(tampered(text))), REFUSED);
});

test('realm and resource_metadata are in every challenge, quoted, as two third-party clients read them', async () => {
  const realm = 'a "realm", with \\ and, error="none"';
  const resourceMetadata = 'https://api.example/metadata?x=\\"';
  const url = 'https://api.example/metadata?x=\\%22';
  const fetch = guard({ ...options, scope: 'admin', realm, resourceMetadata }, never);
  const before = 'realm="a \\"realm\\", with \\\\ and, error=\\"none\\"", '
    + 'resource_metadata="https://api.example/metadata?x=\\\\%22", ';
  const cases = [
    [new Request(PLACE), { ...MISSING, challenge: `Bearer ${before}scope="admin"` }, { scope: 'admin' }],
    [bearing('x'), { ...REFUSED, challenge: challengeOf('invalid_token', { before }) }, { error: 'invalid_token' }],
    [bearing('x y'), { ...MALFORMED, challenge: challengeOf('invalid_request', { before }) }, { error: 'invalid_request' }],
    [bearing(await token({ scope: 'read' })), lacking('admin', before), { error: 'insufficient_scope', scope: 'admin' }],
  ];
  for (const [request, answer, { error, scope }] of cases) {
    const response = await fetch(request);
    const client = { [oauth.customFetch]: async () => response.clone() };
    const asked = oauth.protectedResourceRequest('x', 'GET', new URL(PLACE), undefined, undefined, client);
    await assert.rejects(asked, ({ cause: challenges }) => {
      assert.deepEqual(challenges.map(({ scheme }) => scheme), ['bearer']);
      const [{ parameters }] = challenges;
      assert.deepEqual([parameters.realm, parameters.resource_metadata], [realm, url]);
      assert.deepEqual([parameters.error, parameters.scope], [error, scope]);
      return true;
    });
    await assertRefused(response, answer);
  }
  const metadata = new URL('https://api.example/metadata');
  const plain = await guard({ ...options, scope: 'read write', resourceMetadata: metadata }, never)(new Request(PLACE));
  assert.equal(plain.headers.get('www-authenticate'), `Bearer resource_metadata="${metadata}", scope="read write"`);
  const read = extractWWWAuthenticateParams(plain);
  assert.deepEqual([read.resourceMetadataUrl.href, read.scope], [metadata.href, 'read write']);
});

test('while the issuer is unavailable it responds 503 with Retry-After and no challenge, and recovers', async (t) => {
  const good = issuer.routes[JWKS];
  let told;
  const fetch = guard({ ...options, onError: ({ code }) => { told = code; } }, () => new Response());
  const text = await token();
  issuer.routes[JWKS] = (_, response) => response.writeHead(500).end();
  try {
    await assertRefused(await fetch(bearing(text)), expected(503, 'temporarily_unavailable'));
  } finally {
    issuer.routes[JWKS] = good;
  }
  assert.equal(told, 'keys_unavailable');
  const later = Date.now() + 5_000;
  t.mock.method(Date, 'now', () => later);
  assert.equal((await fetch(bearing(text))).status, 200);
});

test('a CORS preflight is refused like any request without a token, and the error says what to do', async () => {
  const told = [];
  for (const init of [PREFLIGHT, { method: 'OPTIONS' }, { headers: PREFLIGHT.headers }]) {
    const { response, told: error } = await refusalOf(options, new Request(PLACE, init));
    await assertRefused(response, MISSING);
    told.push([error.code, error.message.includes('preflight')]);
  }
  assert.deepEqual(told, [['token_missing', true], ['token_missing', false], ['token_missing', false]]);
});

test('what the handler throws, and the bodies, pass through unchanged', async () => {
  const text = await token();
  const errors = [new Error('mine'), new TokenError('expired', 'another token')];
  for (const error of errors) {
    for (const handler of [() => { throw error; }, async () => { throw error; }]) {
      await assert.rejects(guard(options, handler)(bearing(text)), (thrown) => thrown === error && thrown.status === undefined);
    }
  }
  const body = ReadableStream.from(['one', 'two'].map((part) => new TextEncoder().encode(part)));
  const echo = guard(options, (request) => {
    assert.equal(request.bodyUsed, false);
    return new Response(request.body);
  });
  assert.equal(await (await echo(bearing(text, { method: 'POST', body, duplex: 'half' }))).text(), 'onetwo');
  const refused = bearing('x', { method: 'POST', body: 'not read' });
  await guard(options, never)(refused);
  assert.equal(refused.bodyUsed, false);
});

test('with a token, every method passes', async () => {
  const fetch = guard(options, ({ method }) => new Response(null, { headers: { method } }));
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PURGE']) {
    const response = await fetch(bearing(await token(), { method }));
    assert.equal(response.headers.get('method'), method);
  }
});
