// Invalid status lists, each served for real: the token is refused, and the error names the fault.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { importFrom, install } from '../shared/consumer.mjs';
import { LIST, MEDIA_TYPE, listOf, packed, seconds, signList, startLists } from '../shared/lists.mjs';
import { base64url, newKey, signByHand, tampered } from '../shared/signer.mjs';

const folder = await install();
const { createVerifier } = await importFrom(folder);
const [key, stranger, forger] = await Promise.all([newKey('ES256'), newKey('ES256', 'stranger'), newKey('ES256')]);
const CODE = 'status_unavailable';

/** A status list member whose `lst` has these compressed bytes. */
const withLst = (bytes) => ({ claims: { status_list: { bits: 1, lst: base64url(bytes) } } });
const whole = deflateSync(packed({}));
const claims = (changed) => ({ claims: changed });
/** Sends a body of its own, derived from a signed list. */
const answer = (body, { status = 200, headers = {} } = {}) => ({
  async route(site, _, response) {
    const text = await site.text();
    response.writeHead(status, { 'content-type': MEDIA_TYPE, ...headers }).end(typeof body === 'function' ? body(text) : body ?? text);
  },
});

/** The fault, the response that has it, the expected message, and the code of the cause. */
const REFUSED = [
  ['a bit of the signature changed', answer(tampered), /does not verify/, 'bad_signature'],
  ['a list without a signature', answer((text) => text.split('.').slice(0, 2).join('.').concat('.')), /is refused: /, 'bad_signature'],
  ['a key that is not the issuer\'s', { key: stranger }, /no key of the issuer/, 'key_not_found'],
  ['a key by the name of the issuer\'s', { key: forger }, /does not verify/, 'bad_signature'],
  ['an algorithm "none"', answer((text) => `${base64url('{"alg":"none","typ":"statuslist+jwt"}')}.${text.split('.')[1]}.`), /algorithm/, 'algorithm_not_allowed'],
  ['a public key used as a secret', answer((text) => {
    const [, payload] = text.split('.');
    const by = { alg: 'HS256', secret: Buffer.from(JSON.stringify(key.jwk)) };
    return signByHand(by, { alg: 'HS256', kid: key.kid, typ: 'statuslist+jwt' }, Buffer.from(payload, 'base64url').toString());
  }), /algorithm/, 'key_mismatch'],
  ...['JWT', 'at+jwt', 'statuslist+cwt', 'statuslist', undefined].map((typ) => [`typ ${typ}`, { header: { typ } }, /another type/, 'type_mismatch']),
  ['an extension that is not understood', { header: { crit: ['b64'], b64: true } }, /unsupported/, 'unsupported'],
  ['an empty response', answer(''), /well-formed/, 'malformed'],
  ['another sub', claims({ sub: 'https://lists.example/2' }), /has another sub/],
  ['a sub with a slash at the end', (site) => claims({ sub: `${site.uri}/` }), /has another sub/],
  ['no sub', claims({ sub: undefined }), /required claim/, 'claim_missing'],
  ['another iss', claims({ iss: 'https://other.example' }), /another issuer/],
  ['an iss that is no text', claims({ iss: 1 }), /is refused: /, 'claim_invalid'],
  ['no iat', claims({ iat: undefined }), /required claim/, 'claim_missing'],
  ['iat as text', claims({ iat: '1' }), /wrong type/, 'claim_invalid'],
  ['issued in the future', () => claims({ iat: seconds() + 120 }), /in the future/],
  ['expired', () => claims({ exp: seconds() - 1 }), /expired/, 'expired'],
  ['exp as text', () => claims({ exp: `${seconds() + 60}` }), /wrong type/, 'claim_invalid'],
  ['nbf in the future', () => claims({ nbf: seconds() + 120 }), /not valid yet/, 'not_yet_valid'],
  ...[0, -1, '60', null, {}].map((ttl) => [`ttl ${JSON.stringify(ttl)}`, claims({ ttl }), /ttl that is not a positive number/]),
  ['no status_list', claims({ status_list: undefined }), /required claim/, 'claim_missing'],
  ...[null, [], 'x', {}].map((list) => [`status_list ${JSON.stringify(list)}`, claims({ status_list: list }), /bits/]),
  ...[0, 3, 16, -1, 1.5, '1', null, true, [1], undefined].map((bits) => [`bits ${JSON.stringify(bits)}`, claims({ status_list: { ...listOf({}), bits } }), /bits other than 1, 2, 4 or 8/]),
  ...['+/+/', 'eNo=', 'eN o', 'eNrbuRgAAhcBXR', 'a', 1, null, undefined, ['eNrbuRgAAhcBXQ']]
    .map((lst) => [`lst ${JSON.stringify(lst)}`, claims({ status_list: { bits: 1, lst } }), /not base64url/]),
  ['an empty lst', withLst(Buffer.alloc(0)), /cannot be inflated/],
  ['not compressed', withLst(packed({})), /cannot be inflated/],
  ['gzip', withLst(gzipSync(packed({}))), /cannot be inflated/],
  ['DEFLATE without zlib around', withLst(deflateRawSync(packed({}))), /cannot be inflated/],
  ['garbage behind the end', withLst(Buffer.concat([whole, Buffer.from('more')])), /cannot be inflated/],
  ['another stream behind the end', withLst(Buffer.concat([whole, deflateSync(packed({ 1: 1 }))])), /cannot be inflated/],
  ...[1, 2, 4, 5, 9].map((bytes) => [`cut short by ${bytes} bytes`, withLst(whole.subarray(0, -bytes)), /cannot be inflated/]),
  ['a bad checksum', withLst(Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1) ^ 1])])), /cannot be inflated/],
  ['more than 4 MiB when inflated', withLst(deflateSync(Buffer.alloc(4 * 1024 * 1024 + 1))), /more than 4 MiB/],
  ['280 MB when inflated', withLst(deflateSync(Buffer.alloc(280_000_000), { level: 9 })), /more than 4 MiB/],
  ['more than 512 KiB', answer((text) => text.padEnd(512 * 1024 + 1, 'A')), /more than 512 KiB/],
  ['a list after a line end', answer((text) => `${text}\n`), /well-formed/, 'malformed'],
  ['a JSON serialisation', answer('{"payload":"e30","signatures":[]}'), /unsupported/, 'unsupported'],
  ['a redirect, even to the right place', {
    route(site, _, response) {
      site.issuer.routes['/elsewhere'] = site.serve;
      response.writeHead(307, { location: '/elsewhere' }).end();
    },
  }, /redirects/],
  ...['application/json', 'application/jwt', 'application/statuslist+cwt', 'text/html', ''].map((type) => [
    `content type "${type}"`, answer(undefined, { headers: { 'content-type': type } }), /not served as application\/statuslist\+jwt/]),
  ['status 404', answer('none', { status: 404 }), /status 404/],
  ['status 500', answer('none', { status: 500 }), /status 500/],
  ['status 203', answer(undefined, { status: 203 }), /status 203/],
  ['304 for the first request', { route: (_, __, response) => response.writeHead(304).end() }, /redirects|status 304/],
  ['a broken connection', { route: (_, request) => request.socket.destroy() }, /could not be reached/],
];

