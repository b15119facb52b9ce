// Caching and renewal of fetched keys, counted at a real server; the test moves the clock where minutes must pass.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { atRest, shortenTimeouts, stopClock, until } from '../shared/clock.mjs';
import { importFrom, install } from '../shared/consumer.mjs';
import { JWKS, OAUTH, sendJson, startIssuer } from '../shared/issuer.mjs';
import { newKey, options, sign } from '../shared/signer.mjs';

const { createVerifier } = await importFrom(await install());
const [first, second] = await Promise.all(['first', 'second'].map((kid) => newKey('ES256', kid)));

/** An issuer and a verifier for one test. `verify(key)` verifies a new token signed with that key. */
async function start(t, { discover = false, ...more } = {}) {
  const issuer = await startIssuer({ keys: [first] });
  t.after(() => issuer.stop());
  const where = discover ? {} : { jwksUri: `${issuer.origin}${JWKS}` };
  const verifier = createVerifier({ ...options, issuer: issuer.issuer, ...where, ...more });
  const verify = async (key) => verifier.verify(await sign(key, { claims: { iss: issuer.issuer } }));
  return { issuer, verifier, verify, fetches: () => issuer.count(JWKS) };
}

/** Waits until a background fetch has completed. */
async function settled(fetches, count) {
  await until(() => fetches() >= count);
  assert.equal(fetches(), count);
  await atRest();
}

const unknownKey = { code: 'key_not_found' };

test('50 verifications at once cause one fetch each of metadata and keys', async (t) => {
  const { issuer, verify } = await start(t, { discover: true });
  await Promise.all(Array.from({ length: 50 }, () => verify(first)));
  assert.equal(issuer.count(OAUTH), 1);
  assert.equal(issuer.count(JWKS), 1);
  assert.equal(issuer.total(), 2);
});

test('50 verifications at once with a new key cause one fetch, and pass', async (t) => {
  const { issuer, verify, fetches } = await start(t);
  await verify(first);
  issuer.publish(first, second);
  await Promise.all(Array.from({ length: 50 }, () => verify(second)));
  assert.equal(fetches(), 2);
});

test('an unknown kid is fetched once in 30 seconds, and known keys stay', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t);
  // Just fetched: a new fetch would bring nothing newer.
  await assert.rejects(verify(second), unknownKey);
  assert.equal(fetches(), 1);
  await assert.rejects(verify(second), unknownKey);
  assert.equal(fetches(), 2);
  turn(29);
  issuer.publish(first, second);
  await assert.rejects(verify(second), unknownKey);
  await verify(first);
  assert.equal(fetches(), 2);
  turn(1);
  await verify(second);
  await verify(first);
  assert.equal(fetches(), 3);
});

test('reports the age of the keys, and why there are no newer ones', async (t) => {
  const turn = stopClock(t);
  const { issuer, verifier, verify } = await start(t);
  assert.deepEqual(verifier.keys, { age: undefined, maxAge: undefined, error: undefined });
  await verify(first);
  assert.deepEqual(verifier.keys, { age: 0, maxAge: 87_000, error: undefined });
  turn(86_400);
  const good = issuer.routes[JWKS];
  issuer.routes[JWKS] = (_, response) => response.writeHead(500).end();
  await assert.rejects(verify(second), unknownKey);
  // A day old, and still accepted.
  await verify(first);
  assert.equal(verifier.keys.age, 86_400);
  assert.equal(verifier.keys.error.code, 'keys_unavailable');
  issuer.routes[JWKS] = good;
  turn(31);
  await assert.rejects(verify(second), unknownKey);
  assert.deepEqual(verifier.keys, { age: 0, maxAge: 87_000, error: undefined });
  assert.deepEqual(createVerifier({ ...options, key: first.jwk }).keys, { age: undefined, maxAge: undefined, error: undefined });
});

const brokenDown = (_, response) => response.writeHead(500).end();

