// `edgemint/admin` in a browser, on a page of the issuer's own origin; a page of another origin reaches no administration.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { launch } from './chromium.mjs';

let server;
let browser;

before(async () => {
  await buildPackage();
  server = await startWorker();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Registers a client from the page at this address, and lists what is there; returns its identifier, or the code of the error. */
async function administerFrom(address) {
  const page = await browser.newPage();
  await page.goto(address);
  const result = await page.evaluate(async ({ issuer, secret, module }) => {
    const { AdminClient } = await import(module);
    const admin = new AdminClient({ issuer, client: { id: 'root', secret } });
    try {
      const { client_id: id } = await admin.createClient({ client_name: 'From a page' });
      const users = [];
      for await (const user of admin.listUsers()) users.push(user);
      return [(await admin.readClient(id)).client_name, users.length];
    } catch (error) {
      return error.code;
    }
  }, { issuer: server.url, secret: server.rootSecret, module: `${address}edgemint/admin.js` });
  await page.close();
  return result;
}

test('administers from a page of the issuer', async () => {
  assert.deepEqual(await administerFrom(`${server.url}/`), ['From a page', 0]);
});

test('reaches nothing from a page of another origin', async () => {
  assert.equal(await administerFrom(`${server.url.replace('localhost', '127.0.0.1')}/`), 'unreachable');
});
