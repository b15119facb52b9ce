// Caching and renewal of status lists, counted at a real server; the test moves the clock where minutes must pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atRest, shortenTimeouts, stopClock, until } from '../shared/clock.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS } from '../shared/issuer.mjs';
import { LIST, MEDIA_TYPE, gated, listOf, seconds, signList, startLists } from '../shared/lists.mjs';
import { newKey } from '../shared/signer.mjs';

const { createVerifier } = await importFrom(await install());
const [key, other] = await Promise.all([newKey('ES256'), newKey('ES256', 'other')]);
const CODE = 'status_unavailable';

/** `verify(index)` returns the code with which a new token with that index is refused. */
async function start(t, status = 'check', more = {}) {
  const site = await startLists(t, key);
  const verifier = createVerifier({ ...site.options, status, ...more });
  const codeOf = (promise) => promise.then(() => undefined, ({ code }) => code);
  const verify = async (index = 1) => codeOf(verifier.verify(await site.token(index)));
  return { ...site, verifier, verify, codeOf };
}

const failing = (_, response) => response.writeHead(500).end();

test('50 verifications at once cause one fetch, with the required Accept header', async (t) => {
  const { verify, fetches, asked } = await start(t);
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => verify())), Array(50).fill(undefined));
  assert.equal(fetches(), 1);
  assert.equal(asked[0].accept, MEDIA_TYPE);
});

for (const [ttl, cacheControl, expected] of [
  [60, undefined, 60], [7, 'max-age=900', 7], [1, undefined, 5], [0.5, undefined, 5], [1e6, undefined, 86_400], [undefined, 'max-age=120', 120],
  [undefined, 'max-age=1', 5], [undefined, 'max-age=9999999', 86_400], [undefined, 'no-store', 5], [undefined, undefined, 60],
]) {
  test(`ttl ${ttl} and Cache-Control "${cacheControl}" keep a list for ${expected} s`, async (t) => {
    const turn = stopClock(t);
    const { verify, fetches, list } = await start(t);
    list.claims.ttl = ttl;
    if (cacheControl !== undefined) list.headers = { 'cache-control': cacheControl };
    assert.equal(await verify(), undefined);
    turn(expected - 1);
    assert.equal(await verify(), undefined);
    await atRest();
    assert.equal(fetches(), 1);
    turn(1);
    assert.deepEqual(await Promise.all([verify(), verify(), verify()]), Array(3).fill(undefined));
    await until(() => fetches() === 2);
    await atRest();
    assert.equal(fetches(), 2);
  });
}

test('an old list is used while it is renewed, until maxStale has passed; then verifications wait for the renewal', async (t) => {
  const turn = stopClock(t);
  const { verify, fetches, list, issuer, serve } = await start(t, { maxStale: 30 });
  assert.equal(await verify(), undefined);
  list.statuses = { 1: 1 };
  const { handler, letGo } = gated(serve);
  issuer.routes[LIST] = handler;
  turn(60);
  assert.equal(await verify(), undefined);
  await until(() => fetches() === 2);
  turn(29);
  assert.equal(await verify(), undefined);
  turn(1);
  // From here on, the statuses are unknown.
  let code = 'none yet';
  const waiting = verify().then((told) => { code = told; });
  await atRest();
  assert.equal(code, 'none yet');
  assert.equal(fetches(), 2);
  letGo();
  await waiting;
  assert.equal(code, 'revoked');
});

test('a revoked token is refused after ttl and maxStale at the latest, also if the list is unavailable', async (t) => {
  const turn = stopClock(t);
  const { verify, list, issuer, serve } = await start(t);
  assert.equal(await verify(), undefined);
  list.statuses = { 1: 1 };
  issuer.routes[LIST] = failing;
  turn(89);
  assert.equal(await verify(), undefined);
  turn(1);
  assert.equal(await verify(), CODE);
  issuer.routes[LIST] = serve;
  turn(1);
  assert.equal(await verify(), 'revoked');
});

test('verifies without maxStale, and with a long one', async (t) => {
  const turn = stopClock(t);
  const [none, long] = [await start(t, { maxStale: 0 }), await start(t, { maxStale: 86_400 })];
  for (const { verify, issuer } of [none, long]) {
    assert.equal(await verify(), undefined);
    issuer.routes[LIST] = failing;
  }
  turn(59);
  assert.equal(await none.verify(), undefined);
  turn(1);
  assert.equal(await none.verify(), CODE);
  turn(86_399);
  assert.equal(await long.verify(), undefined);
  turn(1);
  assert.equal(await long.verify(), CODE);
});

test('never uses a list past its exp, with any ttl and maxStale', async (t) => {
  const turn = stopClock(t);
  const { verify, list, issuer, serve } = await start(t, { maxStale: 3_600 }, { clockTolerance: 3 });
  list.claims = { ttl: 600, exp: seconds() + 10 };
  assert.equal(await verify(), undefined);
  issuer.routes[LIST] = failing;
  turn(12);
  assert.equal(await verify(), undefined);
  turn(1);
  assert.equal(await verify(), CODE);
  list.claims = {};
  issuer.routes[LIST] = serve;
  turn(1);
  assert.equal(await verify(), undefined);
});

