// A missing or invalid setting: health names it in one word, so does the log, and every other request gets 503.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './forgery.mjs';
import { startWorker, token } from './harness.mjs';
import { faults } from './logs.mjs';
import { basic, postForm, send, until } from './request.mjs';

for (const [what, options, reason] of [
  ['no issuer', { issuer: '' }, 'issuer_missing'],
  ['an issuer without https', { issuer: 'http://as.example' }, 'issuer_invalid'],
  ['an issuer with a path', { issuer: 'https://as.example/' }, 'issuer_invalid'],
  ['no key-encryption key', { secrets: { EDGEMINT_KEY_ENCRYPTION_KEY: undefined } }, 'key_encryption_key_missing'],
  ['a short key-encryption key', { secrets: { EDGEMINT_KEY_ENCRYPTION_KEY: 'c2hvcnQ' } }, 'key_encryption_key_invalid'],
  ['a short previous key', { secrets: { EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY: 'c2hvcnQ' } },
    'previous_key_encryption_key_invalid'],
  ['the same key as the previous one', {
    secrets: { EDGEMINT_KEY_ENCRYPTION_KEY: 'A'.repeat(43), EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY: `${'A'.repeat(43)}=` },
  }, 'previous_key_encryption_key_same'],
  ['no root secret', { secrets: { EDGEMINT_ROOT_SECRET: undefined } }, 'root_secret_missing'],
  ['a short root secret that strangers can try', {
    issuer: 'https://as.example', secrets: { EDGEMINT_ROOT_SECRET: 'fifteen-letters' },
  }, 'root_secret_weak'],
  ['a root secret of sixteen equal characters', {
    issuer: 'https://as.example', secrets: { EDGEMINT_ROOT_SECRET: 'aaaaaaaaaaaaaaaa' },
  }, 'root_secret_weak'],
  ['a root secret that repeats a word', {
    issuer: 'https://as.example', secrets: { EDGEMINT_ROOT_SECRET: 'password-password-password' },
  }, 'root_secret_weak'],
  ['an issuer with the default port of https', { issuer: 'https://as.example:443' }, 'issuer_default_port'],
  ['an issuer with the default port of http', { issuer: 'http://localhost:80' }, 'issuer_default_port'],
  ['an algorithm that does not sign here', { vars: { SIGNING_ALGORITHMS: 'ES256 HS256' } }, 'signing_algorithms_invalid'],
  ['a lifetime of 0', { vars: { ACCESS_TOKEN_TTL: '0' } }, 'access_token_ttl_invalid'],
  ['a relative resource', { vars: { DEFAULT_RESOURCE: '/api' } }, 'default_resource_invalid'],
  ['a scope with a quote', { vars: { SAMPLE_SCOPE: '"' } }, 'sample_scope_invalid'],
  ['two names of headers with the client\'s address', { vars: { CLIENT_ADDRESS_HEADER: 'X-Real-IP, X-Forwarded-For' } },
    'client_address_header_invalid'],
  ['a scope of new users with edgemint:admin', { vars: { DEFAULT_USER_SCOPE: 'openid edgemint:admin' } },
    'default_user_scope_invalid'],
  ['an unknown value for upstream users', { vars: { UPSTREAM_ACCOUNTS: 'everyone' } },
    'upstream_accounts_invalid'],
  ['an unknown name of something that is permitted', { vars: { COMPATIBILITY: 'oauth2client oauth1client' } }, 'compatibility_invalid'],
  ['an upstream acr that maps to none of ours', { vars: { UPSTREAM_ACR: 'amr:pop=gold' } }, 'upstream_acr_invalid'],
  ['an acr for the administration that does not exist', { vars: { ADMIN_ACR: 'passkey' } }, 'admin_acr_invalid'],
]) {
  test(what, async (t) => {
    const server = await startWorker(options);
    t.after(() => server.stop());
    const health = await send(server, '/health');
    assert.equal(health.status, 503);
    assert.deepEqual(health.json, { status: 'unavailable', reason });
    assert.equal(health.headers['retry-after'], '5');

    const root = basic({ id: 'root', secret: server.rootSecret ?? '' });
    const answers = [
      await postForm(server, '/oauth/token', { grant_type: 'client_credentials' }, root),
      await send(server, '/.well-known/oauth-authorization-server'),
      await send(server, '/.well-known/jwks.json'),
      await send(server, '/api/whoami'),
    ];
    for (const { status, json, headers } of answers) {
      assert.equal(status, 503);
      assert.equal(json.error, 'temporarily_unavailable');
      assert.ok(!JSON.stringify(json).includes(reason), 'only health names the reason');
      assert.equal(headers['retry-after'], '5');
      assert.equal(headers['cache-control'], 'no-store');
    }
    for (const [path, language, shown] of [['/account', 'en', 'en'], ['/oauth/authorize', 'zh-CN', 'zh-Hans']]) {
      const page = await send(server, path, { headers: { accept: 'text/html', 'accept-language': language } });
      answers.push(page);
      assert.equal(page.status, 503, path);
      assert.equal(page.headers['content-type'], 'text/html; charset=utf-8', path);
      assert.match(page.headers['content-security-policy'], /default-src 'none'/);
      assert.equal(page.headers['retry-after'], '5');
      assert.match(page.text, new RegExp(`<html lang="${shown}"`));
      assert.ok(!page.text.includes(reason), 'only health names the reason');
    }
    await until(() => faults(server).length > answers.length, 'a line for each request');
    assert.deepEqual(faults(server), Array(1 + answers.length).fill(reason), 'and no more');
  });
}

test('the log says in a sentence what is wrong with a setting', async (t) => {
  for (const [options, sentence] of [
    [{ issuer: 'https://as.example:443' }, /ISSUER must not name the default port of its scheme/],
    [{ issuer: 'https://as.example', secrets: { EDGEMINT_ROOT_SECRET: 'aaaaaaaaaaaaaaaa' } }, /EDGEMINT_ROOT_SECRET must have at least 16 characters/],
  ]) {
    const server = await startWorker(options);
    t.after(() => server.stop());
    await send(server, '/health');
    await until(() => server.logs.some((line) => sentence.test(line)), `${sentence}`);
    assert.ok(!server.logs.join('\n').includes('aaaaaaaaaaaaaaaa'));
  }
});

test('accepts a short root secret on localhost only, and an issuer that is served at another host', async (t) => {
  for (const options of [{ secrets: { EDGEMINT_ROOT_SECRET: 'x' } }, { issuer: 'https://as.example' }]) {
    const server = await startWorker(options);
    t.after(() => server.stop());
    assert.equal((await send(server, '/health')).status, 200);
    const { claims } = decode((await token(server)).access_token);
    assert.equal(claims.iss, server.issuer);
  }
});
