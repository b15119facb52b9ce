// Tokens are issued and verified all the time, by verifiers that cache the key set for as long as its headers allow and never
// look up an unknown key; meanwhile keys are rotated by hand and by cron, one is revoked, one imported, and the Worker crashes.
// No request may fail.
//
// A key waits 25 minutes before it signs: between two steps the Worker is killed and its ring made older (see keyring.mjs), and
// so are the key sets of the verifiers.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { older, restartWithRing } from './keyring.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const JWKS = '/.well-known/jwks.json';
const LANES = 4;
const HOUR = 3600;
let server;

after(() => server?.kill());

class Verifier {
  // Each verifier loads the key set at another time.
  constructor(number) {
    this.number = number;
    this.until = 0;
  }

  async check(text) {
    if (Date.now() >= this.until) {
      const { status, json, headers } = await send(server, JWKS);
      assert.equal(status, 200);
      this.keys = createLocalJWKSet(json);
      this.until = Date.now() + 1_000 * Number(/max-age=(\d+)/.exec(headers['cache-control'])[1]);
    }
    await jwtVerify(text, this.keys, { issuer: server.issuer, audience: server.issuer, typ: 'at+jwt' });
  }

  // This many seconds have passed.
  age(seconds) {
    this.until -= seconds * 1_000;
  }
}

test('rotations, a revoked key, an import, cron and crashes under load fail no request', async () => {
  server = await startWorker({ vars: { SIGNING_ALGORITHMS: 'ES256 EdDSA' } });
  const verifiers = Array.from({ length: LANES }, (_, number) => new Verifier(number));
  const load = { running: true, paused: 0, checked: 0, kids: new Set(), old: [] };
  const lanes = verifiers.map((verifier) => work(load, verifier));
  const enough = async () => {
    const from = load.checked;
    await Promise.race([until(() => load.checked >= from + 10 * LANES, 'tokens', 60), Promise.all(lanes)]);
  };
  const restart = async (seconds) => {
    server = await atRest(load, () => restartWithRing(server, older(seconds)));
    verifiers.forEach((verifier) => verifier.age(seconds));
  };
  const revoked = [];
  try {
    await enough();
    const first = [...load.kids];
    assert.equal(first.length, 1);

    await server.cron();
    await enough();
    await restart(HOUR);
    // A key set that is fetched now has the next key, long before it signs.
    await enough();
    await Promise.all(Array.from({ length: 4 }, () => admin(server, 'POST', '/admin/keys/rotate')));
    await enough();
    assert.equal(load.kids.size, 2, 'the rotation was immediate');

    await restart(HOUR);
    await server.cron();
    await enough();
    const active = (await stages()).find(({ alg, stage }) => alg === 'ES256' && stage === 'active');
    assert.ok(load.kids.has(active.kid));
    load.old = load.old.filter(({ kid }) => kid !== active.kid);
    await atRest(load, async () => {
      assert.equal((await admin(server, 'POST', `/admin/keys/${active.kid}/revoke`)).status, 200);
      load.old = load.old.filter(({ kid }) => kid !== active.kid);
    });
    revoked.push(active.kid);
    load.kids.clear();
    await enough();
    assert.equal(load.kids.size, 1);
    assert.ok(!load.kids.has(active.kid), 'the next one signs');

    await restart(2 * HOUR);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    assert.equal((await admin(server, 'POST', '/admin/keys', { key, kid: 'brought-along', use: 'sign' })).status, 201);
    await enough();
    assert.ok(!load.kids.has('brought-along'), 'it does not sign yet');
    await restart(HOUR);
    await enough();
    assert.ok(load.kids.has('brought-along'));
    for (let times = 0; times < 2; times += 1) await server.cron();
    await enough();

    // A crash without any time passing.
    const { settings } = server;
    server = await atRest(load, async () => {
      await server.kill();
      return startWorker(settings);
    });
    await enough();
  } finally {
    load.running = false;
    await Promise.all(lanes);
  }
  assert.ok(load.checked > 200, `${load.checked} checks`);
  const described = (await admin(server, 'GET', '/admin/keys')).json;
  assert.deepEqual(described.revoked.map(({ kid }) => kid), revoked);
});

async function work(load, verifier) {
  while (load.running) {
    if (load.resting) {
      load.paused += 1;
      await load.resting;
      load.paused -= 1;
    }
    const answer = await postForm(server, '/oauth/token', { grant_type: 'client_credentials' }, basic({ id: 'root', secret: server.rootSecret }));
    assert.equal(answer.status, 200, answer.text);
    const text = answer.json.access_token;
    const { kid } = decode(text).header;
    load.kids.add(kid);
    await verifier.check(text);
    // Tokens of earlier keys stay valid, here and at other verifiers.
    if (load.old.length < 200) load.old.push({ kid, text });
    const old = load.old[Math.floor(Math.random() * load.old.length)];
    await verifier.check(old.text);
    assert.equal((await send(server, '/api/whoami', { headers: bearer(old.text) })).status, 200);
    load.checked += 1;
  }
}

// Lets every lane finish its request before the Worker is killed, so that every error is a failure.
async function atRest(load, act) {
  let goOn;
  load.resting = new Promise((resolve) => { goOn = resolve; });
  try {
    await until(() => load.paused === LANES || !load.running, 'the lanes to rest', 60);
    return await act();
  } finally {
    load.resting = undefined;
    goOn();
  }
}

async function stages() {
  return (await admin(server, 'GET', '/admin/keys')).json.keys;
}
