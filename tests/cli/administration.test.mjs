// The command line at a real Worker, in a pipe: every group of commands, and what it refuses.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { operator } from '../workerd/admin.mjs';
import { startWorker, token } from '../workerd/harness.mjs';
import { addPasskey } from '../workerd/passkeys.mjs';
import { PASSWORD, createUser, registerPublicClient, signInAndRedeem } from '../workerd/people.mjs';
import { until } from '../workerd/request.mjs';
import { newUser } from './run.mjs';

let server;
let ada;

before(async () => {
  server = await startWorker();
  const { access_token: EDGEMINT_TOKEN } = await token(server, { resource: server.issuer });
  ada = newUser({ EDGEMINT_ISSUER: server.issuer, EDGEMINT_TOKEN });
});

after(() => server?.stop());

/** Runs a command that has to succeed; returns its result. */
async function done(args, options) {
  const result = await ada.edgemint(args, options);
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
  return result;
}

async function fails(code, args, pattern, options) {
  const result = await ada.edgemint(args, options);
  assert.deepEqual([result.code, result.stdout], [code, ''], `${args.join(' ')}: ${result.stderr}`);
  assert.match(result.stderr, pattern);
}

test('clients: created, changed, disabled, given another secret, removed', async () => {
  await fails(2, ['clients', 'create', '--id', 'reports'], /shown once[^]*--secret-out/);
  const created = await done(['clients', 'create', '--id', 'reports', '--name', 'Reports', '--scope', 'read write', '--resource', 'https://api.example', '--secret-out', 'secret']);
  assert.deepEqual([created.json.client_id, created.json.client_secret], ['reports', '********']);
  const file = join(ada.folder, 'secret');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const secret = readFileSync(file, 'utf8').trim();
  assert.ok((await token(server, {}, { id: 'reports', secret })).access_token);
  assert.ok(!created.stdout.includes(secret) && !created.stderr.includes(secret));

  // A request that is refused leaves no file behind.
  await fails(3, ['clients', 'create', '--id', 'reports', '--secret-out', 'other'], /already exists/);
  assert.throws(() => statSync(join(ada.folder, 'other')), { code: 'ENOENT' });
  await fails(1, ['clients', 'create', '--id', 'other', '--secret-out', 'secret'], /exists already/);
  await fails(3, ['clients', 'get', 'other'], /There is no client/);

  const updated = await done(['clients', 'update', 'reports', '--scope', 'read']);
  assert.deepEqual([updated.json.scope, updated.json.client_name, updated.json.resources], ['read', 'Reports', ['https://api.example']]);
  await fails(2, ['clients', 'update', 'reports'], /nothing to change/);
  const imported = await done(['clients', 'update', 'reports', '--file', '-', '--name', 'Other'], { input: '{"software_id":"s","client_name":"Ignored"}' });
  assert.deepEqual([imported.json.software_id, imported.json.client_name, imported.json.scope], ['s', 'Other', 'read']);
  assert.equal((await done(['clients', 'disable', 'reports'])).json.enabled, false);
  assert.equal((await done(['clients', 'enable', 'reports'])).json.enabled, true);
  assert.equal((await done(['clients', 'get', 'reports'])).json.scope, 'read');

  await fails(2, ['clients', 'set-secret', 'reports', '--reveal'], /a confirmation is needed[^]*--yes/);
  const fresh = await done(['clients', 'set-secret', 'reports', '--yes', '--reveal']);
  assert.notEqual(fresh.json.client_secret, secret);
  await done(['clients', 'set-secret', 'reports', '--yes', '--secret-stdin'], { input: `${fresh.json.client_secret}x\n` });
  await until(async () => (await token(server, {}, { id: 'reports', secret: `${fresh.json.client_secret}x` }).catch(() => undefined)), 'the new secret works');

  assert.ok((await done(['clients', 'revoke-tokens', 'reports', '--yes'])).json.issued_until > 0);
  await fails(2, ['clients', 'delete', 'reports'], /a confirmation is needed/);
  await done(['clients', 'delete', 'reports', '--yes']);
  await fails(3, ['clients', 'get', 'reports'], /There is no client with this client_id/);
});

