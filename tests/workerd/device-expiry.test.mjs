// Device codes that have expired, and what is left of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { restartWithOlderDevices, storedDevices } from './ageing.mjs';
import { decideDevice, enterCode, poll, registerDeviceClient, startDevice } from './devices.mjs';
import { assertCounts, assertRefused } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser } from './people.mjs';
import { until } from './request.mjs';

let server;
let client;

before(async () => {
  server = await startWorker();
  client = await registerDeviceClient(server);
});

after(() => server?.stop());

test('after 15 minutes a code is expired for the device and unknown to the user, and its object forgets it', async () => {
  const user = await createUser(server);
  const browser = new Browser(server);
  const [waiting, allowed, denied, redeemed] = await Promise.all([1, 2, 3, 4].map(() => startDevice(server, client, { scope: 'openid offline_access' })));
  await decideDevice(browser, user, allowed.user_code);
  await decideDevice(browser, user, denied.user_code, 'deny');
  await decideDevice(browser, user, redeemed.user_code);
  const { json: tokens } = await poll(server, client, redeemed.device_code);
  const page = await enterCode(browser, user, waiting.user_code);

  const restart = async (seconds) => {
    server = await restartWithOlderDevices(server, seconds);
    browser.server = server;
  };
  await restart(880);
  assert.equal((await poll(server, client, waiting.device_code)).json.error, 'authorization_pending', 'just before');
  await restart(30);
  for (const { device_code } of [waiting, allowed, denied, redeemed]) {
    const { status, json } = await poll(server, client, device_code);
    assert.deepEqual([status, json.error], [400, 'expired_token']);
  }
  const other = await registerDeviceClient(server);
  assertRefused(await poll(server, other, waiting.device_code), 'another client learns no more');
  await assertCounts(server, tokens.access_token, 'tokens live on');
  for (const late of [
    await browser.submit(page, { decision: 'allow' }, { action: '/device/consent' }), await enterCode(browser, user, waiting.user_code),
  ]) {
    assert.deepEqual([late.status, /unknown or has expired/.test(late.html)], [400, true]);
  }
  assert.equal((await poll(server, client, waiting.device_code)).json.error, 'expired_token', 'the late form decided nothing');

  // workerd has the storage to itself while it runs.
  const stored = async () => {
    await server.kill();
    return storedDevices(server).length;
  };
  assert.equal(await stored(), 4);
  server = await startWorker(server.settings);
  await restart(60);
  const isEmpty = async () => {
    assert.equal((await poll(server, client, waiting.device_code)).json.error, 'expired_token', 'a poll for a code that is gone');
    const left = await stored();
    server = await startWorker(server.settings);
    return left === 0;
  };
  await until(isEmpty, 'the alarms of the objects');
  assert.ok(await isEmpty(), 'a poll for a code that is gone stores nothing');
});
