// Time in the tests: a clock that the test moves, and waiting for conditions instead of for seconds.
import { setTimeout as pause } from 'node:timers/promises';

/** Stops `Date`, which the package reads, and returns a function that moves it by seconds. */
export function stopClock(t) {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  return (seconds) => t.mock.timers.setTime(Date.now() + seconds * 1000);
}

/** Stops `Date` and the timers; returns a function that lets milliseconds pass, ten at a time, and does all work in between. */
export function stopTimers(t) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
  return async (milliseconds) => {
    for (let passed = 0; passed < milliseconds; passed += 10) {
      t.mock.timers.tick(10);
      await immediately(3);
    }
  };
}

/** Lets the event loop turn this many times, without any timer. */
export async function immediately(turns) {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

/**
 * Waits until the work in this process is done: for turns of the event loop rather than for time, so that a slow machine gives
 * the work as many turns as a quick one.
 */
export async function atRest() {
  for (let turn = 0; turn < 25; turn += 1) await pause(2);
}

/** Waits until `condition` returns true, for at most half a minute. */
export async function until(condition) {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 6_000) throw new Error('the condition did not become true');
    await pause(5);
  }
}

/** Makes every `AbortSignal.timeout` abort after a tenth of a second, and returns the requested durations in milliseconds. */
export function shortenTimeouts(t) {
  const asked = [];
  t.mock.method(AbortSignal, 'timeout', (milliseconds) => {
    asked.push(milliseconds);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException('timed out', 'TimeoutError')), 100);
    return controller.signal;
  });
  return asked;
}
