// The guard in real Express on loopback, and in a plain server of node:http.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { until } from '../shared/clock.mjs';
import {
  HEADERS, MALFORMED, MISSING, PREFLIGHT, REFUSED, TokenError, assertRefused, createVerifier, expected, expressGuard as guard,
  lacking, startIssuerWithKey, withBearer,
} from '../shared/guarded.mjs';
import { JWKS } from '../shared/issuer.mjs';
import { newKey, tampered } from '../shared/signer.mjs';

const { issuer, key, token, options } = await startIssuerWithKey();
after(() => issuer.stop());
const servers = [];
after(() => servers.forEach((server) => {
  server.closeAllConnections();
  server.close();
}));

/** The origin of a server with this handler. */
async function listen(handler, settings = {}) {
  const server = createServer(settings, handler).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

/** The response to a request with these header lines, byte by byte as given; or why there was none. */
async function sendRaw(origin, ...lines) {
  const socket = connect(new URL(origin).port, '127.0.0.1');
  let answer = '';
  try {
    socket.end(['GET /api/me HTTP/1.1', 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n'), 'latin1');
    for await (const chunk of socket.setEncoding('latin1')) answer += chunk;
  } catch (error) {
    return answer || error.code;
  }
  return answer;
}

/** Each Express that is installed: the current version and the one before. */
const EXPRESSES = await Promise.all(['express', 'express-4'].map(async (name) => {
  const express = await import(name).then((module) => module.default, () => undefined);
  return { name, express, skip: express === undefined && `${name} is not installed` };
}));

for (const { name, express, skip } of EXPRESSES) {
  /** An app with one guarded route that counts its requests. */
  const appWith = (...guards) => {
    const app = express();
    app.use('/api', ...guards);
    app.visits = 0;
    app.all('/api/me', (request, response) => {
      app.visits += 1;
      response.json(request.token.claims.sub);
    });
    return app;
  };

  test(`${name}: guarded handlers get the token, and other handlers run without one`, { skip }, async () => {
    const app = appWith(guard({ ...options, scope: 'read' }));
    app.get('/open', (request, response) => response.send(String(request.token)));
    const origin = await listen(app);
    for (const text of [await token({ sub: 'alice' }), await token({ sub: 'alice' })]) {
      const response = await fetch(`${origin}/api/me`, withBearer(text));
      assert.deepEqual([response.status, await response.json()], [200, 'alice']);
    }
    assert.equal(await (await fetch(`${origin}/open`)).text(), 'undefined');
  });

  test(`${name}: every refusal has its response, and no guarded handler runs`, { skip }, async () => {
    const told = [];
    const onError = ({ code }, request) => told.push([code, request.originalUrl]);
    const app = appWith(guard({ ...options, scope: 'write', onError }));
    const origin = await listen(app);
    const missing = { ...MISSING, challenge: 'Bearer scope="write"' };
    await assertRefused(await fetch(`${origin}/api/me`), missing);
    await assertRefused(await fetch(`${origin}/api/me?access_token=${await token()}`), missing);
    await assertRefused(await fetch(`${origin}/api/me`, withBearer(tampered(await token()))), REFUSED);
    await assertRefused(await fetch(`${origin}/api/me`, withBearer(await token({ cnf: { jkt: 'x' } }))), REFUSED);
    await assertRefused(await fetch(`${origin}/api/me`, withBearer(await token({ scope: 'read' }))), lacking('write'));
    for (const [what, authorization, reading, sending] of HEADERS) {
      if (sending !== undefined) continue;
      const answer = reading === 'missing' ? missing : MALFORMED;
      await assertRefused(await fetch(`${origin}/api/me`, { headers: { authorization } }), answer, what);
    }
    assert.equal(app.visits, 0);
    assert.deepEqual(told.slice(0, 5).map(([code]) => code), [
      'token_missing', 'token_missing', 'bad_signature', 'proof_missing', 'scope_insufficient',
    ]);
    assert.equal(told[0][1], '/api/me');
  });

  test(`${name}: two Authorization headers are malformed, in either order`, { skip }, async () => {
    const app = appWith(guard(options));
    const origin = await listen(app);
    const good = `Authorization: Bearer ${await token()}`;
    const bad = 'Authorization: Bearer x';
    for (const lines of [[good, bad], ['authorization: Basic eDp5', good], [good, 'AUTHORIZATION:'], [good, good]]) {
      const answer = await sendRaw(origin, ...lines);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /\r\nWWW-Authenticate: Bearer error="invalid_request"/);
    }
    const joining = await listen(app, { joinDuplicateHeaders: true });
    await assertRefused(
      await fetch(`${joining}/api/me`, { headers: [['authorization', 'Bearer x'], ['authorization', good]] }),
      MALFORMED,
    );
    assert.equal(app.visits, 0);
  });

  test(`${name}: node:http refuses bytes that no header may have, and a header of 10 MB`, { skip }, async () => {
    const app = appWith(guard(options));
    const origin = await listen(app);
    const text = await token();
    for (const value of [`Bearer ${text}\0`, `Bearer\0${text}`, `Bearer ${text}\x7f`, `Bearer ${'a'.repeat(10_000_000)}`]) {
      const answer = await sendRaw(origin, `Authorization: ${value}`);
      assert.match(answer, /^HTTP\/1\.1 4(00|31) |^E(PIPE|CONNRESET)$/);
    }
    const patient = await listen(app, { maxHeaderSize: 16_000_000 });
    const answer = await sendRaw(patient, `Authorization: Bearer ${'a'.repeat(10_000_000)}`);
    assert.match(answer, /^HTTP\/1\.1 401 [^]*error="invalid_token"/);
    assert.equal(app.visits, 0);
  });

  test(`${name}: reads a header that other middleware has set`, { skip }, async () => {
    const text = await token();
    const app = appWith((request, _, next) => {
      request.headers.authorization = `Bearer ${text}`;
      next();
    }, guard(options));
    assert.equal((await fetch(`${await listen(app)}/api/me`)).status, 200);
  });

  test(`${name}: passes HEAD and bodies, refuses preflights, and keeps headers that were set before`, { skip }, async () => {
    const app = express();
    app.use((request, response, next) => {
      response.setHeader('Access-Control-Allow-Origin', 'https://app.example');
      if (request.method === 'OPTIONS' && request.query.cors !== undefined) response.sendStatus(204);
      else next();
    });
    app.use(guard(options));
    app.post('/', express.text(), (request, response) => response.send(request.body));
    const origin = await listen(app);
    assert.equal((await fetch(`${origin}?cors`, PREFLIGHT)).status, 204);
    const preflight = await fetch(origin, PREFLIGHT);
    assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example');
    await assertRefused(preflight, MISSING);
    const head = await fetch(origin, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('www-authenticate'), await head.text()], [401, 'Bearer realm="api"', '']);
    // The first one waits for keys, and so does the body.
    for (const body of ['hello', 'again']) {
      assert.equal(await (await fetch(origin, withBearer(await token(), { method: 'POST', body }))).text(), body);
    }
  });

  test(`${name}: what a handler throws reaches the error handler unchanged, also asynchronously`, { skip }, async () => {
    const thrown = [new Error('mine'), new TokenError('expired', 'another token')];
    const app = appWith(guard(options));
    app.get('/api/throws/:index', (request) => { throw thrown[request.params.index]; });
    const caught = [];
    app.use((error, request, response, next) => {
      caught.push(error);
      response.status(500).send('caught');
      void next;
    });
    const origin = await listen(app);
    for (const index of [0, 1, 0]) {
      assert.equal(await (await fetch(`${origin}/api/throws/${index}`, withBearer(await token()))).text(), 'caught');
    }
    assert.deepEqual(caught.map((error) => thrown.indexOf(error)), [0, 1, 0]);
  });

  test(`${name}: onError is awaited; what it throws reaches the error handler, and nothing else runs`, { skip }, async () => {
    const thrown = new Error('the log is full');
    for (const onError of [() => { throw thrown; }, async () => { throw thrown; }]) {
      const app = appWith(guard({ ...options, onError }));
      let caught;
      app.use((error, request, response, next) => {
        caught = error;
        response.status(500).send('caught');
        void next;
      });
      assert.equal((await fetch(`${await listen(app)}/api/me`)).status, 500);
      assert.deepEqual([caught === thrown, app.visits], [true, 0]);
    }
    let isDone = false;
    const onError = async () => {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      isDone = true;
    };
    await assertRefused(await fetch(`${await listen(appWith(guard({ ...options, onError })))}/api/me`), MISSING);
    assert.ok(isDone);
  });

  test(`${name}: sends nothing when another middleware responds while the keys are fetched`, { skip }, async () => {
    const release = [];
    const good = issuer.routes[JWKS];
    issuer.routes[JWKS] = (_, response) => { release.push(() => response.writeHead(500).end()); };
    const errors = [];
    const app = appWith((request, response, next) => {
      void until(() => release.length > 0).then(() => {
        response.status(504).send('too slow');
        release.forEach((answer) => answer());
      });
      next();
    }, guard({ ...options, onError: ({ code }) => errors.push(code) }));
    const response = await fetch(`${await listen(app)}/api/me`, withBearer(await token()));
    assert.deepEqual([response.status, await response.text()], [504, 'too slow']);
    issuer.routes[JWKS] = good;
    await until(() => errors.length > 0);
    assert.deepEqual([errors, app.visits], [['keys_unavailable'], 0]);
  });

  test(`${name}: responds 503 while the issuer is unavailable`, { skip }, async () => {
    const origin = await listen(appWith(guard({ ...options, jwksUri: `${issuer.origin}/none` })));
    await assertRefused(await fetch(`${origin}/api/me`, withBearer(await token())), expected(503, 'temporarily_unavailable'));
  });
}

test('guards a plain server', async () => {
  const ask = guard(options);
  const origin = await listen((request, response) => void ask(request, response, () => response.end(request.token.claims.sub)));
  assert.equal(await (await fetch(origin, withBearer(await token({ sub: 'alice' })))).text(), 'alice');
  await assertRefused(await fetch(origin), MISSING);
});

test('runs synchronously if the verifier can, and asynchronously otherwise', async () => {
  const calls = [];
  const claims = { sub: 'alice' };
  const verifierWith = (verifySync) => ({
    verify: async () => (calls.push('verify'), { claims }),
    verifySync: () => (calls.push('verifySync'), verifySync()),
  });
  const refusing = (code) => () => { throw new TokenError(code, 'no'); };
  const request = { headers: { authorization: 'Bearer abc' } };
  const visit = async (verifier) => {
    calls.length = 0;
    let isThrough = false;
    const given = { ...request };
    const written = new Promise((resolve) => {
      const response = { writeHead: (status) => (resolve(status), response), end() {} };
      const result = guard(verifier)(given, response, () => { isThrough = true; });
      if (isThrough) resolve('at once');
      else void result.then(() => resolve(isThrough ? 'later' : 'never'));
    });
    return [await written, ...calls, given.token?.claims.sub];
  };
  assert.deepEqual(await visit(verifierWith(() => ({ claims }))), ['at once', 'verifySync', 'alice']);
  assert.deepEqual(await visit(verifierWith(refusing('async_required'))), ['later', 'verifySync', 'verify', 'alice']);
  assert.deepEqual(await visit({ verify: verifierWith().verify }), ['later', 'verify', 'alice']);
  assert.deepEqual(await visit(verifierWith(refusing('expired'))), [401, 'verifySync', undefined]);
  assert.deepEqual(await visit(verifierWith(refusing('internal_error'))), [500, 'verifySync', undefined]);
  assert.deepEqual(await visit(verifierWith(() => ({ claims: { cnf: {} } }))), [401, 'verifySync', undefined]);
});

test('runs synchronously with given keys', async () => {
  const given = { headers: { authorization: `Bearer ${await token({ sub: 'alice' })}` } };
  let isThrough = false;
  guard({ ...options, key: key.jwk })(given, undefined, () => { isThrough = true; });
  assert.deepEqual([isThrough, given.token.claims.sub], [true, 'alice']);
});

test('accepts a key that was published later', async () => {
  const verifier = createVerifier(options);
  const ask = guard(verifier);
  const origin = await listen((request, response) => void ask(request, response, () => response.end(request.token.key.kid)));
  await fetch(origin, withBearer(await token()));
  const next = await newKey('ES256', 'next');
  issuer.publish(key, next);
  assert.equal(await (await fetch(origin, withBearer(await token({}, next)))).text(), 'next');
  issuer.publish(key);
});

test('refuses invalid options when the guard is created', () => {
  for (const given of [undefined, null, {}, () => options, { ...options, scopes: 'a' }, { ...options, variable: 'a' }]) {
    assert.throws(() => guard(given), { name: 'TokenError', code: 'invalid_option' });
  }
});