for (const [what, how, message, cause] of REFUSED) {
  test(`refuses a list: ${what}`, async (t) => {
    const site = await startLists(t, key);
    const { route, ...changed } = typeof how === 'function' ? how(site) : how;
    Object.assign(site.list, changed);
    if (route !== undefined) site.issuer.routes[LIST] = (request, response) => route(site, request, response);
    const verifier = createVerifier({ ...site.options, status: 'check' });
    const error = await verifier.verify(await site.token(1)).then(() => assert.fail('it was believed'), (thrown) => thrown);
    assert.deepEqual([error.code, error.claim], [CODE, 'status'], error.stack);
    assert.match(error.message, message);
    if (cause !== undefined) assert.equal(error.cause.code, cause, error.cause.stack);
    assert.equal(site.issuer.count('/elsewhere'), 0);
    // With `unavailable: 'accept'` such a token passes, for every one of these faults.
    const lenient = createVerifier({ ...site.options, status: { unavailable: 'accept' } });
    assert.equal((await lenient.verify(await site.token(1))).claims.sub, 'subject');
  });
}

test('accepts a list without iss and ttl, the whole media type, parameters, unknown members, and a list just within its bounds', async (t) => {
  for (const [changed, headers] of [
    [{ iss: undefined }], [{ ttl: undefined }], [{ ttl: 1e9 }], [{ ttl: 0.5 }], [{ aud: 'anybody', jti: 'j', aggregation_uri: 'https://lists.example/' }],
    [{}, { 'content-type': 'Application/StatusList+JWT; charset=utf-8' }],
    [{ status_list: { ...listOf({ 5: 1 }), aggregation_uri: 'https://lists.example/' } }],
    [{ status_list: listOf({ 5: 1 }, { size: 4 * 1024 * 1024 * 8 }) }],
  ]) {
    const site = await startLists(t, key);
    Object.assign(site.list, { statuses: { 5: 1 }, claims: changed, headers: headers ?? {} });
    if (headers !== undefined) site.list.header = { typ: 'application/statuslist+jwt' };
    const verifier = createVerifier({ ...site.options, status: 'check' });
    await verifier.verify(await site.token(4));
    await assert.rejects(verifier.verify(await site.token(5)), { code: 'revoked' });
  }
});