for (const [maxKeyAge, cacheControl, bound] of [[undefined, 'max-age=900', 87_300], [3_600, 'max-age=900', 3_600], [120, 'max-age=900', 120]]) {
  test(`with maxKeyAge ${maxKeyAge}, keys that cannot be renewed are used for ${bound} s, and no longer`, async (t) => {
    const turn = stopClock(t);
    const { issuer, verifier, verify, fetches } = await start(t, { maxKeyAge, cache: { max: 4 } });
    const token = await sign(first, { claims: { iss: issuer.issuer } });
    const serve = (_, response) => sendJson(response, { keys: [first.jwk] }, { 'cache-control': cacheControl });
    issuer.routes[JWKS] = serve;
    await verifier.verify(token);
    assert.equal(verifier.keys.maxAge, bound);
    issuer.routes[JWKS] = brokenDown;
    turn(bound - 1);
    await verifier.verify(token);
    verifier.verifySync(token);
    await atRest();
    const before = fetches();
    assert.equal(before, bound > 900 ? 2 : 1);
    turn(31);
    // The bound has passed: the cache does not help either, and neither does another key.
    assert.throws(() => verifier.verifySync(token), { code: 'async_required' });
    const refused = { code: 'keys_unavailable', message: /status 500/ };
    await assert.rejects(verifier.verify(token), refused);
    await assert.rejects(verify(first), refused);
    const [{ error }] = await verifier.verifyAll([token]);
    assert.equal(error.code, 'keys_unavailable');
    await assert.rejects(verifier.verifyRequest(`Bearer ${token}`), { ...refused, status: 503 });
    const { checks } = await verifier.explain(token);
    assert.deepEqual(checks.filter(({ ok }) => ok !== true).map(({ name, code }) => [name, code]), [['key', 'keys_unavailable'], ['signature', undefined]]);
    assert.equal(fetches(), before + 1, 'one fetch for all of them');
    assert.ok(verifier.keys.age > verifier.keys.maxAge && verifier.keys.error.code === 'keys_unavailable');
    // The fetch is retried, and one success serves all.
    issuer.routes[JWKS] = serve;
    turn(1);
    await Promise.all([verifier.verify(token), verifier.verify(token), verify(first)]);
    assert.equal(fetches(), before + 2);
    verifier.verifySync(token);
    assert.equal(verifier.keys.age, 0);
  });
}

test('keys past their bound are renewed before verifying: a removed key is refused', async (t) => {
  const turn = stopClock(t);
  const { issuer, verifier, verify, fetches } = await start(t);
  const token = await sign(first, { claims: { iss: issuer.issuer } });
  await verifier.verify(token);
  issuer.publish(second);
  turn(87_000);
  await assert.rejects(verifier.verify(token), unknownKey);
  await verify(second);
  assert.equal(fetches(), 2);
});

test('discovery that fails past the bound is keys_unavailable too, and Infinity is no bound', async (t) => {
  const turn = stopClock(t);
  const bounded = await start(t, { discover: true });
  const unbounded = await start(t, { maxKeyAge: Infinity });
  for (const { issuer, verify } of [bounded, unbounded]) {
    await verify(first);
    delete issuer.routes[OAUTH];
    delete issuer.routes[JWKS];
  }
  turn(86_400 * 365);
  await assert.rejects(bounded.verify(first), { code: 'keys_unavailable' });
  await unbounded.verify(first);
  assert.equal(unbounded.verifier.keys.maxAge, Infinity);
});

/** What issuers serve correctly, or with a small mistake. */
const TOLERATED = {
  'only as application/jwk-set+json': (set) => (request, response) => {
    if (!/\bapplication\/jwk-set\+json\b/.test(request.headers.accept)) return response.writeHead(406).end();
    return sendJson(response, set, { 'content-type': 'application/jwk-set+json' });
  },
  'only as application/json': (set) => (request, response) => {
    if (!/\bapplication\/json\b/.test(request.headers.accept)) return response.writeHead(406).end();
    return sendJson(response, set);
  },
  'after a byte order mark': (set) => (_, response) => response.end(`\ufeff${JSON.stringify(set)}`),
  'with members that are null': ({ keys: [jwk] }) => (_, response) => {
    const nothing = { x5c: null, x5t: null, key_ops: null, use: null, d: null, p: null, q: null, dp: null, dq: null, qi: null, oth: null, k: null };
    sendJson(response, { keys: [null, { ...nothing, ...jwk, alg: null }] });
  },
  'the same key twice': ({ keys: [jwk] }) => (_, response) => sendJson(response, { keys: [jwk, jwk, { ...jwk, use: 'sig' }] }),
};