test('a client of one\'s own secret, of keys, and a public one need no place for a secret', async () => {
  ada.file('own', 'Zq7Lw0xN2vB9mT4rY6uPkkkkkkkkkkkk');
  const own = await done(['clients', 'create', '--id', 'own', '--secret-file', 'own']);
  assert.equal(own.json.client_secret, '********');
  await done(['clients', 'create', '--id', 'app', '--public', '--redirect-uri', 'https://app.example/cb', '--redirect-uri', 'https://app.example/other']);
  assert.equal((await done(['clients', 'get', 'app'])).json.redirect_uris.length, 2);
  await done(['clients', 'create', '--cli']);
  const listed = await until(async () => {
    const { lines } = await done(['clients', 'list']);
    return lines.length >= 3 && lines;
  }, 'the clients are listed');
  assert.ok(listed.some(({ client_id }) => client_id === 'edgemint-cli'));
  const { stdout, stderr } = await done(['clients', 'list', '--limit', '1']);
  assert.equal(stdout.trim().split('\n').length, 1);
  assert.match(stderr, /^1 shown; there are more/);
});

test('users: created, found by name and id, changed, disabled, removed', async () => {
  await fails(2, ['users', 'create', 'ada'], /the password is missing/);
  const created = await done(['users', 'create', 'ada', '--email', 'ada@example.com', '--email-verified', '--name', 'Ada', '--groups', 'staff, on call', '--scope', 'openid read', '--password-stdin'], { input: `${PASSWORD}\n` });
  const { id } = created.json;
  assert.deepEqual(created.json.groups, ['staff', 'on call']);
  await fails(3, ['users', 'create', 'ada', '--password-stdin'], /already exists/, { input: PASSWORD });
  for (const name of ['ada', 'ADA', id]) assert.equal((await done(['users', 'get', name])).json.id, id);
  assert.equal((await done(['users', 'list', '--username', 'ada'])).lines.length, 1);
  await fails(3, ['users', 'get', 'grace'], /there is no user grace/);
  await fails(3, ['users', 'get', 'A'.repeat(22)], /There is no such user/);
  const { json: renamed } = await done(['users', 'update', 'ada', '--new-username', 'ada2', '--groups', '']);
  assert.deepEqual([renamed.username, renamed.groups, renamed.email, renamed.email_verified, renamed.scope], ['ada2', undefined, 'ada@example.com', true, 'openid read']);
  assert.equal((await done(['users', 'set-password', 'ada2', '--password-stdin', '--yes', '--end-grants'], { input: 'another correct horse' })).json.grants_ended, 0);
  await fails(2, ['users', 'disable', 'ada2'], /a confirmation is needed/);
  assert.equal((await done(['users', 'disable', 'ada2', '--yes'])).json.enabled, false);
  assert.equal((await done(['users', 'enable', 'ada2'])).json.enabled, true);
  await done(['users', 'delete', 'ada2', '--yes']);
  await fails(3, ['users', 'get', id], /There is no such user/);
});

test('grants, sessions and passkeys of a user, and bulk revocation', async () => {
  const user = await createUser(server);
  const client = await registerPublicClient(server);
  const { browser } = await signInAndRedeem(server, user, client);
  await addPasskey(browser);
  await signInAndRedeem(server, user, client);
  const { lines: grants } = await done(['grants', 'list', user.username]);
  assert.equal(grants.length, 2);
  assert.equal((await done(['clients', 'grants', client.id])).lines.length, 2);
  await fails(2, ['grants', 'revoke', user.username, '--yes'], /name one grant, or add --all/);
  await done(['grants', 'revoke', user.username, grants[0].id, '--yes']);
  await fails(3, ['grants', 'revoke', user.username, grants[0].id, '--yes'], /There is no such grant/);
  await fails(2, ['revoke', '--yes'], /there is no condition/);
  await fails(2, ['revoke', '--user', user.username], /Revoke all grants of the user/);
  const revocation = await done(['revoke', '--user', user.username, '--client', client.id, '--before', '0s', '--wait', '--yes']);
  assert.equal(revocation.json.done, true);
  assert.equal((await done(['revocations', 'get', revocation.json.id])).json.done, true);
  assert.equal(typeof (await done(['grants', 'revoke', user.username, '--all', '--yes'])).json.ended, 'number');
  assert.deepEqual((await operator(server).listUserGrants(user.id)).grants, []);
  assert.deepEqual((await done(['clients', 'revoke-grants', client.id, '--yes'])).json, { ended: 0 });
  const { lines: [passkey] } = await done(['users', 'passkeys', user.username]);
  assert.equal((await done(['users', 'remove-passkeys', user.username, passkey.id, '--yes'])).json.removed, 1);
  assert.ok((await done(['sessions', 'list', user.username])).lines.length > 0);
  assert.ok((await done(['sessions', 'end', user.username, '--yes'])).json.ended > 0);
});

