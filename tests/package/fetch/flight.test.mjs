// The two ways to share one fetch among callers, without a real fetch: workerd's way must also survive a flight that never lands.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { stopTimers } from '../shared/clock.mjs';
import { install } from '../shared/consumer.mjs';

const { leasedFlight, sharedFlight } = await import(pathToFileURL(join(await install(), 'node_modules/edgemint/dist/flight.js')));

for (const [name, flightOf] of [['shared', sharedFlight], ['leased', leasedFlight(() => {})]]) {
  test(`${name}: one run for all concurrent callers, and a new one later`, async () => {
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

test('leased: the leader\'s request is kept alive', async () => {
  const kept = [];
  const flight = leasedFlight((promise) => kept.push(promise))(() => pause(30));
  await Promise.all([flight.join(), flight.join()]);
  assert.equal(kept.length, 1);
  await kept[0];
});

test('leased: after a flight that never lands, one of the waiting callers starts another after a second', async (t) => {
  const pass = stopTimers(t);
  const landings = [];
  const flight = leasedFlight(() => {})(() => new Promise((resolve) => { landings.push(resolve); }));
  flight.start();
  const joined = Promise.all(Array.from({ length: 20 }, () => flight.join()));
  await pass(980);
  assert.equal(landings.length, 1);
  await pass(40);
  assert.equal(landings.length, 2);
  landings[1]();
  await pass(20);
  await joined;
  assert.equal(landings.length, 2);
});

test('leased: a slow flight is joined by one a second, and the first to land serves all callers', async (t) => {
  const pass = stopTimers(t);
  const landings = [];
  const flight = leasedFlight(() => {})(() => new Promise((resolve) => { landings.push(resolve); }));
  const joined = Promise.all(Array.from({ length: 20 }, () => flight.join()));
  const flights = [];
  for (let half = 0; half < 5; half += 1) {
    await pass(500);
    flights.push(landings.length);
  }
  // After 500, 1,000, 1,500, 2,000 and 2,500 ms.
  assert.deepEqual(flights, [1, 2, 2, 3, 3]);
  landings[0]();
  await pass(20);
  await joined;
  assert.equal(landings.length, 3);
});
