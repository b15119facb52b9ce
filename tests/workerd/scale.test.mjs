// "Scale, on paper" in the manual has the current results of `npm run scale`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant, setting } from '../../.scripts/constants.mjs';
import { scale } from '../../.scripts/scale.mjs';
import { costOf, microseconds } from '../../.scripts/scale/costs.mjs';
import { listTokenBytes } from '../../.scripts/scale/encoded.mjs';
import { about, bytes } from '../../.scripts/scale/words.mjs';
import { derive, operations } from '../../.scripts/scale/workload.mjs';

test('the manual has the calculated tables (after a change: `npm run scale -- --write`)', () => {
  const { written, calculated } = scale();
  assert.equal(written, calculated);
});

test('the tests count every operation of the load, and the token requests are as many as assumed', () => {
  const load = derive();
  const rates = operations(load);
  for (const [operation, rate] of Object.entries(rates)) {
    assert.ok(rate > 0, operation);
    assert.ok(Number.isInteger(costOf(operation)['object calls']), operation);
    assert.ok(microseconds(operation).time > 0, operation);
  }
  const token = ['client_credentials', 'redeem, with offline_access', 'refresh, with offline_access', 'refresh, a client with a secret'];
  assert.equal(Math.round(token.reduce((sum, operation) => sum + rates[operation], 0)), load.tokenRequests);
});

test('refuses what is not counted, not measured, or not defined exactly once', () => {
  assert.throws(() => costOf('nothing of that name'), /is not counted/);
  assert.throws(() => microseconds('nothing of that name'), /has not been measured/);
  assert.throws(() => constant('NO_SUCH_CONSTANT'), /has no number NO_SUCH_CONSTANT/);
  assert.throws(() => setting('NO_SUCH_SETTING'), /has no number/);
});

test('grants are created and end at the rate of live grants divided by their lifetime', () => {
  const { grants, issued, life, handedOut, lists } = derive();
  assert.ok(Math.abs(issued * life - grants) < 1);
  assert.ok(handedOut >= issued);
  // Every list that is needed must exist: all entries of the longest lifetime.
  assert.ok(lists * constant('LIST_SIZE') >= handedOut * setting('REFRESH_TOKEN_TTL'));
});

test('a list is no smaller than its information, and grows with it', () => {
  const size = constant('LIST_SIZE');
  const share = 0.01;
  const entropy = size * -(share * Math.log2(share) + (1 - share) * Math.log2(1 - share)) / 8;
  assert.ok(listTokenBytes(size * share) > entropy * 16 / 9);
  assert.ok(listTokenBytes(0) < listTokenBytes(10) && listTokenBytes(10) < listTokenBytes(100));
});

test('formats numbers for readers', () => {
  assert.deepEqual([0, 0.001, 0.181, 2.25, 1999, 10_000, 131_072, 45_600_000, 24e9].map(about),
    ['0', 'less than 0.01', '0.181', '2.3', '2,000', '10,000', '131,000', '46 million', '24 billion']);
  assert.deepEqual([512, 12_288, 69e9].map(bytes), ['510 bytes', '12.3 kB', '69 GB']);
});
