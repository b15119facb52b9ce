// Writes the tables of src/manual/scale.md, in Markdown.
import { constant, setting } from '../constants.mjs';
import { loadLines, processor } from './costs.mjs';
import { listTokenBytes } from './encoded.mjs';
import { limits } from './limits.mjs';
import { LIMITS, OBJECT_MEMORY, PAGES, PRICES, READ_ON } from './platform.mjs';
import { ASSUMED, MONTH, derive } from './workload.mjs';
import { about, bytes, percent, span, table } from './words.mjs';

// Three pages of SQLite; the platform's page on prices gives the same for an empty database.
const SMALLEST = 12_288;

/** Returns all tables. */
export function page() {
  const load = derive();
  const lines = loadLines(load);
  return [
    assumptions(load, lines), each(load, lines), processorTable(), stored(load), lists(load), verifier(load), firstLimits(load), bill(load, lines), sources(),
  ].join('\n\n');
}

function assumptions(load, lines) {
  const lasts = (name) => span(setting(name));
  const requests = sum(lines.filter(({ asked }) => asked), 'rate');
  return `The assumptions, and what follows from them:

${table([
    ['assumption', 'consequence'],
    [`${about(load.users)} users, ${about(load.clients)} clients, ${about(load.grants)} live grants`, `${about(load.grants / load.users)} grants a user`],
    [`access tokens of ${span(load.access)}; grants of ${lasts('REFRESH_TOKEN_TTL')}, or of ${lasts('REFRESH_TOKEN_IDLE_TTL')} without use; ${percent(load.abandoned)} of the grants are never used again`,
      `a grant lives ${span(load.life)}: ${about(load.issued)} codes are redeemed a second`],
    [`${about(load.tokenRequests)} token requests a second, ${percent(load.serviceShare)} by services; of the refreshes ${percent(load.confidential)} by clients with a secret`,
      `${about(load.refreshes)} refreshes a second: ${about(load.inUse)} grants are in use at a time (${percent(load.inUse / load.grants)}), each is refreshed every ${span(load.usedEvery)} on average`],
    [`${percent(load.firstConsent)} of the grants are a user's first for the client; ${percent(load.endedShare)} are revoked`,
      `${about(load.ended)} grants are revoked a second; ${about(load.revokedAtOnce)} entries are marked at a time, in all lists together`],
    [`each user signs in by password once a day, ${percent(load.newBrowser)} in a new browser`, `${about(load.signIns)} sign-ins a second`],
    [`${about(load.introspections)} introspections a second; ${about(load.verifiers)} offline verifiers with separate memory, each verifying ${about(load.checks)} tokens a second`,
      `${about(load.verifiers * load.checks)} tokens a second that cost the server only lists and keys`],
    [`${about(load.isolates)} isolates; the platform decides their number`, `${about(requests / load.isolates)} requests a second to each`],
  ])}`;
}

function each(load, lines) {
  const cells = ({ name, rate, calls, kv, read, written, seconds, like }) =>
    [like ? `${name} *` : name, about(rate), about(calls), about(kv), about(read), about(written), about(seconds)];
  const sums = Object.fromEntries(['rate', 'calls', 'kv', 'read', 'written', 'seconds'].map((key) => [key, sum(lines, key)]));
  const total = cells({ name: '**all**', ...sums });
  // Requests and background work do not add up to one rate.
  total[1] = '';
  return `Per second:

${table([
    ['operation', 'rate', 'object calls', 'KV reads', 'rows read', 'rows written', 'processor, s'],
    ...lines.filter(({ asked }) => asked).map(cells), ...lines.filter(({ asked }) => !asked).map(cells), total,
  ])}

\\* Not measured: the time of a similar operation that costs as much or more. ${about(sums.seconds)} s of processor time a second is ${about(Math.ceil(sums.seconds))} cores, or
${percent(sums.seconds / load.isolates)} of each of ${about(load.isolates)} isolates.`;
}

function processorTable() {
  const rows = Object.entries(processor.operations).map(([name, { microseconds, middleHalf: [least, most], yardsticks }]) =>
    [name, about(microseconds), `${about(least)} to ${about(most)}`, about(yardsticks)]);
  const { measured, baseline, yardstick } = processor;
  return `Processor time of one operation, the Worker's and its objects' together, measured on ${measured.on} by \`${measured.with}\` in workerd
${measured.workerd}, ${measured.machine}: median of ${measured.rounds} rounds, ${about(baseline.microseconds)} µs for a request that does nothing are subtracted. A yardstick is
${yardstick.what}: ${about(yardstick.microseconds)} µs.

${table([['operation', 'µs', 'middle half of rounds', 'yardsticks'], ...rows])}`;
}

function stored(load) {
  const grant = processor.bytes['each further grant'];
  const account = processor.bytes['account with one grant'] + grant * (load.grants / load.users - 1);
  const rows = processor.bytes['rows beside the grants'] + load.grants / load.users;
  return `Stored data:

${table([
    ['data', 'objects', 'rows in each', 'bytes in each', 'total'],
    [`accounts (a grant is one row and ${about(grant)} bytes, measured)`, about(load.users), about(rows), bytes(account), bytes(account * load.users)],
    ['sign-in names (the smallest database that SQLite makes)', about(load.users), '1', bytes(SMALLEST), bytes(SMALLEST * load.users)],
    ['registries of clients', about(load.clients), about(load.users), 'see below', ''],
    ['status lists', about(load.lists), about(load.revokedAtOnce / load.lists), bytes(SMALLEST), bytes(SMALLEST * load.lists)],
    ['the directory of status lists, the keyring, the catalogue', '3', `${about(load.lists)}, 1, 1`, '', ''],
  ])}`;
}