for (const [what, serve] of Object.entries(TOLERATED)) {
  test(`accepts a key set: ${what}`, async (t) => {
    const { issuer, verifier, verify } = await start(t);
    issuer.routes[JWKS] = serve(issuer.routes[JWKS]);
    await verify(first);
    const nameless = await sign(first, { header: { kid: undefined }, claims: { iss: issuer.issuer } });
    await verifier.verify(nameless);
    verifier.verifySync(nameless);
    await assert.rejects(verify(second), unknownKey);
  });
}

test('a failing fetch for an unknown kid keeps the known keys', async (t) => {
  const { issuer, verify, fetches } = await start(t);
  await verify(first);
  issuer.routes[JWKS] = (_, response) => response.writeHead(500).end();
  await assert.rejects(verify(second), unknownKey);
  assert.equal(fetches(), 2);
  await verify(first);
});

for (const [cacheControl, seconds] of [
  [undefined, 600], ['max-age=5', 60], ['public, max-age=120', 120], ['max-age="90"', 90], ['no-store, max-age=900', 60],
  ['no-cache', 60], ['max-age=9999999', 86_400], ['s-maxage=5', 600], ['max-age=-1', 600], ['max-age=1e9', 60],
]) {
  test(`Cache-Control "${cacheControl}" keeps keys for ${seconds} s`, async (t) => {
    const turn = stopClock(t);
    const { issuer, verify, fetches } = await start(t);
    const keys = [first.jwk];
    const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl };
    issuer.routes[JWKS] = (_, response) => sendJson(response, { keys }, headers);
    await verify(first);
    turn(seconds - 1);
    await verify(first);
    await atRest();
    assert.equal(fetches(), 1);
    keys.push(second.jwk);
    turn(1);
    await Promise.all([verify(first), verify(first), verify(first)]);
    await settled(fetches, 2);
    await verify(second);
    assert.equal(fetches(), 2);
  });
}

test('old keys are used while new ones are fetched; then a removed key is refused', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t);
  await verify(first);
  let answer;
  issuer.routes[JWKS] = (_, response) => { answer = () => sendJson(response, { keys: [second.jwk] }); };
  turn(600);
  await Promise.all([verify(first), verify(first)]);
  await settled(fetches, 2);
  await verify(first);
  answer();
  await verify(second);
  assert.equal(fetches(), 2);
  issuer.publish(second);
  await assert.rejects(verify(first), unknownKey);
  assert.equal(fetches(), 3);
});

test('setting the clock back does not make a key set fresh', async (t) => {
  const turn = stopClock(t);
  const { verify, fetches } = await start(t);
  await verify(first);
  turn(-86_400);
  await verify(first);
  await settled(fetches, 2);
});

test('a failed renewal is retried every 30 seconds, and the last valid keys are used meanwhile', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t);
  await verify(first);
  const bad = [
    (_, response) => response.writeHead(503).end(),
    (_, response) => response.end('<title>Sorry</title>'),
    (_, response) => sendJson(response, { error: 'oops' }),
    (request) => request.socket.destroy(),
  ];
  turn(600 - 1);
  for (const [round, handler] of bad.entries()) {
    issuer.routes[JWKS] = handler;
    turn(1);
    await verify(first);
    await settled(fetches, round + 2);
    turn(29);
    await verify(first);
    await atRest();
    assert.equal(fetches(), round + 2);
  }
  issuer.publish(second);
  turn(1);
  await verify(first);
  await settled(fetches, bad.length + 2);
  await verify(second);
});

test('an empty key set is valid: the issuer has revoked its keys', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t);
  await verify(first);
  issuer.publish();
  turn(600);
  await verify(first);
  await settled(fetches, 2);
  await assert.rejects(verify(first), unknownKey);
});

test('after a failed first fetch, the next one starts a second later, however many callers there are', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t);
  const good = issuer.routes[JWKS];
  issuer.routes[JWKS] = (_, response) => response.writeHead(500).end();
  const refused = () => assert.rejects(verify(first), { code: 'keys_unavailable', message: /status 500/ });
  await Promise.all(Array.from({ length: 50 }, refused));
  turn(0.9);
  await refused();
  assert.equal(fetches(), 1);
  issuer.routes[JWKS] = good;
  turn(0.1);
  await verify(first);
  assert.equal(fetches(), 2);
});

