// The consent page with the descriptions of registered resources, in both languages, wide and narrow, light and dark, without scripts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from '../workerd/admin.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { authorizationPath, createUser, pkce, registerPublicClient } from '../workerd/people.mjs';
import { launch } from './chromium.mjs';
import { look } from './look.mjs';
import { heading, visit } from './people.mjs';

const FILES = 'https://files.example.com/a/resource/with/a/path/that/goes/on/and/on';
const DESCRIBED = [
  { value: 'files:read', description: { en: 'Read your files, also those that others have shared with you', zh: '读取您的文件，包括他人与您共享的文件' } },
  { value: 'files:write', description: { en: 'W'.repeat(100), zh: '改'.repeat(100) } },
  { value: 'files:share', description: { en: 'Share your files' } },
];

let server;
let browser;
let user;
let client;

before(async () => {
  server = await startWorker();
  browser = await launch();
  const { status, text } = await admin(server, 'POST', '/admin/resources', { identifier: FILES, name: '文件 Files', scopes: DESCRIBED });
  assert.equal(status, 201, text);
  [user, client] = await Promise.all([
    createUser(server), registerPublicClient(server, { resources: [FILES], scope: 'openid files:read files:write files:share' }),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const { locale, asks, descriptions, foreign } of [
  { locale: 'en', asks: /Test app/, descriptions: [DESCRIBED[0].description.en, 'W'.repeat(100), 'Share your files'], foreign: [] },
  { locale: 'zh-CN', asks: /Test app/, descriptions: [DESCRIBED[0].description.zh, '改'.repeat(100), 'Share your files'], foreign: ['Share your files'] },
]) {
  test(`each scope value is described, and everything fits, in ${locale}`, async (t) => {
    const { page } = await visit(t, browser, `${server.url}/account/sign-in`, { origins: [server.url], javaScriptEnabled: false, locale });
    await page.locator('input[name=username]').fill(user.username);
    await page.locator('input[name=password]').fill(user.password);
    await page.locator('input[name=password]').press('Enter');
    await page.waitForURL(`${server.url}/account`);
    await page.goto(`${server.url}${authorizationPath(client, pkce(), { scope: client.information.scope, resource: FILES })}`);
    await heading(page, asks);
    const items = await page.locator('.scopes li').allInnerTexts();
    assert.deepEqual(items.map((text) => text.trim()).slice(1), descriptions);
    assert.deepEqual(await page.locator('.scopes bdi[lang=en]').allInnerTexts(), foreign);
    assert.match(await page.locator('.resources').innerText(), /文件 Files/);
    await look(page, `consent-described-${locale}`, { widths: [320, 390, 1280], texts: 8 });
  });
}