test('keys: listed, imported, exported, rotated and revoked', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  ada.file('old.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  ada.file('wrong.pem', 'nothing');
  await fails(1, ['keys', 'import', 'old.pem', '--use', 'verify', '--until', '30d'], /old\.pem: [^]*--alg NAME/);
  await fails(1, ['keys', 'import', 'old.pem', 'wrong.pem', '--use', 'verify', '--until', '30d', '--alg', 'RS256'], /wrong\.pem/);
  await fails(2, ['keys', 'import', 'old.pem', '--use', 'verify', '--alg', 'RS256'], /--until belongs to/);
  await fails(2, ['keys', 'import', 'old.pem'], /--use is missing/);
  assert.equal((await operator(server).listKeys()).keys.length, 2, 'nothing was imported');
  const imported = await done(['keys', 'import', 'old.pem', '--use', 'verify', '--until', '30d', '--alg', 'RS256', '--kid', 'old']);
  assert.equal(imported.lines[0].kid, 'old');
  assert.match((await done(['keys', 'export', 'old', '--format', 'pem'])).stdout, /^-----BEGIN PUBLIC KEY-----/);
  assert.equal((await done(['keys', 'export', 'old'])).json.kty, 'RSA');
  assert.ok((await done(['keys', 'timeline'])).lines.every(({ time }, index, all) => index === 0 || time >= all[index - 1].time));
  await done(['keys', 'rotate', '--yes']);
  assert.ok((await done(['keys', 'revoke', 'old', '--yes'])).json.refused_here_from > 0);
  assert.ok((await done(['keys', 'list'])).lines.some(({ kid, stage }) => kid === 'old' && stage === 'revoked'));
  assert.ok((await done(['jwks'])).json.keys.length >= 2);
  assert.equal((await done(['key-encryption', 'status'])).json.previous, null);
  assert.equal((await done(['key-encryption', 'reseal', '--wait'])).json.done, true);
});

test('resources: registered, replaced and removed', async () => {
  const record = { identifier: 'https://files.example', name: 'Files', clients: 'all' };
  const { json: { id } } = await done(['resources', 'create', '-'], { input: JSON.stringify(record) });
  assert.equal((await done(['resources', 'replace', id, '-'], { input: JSON.stringify({ ...record, name: 'Other' }) })).json.name, 'Other');
  assert.equal((await done(['resources', 'get', id])).json.clients, 'all');
  assert.deepEqual((await done(['resources', 'list'])).lines.map(({ identifier }) => identifier), ['https://files.example']);
  await fails(2, ['resources', 'delete', id], /a confirmation is needed/);
  assert.equal((await done(['resources', 'delete', id, '--yes'])).json.resource, 'https://files.example');
  await fails(3, ['resources', 'get', id], /no such resource|There is no/);
});

test('exchange rules: created, replaced and removed', async () => {
  const rule = { client: 'app', sources: ['https://api.example'], targets: ['https://backend.example'], mode: 'delegation' };
  const { json: { id } } = await done(['exchange-rules', 'create', '-'], { input: JSON.stringify(rule) });
  assert.equal((await done(['exchange-rules', 'replace', id, '-'], { input: JSON.stringify({ ...rule, mode: 'impersonation' }) })).json.mode, 'impersonation');
  assert.equal((await done(['exchange-rules', 'get', id])).json.client, 'app');
  assert.match((await done(['exchange-rules', 'list', '--table'])).stdout, /app +https:\/\/api\.example +https:\/\/backend\.example +impersonation/);
  await done(['exchange-rules', 'delete', id, '--yes']);
  await fails(3, ['exchange-rules', 'get', id], /There is no/);
});

