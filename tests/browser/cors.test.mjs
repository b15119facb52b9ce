// The endpoints that a page of another origin may use, by the rules of a real browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorker } from '../workerd/harness.mjs';
import { launch, open } from './chromium.mjs';
import { page as html, startClient } from './people.mjs';

const TRACING = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', baggage: 'tenant=1', 'x-request-id': '1' };
let server;
let browser;
let site;

before(async () => {
  server = await startWorker();
  browser = await launch();
  site = await startClient({ '/app': ['text/html', html('<h1>App</h1>')] });
});

after(async () => {
  await browser?.close();
  site?.stop();
  await server?.stop();
});

test('a page with a tracing library reads responses and refusals of the open endpoints, and of no others', async (t) => {
  const { page } = await open(browser, `${site.origin}/app`);
  t.after(() => page.context().close());
  const ask = (path, init) => page.evaluate(async ([url, options]) => {
    try {
      const response = await fetch(url, options);
      return response.status;
    } catch (error) {
      return error.name;
    }
  }, [`${server.issuer}${path}`, init]);
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'x' }).toString();
  const contentType = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const [path, init, expected] of [
    ['/oauth/token', { method: 'POST', headers: { ...TRACING, ...contentType }, body: form }, 401],
    ['/oauth/token', { method: 'POST', headers: { ...TRACING, authorization: 'Basic eDp5' }, body: 'x' }, 400],
    ['/oauth/userinfo', { headers: { ...TRACING, authorization: 'Bearer x' } }, 401],
    ['/api/whoami', { headers: { ...TRACING, authorization: 'Bearer x' } }, 401],
    ['/.well-known/openid-configuration', { headers: { ...TRACING, 'mcp-protocol-version': '2025-06-18' } }, 200],
    ['/.well-known/oauth-protected-resource/mcp', { headers: { ...TRACING, 'mcp-protocol-version': '2025-06-18' } }, 404],
    ['/.well-known/jwks.json', { headers: TRACING }, 200],
    // Without a preflight: the browser sends these methods at once.
    ['/oauth/token', { method: 'GET' }, 405],
    ['/oauth/nothing', { method: 'GET' }, 404],
    ['/oauth/token', { method: 'POST', headers: contentType, body: 'x'.repeat(70_000) }, 413],
    // Endpoints that are closed to pages.
    ['/oauth/introspect', { method: 'POST', headers: contentType, body: form }, 'TypeError'],
    ['/admin/clients', { headers: { authorization: 'Bearer x' } }, 'TypeError'],
    ['/account', { method: 'GET' }, 'TypeError'],
  ]) {
    assert.equal(await ask(path, init), expected, `${init.method ?? 'GET'} ${path}`);
  }
});
