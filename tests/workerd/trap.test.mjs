// A trap of the wasm module: the instance is replaced, and neither other requests nor Durable Objects suffer for it. No request is
// known to trap, so a module around the Worker makes one: armed by a header, the next reading of the clock has the instance
// allocate more than it can.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newGrant, registerConfidentialClient, registerResourceServer } from './grants.mjs';
import { startWorker, token } from './harness.mjs';
import { withFaults } from './logs.mjs';
import { Browser, REDIRECT_URI, createUser } from './people.mjs';
import { basic, postForm, send, until } from './request.mjs';

const AROUND = `
  import edgemint, * as exported from './index.js';
  export * from './index.js';

  let instance;
  let instances = 0;
  let armed;
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...parameters) {
    instances += 1;
    return instance = new Instance(...parameters);
  };
  const { now } = Date;
  const arm = (where) => { armed = where; };
  Date.now = () => {
    if (armed !== 'now') return now();
    armed = undefined;
    return instance.exports.__wbindgen_malloc(2 ** 31, 1);
  };

  globalThis.Response = new Proxy(Response, {
    construct(target, parameters) {
      if (armed !== 'response') return Reflect.construct(target, parameters);
      armed = undefined;
      throw new TypeError('Invalid header value.');
    },
  });

  let release;
  export class AccountObject extends exported.AccountObject {
    async fetch(request) {
      if (armed === 'account') armed = 'now';
      if (armed === 'hold') {
        armed = undefined;
        await new Promise((resolve) => { release = resolve; });
      }
      return super.fetch(request);
    }
  }

  export default {
    fetch(request, env, context) {
      const { pathname } = new URL(request.url);
      if (pathname === '/instances') return Response.json(instances);
      if (pathname === '/held') return Response.json(release !== undefined);
      const where = request.headers.get('x-trap');
      if (where !== null) arm(where);
      return edgemint.fetch(request, env, context);
    },
  };
`;

let server;
let backend;
let resource;
let grant;

before(async () => {
  server = await startWorker({ around: AROUND });
  backend = await registerConfidentialClient(server);
  resource = await registerResourceServer(server);
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  grant = await newGrant(server, browser, user, backend, { scope: 'read offline_access', redirect_uri: REDIRECT_URI });
});

after(() => server?.stop());

const TRAP = { 'x-trap': 'now' };
const refresh = (headers = {}) =>
  postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: grant.refresh_token }, { ...basic(backend), ...headers });

test('a request that traps gets the response of every other fault, and the next one a new instance', async () => {
  const count = async () => (await send(server, '/instances')).json;
  const before = await send(server, '/.well-known/jwks.json');
  assert.equal(await count(), 1);
  const [answer, reasons] = await withFaults(server, 1, () => send(server, '/.well-known/jwks.json', { headers: TRAP }));
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.json, {
    error: 'temporarily_unavailable',
    error_description: 'The authorization server cannot answer now. Try again later.',
  });
  assert.equal(answer.headers['retry-after'], '5');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.deepEqual(reasons, ['trapped']);
  const next = await send(server, '/.well-known/jwks.json');
  assert.equal(next.status, 200);
  assert.deepEqual(next.json, before.json, 'the keys are the same');
  assert.ok((await token(server)).access_token);
  assert.equal(await count(), 2);
});

test('a response that the platform refuses is a fault of its request, and no trap', async () => {
  const instances = (await send(server, '/instances')).json;
  const work = () => send(server, '/.well-known/jwks.json', { headers: { 'x-trap': 'response' } });
  const [answer, reasons] = await withFaults(server, 1, work);
  assert.equal(answer.status, 503);
  assert.equal(answer.json.error, 'temporarily_unavailable');
  assert.deepEqual(reasons, ['response_invalid']);
  assert.equal((await send(server, '/instances')).json, instances);
});

test('a Durable Object works again after a request that trapped', async () => {
  await withFaults(server, 1, () => send(server, '/.well-known/jwks.json', { headers: TRAP }));
  const { status, json } = await refresh();
  assert.equal(status, 200);
  assert.ok(json.access_token);
});

test('a Durable Object that traps fails its request only', async () => {
  const [answer, reasons] = await withFaults(server, 1, () => refresh({ 'x-trap': 'account' }));
  assert.equal(answer.status, 503);
  assert.equal(answer.json.error, 'temporarily_unavailable');
  assert.deepEqual(reasons, ['trapped']);
  const { status, json } = await refresh();
  assert.equal(status, 200);
  const { json: state } = await postForm(server, '/oauth/introspect', { token: json.access_token }, basic(resource));
  assert.equal(state.active, true);
});

test('a request that waits for an object fails when another one traps, and does not wait for the object', async () => {
  const held = postForm(server, '/oauth/introspect', { token: grant.access_token }, { ...basic(resource), 'x-trap': 'hold' });
  await until(async () => (await send(server, '/held')).json, 'the object holds the request');
  await send(server, '/.well-known/jwks.json', { headers: TRAP });
  // The object never answers.
  assert.equal((await held).status, 503);
});

test('requests in flight when another one traps get a 503 or their response', async () => {
  const work = Array.from({ length: 24 }, (_, index) => (index === 12
    ? send(server, '/.well-known/jwks.json', { headers: TRAP })
    : postForm(server, '/oauth/introspect', { token: grant.access_token }, basic(resource))));
  const statuses = (await Promise.all(work)).map(({ status }) => status);
  assert.ok(statuses.every((status) => status === 200 || status === 503), `${statuses}`);
  assert.ok(statuses.includes(503), `${statuses}`);
  const { json } = await postForm(server, '/oauth/introspect', { token: grant.access_token }, basic(resource));
  assert.equal(json.active, true);
});