test('an unchanged list is not sent again', async (t) => {
  const turn = stopClock(t);
  const { verify, list, issuer, asked, text, fetches } = await start(t);
  const bodies = [];
  issuer.routes[LIST] = async (request, response) => {
    asked.push(request.headers);
    const etag = `W/"${JSON.stringify(list.statuses)}"`.replaceAll('"', '').replace('W/', 'W/"').concat('"');
    const isSame = request.headers['if-none-match'] === etag;
    const body = isSame ? undefined : await text();
    bodies.push(body);
    response.writeHead(isSame ? 304 : 200, { 'content-type': MEDIA_TYPE, etag }).end(body);
  };
  assert.equal(await verify(), undefined);
  for (const round of [2, 3]) {
    turn(60);
    assert.equal(await verify(), undefined);
    await until(() => fetches() === round);
    await atRest();
    // It is fresh again.
    turn(59);
    assert.equal(await verify(), undefined);
    assert.equal(fetches(), round);
    turn(-59);
  }
  assert.deepEqual(bodies.map((body) => body === undefined), [false, true, true]);
  assert.equal(asked[0]['if-none-match'], undefined);
  list.statuses = { 1: 1 };
  turn(100);
  assert.equal(await verify(), 'revoked');
  assert.notEqual(bodies.at(-1), undefined);
});

test('304 does not renew a list past its exp: then the whole list is fetched', async (t) => {
  const turn = stopClock(t);
  const { verify, list, issuer, asked, serve } = await start(t);
  list.headers = { etag: '"a"' };
  list.claims = { exp: seconds() + 70 };
  assert.equal(await verify(), undefined);
  issuer.routes[LIST] = (request, response) => {
    asked.push(request.headers);
    response.writeHead(304).end();
  };
  turn(71);
  assert.equal(await verify(), CODE);
  list.claims = {};
  issuer.routes[LIST] = serve;
  turn(1);
  assert.equal(await verify(), undefined);
  assert.deepEqual(asked.map((headers) => headers['if-none-match']), [undefined, '"a"', undefined]);
});

test('refuses a list that is older than the current one', async (t) => {
  const turn = stopClock(t);
  const { verify, verifier, list, fetches } = await start(t);
  list.statuses = { 5: 1 };
  assert.equal(await verify(5), 'revoked');
  const old = seconds() - 1;
  list.statuses = {};
  list.claims = { iat: old };
  turn(60);
  assert.equal(await verify(5), 'revoked');
  await until(() => verifier.status.error !== undefined);
  assert.match(verifier.status.error.message, /older than the current one/);
  assert.equal(await verify(5), 'revoked');
  turn(30);
  assert.equal(await verify(5), CODE);
  assert.equal(await verify(1), CODE);
  list.claims = {};
  turn(1);
  assert.equal(await verify(5), undefined);
  assert.equal(fetches(), 4);
});

test('a failed renewal is retried every 5 seconds, and the list is used until its bound', async (t) => {
  const turn = stopClock(t);
  const { verify, issuer, fetches, list, serve, verifier } = await start(t);
  list.statuses = { 5: 1 };
  assert.equal(await verify(), undefined);
  const bad = [
    failing,
    (_, response) => response.writeHead(200, { 'content-type': MEDIA_TYPE }).end('a.b.c'),
    (request) => request.socket.destroy(),
    (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  ];
  turn(60);
  for (const [round, handler] of bad.entries()) {
    issuer.routes[LIST] = handler;
    assert.deepEqual([await verify(), await verify(5)], [undefined, 'revoked']);
    await until(() => fetches() === round + 2);
    await until(() => verifier.status.error !== undefined);
    await atRest();
    turn(4);
    assert.equal(await verify(), undefined);
    await atRest();
    assert.equal(fetches(), round + 2);
    turn(1);
  }
  issuer.routes[LIST] = serve;
  assert.equal(await verify(), undefined);
  await until(() => verifier.status.error === undefined);
});

test('after a failed first fetch, the next one starts a second later, however many callers there are', async (t) => {
  const turn = stopClock(t);
  const { verify, issuer, fetches, serve } = await start(t);
  issuer.routes[LIST] = failing;
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => verify())), Array(50).fill(CODE));
  turn(0.9);
  assert.equal(await verify(), CODE);
  assert.equal(fetches(), 1);
  issuer.routes[LIST] = serve;
  turn(0.1);
  assert.equal(await verify(), undefined);
  assert.equal(fetches(), 2);
});