function lists(load) {
  const size = constant('LIST_SIZE');
  const fewest = derive({ ...ASSUMED, abandoned: 0 });
  const most = derive({ ...ASSUMED, abandoned: 1 });
  const now = load.revokedAtOnce / load.lists;
  const worst = size / 100;
  return `Status lists of ${size.toLocaleString('en')} entries: an entry can be reused when the longest lifetime has passed since its allocation, used or not. Isolates
use ${about(load.issued)} entries a second and let ${about(load.handedOut - load.issued)} expire unused. ${about(load.lists)} lists are in use; it would be ${about(most.lists)}
if no grant were used again, and ${about(fewest.lists)} if all were used for their whole lifetime. The size of a list token, encoded for this page:

${table([
    ['revoked', 'entries in a list', 'bytes'],
    ['nothing', '0', bytes(listTokenBytes(0))],
    [`the load above, revoked for ${span(load.access)}`, about(now), bytes(listTokenBytes(Math.max(1, Math.round(now))))],
    ['one grant in a hundred within one token\'s life', about(worst), bytes(listTokenBytes(Math.round(worst)))],
  ])}`;
}

function verifier(load) {
  const ttl = constant('STATUS_TTL');
  const size = listTokenBytes(Math.max(1, Math.round(load.revokedAtOnce / load.lists)));
  const requests = load.met * 3600 / ttl;
  const worst = listTokenBytes(Math.round(constant('LIST_SIZE') / 100));
  const keys = 3600 / constant('JWKS_MAX_AGE');
  return `An offline verifier that checks ${about(load.checks)} tokens a second, of any grants, uses ${about(load.met)} of the ${about(load.lists)} lists within the ${about(ttl)} s for which it may cache one,
if its \`maxLists\` allows as many. In an hour:

${table([
    ['request', 'requests', 'with a body', 'bytes of bodies'],
    ['lists, at the load above', about(requests), percent(load.changed), bytes(requests * load.changed * size)],
    ['lists, one grant in a hundred revoked, all changing', about(requests), '100 %', bytes(requests * worst)],
    ['keys', about(keys), '', ''],
  ])}`;
}

function firstLimits(load) {
  const rows = limits(load);
  const named = rows.filter(({ times }) => times !== undefined);
  const [first] = named;
  const times = (value) => (value === undefined ? '' : about(value));
  return `The load at which published limits are reached, the nearest first:

${table([
    ['resource', 'this load', 'published limit', 'reached at', 'times this load'],
    ...rows.map(({ what, here, limit, bites, times: value }) => [what, here, limit, bites, times(value)]),
  ])}

The nearest is ${first.what}: it is reached at ${about(first.times)} times this load.`;
}

function bill(load, lines) {
  const all = (key) => sum(lines, key) * MONTH;
  const asked = lines.filter((line) => line.asked);
  const account = processor.bytes['account with one grant'] + processor.bytes['each further grant'] * (load.grants / load.users - 1);
  const used = {
    requests: sum(asked, 'rate') * MONTH,
    processor: all('seconds') * 1000,
    objectCalls: all('calls'),
    objectTime: all('calls') * load.objectMs / 1000 * OBJECT_MEMORY,
    rowsRead: all('read'),
    rowsWritten: all('written'),
    kvReads: all('kv'),
    stored: (account + SMALLEST) * load.users / 1e9,
  };
  const priced = Object.entries(PRICES).map(([key, { million, included, what, page: source }]) => {
    const cost = Math.max(0, used[key] - included) / 1e6 * million;
    return { what, used: used[key], cost, source };
  });
  const total = priced.reduce((rest, { cost }) => rest + cost, 0);
  const most = priced.toSorted((one, other) => other.cost - one.cost)[0];
  return `A month of ${span(MONTH)}, at the published prices of the paid plan, including its allowance:

${table([
    ['resource', 'used', 'dollars'],
    ...priced.map(({ what, used: amount, cost }) => [what, about(amount), about(cost)]),
    ['**all**', '', `**${about(total)}**`],
  ])}

Most of the cost is ${most.what}. Each call is assumed to keep an object in memory for ${about(load.objectMs)} ms.`;
}

function sources() {
  const said = [
    [PAGES.objects, `a soft limit of ${about(LIMITS.objectRequests.value)} requests a second to an object, ${bytes(LIMITS.objectBytes.value)} in it; an unlimited number of objects`],
    [PAGES.workers, `${bytes(LIMITS.memory.value)} an isolate; ${about(LIMITS.freeProcessor.value)} ms of processor time on the free plan; 10,000 subrequests a request in newer copies, ${about(LIMITS.subrequests.value)} in older ones; a Worker of ${bytes(LIMITS.workerBytes.value)} compressed, 64 MiB in the newest; requests without limit on the paid plan`],
    [PAGES.kv, `${about(LIMITS.kvWrites.value)} write a second to a key; reads and keys without limit`],
    ...[PAGES.workerPrices, PAGES.objectPrices, PAGES.kvPrices].map((source) => [source, Object.values(PRICES)
      .filter(({ page: of }) => of === source)
      .map(({ what, million, included }) => (what.startsWith('GB stored')
        ? `$${(million / 1e6).toFixed(2)} a GB-month beyond ${about(included)}`
        : `$${million < 0.01 ? million : million.toFixed(2)} a million ${what} beyond ${about(included)}`)).join('; ')]),
  ];
  return `The pages of the platform, in copies read on ${READ_ON}:

${table([['page', 'content'], ...said])}`;
}

function sum(lines, key) {
  return lines.reduce((total, line) => total + line[key], 0);
}
