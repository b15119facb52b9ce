// The cost of the load per second: object calls, rows, KV reads and processor time, from the counts of the tests and the times of the benchmark.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constant } from '../constants.mjs';
import { root } from '../toolbox.mjs';
import { operations } from './workload.mjs';

const json = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

const counted = json('tests', 'workerd', 'costs.json');
export const processor = json('tests', 'bench', 'cpu.json');

// Operations without a measurement of their own, and a similar one that costs no less.
const LIKE = {
  'authorize, without a session': 'JWKS',
  'authorize, to the page that asks for consent': 'authorize, session and consent remembered',
  'consent, the first of this user to this client': 'revoke, refresh token',
  'sign-in page': 'JWKS',
  'sign in by password, new browser': 'sign in by password, known browser',
  'userinfo': 'whoami',
};

/** Returns the microseconds of an operation, and the operation that was measured instead, if so. */
export function microseconds(operation) {
  const like = LIKE[operation];
  const measured = processor.operations[like ?? operation];
  if (measured === undefined) throw new Error(`the processor time of "${operation}" has not been measured`);
  return { time: measured.microseconds, like };
}

/** Returns the cost of an operation, by column of costs.json. */
export function costOf(operation) {
  const numbers = counted.operations[operation];
  if (numbers === undefined) throw new Error(`the cost of "${operation}" is not counted`);
  return Object.fromEntries(counted.columns.map((column, index) => [column, numbers[index]]));
}

/** Returns the largest number of object calls of any operation. */
export function mostCalls() {
  return Math.max(...Object.keys(counted.operations).map((operation) => costOf(operation)['object calls']));
}

/** Returns the lines of the load: rate and cost per second; `asked` if a request waits for it. */
export function loadLines(load) {
  const asked = Object.entries(operations(load)).map(([operation, rate]) => {
    const { time, like } = microseconds(operation);
    const cost = costOf(operation);
    return line(operation, rate, {
      asked: true, calls: cost['object calls'], read: cost['rows read'], written: cost['rows written'], kv: cost['KV reads'], time, like,
    });
  });
  const rowsOfAccount = processor.bytes['rows beside the grants'] + load.grants / load.users;
  // Lines that no test counts, derived from the code.
  const behind = [
    line('status list, fetched from its object', load.listReads, {
      asked: true, calls: 1, ...as('status list, published again'),
    }),
    line('a batch of status list indices', load.batches, { calls: 1, read: 2, written: 1, ...as('whoami') }),
    // Grants expire, so the alarm of an account that has any is set again.
    line('the hourly alarm of each account', load.users / 3600, {
      calls: 1, read: rowsOfAccount, written: 1, ...as('whoami'),
    }),
    line('expired grants, deleted', load.issued - load.ended, { written: 1 }),
    line('the ring of keys, checked once a minute', load.isolates / constant('REFRESH_AFTER'), { kv: 1 }),
    line('the catalogue, checked once a minute', load.isolates / constant('REFRESH_AFTER'), { kv: 1 }),
    line('clients, checked once a minute', load.isolates * clientsMet(load) / constant('CLIENT_MEMORY'), { kv: 1 }),
  ];
  // One call and row for each isolate and second at most, to the object of the hour.
  behind.push(line('events, from each isolate', load.isolates, { calls: 1, written: 1, ...as('whoami') }));
  return [...asked, ...behind];
}

function line(name, rate, { asked = false, calls = 0, read = 0, written = 0, kv = 0, time = 0, like }) {
  const [perSecond, seconds] = [(each) => rate * each, rate * time / 1e6];
  return { name, rate, asked, like, calls: perSecond(calls), read: perSecond(read), written: perSecond(written), kv: perSecond(kv), seconds };
}

// The time of a similar operation.
function as(like) {
  return { time: microseconds(like).time, like };
}

/** Returns how many clients an isolate sees while it remembers one. */
function clientsMet({ tokenRequests, introspections, clients, isolates }) {
  const requests = (tokenRequests + introspections) / isolates * constant('CLIENT_MEMORY');
  return clients * (1 - Math.exp(-requests / clients));
}
