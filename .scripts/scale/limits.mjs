// Which published limit bites first, for each thing that has one, and at what load.
import { constant } from '../constants.mjs';
import { keepsEvents, microseconds, mostCalls, processor } from './costs.mjs';
import { LIMITS } from './platform.mjs';
import { about, bytes, span } from './words.mjs';

// Argon2id with the parameters of src/identity/password.rs, as the page on people says.
const PASSWORD_MEMORY = 19 * 2 ** 20;
// One row of a registry's table of accounts: 22 characters, twice, and what SQLite puts around them.
const REGISTRY_ROW = 64;

/** Each: what it is, the load on it, the limit, at what load it bites, and how many times the load that is. */
export function limits(load) {
  const calls = LIMITS.objectRequests.value;
  const { isolates, lists } = load;
  const kept = constant('KEEP_AT_MOST');
  const each = processor.bytes['each further grant'];
  const account = processor.bytes['account with one grant'] + each * (load.grants / load.users - 1);
  const ofList = (load.listReads + load.ended) / lists;
  const perUser = (load.refreshes + load.introspections + load.issued * 3 + load.signIns) / load.users;
  const toTell = Math.min(load.grants / load.users, lists);
  const accounts = constant('ACCOUNTS_A_REQUEST');
  const signIn = microseconds('sign in by password, known browser').time / 1000;
  const object = (what, here, bites) => ({ what, here: `${about(here)} a second`, limit: `${about(calls)} requests a second`, bites, times: calls / here });
  const rows = [
    object('the directory of status lists, one for all', load.batches,
      `${about(calls * constant('FIRST_BATCH'))} new grants a second if every isolate is new, ${about(calls * constant('MAX_BATCH'))} if all are warm`),
    object('one status list', ofList, lists > kept
      ? `${about(calls * constant('STATUS_TTL'))} offline verifiers that all meet the list`
      : `${about(calls * constant('STATUS_TTL'))} offline verifiers that all meet the list, at more than ${about(calls * constant('STATUS_REFRESH'))} isolates`),
    object('one account', perUser, `one person with ${about(calls)} refreshes and introspections a second`),
    object('the registry of one client', load.issued / load.clients * load.firstConsent,
      `one client that proves itself by assertions ${about(calls)} times a second; with a secret it asks nothing of it`),
    object('the keyring, one for all, should KV not answer', isolates / constant('REFRESH_AFTER'),
      `${about(calls * constant('REFRESH_AFTER'))} isolates without KV; with KV nobody asks it`),
    {
      what: 'one key in KV: the ring, a client\'s record', here: 'a few writes a month', limit: `${about(LIMITS.kvWrites.value)} write a second`,
      bites: 'an operator who changes one client more than once a second',
    },
    {
      what: 'storage of one account', here: bytes(account), limit: bytes(LIMITS.objectBytes.value),
      bites: `${about(LIMITS.objectBytes.value / each)} live grants of one person`, times: LIMITS.objectBytes.value / account,
    },
    {
      what: `storage of one client's registry (${REGISTRY_ROW} bytes a row, assumed)`, here: bytes(load.users * REGISTRY_ROW), limit: bytes(LIMITS.objectBytes.value),
      bites: `${about(LIMITS.objectBytes.value / REGISTRY_ROW)} people who have allowed one client something`,
      times: LIMITS.objectBytes.value / (load.users * REGISTRY_ROW),
    },
    {
      what: 'lists to tell when all grants of an account end at once', here: `${about(toTell)}, if each is in another list`,
      limit: `${about(LIMITS.subrequests.value)} subrequests`, bites: `no load: ${constant('TELL_AT_ONCE')} are told in a turn, the others in the next ones`,
    },
    {
      what: 'accounts that one call of an operator ends the grants of', here: about(accounts), limit: `${about(LIMITS.subrequests.value)} subrequests`,
      bites: 'no load: more take another call',
    },
    {
      what: 'subrequests of any operation above', here: about(mostCalls()), limit: about(LIMITS.subrequests.value),
      bites: 'no load: none makes more',
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
  if (keepsEvents) {
    rows.push(object('the events of an hour, one for all', isolates, `${about(calls)} isolates that all have something to tell each second`));
  }
  return rows.toSorted((one, other) => (one.times ?? Infinity) - (other.times ?? Infinity));
}