test('accepts a clock difference up to clockTolerance', async (t) => {
  for (const [changed, isBelieved] of [
    [{ iat: seconds() + 25 }, true], [{ iat: seconds() + 120 }, false], [{ exp: seconds() - 5 }, true], [{ exp: seconds() - 60 }, false],
  ]) {
    const site = await startLists(t, key);
    site.list.claims = changed;
    const verifier = createVerifier({ ...site.options, clockTolerance: 30, status: 'check' });
    const code = await verifier.verify(await site.token(4)).then(() => undefined, (error) => error.code);
    assert.equal(code, isBelieved ? undefined : CODE, JSON.stringify(changed));
  }
});

test('each of several issuers has its own lists', async (t) => {
  const [one, two] = await Promise.all([startLists(t, key), startLists(t, key)]);
  const verifier = createVerifier({ ...one.options, issuer: [one.issuer.issuer, two.issuer.issuer], status: 'check' });
  await verifier.verify(await one.token(1));
  await verifier.verify(await two.token(1));
  await assert.rejects(verifier.verify(await one.token(1, { claims: { iss: two.issuer.issuer } })), { code: CODE, message: /another issuer/ });
});

test('a runtime that inflates all of its input gets only a little at a time', async (t) => {
  const { inflate } = await import(pathToFileURL(join(folder, 'node_modules/edgemint/dist/inflate.js')));
  let made = 0;
  const { DecompressionStream } = globalThis;
  t.after(() => { globalThis.DecompressionStream = DecompressionStream; });
  // As workerd does it: no back pressure, and the highest ratio that DEFLATE allows.
  globalThis.DecompressionStream = function Eager() {
    let controller;
    const readable = new ReadableStream({ start: (given) => { controller = given; } });
    const write = async (chunk) => {
      made += chunk.length * 1032;
      controller.enqueue(new Uint8Array(chunk.length * 1032));
    };
    const writer = { closed: new Promise(() => {}), write, close: async () => controller.close(), abort: async () => {} };
    return { readable, writable: { getWriter: () => writer } };
  };
  await assert.rejects(inflate(new Uint8Array(280 * 1024), 4 * 1024 * 1024), RangeError);
  assert.ok(made < 20_000_000, `${made} bytes were made`);
});

test('a decompression bomb does not grow memory', async (t) => {
  const site = await startLists(t, key);
  const verifier = createVerifier({ ...site.options, status: 'check' });
  const bomb = deflateSync(Buffer.alloc(280_000_000), { level: 9 });
  assert.ok(bomb.length > 250_000);
  site.list.text = await signList(key, { sub: site.uri, iat: seconds(), status_list: { bits: 1, lst: base64url(bomb) } });
  const token = await site.token(1);
  globalThis.gc?.();
  let most = 0;
  const before = process.memoryUsage().rss;
  const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().rss - before); }, 1);
  await assert.rejects(verifier.verify(token), { code: CODE, message: /more than 4 MiB/ });
  clearInterval(watch);
  assert.ok(most < 80_000_000, `${most} bytes more`);
});
