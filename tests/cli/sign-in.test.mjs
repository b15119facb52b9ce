// Signing in by the command line at a real Worker: in a browser, with a code on another device, and as a client; and how long it lasts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { operator } from '../workerd/admin.mjs';
import { decideDevice } from '../workerd/devices.mjs';
import { startWorker, token } from '../workerd/harness.mjs';
import { Browser, createUser } from '../workerd/people.mjs';
import { until } from '../workerd/request.mjs';
import { visit } from '../workerd/visit.mjs';
import { newUser } from './run.mjs';

let server;
let administrator;

before(async () => {
  server = await startWorker();
  administrator = await createUser(server, { scope: 'openid edgemint:admin' });
  const { edgemint } = newUser({ EDGEMINT_ISSUER: server.issuer, EDGEMINT_TOKEN: (await token(server, { resource: server.issuer })).access_token });
  const { code, stderr } = await edgemint(['clients', 'create', '--cli']);
  assert.equal(code, 0, stderr);
});

after(() => server?.stop());

const fileOf = (user) => join(user.folder, 'config', 'edgemint', 'profiles.json');
const profilesOf = (user) => JSON.parse(readFileSync(fileOf(user), 'utf8')).profiles;

/** Begins a sign-in; resolves to the first match in what it says, and a promise of its end. */
async function begin(user, args, pattern) {
  // A browser that does nothing: the test opens the address.
  const child = user.begin(['login', '--issuer', server.issuer, ...args], { env: { BROWSER: 'true' } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
  const ended = once(child, 'close').then(([code]) => ({ code, said }));
  const [, found] = await until(() => pattern.exec(said), 'it says where to sign in');
  return { found, ended, child };
}

const inBrowser = /\n {2}(http\S+)\n/;

test('in a browser, with PKCE and a redirect to this machine; the token is renewed, and revoked at the end', async () => {
  const user = newUser();
  const { found, ended } = await begin(user, [], inBrowser);
  const request = new URL(found).searchParams;
  assert.deepEqual([request.get('code_challenge_method'), request.get('scope'), request.get('resource')], ['S256', 'edgemint:admin', server.issuer]);
  assert.match(request.get('redirect_uri'), /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  const { answer } = await visit(new Browser(server), administrator, found);
  assert.match(await (await fetch(answer)).text(), /You are signed in/);
  assert.equal((await ended).code, 0, (await ended).said);

  assert.equal(statSync(fileOf(user)).mode & 0o777, 0o600);
  assert.equal(statSync(join(user.folder, 'config', 'edgemint')).mode & 0o777, 0o700);
  const status = await user.edgemint(['status']);
  assert.deepEqual([status.code, status.json.issuer, status.json.client, status.json.renewable], [0, server.issuer, 'edgemint-cli', true]);
  const shown = await user.edgemint(['profile', 'show']);
  assert.deepEqual([shown.json.access_token, shown.json.refresh_token], ['********', '********']);
  assert.equal((await user.edgemint(['profile', 'show', '--reveal'])).json.access_token, profilesOf(user).default.access_token);

  const { default: before } = profilesOf(user);
  expire(user);
  assert.equal((await user.edgemint(['keys', 'list'])).code, 0);
  const { default: renewed } = profilesOf(user);
  assert.ok(renewed.expires_at > Date.now() / 1000 && renewed.access_token !== before.access_token);

  assert.equal((await user.edgemint(['logout'])).code, 0);
  assert.deepEqual(profilesOf(user), {});
  const revoked = newUser({ EDGEMINT_ISSUER: server.issuer, EDGEMINT_TOKEN: renewed.access_token });
  assert.equal((await revoked.edgemint(['keys', 'list'])).code, 4);
});

test('what reaches the loopback address and is no response to the request ends nothing, and a refusal is said', async () => {
  const user = newUser();
  const { found, ended } = await begin(user, [], inBrowser);
  const callback = new URL(found).searchParams.get('redirect_uri');
  assert.equal((await fetch(callback.replace('/callback', '/favicon.ico'))).status, 404);
  const { answer } = await visit(new Browser(server), administrator, found, 'deny');
  assert.match(await (await fetch(answer)).text(), /The sign-in failed/);
  const { code, said } = await ended;
  assert.deepEqual([code, /error: .*denied/.test(said)], [3, true], said);

  const forged = await begin(user, [], inBrowser);
  await fetch(`${new URL(forged.found).searchParams.get('redirect_uri')}?code=x&state=forged&iss=${server.issuer}`);
  const refused = await forged.ended;
  assert.deepEqual([refused.code, /"state"/.test(refused.said)], [3, true], refused.said);
  assert.throws(() => statSync(fileOf(user)), { code: 'ENOENT' });

  const stopped = await begin(user, [], inBrowser);
  stopped.child.kill('SIGINT');
  assert.equal((await stopped.ended).code, 130);
});

test('a user who may not administer is refused, by the scope of the token', async () => {
  const other = await createUser(server, { scope: 'openid' });
  const user = newUser();
  const { found, ended } = await begin(user, [], inBrowser);
  const { answer } = await visit(new Browser(server), other, found);
  if (answer) await fetch(answer);
  const { code, said } = await ended;
  assert.equal(code, 3, said);
  assert.throws(() => statSync(fileOf(user)), { code: 'ENOENT' });
});

test('with a code on another device', async () => {
  const user = newUser();
  const { found, ended } = await begin(user, ['--device', '--profile', 'device'], /\n {2}([A-Z-]{6,})\n/);
  await decideDevice(new Browser(server), administrator, found);
  assert.equal((await ended).code, 0, (await ended).said);
  assert.equal((await user.edgemint(['clients', 'list', '--limit', '1'])).code, 0);
  assert.equal(profilesOf(user).device.client_id, 'edgemint-cli');
});

test('as a client: the secret is kept only if that is asked for, and an expired token says how to sign in', async () => {
  const user = newUser();
  user.file('root', `${server.rootSecret}\n`);
  const login = (...more) => user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-file', 'root', ...more]);
  assert.equal((await login()).code, 0);
  assert.ok(!readFileSync(fileOf(user), 'utf8').includes(server.rootSecret));
  expire(user);
  const expired = await user.edgemint(['keys', 'list']);
  assert.deepEqual([expired.code, expired.stdout], [4, '']);
  assert.equal(expired.stderr, `error: the token of the profile default has expired or was revoked\nhint: sign in: edgemint login --issuer ${server.issuer}\n`);

  assert.equal((await login('--keep-secret')).code, 0);
  expire(user);
  assert.equal((await user.edgemint(['keys', 'list'])).code, 0);
  await operator(server).endClientTokens('root');
  // In the second of the revocation, new tokens are revoked, too.
  await until(async () => (await user.edgemint(['keys', 'list'])).code === 0, 'a refused token is replaced');

  const wrong = await user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-stdin'], { input: 'wrong' });
  assert.deepEqual([wrong.code, wrong.stdout], [4, '']);
  assert.ok(!wrong.stderr.includes('wrong'), wrong.stderr);
});

test('profiles: several, the current one, and never a token for another issuer', async () => {
  const user = newUser();
  user.file('root', server.rootSecret);
  for (const name of ['one', 'two']) assert.equal((await user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-file', 'root', '--profile', name])).code, 0);
  assert.deepEqual((await user.edgemint(['profile', 'list'])).lines.map(({ name, current }) => [name, current]), [['one', false], ['two', true]]);
  await user.edgemint(['profile', 'use', 'one']);
  assert.deepEqual((await user.edgemint(['status'])).json.credentials, 'profile one');
  const other = await user.edgemint(['keys', 'list', '--issuer', 'http://localhost:1']);
  assert.deepEqual([other.code, /you are not signed in at http:\/\/localhost:1/.test(other.stderr)], [4, true]);
  assert.equal((await user.edgemint(['keys', 'list', '--issuer', 'http://localhost:1', '--profile', 'one'])).code, 2);
  assert.equal((await user.edgemint(['profile', 'remove', 'one'])).code, 0);
  assert.deepEqual((await user.edgemint(['profile', 'list'])).lines.map(({ name, current }) => [name, current]), [['two', true]]);

  // Without a name, a sign-in replaces the profile of its issuer and no other.
  const { two: kept } = profilesOf(user);
  writeFileSync(fileOf(user), JSON.stringify({ current: 'default', profiles: { default: { ...kept, issuer: 'https://other.example' } } }));
  for (let times = 0; times < 2; times += 1) await user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-file', 'root']);
  assert.deepEqual(Object.entries(profilesOf(user)).map(([name, { issuer }]) => [name, issuer]), [['default', 'https://other.example'], [new URL(server.issuer).host.replace(':', '-'), server.issuer]]);
  writeFileSync(fileOf(user), JSON.stringify({ current: 'two', profiles: { two: kept } }));

  chmodSync(fileOf(user), 0o644);
  const listed = await user.edgemint(['profile', 'list']);
  assert.match(listed.stderr, /could be read by other users/);
  assert.equal(statSync(fileOf(user)).mode & 0o777, 0o600);

  // A server that cannot be reached has revoked nothing: the profile stays.
  const { two } = profilesOf(user);
  writeFileSync(fileOf(user), JSON.stringify({ current: 'two', profiles: { two: { ...two, issuer: 'http://localhost:1' } } }));
  assert.equal((await user.edgemint(['logout'])).code, 5);
  assert.ok(profilesOf(user).two);
  assert.equal((await user.edgemint(['logout', '--local'])).code, 0);

  writeFileSync(fileOf(user), '{');
  const damaged = await user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-file', 'root']);
  assert.deepEqual([damaged.code, readFileSync(fileOf(user), 'utf8')], [1, '{']);
});

test('the environment wins over profiles', async () => {
  const user = newUser();
  user.file('root', server.rootSecret);
  await user.edgemint(['login', '--issuer', server.issuer, '--client', 'root', '--secret-file', 'root']);
  const { access_token: EDGEMINT_TOKEN } = await token(server, { resource: server.issuer });
  assert.equal((await user.edgemint(['status'], { env: { EDGEMINT_TOKEN } })).json.credentials, 'EDGEMINT_TOKEN');
  assert.equal((await user.edgemint(['token', 'get'], { env: { EDGEMINT_TOKEN } })).stdout.trim(), EDGEMINT_TOKEN);
  assert.equal((await user.edgemint(['status'], { env: { EDGEMINT_ISSUER: 'http://localhost:1' } })).code, 4);
});

test('gets tokens for a client, and asks the server about them', async () => {
  const user = newUser({ EDGEMINT_ISSUER: server.issuer });
  const { client_id: id, client_secret: secret } = await operator(server).createClient({ scope: 'read write' });
  user.file('secret', secret);
  const as = ['--client', id, '--secret-file', 'secret'];
  const got = await user.edgemint(['token', 'get', ...as, '--scope', 'read']);
  assert.equal(got.code, 0, got.stderr);
  const verified = await user.edgemint(['token', 'verify', '--status'], { input: got.stdout });
  assert.deepEqual([verified.code, verified.json?.claims.scope], [0, 'read'], verified.stderr);
  const active = await user.edgemint(['token', 'inspect', ...as], { input: got.stdout });
  assert.deepEqual([active.code, active.json.active], [0, true], active.stderr);
  await operator(server).endClientTokens(id);
  const inactive = await user.edgemint(['token', 'inspect', ...as], { input: got.stdout });
  assert.deepEqual([inactive.code, inactive.json], [3, { active: false }]);
  const scope = await user.edgemint(['token', 'get', ...as, '--scope', 'admin']);
  assert.deepEqual([scope.code, /scope exceeds/.test(scope.stderr)], [3, true], scope.stderr);
});

/** Makes the token of the current profile an expired one. */
function expire(user) {
  const value = JSON.parse(readFileSync(fileOf(user), 'utf8'));
  value.profiles[value.current].expires_at = 1;
  writeFileSync(fileOf(user), JSON.stringify(value));
}
