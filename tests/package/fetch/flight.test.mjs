// The two ways to fetch once for many, apart from any fetch: workerd's way must also survive a flight that never lands.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { install } from '../shared/consumer.mjs';

const { leasedFlight, sharedFlight } = await import(pathToFileURL(join(await install(), 'node_modules/edgemint/dist/flight.js')));

for (const [name, flightOf] of [['shared', sharedFlight], ['leased', leasedFlight(() => {})]]) {
  test(`${name}: one run for all who join, and another one later`, async () => {
    let runs = 0;
    const flight = flightOf(async () => {
      runs += 1;
      await pause(30);
    });
    assert.equal(flight.isUnderway(), false);
    flight.start();
    assert.equal(flight.isUnderway(), true);
    await Promise.all([flight.join(), flight.join(), flight.start(), flight.join()]);
    assert.equal(flight.isUnderway(), false);
    assert.equal(runs, 1);
    await flight.join();
    assert.equal(runs, 2);
  });
}

test('leased: who leads is kept alive', async () => {
  const kept = [];
  const flight = leasedFlight((promise) => kept.push(promise))(() => pause(30));
  await Promise.all([flight.join(), flight.join()]);
  assert.equal(kept.length, 1);
  await kept[0];
});

test('leased: after a flight that never lands, one of those who wait sets off after a second', async () => {
  let runs = 0;
  const flight = leasedFlight(() => {})(async () => {
    runs += 1;
    await (runs === 1 ? new Promise(() => {}) : pause(30));
  });
  flight.start();
  const started = performance.now();
  await Promise.all(Array.from({ length: 20 }, () => flight.join()));
  const elapsed = performance.now() - started;
  assert.equal(runs, 2);
  assert.ok(elapsed > 900 && elapsed < 2_500, `${elapsed} ms`);
});

test('leased: a slow flight is joined by one a second, and the first to land is enough for all', async () => {
  let runs = 0;
  const flight = leasedFlight(() => {})(async () => {
    runs += 1;
    await pause(runs === 1 ? 2_500 : 60_000, undefined, { ref: false });
  });
  const started = performance.now();
  await Promise.all(Array.from({ length: 20 }, () => flight.join()));
  const elapsed = performance.now() - started;
  assert.equal(runs, 3);
  assert.ok(elapsed > 2_400 && elapsed < 4_000, `${elapsed} ms`);
});
