// What the load costs: object calls, rows, reads of KV and processor time a second, from what the tests count and the benchmark measures.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constant } from '../constants.mjs';
import { root } from '../toolbox.mjs';
import { operations } from './workload.mjs';

const json = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

const counted = json('tests', 'workerd', 'costs.json');
export const processor = json('tests', 'bench', 'cpu.json');

// What has not been measured by itself is taken for something like it, that costs no less.
const LIKE = {
  'authorize, without a session': 'JWKS',
  'authorize, to the page that asks for consent': 'authorize, session and consent remembered',
  'consent, the first of this person to this client': 'revoke, refresh token',
  'sign-in page': 'JWKS',
  'sign in by password, new browser': 'sign in by password, known browser',
  'userinfo': 'whoami',
};

/** Microseconds of an operation, and whether it was taken for another. */
export function microseconds(operation) {
  const like = LIKE[operation];
  const measured = processor.operations[like ?? operation];
  if (measured === undefined) throw new Error(`the processor time of "${operation}" has not been measured`);
  return { time: measured.microseconds, like };
}

/** What an operation costs, each number by its column in costs.json. */
export function costOf(operation) {
  const numbers = counted.operations[operation];
  if (numbers === undefined) throw new Error(`what "${operation}" costs is not counted`);
  return Object.fromEntries(counted.columns.map((column, index) => [column, numbers[index]]));
}

/** The most calls of objects that any operation makes. */
export function mostCalls() {
  return Math.max(...Object.keys(counted.operations).map((operation) => costOf(operation)['object calls']));
}

/** Whether the Worker keeps events: one call and row an isolate and second at most, to the object of the hour. */
export const keepsEvents = existsSync(join(root, 'src', 'worker', 'objects', 'events_do.rs'));

/** Each line of the load: its rate a second and what that costs a second; `asked` if somebody outside asks, and waits. */
export function loadLines(load) {
  const asked = Object.entries(operations(load)).map(([operation, rate]) => {
    const { time, like } = microseconds(operation);
    const cost = costOf(operation);
    return line(operation, rate, {
      asked: true, calls: cost['object calls'], read: cost['rows read'], written: cost['rows written'], kv: cost['KV reads'], time, like,
    });
  });
  const rowsOfAccount = processor.bytes['rows beside the grants'] + load.grants / load.users;
  // The lines that no test counts, from reading the code.
  const behind = [
    line('status list, asked of its object', load.listReads, {
      asked: true, calls: 1, ...as('status list, published anew'),
    }),
    line('a batch of places in status lists', load.batches, { calls: 1, read: 2, written: 1, ...as('whoami') }),
    // Grants end some day, and so the alarm of an account that has any is set again.
    line('the hourly alarm of each account', load.users / 3600, {
      calls: 1, read: rowsOfAccount, written: 1, ...as('whoami'),
    }),
    line('grants that have ended, swept away', load.issued - load.ended, { written: 1 }),
    line('the ring of keys, looked at once a minute', load.isolates / constant('REFRESH_AFTER'), { kv: 1 }),
    line('clients, looked at once a minute', load.isolates * clientsMet(load) / constant('REMEMBER_FOR', 'worker/clients.rs'), { kv: 1 }),
  ];
  if (keepsEvents) {
    behind.push(line('events, from each isolate', load.isolates, { calls: 1, written: 1, ...as('whoami') }));
  }
  return [...asked, ...behind];
}

function line(name, rate, { asked = false, calls = 0, read = 0, written = 0, kv = 0, time = 0, like }) {
  const [perSecond, seconds] = [(each) => rate * each, rate * time / 1e6];
  return { name, rate, asked, like, calls: perSecond(calls), read: perSecond(read), written: perSecond(written), kv: perSecond(kv), seconds };
}

// Not measured by itself.
function as(like) {
  return { time: microseconds(like).time, like };
}

/** How many clients one isolate meets in the time that it remembers one. */
function clientsMet({ tokenRequests, introspections, clients, isolates }) {
  const requests = (tokenRequests + introspections) / isolates * constant('REMEMBER_FOR', 'worker/clients.rs');
  return clients * (1 - Math.exp(-requests / clients));
}