test('trusted issuers, and any call', async () => {
  const record = { issuer: 'https://idp.example', jwks_uri: 'https://idp.example/jwks', algorithms: ['ES256'], subject: 'user_id', clients: ['app'] };
  const { json: { id } } = await done(['trusted-issuers', 'create', '-'], { input: JSON.stringify(record) });
  ada.file('record.json', JSON.stringify({ ...record, scope: 'read' }));
  assert.equal((await done(['trusted-issuers', 'replace', id, 'record.json'])).json.scope, 'read');
  assert.equal((await done(['trusted-issuers', 'get', id])).json.issuer, 'https://idp.example');
  await until(async () => (await done(['trusted-issuers', 'list'])).lines.length === 1, 'it is listed');
  await done(['trusted-issuers', 'delete', id, '--yes']);
  await fails(2, ['trusted-issuers', 'create', '-'], /must be JSON/, { input: '{' });

  assert.equal((await done(['api', 'GET', '/admin/openapi.json'])).json.openapi, '3.1.0');
  assert.deepEqual((await done(['api', 'get', '/admin/users', '--query', 'username=none'])).json, { users: [] });
  const { json } = await done(['api', 'POST', '/admin/clients', '--input', '-'], { input: '{"client_id":"raw"}' });
  assert.equal(json.client_secret, '********');
  assert.equal((await done(['api', 'DELETE', '/admin/clients/raw'])).stdout, '');
  await fails(3, ['api', 'GET', '/admin/clients/raw'], /There is no client/);
  for (const path of ['/oauth/token', 'admin/keys', '/admin/../oauth/token', '/admin/keys#x']) await fails(2, ['api', 'GET', path], /must begin with \/admin\//);
  await fails(2, ['api', 'PATCH', '/admin/keys'], /no method/);
});

test('events: filtered, as one object a line', async () => {
  await until(async () => {
    const { lines } = await done(['events', 'list', '--event', 'client_registered', '--since', '1h', '--limit', '2']);
    return lines.length === 2 && lines.every(({ event }) => event === 'client_registered');
  }, 'the events are stored');
  await fails(2, ['events', 'list', '--since', 'yesterday'], /is no time/);
  await fails(3, ['events', 'list', '--event', 'nothing'], /event/);
  const { stdout } = await done(['events', 'list', '--table', '--limit', '1']);
  assert.match(stdout, /^time +severity +event +about\n\d{4}-\d\d-\d\d /);
});

test('doctor finds a healthy server, and says of an unreachable one', async () => {
  const { lines } = await done(['doctor']);
  assert.deepEqual(lines.filter(({ state }) => state === 'failed'), []);
  assert.deepEqual(lines.map(({ check }) => check), ['health', 'transport', 'metadata', 'jwks', 'clock', 'cors', 'sign-in', 'keys', 'key encryption']);
  const nowhere = await ada.edgemint(['doctor'], { env: { EDGEMINT_ISSUER: 'http://localhost:1', EDGEMINT_TOKEN: 'x' } });
  assert.equal(nowhere.code, 1);
  assert.deepEqual(nowhere.lines.map(({ state }) => state), ['failed', ...Array(8).fill('skipped')]);
  assert.equal(nowhere.lines[0].detail, 'the server could not be reached');
  const unknown = await ada.edgemint(['doctor'], { env: { EDGEMINT_TOKEN: 'x' } });
  assert.ok(unknown.lines.slice(-3).every(({ state }) => state === 'skipped'));
});

test('exit codes of the server\'s refusals, of no sign-in and of no server', async () => {
  await fails(4, ['keys', 'list'], /hint: sign in: edgemint login/, { env: { EDGEMINT_TOKEN: 'x' } });
  await fails(4, ['keys', 'list'], /you are not signed in at[^]*edgemint login --issuer/, { env: { EDGEMINT_TOKEN: '' } });
  await fails(5, ['keys', 'list'], /could not be reached/, { env: { EDGEMINT_ISSUER: 'http://localhost:1', EDGEMINT_TOKEN: 'x' } });
  await fails(1, ['keys', 'list'], /EDGEMINT_TOKEN is from/, { env: { EDGEMINT_ISSUER: 'http://localhost:1' } });
  const { id, secret } = await operator(server).createClient({ scope: 'read' }).then(({ client_id, client_secret }) => ({ id: client_id, secret: client_secret }));
  const { access_token: weak } = await token(server, { resource: server.issuer }, { id, secret });
  await fails(3, ['keys', 'list'], /lacks a scope[^]*edgemint:admin/, { env: { EDGEMINT_TOKEN: weak } });
});