test('a list that grew is fetched again for tokens with a new index', async (t) => {
  const turn = stopClock(t);
  const { verify, list, fetches } = await start(t);
  list.size = 8;
  assert.equal(await verify(7), undefined);
  turn(2);
  assert.equal(await verify(8), CODE);
  assert.equal(fetches(), 2);
  // A new fetch so soon would bring nothing newer.
  assert.equal(await verify(8), CODE);
  assert.equal(fetches(), 2);
  list.size = 16;
  turn(1);
  assert.equal(await verify(8), undefined);
  assert.equal(await verify(7), undefined);
  assert.equal(fetches(), 3);
});

test('setting the clock back does not make a list fresh', async (t) => {
  const turn = stopClock(t);
  const { verify, list, fetches } = await start(t, 'check', { clockTolerance: 7_200 });
  list.claims.iat = seconds() - 7_200;
  assert.equal(await verify(), undefined);
  list.statuses = { 1: 1 };
  turn(-3_600);
  assert.equal(await verify(), 'revoked');
  assert.equal(fetches(), 2);
});

test('when the keys change, the whole list is fetched again; one that is signed by a removed key is dropped', async (t) => {
  const turn = stopClock(t);
  const { verify, list, issuer, asked, verifier, tokenWith, codeOf, uri, fetches } = await start(t);
  list.headers = { etag: '"a"' };
  list.key = other;
  issuer.publish(key, other);
  assert.equal(await verify(), undefined);
  // The issuer removes the other key because it was stolen.
  issuer.publish(key);
  turn(1);
  const stranger = await newKey('ES256', 'stranger');
  assert.equal(await codeOf(verifier.verify(await tokenWith({}, { header: { kid: stranger.kid } }))), 'key_not_found');
  assert.equal(issuer.count(JWKS), 2);
  turn(29);
  assert.equal(await verify(), undefined);
  await until(() => verifier.status.error !== undefined);
  turn(1);
  assert.equal(await verify(), CODE);
  list.key = key;
  turn(1);
  assert.equal(await verify(), undefined);
  assert.ok(asked.every((headers) => headers['if-none-match'] === undefined));
  assert.ok(fetches() >= 3 && uri.endsWith(LIST));
});

test('keeps at most the maximum number of lists, and drops the least recently used', async (t) => {
  const { verifier, issuer, tokenWith, codeOf } = await start(t, { maxLists: 3 });
  const serve = (path) => {
    const sub = `${issuer.origin}${path}`;
    issuer.routes[path] = async (_, response) => response.writeHead(200, { 'content-type': MEDIA_TYPE })
      .end(await signList(key, { sub, iat: seconds(), ttl: 3_600, status_list: listOf({ 1: 1 }) }));
    return async (idx = 0) => codeOf(verifier.verify(await tokenWith({ status_list: { idx, uri: sub } })));
  };
  const [a, b, c, d] = ['/a', '/b', '/c', '/d'].map(serve);
  for (const ask of [a, b, c, a, d]) assert.equal(await ask(), undefined);
  assert.equal(verifier.status.lists, 3);
  assert.deepEqual([await a(1), await c(1), await d(1)], Array(3).fill('revoked'));
  assert.deepEqual(['/a', '/b', '/c', '/d'].map((path) => issuer.count(path)), [1, 1, 1, 1]);
  assert.equal(await b(1), 'revoked');
  assert.equal(issuer.count('/b'), 2);
  assert.equal(verifier.status.lists, 3);
});

test('keeps at most 32 MiB of lists', async (t) => {
  const { verifier, issuer, tokenWith } = await start(t);
  const member = listOf({}, { bits: 8, size: 4 * 1024 * 1024 });
  for (let n = 0; n < 10; n += 1) {
    const sub = `${issuer.origin}/big/${n}`;
    issuer.routes[`/big/${n}`] = async (_, response) => response.writeHead(200, { 'content-type': MEDIA_TYPE })
      .end(await signList(key, { sub, iat: seconds(), status_list: member }));
    await verifier.verify(await tokenWith({ status_list: { idx: 1, uri: sub } }));
  }
  assert.equal(verifier.status.lists, 8);
});

test('a fetch with a slow response, or none, ends after 5 seconds', async (t) => {
  const never = () => {};
  const headersOnly = (_, response) => response.writeHead(200, { 'content-type': MEDIA_TYPE }).flushHeaders();
  const deaf = async (url, init) => (url.endsWith(LIST) ? new Promise(() => {}) : fetch(url, init));
  const timeouts = shortenTimeouts(t);
  await Promise.all([[never], [headersOnly], [undefined, { fetch: deaf }]].map(async ([handler, more]) => {
    const { verifier, token, issuer } = await start(t, 'check', more);
    if (handler !== undefined) issuer.routes[LIST] = handler;
    await assert.rejects(verifier.verify(await token(1)), { code: CODE, message: /did not respond in time/ });
  }));
  assert.ok(timeouts.length >= 6 && timeouts.every((milliseconds) => milliseconds === 5_000), `${timeouts}`);
});