test('metadata is fetched once a day, and again after a failure, since the key set may have moved', async (t) => {
  const turn = stopClock(t);
  const { issuer, verify, fetches } = await start(t, { discover: true });
  await verify(first);
  turn(600);
  await verify(first);
  await settled(fetches, 2);
  assert.equal(issuer.count(OAUTH), 1);
  issuer.routes['/moved.json'] = issuer.routes[JWKS];
  issuer.routes[OAUTH].jwks_uri = `${issuer.origin}/moved.json`;
  delete issuer.routes[JWKS];
  turn(600);
  await verify(first);
  await settled(fetches, 3);
  turn(30);
  await verify(first);
  await settled(() => issuer.count('/moved.json'), 1);
  assert.equal(issuer.count(OAUTH), 2);
  turn(86_400);
  await verify(first);
  await settled(() => issuer.count(OAUTH), 3);
});

const MEGABYTE = Buffer.alloc(1_000_000, ' ');

/** Sends without end; `sent` says how much until the other side closed. */
function endless(sent) {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      if (response.destroyed) return;
      sent.bytes += MEGABYTE.length;
      if (response.write(MEGABYTE)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
    sent.ended = once(response, 'close');
  };
}

const REFUSED = {
  'a redirect, even to the right place': [(_, response) => response.writeHead(307, { location: '/elsewhere' }).end(), /redirect/],
  'not found': [(_, response) => response.writeHead(404).end(), /status 404/],
  'status 500': [(_, response) => response.writeHead(500).end(), /status 500/],
  'no content': [(_, response) => response.writeHead(204).end(), /status 204/],
  'a page': [(_, response) => response.end('<!doctype html>'), /not a JWK Set/],
  'nothing': [(_, response) => response.end(), /not a JWK Set/],
  'an array': [(_, response) => sendJson(response, []), /not a JWK Set/],
  'keys that are no array': [(_, response) => sendJson(response, { keys: {} }), /not a JWK Set/],
  'the same member twice': [(_, response) => response.end('{"keys":[],"keys":[]}'), /not a JWK Set/],
  'a broken connection': [(request) => request.socket.destroy(), /could not be reached/],
  'a truncated response': [(_, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('{"keys":', () => response.destroy());
  }, /closed the connection before the end/],
};

for (const [what, [handler, message]] of Object.entries(REFUSED)) {
  test(`refuses a key set: ${what}`, async (t) => {
    const { issuer, verify } = await start(t);
    issuer.routes['/elsewhere'] = issuer.routes[JWKS];
    issuer.routes[JWKS] = handler;
    await assert.rejects(verify(first), { name: 'TokenError', code: 'keys_unavailable', message });
    assert.equal(issuer.count('/elsewhere'), 0);
  });
}

test('stops reading an endless key set after 512 KiB', async (t) => {
  const { issuer, verify } = await start(t);
  const sent = { bytes: 0 };
  issuer.routes[JWKS] = endless(sent);
  await assert.rejects(verify(first), { code: 'keys_unavailable', message: /more than 512 KiB/ });
  await sent.ended;
  assert.ok(sent.bytes < 50 * MEGABYTE.length, `${sent.bytes} bytes were taken`);
});

test('accepts a key set just within 512 KiB', async (t) => {
  const { issuer, verify } = await start(t);
  const text = JSON.stringify(issuer.routes[JWKS]);
  issuer.routes[JWKS] = (_, response) => response.end(text.padEnd(512 * 1024));
  await verify(first);
});

test('a fetch with a slow response, or none, ends after 5 seconds', async (t) => {
  const never = () => {};
  const headersOnly = (_, response) => response.writeHead(200).flushHeaders();
  const trickle = (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(timer));
  };
  // A fetch that ignores the signal.
  const deaf = { fetch: () => new Promise(() => {}) };
  const timeouts = shortenTimeouts(t);
  await Promise.all([[never], [headersOnly], [trickle], [undefined, deaf]].map(async ([handler, more]) => {
    const { issuer, verify } = await start(t, more);
    if (handler !== undefined) issuer.routes[JWKS] = handler;
    await assert.rejects(verify(first), { code: 'keys_unavailable', message: /did not respond in time/ });
  }));
  assert.deepEqual(timeouts, Array(4).fill(5_000));
});

test('a process without other work can exit: no timer is left', async (t) => {
  const { verify } = await start(t);
  await verify(first);
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  assert.deepEqual(timers, []);
});
