// `edgemint doctor` at servers with one fault each: it finds that one, and says what to do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findings } from '../../src/js/cli/commands/doctor.js';
import { AdminClient } from '../../src/js/shim/entries/admin.js';
import { startFakeServer } from './fake-server.mjs';
import { newUser } from './run.mjs';

let fake;
let user;

before(async () => {
  fake = await startFakeServer();
  user = newUser({ EDGEMINT_ISSUER: fake.issuer, EDGEMINT_TOKEN: 'x' });
});

after(() => fake?.stop());

const now = () => Math.floor(Date.now() / 1000);
const key = (more) => ({ kid: 'k', alg: 'ES256', use: 'sign', stage: 'active', publish_at: 1, sign_from: 1, sign_until: now() + 30 * 86_400, drop_at: now() + 33 * 86_400, jwk: {}, ...more });

/** The responses of a healthy server, with these changes. */
const server = (changes) => ({
  'GET /health': () => ({ status: 200 }),
  'GET /.well-known/oauth-authorization-server': () => ({ issuer: fake.issuer }),
  'GET /.well-known/openid-configuration': () => ({ issuer: fake.issuer }),
  'GET /.well-known/jwks.json': () => ({ keys: [{ alg: 'ES256' }] }),
  'OPTIONS /oauth/token': () => ({ status: 204, headers: { 'access-control-allow-origin': '*' } }),
  'GET /admin/keys': () => ({ keys: [key()] }),
  'GET /admin/key-encryption': () => ({ key: 'a', previous: null, done: false, failures: 0, state: 'There is no previous secret.' }),
  ...changes,
});

const isWrong = ({ check, state }) => state !== 'ok' && check !== 'transport';

/** What is wrong with the server, by the checks alone: a process for each would take most of the time. */
async function found(changes) {
  fake.serve(server(changes));
  const admin = new AdminClient({ issuer: fake.issuer, token: 'x' });
  const all = [];
  for await (const finding of findings({ session: { issuer: fake.issuer, admin }, signal: new AbortController().signal })) all.push(finding);
  return all.filter(isWrong);
}

test('the program finds nothing wrong with a healthy server, and fails for a failed check alone', async () => {
  for (const [changes, expected] of [[{}, 0], [{ 'OPTIONS /oauth/token': () => ({ status: 204 }) }, 1], [{ 'GET /admin/keys': () => ({ keys: [key({ sign_until: now() + 60 })] }) }, 0]]) {
    fake.serve(server(changes));
    const { code, lines } = await user.edgemint(['doctor']);
    assert.deepEqual([code, lines.length, lines.filter(isWrong).length], [expected, 9, Object.keys(changes).length], JSON.stringify(lines));
  }
});

for (const [what, changes, check, state, detail, advice] of [
  ['an unhealthy server', { 'GET /health': () => ({ status: 503 }) }, 'health', 'failed', /responds with 503/, /wrangler tail/],
  ['metadata of another issuer', { 'GET /.well-known/oauth-authorization-server': () => ({ issuer: 'https://other.example' }) }, 'metadata', 'failed', /https:\/\/other\.example/, /ISSUER/],
  ['metadata documents that differ', { 'GET /.well-known/openid-configuration': () => ({ issuer: 'x' }) }, 'metadata', 'failed', /differ/, /proxy/],
  ['missing metadata', { 'GET /.well-known/openid-configuration': () => undefined }, 'metadata', 'failed', /responds with 404/, undefined],
  ['an empty key set', { 'GET /.well-known/jwks.json': () => ({ keys: [] }) }, 'jwks', 'failed', /empty/, /wrangler tail/],
  ['a clock that differs', { 'GET /health': () => ({ headers: { date: new Date(Date.now() - 90_000).toUTCString() } }) }, 'clock', 'warning', /differs by -(89|9\d) s/, /synchronise/],
  ['a proxy that removes CORS', { 'OPTIONS /oauth/token': () => ({ status: 204 }) }, 'cors', 'failed', /refuses applications in browsers/, /Access-Control-Allow-Origin/],
  ['no key that signs', { 'GET /admin/keys': () => ({ keys: [key({ stage: 'retiring' })] }) }, 'keys', 'failed', /no key signs/, /keys timeline/],
  ['a key without a successor', { 'GET /admin/keys': () => ({ keys: [key({ sign_until: now() + 3700 })] }) }, 'keys', 'warning', /ES256 stops signing in 1 h/, /cron/],
  ['an imported key that leaves', { 'GET /admin/keys': () => ({ keys: [key(), key({ kid: 'old', use: 'verify', stage: 'retiring', drop_at: now() + 90_000 })] }) }, 'keys', 'warning', /old leaves in 1 d/, /refused/],
  ['records of a previous secret', { 'GET /admin/key-encryption': () => ({ previous: 'b', done: false, failures: 0, state: '' }) }, 'key encryption', 'warning', /previous/, /reseal --wait/],
  ['records that do not open', { 'GET /admin/key-encryption': () => ({ previous: 'b', done: true, failures: 2, state: 'Keep the secrets.' }) }, 'key encryption', 'failed', /2 records/, /Keep the secrets/],
]) {
  test(`finds ${what}`, async () => {
    const wrong = await found(changes);
    assert.deepEqual([wrong.length, wrong[0]?.check, wrong[0]?.state], [1, check, state], JSON.stringify(wrong));
    assert.match(wrong[0].detail, detail);
    if (advice === undefined) assert.equal(wrong[0].advice, undefined);
    else assert.match(wrong[0].advice, advice);
  });
}
