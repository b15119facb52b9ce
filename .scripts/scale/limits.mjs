// The published limits of the platform, and the load at which each is reached.
import { constant } from '../constants.mjs';
import { microseconds, mostCalls, processor } from './costs.mjs';
import { LIMITS } from './platform.mjs';
import { about, bytes, span } from './words.mjs';

// Argon2id with the parameters of src/identity/password.rs.
const PASSWORD_MEMORY = 19 * 2 ** 20;
// One row of a registry's table of accounts: 22 characters, twice, and SQLite's overhead.
const REGISTRY_ROW = 64;

/** Returns rows: the resource, its load, the limit, the load that reaches it, and that as a multiple of the load. */
export function limits(load) {
  const calls = LIMITS.objectRequests.value;
  const { isolates, lists } = load;
  const kept = constant('KEPT_LISTS');
  const each = processor.bytes['each further grant'];
  const account = processor.bytes['account with one grant'] + each * (load.grants / load.users - 1);
  const ofList = (load.listReads + load.ended) / lists;
  const perUser = (load.refreshes + load.introspections + load.issued * 3 + load.signIns) / load.users;
  const toTell = Math.min(load.grants / load.users, lists);
  const accounts = constant('ACCOUNTS_A_REQUEST');
  const signIn = microseconds('sign in by password, known browser').time / 1000;
  const object = (what, here, bites) => ({ what, here: `${about(here)} a second`, limit: `${about(calls)} requests a second`, bites, times: calls / here });
  const rows = [
    object('the directory of status lists, one for each issuer', load.batches,
      `${about(calls * constant('FIRST_BATCH'))} new grants a second if every isolate is new, ${about(calls * constant('MAX_BATCH'))} if all are warm`),
    object('one status list', ofList, lists > kept
      ? `${about(calls * constant('STATUS_TTL'))} offline verifiers that all use the list`
      : `${about(calls * constant('STATUS_TTL'))} offline verifiers that all use the list, at more than ${about(calls * constant('STATUS_REFRESH'))} isolates`),
    object('one account', perUser, `a user with ${about(calls)} refreshes and introspections a second`),
    object('the registry of one client', load.issued / load.clients * load.firstConsent,
      `a client that authenticates by assertions ${about(calls)} times a second; with a secret it makes no call`),
    object('the keyring and the catalogue, one of each for each issuer, if KV fails', isolates / constant('REFRESH_AFTER'),
      `${about(calls * constant('REFRESH_AFTER'))} isolates without KV; with KV it is not called`),
    {
      what: 'one key in KV: the ring, the catalogue, a client\'s record', here: 'a few writes a month', limit: `${about(LIMITS.kvWrites.value)} write a second`,
      bites: 'an operator who changes one client more than once a second; the catalogue is copied later then',
    },
    {
      what: 'storage of one account', here: bytes(account), limit: bytes(LIMITS.objectBytes.value),
      bites: `${about(LIMITS.objectBytes.value / each)} live grants of one user`, times: LIMITS.objectBytes.value / account,
    },
    {
      what: `storage of one client's registry (${REGISTRY_ROW} bytes a row, assumed)`, here: bytes(load.users * REGISTRY_ROW), limit: bytes(LIMITS.objectBytes.value),
      bites: `${about(LIMITS.objectBytes.value / REGISTRY_ROW)} users with a grant for one client`,
      times: LIMITS.objectBytes.value / (load.users * REGISTRY_ROW),
    },
    {
      what: 'lists to notify when all grants of an account are revoked', here: `${about(toTell)}, if each is in another list`,
      limit: `${about(LIMITS.subrequests.value)} subrequests`, bites: `no load: ${constant('LISTS_A_TURN')} are notified in a turn, the others in the next ones`,
    },
    {
      what: 'accounts whose grants one admin call revokes', here: about(accounts), limit: `${about(LIMITS.subrequests.value)} subrequests`,
      bites: 'no load: more need another call',
    },
    {
      what: 'subrequests of any operation above', here: about(mostCalls()), limit: about(LIMITS.subrequests.value),
      bites: 'no load: none makes more calls',
    },
    {
      what: 'processor time of one request', here: `${about(signIn)} ms, a sign-in by password`, limit: `${span(LIMITS.paidProcessor.value / 1000)}`,
      bites: `the free plan, which has ${about(LIMITS.freeProcessor.value)} ms`,
    },
    {
      what: 'memory of one isolate', here: `${bytes(PASSWORD_MEMORY)}, a sign-in by password`, limit: bytes(LIMITS.memory.value),
      bites: 'no load: an isolate checks one password at a time',
    },
    {
      what: 'size of the Worker, compressed', here: bytes(processor.bytes['Worker, gzip']), limit: bytes(LIMITS.workerBytes.value),
      bites: 'no load',
    },
  ];
  rows.push(object('the events of an hour, one for each issuer', isolates, `${about(calls)} isolates that all record an event each second`));
  return rows.toSorted((one, other) => (one.times ?? Infinity) - (other.times ?? Infinity));
}
