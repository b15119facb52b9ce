// oauth2client 4.1.3 and 1.5.2 (Python), unmodified: the pieces of code that the manual shows for them, and the rest of what they do. Each
// item of COMPATIBILITY is also switched off.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, exportPKCS8 } from 'jose';
import { JWT_BEARER, present } from './assertion-grants.mjs';
import { admin, clientPath, registerClient } from './admin.mjs';
import { newClientKey } from './client-key.mjs';
import { DEVICE_GRANT, decideDevice } from './devices.mjs';
import { loggedEvents } from './events.mjs';
import { introspect } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, REDIRECT_URI, createUser } from './people.mjs';
import { PythonConsole, piecesOf } from './python-console.mjs';
import { skip } from './python.mjs';
import { send, until } from './request.mjs';
import { visit } from './visit.mjs';

const PIECES = piecesOf('moving.md');

describe('oauth2client', { skip, concurrency: 4 }, () => {
  let server;
  let strict;
  let folder;
  const consoles = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'edgemint-keys-'));
    const vars = { SIGNING_ALGORITHMS: 'ES256 RS256' };
    [server, strict] = await Promise.all([
      startWorker({ vars: { ...vars, COMPATIBILITY: 'oauth2client' } }),
      startWorker({ vars: { ...vars, COMPATIBILITY: 'assertion_without_jti', REFRESH_REPLAY_WINDOW: '0' } }),
    ]);
    for (const each of [server, strict]) each.user = await createUser(each);
  });

  after(async () => {
    for (const console of consoles) console.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true });
    await Promise.all([server?.stop(), strict?.stop()]);
  });

  function newConsole(options) {
    consoles.push(new PythonConsole(options));
    return consoles.at(-1);
  }

  /** Registers a client of users, by default as the manual does it. */
  function registerWeb(at, metadata = {}) {
    return registerClient(at, {
      redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT], scope: 'openid email offline_access read',
      token_endpoint_auth_method: 'client_secret_post', require_pkce: false, device_without_secret: true, ...metadata,
    });
  }

  /** A piece of the manual for this server and client. */
  function piece(section, index, at, values = {}) {
    let code = PIECES[section][index].replaceAll('https://auth.example.com', at.url);
    for (const [name, value] of Object.entries(values)) code = code.replaceAll(`'${name}'`, value === null ? 'None' : `'${value}'`);
    return code;
  }

  /** Runs the first piece of the web server flow; returns the console and the browser's answer. */
  async function start(at, client, { python = newConsole(), change = (code) => code, browser = new Browser(at) } = {}) {
    await python.run(change(piece('Web server flow', 0, at, { CLIENT_ID: client.id, CLIENT_SECRET: client.secret ?? null })));
    const { answer } = await visit(browser, at.user, await python.get('authorize_url'));
    return { python, answer };
  }

  /** Signs a user in. */
  async function signIn(at, client, options) {
    const { python, answer } = await start(at, client, options);
    assert.equal(answer.searchParams.get('state'), 'STATE');
    await python.run(`code = '${answer.searchParams.get('code')}'`);
    await python.run(piece('Web server flow', 2, at));
    return python;
  }

  async function assertActive(at, token, active) {
    assert.equal((await introspect(at, token)).json.active, active);
  }

  const whoami = (at) => piece('Refresh', 0, at);

  for (const old of [false, true]) {
    test(`web server flow without PKCE, refresh on 401, JSON, ${old ? '1.5.2' : '4.1.3'}`, async () => {
      const client = await registerWeb(server);
      const python = await signIn(server, client, { python: newConsole({ old }) });
      const first = await python.get('credentials.access_token');
      const { sub, scope } = decodeJwt(first);
      assert.deepEqual([sub, scope], [server.user.id, 'openid email offline_access read']);
      await python.run(whoami(server));
      assert.equal(await python.get('response.status'), 200);

      await send(server, `/oauth/revoke?token=${first}`, { method: 'POST', body: new Blob([`token=${first}`]) });
      await assertActive(server, first, false);
      await python.run(whoami(server));
      assert.equal(await python.get('response.status'), 200, 'it was refreshed, and the request repeated');
      const second = await python.get('credentials.access_token');
      assert.notEqual(second, first);

      await python.run(`from oauth2client.client import OAuth2Credentials
again = OAuth2Credentials.from_json(credentials.to_json())
again.refresh(httplib2.Http())`);
      assert.equal(await python.get('again.refresh_token == credentials.refresh_token'), true);
      await assertActive(server, await python.get('again.access_token'), true);
    });
  }

  test('web server flow by a client_secrets.json', async () => {
    const client = await registerWeb(server);
    const path = join(folder, `${crypto.randomUUID()}.json`);
    writeFileSync(path, JSON.stringify({
      web: {
        client_id: client.id, client_secret: client.secret, redirect_uris: [REDIRECT_URI], auth_uri: `${server.url}/oauth/authorize`,
        token_uri: `${server.url}/oauth/token`,
      },
    }));
    const python = newConsole();
    await python.run(piece('Web server flow', 1, server, { 'client_secrets.json': path }));
    const { answer } = await visit(new Browser(server), server.user, await python.get('authorize_url'));
    await python.run(`import httplib2\ncode = '${answer.searchParams.get('code')}'`);
    await python.run(piece('Web server flow', 2, server));
    await python.run(piece('Revocation and scope', 0, server));
    await assertActive(server, await python.get('credentials.access_token'), false);
  });

  test('web server flow with PKCE: a client without the flag, and a public client', async () => {
    const change = (code) => code.replace('scope=', 'pkce=True, scope=');
    const confidential = await registerWeb(server, { require_pkce: true });
    const python = await signIn(server, confidential, { change });
    await assertActive(server, await python.get('credentials.access_token'), true);
    await python.run('flow.code_verifier = b"x" * 43');
    const { answer } = await visit(new Browser(server), server.user, await python.get('authorize_url'));
    await assert.rejects(python.run(`flow.step2_exchange('${answer.searchParams.get('code')}')`), /FlowExchangeError: invalid_grantThe code/);

    const open = await registerWeb(server, { token_endpoint_auth_method: 'none', require_pkce: undefined, device_without_secret: undefined });
    const own = await signIn(server, open, { change });
    const token = await own.get('credentials.refresh_token');
    // It sends client_secret=None.
    await own.run('credentials.refresh(httplib2.Http())');
    assert.notEqual(await own.get('credentials.refresh_token'), token);
    await own.run('credentials.revoke(httplib2.Http())');
    await assert.rejects(own.run('credentials.refresh(httplib2.Http())'), /HttpAccessTokenRefreshError: invalid_grant: The code, refresh token/);
  });

  test('a public client sends None, which is a wrong secret of any other client and without the item', async () => {
    const change = (code) => code.replace('scope=', 'pkce=True, scope=');
    const metadata = { token_endpoint_auth_method: 'none', require_pkce: undefined, device_without_secret: undefined };
    const open = await registerWeb(strict, metadata);
    const python = await signIn(strict, open, { change });
    await assert.rejects(python.run('credentials.refresh(httplib2.Http())'), /HttpAccessTokenRefreshError: invalid_client: /);
    const confidential = await registerWeb(server);
    const own = await signIn(server, confidential);
    await own.run('credentials.client_secret = None');
    await assert.rejects(own.run('credentials.refresh(httplib2.Http())'), /HttpAccessTokenRefreshError: invalid_client: /);
  });

  test('a code without PKCE is refused without the item, and without the flag', async () => {
    for (const [at, require_pkce] of [[strict, false], [server, true], [server, undefined]]) {
      const client = await registerWeb(at, { require_pkce });
      const { answer } = await start(at, client);
      assert.deepEqual([answer.searchParams.get('error'), answer.searchParams.get('code')], ['invalid_request', null]);
    }
  });

  test('a flag that is removed between the code and its redemption counts', async () => {
    const client = await registerWeb(server);
    const { python, answer } = await start(server, client);
    const { json: metadata } = await admin(server, 'GET', clientPath(client.id));
    assert.equal((await admin(server, 'PUT', clientPath(client.id), { ...metadata, require_pkce: true })).status, 200);
    await assert.rejects(python.run(`flow.step2_exchange('${answer.searchParams.get('code')}')`), /FlowExchangeError: invalid_request/);
  });

  test('revocation of a refresh token and of an access token, and the scope by tokeninfo', async () => {
    const client = await registerWeb(server);
    const python = await signIn(server, client);
    const other = await signIn(server, client);
    const [first, second] = [await python.get('credentials.access_token'), await other.get('credentials.access_token')];
    await python.run(piece('Revocation and scope', 0, server));
    assert.deepEqual((await python.get('sorted(scopes)')), ['email', 'offline_access', 'openid', 'read']);
    assert.equal(await python.get('credentials.invalid'), true);
    await assertActive(server, first, false);
    await assertActive(server, second, true);
    await assert.rejects(python.run('credentials.retrieve_scopes(httplib2.Http())'), /^Error: Error: The access token/);
    // Credentials without a refresh token revoke their access token alone.
    await other.run(`from oauth2client.client import AccessTokenCredentials
alone = AccessTokenCredentials(credentials.access_token, 'test/1', revoke_uri=flow.revoke_uri)
alone.revoke(httplib2.Http())`);
    await assertActive(server, second, false);
    await other.run('credentials.refresh(httplib2.Http())');
    const revoked = () => loggedEvents(server).filter(({ event, client: of }) => event === 'token_revoked' && of === client.id);
    await until(() => revoked().some(({ reason }) => reason === 'access_token'), 'the event names the client');
    for (const token of [first, second]) assert.ok(!server.logs.some((line) => line.includes(token)), 'no token in the log');
  });

  test('revocation, tokeninfo and certificates are refused without their items', async () => {
    const client = await registerWeb(strict, { require_pkce: true });
    const python = await signIn(strict, client, { change: (code) => code.replace('scope=', 'pkce=True, scope=') });
    await assert.rejects(python.run('credentials.revoke(httplib2.Http())'), /TokenRevokeError: invalid_request/);
    await assert.rejects(python.run('credentials.retrieve_scopes(httplib2.Http())'), /^Error: Error: There is nothing at this path/);
    await assertActive(strict, await python.get('credentials.access_token'), true);
    const verify = piece('ID tokens', 0, strict, { CLIENT_ID: client.id });
    await assert.rejects(python.run(verify), /VerifyJwtTokenError: Status code: 404/);
  });

  test('verification of an ID token by certificates', async () => {
    const client = await registerWeb(server);
    const python = await signIn(server, client);
    await python.run(piece('ID tokens', 0, server, { CLIENT_ID: client.id }));
    assert.equal(await python.get('claims["sub"]'), server.user.id);
    assert.equal(decodeProtectedHeader(await python.get('credentials.id_token_jwt')).alg, 'RS256');
    await assert.rejects(python.run(piece('ID tokens', 0, server, { CLIENT_ID: 'another client' })), /AppIdentityError: Wrong recipient/);
    await python.run('other = credentials.id_token_jwt.rsplit(".", 1)[0] + "." + credentials.access_token.rsplit(".", 1)[1]');
    await assert.rejects(
      python.run(piece('ID tokens', 0, server, { CLIENT_ID: client.id }).replace('credentials.id_token_jwt', 'other')),
      /AppIdentityError: Invalid token signature/,
    );
    // 1.5.2 reads them with another library.
    const old = newConsole({ old: true });
    const token = await python.get('credentials.id_token_jwt');
    await old.run(piece('ID tokens', 0, server, { CLIENT_ID: client.id }).replace('credentials.id_token_jwt', `'${token}'`));
    assert.equal(await old.get('claims["sub"]'), server.user.id);
  });

  for (const old of [false, true]) {
    test(`a device, ${old ? '1.5.2' : '4.1.3'}`, async () => {
      const client = await registerWeb(server);
      const python = newConsole({ old });
      await python.run('from oauth2client.client import OAuth2WebServerFlow');
      await python.run(piece('Devices', 0, server, { CLIENT_ID: client.id, CLIENT_SECRET: client.secret }));
      assert.deepEqual(await python.get('[device.verification_url, device.interval]'), [`${server.issuer}/device`, 5]);
      const poll = piece('Devices', 1, server);
      await assert.rejects(python.run(poll), /FlowExchangeError: authorization_pending/);
      await decideDevice(new Browser(server), server.user, await python.get('device.user_code'));
      await python.run('flow.client_secret = "a wrong secret"');
      await assert.rejects(python.run(poll), /FlowExchangeError: invalid_client/);
      await python.run(`flow.client_secret = '${client.secret}'`);
      await python.run(poll);
      assert.equal(decodeJwt(await python.get('credentials.access_token')).sub, server.user.id);
      await python.run('import httplib2\ncredentials.refresh(httplib2.Http())');
    });
  }

  test('a device is refused without the items, and without the flag', async () => {
    for (const [at, device_without_secret] of [[strict, true], [server, undefined]]) {
      const client = await registerWeb(at, { device_without_secret });
      const python = newConsole();
      await python.run('from oauth2client.client import OAuth2WebServerFlow');
      const begin = piece('Devices', 0, at, { CLIENT_ID: client.id, CLIENT_SECRET: client.secret });
      await assert.rejects(python.run(begin), /OAuth2DeviceCodeError: Invalid response 401. Error: invalid_client/);
    }
    const open = await registerWeb(strict, { token_endpoint_auth_method: 'none', require_pkce: undefined, device_without_secret: undefined });
    const python = newConsole();
    await python.run('from oauth2client.client import OAuth2WebServerFlow');
    await python.run(piece('Devices', 0, strict, { CLIENT_ID: open.id, CLIENT_SECRET: null }));
    await assert.rejects(python.run(piece('Devices', 1, strict)), /FlowExchangeError: unsupported_grant_type/);
  });

  /** Registers a service account as the manual does it; returns its key file and how the manual's piece reads it. */
  async function serviceAccount(at, metadata = {}) {
    const key = await newClientKey('RS256', { extractable: true });
    const email = `reports-${crypto.randomUUID()}@project.example`;
    const { id } = await registerClient(at, {
      client_id: email, grant_types: [JWT_BEARER], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] }, scope: 'read write',
      service_account: { users: [at.user.id], scope: 'read' }, assertion_without_jti: true, ...metadata,
    });
    const private_key = await exportPKCS8(key.privateKey);
    const path = join(folder, `${crypto.randomUUID()}.json`);
    writeFileSync(path, JSON.stringify({ type: 'service_account', client_email: id, client_id: '1', private_key, private_key_id: key.jwk.kid }));
    return { id, private_key, path };
  }

  /** Runs the pieces about service accounts. */
  async function startServiceAccount(at, account) {
    const python = newConsole();
    await python.run('import httplib2');
    await python.run(piece('Service accounts', 0, at, { 'key.json': account.path }));
    await python.run(piece('Service accounts', 1, at, { USER_ID: at.user.id }));
    return python;
  }

  test('a service account, for itself and for a user, and the revocation of its tokens', async () => {
    const account = await serviceAccount(server);
    const python = await startServiceAccount(server, account);
    await python.run(whoami(server));
    assert.equal(await python.get('response.status'), 200, 'a token at the first request');
    await python.run('delegated.refresh(httplib2.Http())');
    const [own, ofUser] = [await python.get('credentials.access_token'), await python.get('delegated.access_token')];
    for (const [token, subject] of [[own, account.id], [ofUser, server.user.id]]) {
      const { sub, client_id, scope } = decodeJwt(token);
      assert.deepEqual([sub, client_id, scope], [subject, account.id, 'read']);
      await assertActive(server, token, true);
    }
    await python.run('delegated.revoke(httplib2.Http())');
    await assertActive(server, ofUser, false);
    await assertActive(server, own, true);
    await python.run(`again = ServiceAccountCredentials.from_json(credentials.to_json())
again.revoke(httplib2.Http())`);
    await assertActive(server, own, false);
  });

  test('SignedJwtAssertionCredentials of 1.5.2, whose revocation by GET alone fails', async () => {
    const account = await serviceAccount(server);
    const python = newConsole({ old: true });
    await python.run(`private_key = ${JSON.stringify(account.private_key)}`);
    await python.run(piece('oauth2client 1.5.2', 0, server, { EMAIL: account.id, USER_ID: server.user.id }));
    await python.run('import httplib2\ncredentials.refresh(httplib2.Http())');
    const token = await python.get('credentials.access_token');
    assert.equal(decodeJwt(token).sub, server.user.id);
    await python.run(`credentials.revoke_uri = '${server.url}/oauth/revoke'`);
    await assert.rejects(python.run('credentials.revoke(httplib2.Http())'), /TokenRevokeError: method_not_allowed/);
    await assertActive(server, token, true);
  });

  test('the same text of an assertion gets the same token within the replay window, concurrently too', async () => {
    const account = await serviceAccount(server);
    const python = await startServiceAccount(server, account);
    for (const [who, subject] of [['credentials', account.id], ['delegated', server.user.id]]) {
      const text = await python.get(`${who}._generate_assertion().decode()`);
      const answers = await Promise.all(Array.from({ length: 5 }, () => present(server, text)));
      answers.push(await present(server, text));
      assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 200), answers.find(({ status }) => status !== 200)?.text);
      const claims = answers.map(({ json }) => decodeJwt(json.access_token));
      for (const each of claims) assert.deepEqual(each, claims[0]);
      assert.equal(claims[0].sub, subject);
      await assertActive(server, answers[0].json.access_token, true);
      const another = await present(server, await python.get(`${who}._generate_assertion().decode()`), { scope: 'read' });
      assert.equal(another.status, 200);
    }
    const text = await python.get('delegated.create_with_claims({"n": 1})._generate_assertion().decode()');
    const { json: { access_token } } = await present(server, text);
    const grant = decodeJwt(access_token).jti.split('.')[0];
    assert.equal((await admin(server, 'DELETE', `/admin/users/${server.user.id}/grants/${grant}`)).status, 204);
    const { status, json: { error } } = await present(server, text);
    assert.deepEqual([status, error], [400, 'invalid_grant'], 'what was revoked does not come back');
  });

  test('after the replay window the same text is refused, for itself and for a user', async () => {
    const account = await serviceAccount(strict);
    const python = await startServiceAccount(strict, account);
    for (const who of ['credentials', 'delegated']) {
      const text = await python.get(`${who}._generate_assertion().decode()`);
      const outcomes = await Promise.all(Array.from({ length: 3 }, () => present(strict, text)));
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 400, 400]);
      assert.equal((await present(strict, text)).json.error, 'invalid_grant');
      // Another signature would be another text; the signed part is the same.
      const reasons = () => loggedEvents(strict).filter(({ client }) => client === account.id).map(({ reason }) => reason);
      await until(() => reasons().includes('assertion_replay'), 'the event of the replay');
    }
  });

  test('an assertion with a fault is refused, and is an event', async () => {
    const account = await serviceAccount(server);
    const python = await startServiceAccount(server, account);
    const stranger = await startServiceAccount(server, { ...account, path: (await serviceAccount(server)).path });
    const refusal = /HttpAccessTokenRefreshError: invalid_grant: The code, refresh token or assertion is invalid/;
    const reasons = () => loggedEvents(server).filter(({ client }) => client === account.id).map(({ reason }) => reason);
    await stranger.run(`credentials._service_account_email = '${account.id}'`);
    await assert.rejects(stranger.run('credentials.refresh(httplib2.Http())'), refusal, 'another key');
    await until(() => reasons().includes('assertion'), 'the event');
    for (const [code, reason] of [
      [`credentials.create_delegated('${'A'.repeat(22)}')`, 'assertion_subject'],
      ['credentials.create_with_claims({"exp": int(__import__("time").time()) + 86400})', 'assertion'],
      ['credentials.create_with_claims({"aud": "https://accounts.google.com/o/oauth2/token"})', 'assertion'],
      ['credentials.create_scoped("admin")', 'assertion_scope'],
      ['delegated.create_scoped("write")', 'assertion_scope'],
    ]) {
      const before = reasons().filter((each) => each === reason).length;
      await assert.rejects(python.run(`${code}.refresh(httplib2.Http())`), refusal, code);
      await until(() => reasons().filter((each) => each === reason).length > before, `${reason} of ${code}`);
    }
    const text = await python.get('credentials._generate_assertion().decode()');
    const wide = await present(server, text, { scope: 'admin' });
    assert.equal(wide.json.error, 'invalid_scope', 'the request names the scope');
    assert.equal((await present(server, text)).status, 200, 'a refused request consumes nothing');
  });

  test('an assertion without jti is refused without the flag, and without the item', async () => {
    const refusal = /HttpAccessTokenRefreshError: invalid_grant/;
    const unflagged = await startServiceAccount(server, await serviceAccount(server, { assertion_without_jti: undefined }));
    for (const who of ['credentials', 'delegated']) await assert.rejects(unflagged.run(`${who}.refresh(httplib2.Http())`), refusal);
    const bare = await startWorker({ vars: { REFRESH_REPLAY_WINDOW: '0' } });
    try {
      bare.user = await createUser(bare);
      const python = await startServiceAccount(bare, await serviceAccount(bare));
      for (const who of ['credentials', 'delegated']) await assert.rejects(python.run(`${who}.refresh(httplib2.Http())`), refusal);
    } finally {
      await bare.stop();
    }
  });

  test('tokeninfo describes active access tokens alone', async () => {
    const client = await registerWeb(server);
    const python = await signIn(server, client);
    const [access, refresh] = [await python.get('credentials.access_token'), await python.get('credentials.refresh_token')];
    const ask = (query) => send(server, `/oauth/tokeninfo${query}`);
    const { status, json, headers } = await ask(`?access_token=${access}&fields=scope`);
    const { exp } = decodeJwt(access);
    assert.deepEqual([status, json.scope, json.exp, json.client_id], [200, 'openid email offline_access read', exp, client.id]);
    assert.ok(json.expires_in > 500 && json.expires_in <= 600);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], undefined, 'no page of another origin');
    for (const bad of [refresh, `${access}x`, 'x']) {
      const answer = await ask(`?access_token=${bad}`);
      assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_token']);
      assert.match(answer.headers['www-authenticate'], /^Bearer /);
      assert.ok(answer.json.error_description.length > 0);
    }
    for (const query of ['', `?access_token=${access}&access_token=${access}`]) assert.equal((await ask(query)).status, 400);
    assert.equal((await send(server, '/oauth/tokeninfo', { method: 'POST' })).status, 405);
  });

  test('revocation by possession takes one token, that query and body agree on', async () => {
    const client = await registerWeb(server);
    const python = await signIn(server, client);
    const token = await python.get('credentials.access_token');
    const post = (query, body, headers = {}) => send(server, `/oauth/revoke${query}`, { method: 'POST', body: new Blob([body]), headers });
    for (const [query, body, headers] of [
      [`?token=${token}`, ''],
      [`?token=${token}`, 'token=x'],
      [`?token=x`, `token=${token}`],
      [`?token=${token}&client_id=${client.id}`, `token=${token}`],
      [`?token=${token}`, `token=${token}`, { authorization: 'Basic eDp4' }],
      [`?token=${token}`, `token=${token}`, { 'content-type': 'text/plain' }],
    ]) {
      const { status, json } = await post(query, body, headers);
      assert.deepEqual([status, json.error_description], [400, 'Send parameters in the body, not in the URL.'], `${query} ${body}`);
    }
    assert.equal((await send(server, `/oauth/revoke?token=${token}`)).status, 405);
    assert.equal((await post('', `token=${token}`)).status, 400);
    await assertActive(server, token, true);
    assert.deepEqual((await post('?token=unknown', 'token=unknown')).json, {}, 'RFC 7009 section 2.2');
    const { status, headers } = await post(`?token=${token}`, `token=${token}`, { 'content-type': 'application/x-www-form-urlencoded' });
    assert.deepEqual([status, headers['content-type']], [200, 'application/json']);
    await assertActive(server, token, false);
  });

  test('without their items, the paths are those of no endpoint', async () => {
    for (const path of ['/oauth/certs', '/oauth/tokeninfo?access_token=x']) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { status, headers, text } = await send(strict, path, { method });
        const nothing = await send(strict, '/oauth/nothing', { method });
        assert.deepEqual({ status, headers, text }, { status: nothing.status, headers: nothing.headers, text: nothing.text }, `${method} ${path}`);
        assert.equal(status, 404);
      }
    }
    const { status, headers, json } = await send(server, '/oauth/certs');
    const { json: { keys } } = await send(server, '/.well-known/jwks.json');
    assert.deepEqual([status, Object.keys(json)], [200, keys.filter(({ alg }) => alg === 'RS256').map(({ kid }) => kid)]);
    for (const pem of Object.values(json)) assert.match(pem, /^-----BEGIN CERTIFICATE-----\n/);
    assert.match(headers['cache-control'], /^public, max-age=/);
    assert.equal((await send(server, '/oauth/certs', { headers: { 'if-none-match': headers.etag } })).status, 304);
    assert.equal((await send(server, '/oauth/certs', { method: 'POST' })).status, 405);
  });
});
