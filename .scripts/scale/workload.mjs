// The load of the calculation: the assumptions, and what follows from them.
import { constant, setting } from '../constants.mjs';

export const DAY = 86_400;
export const MONTH = 30 * DAY;

/** The assumptions. Shares are fractions of one. */
export const ASSUMED = {
  users: 1_000_000,
  grants: 100_000_000,
  /** Token requests a second, of all kinds. */
  tokenRequests: 10_000,
  /** Each user has one grant for each client. */
  clients: 100,
  /** The share of token requests by services (client_credentials). */
  serviceShare: 0.1,
  /** The share of refreshes by clients with a secret. The others rotate. */
  confidential: 0.25,
  /** The share of grants that are never used again. The others are used until `REFRESH_TOKEN_TTL`. */
  abandoned: 0.5,
  /** The share of grants that are a user's first for the client, with a consent page. */
  firstConsent: 0.1,
  /** The share of grants that are revoked before they expire. */
  endedShare: 0.2,
  signInsADay: 1,
  /** The share of sign-ins in a new browser. */
  newBrowser: 0.1,
  /** Introspections a second. */
  introspections: 2000,
  /** Offline verifiers: processes with separate memory, and tokens that each verifies a second, of any grants. */
  verifiers: 100,
  checks: 100,
  /** Isolates that serve requests at a time. The platform decides their number. */
  isolates: 1000,
  /** How long a call keeps an object in billed memory, ms. */
  objectMs: 10,
};

/** Returns what follows from the assumptions; rates are per second. */
export function derive(assumed = ASSUMED) {
  const [ttl, idle, access] = ['REFRESH_TOKEN_TTL', 'REFRESH_TOKEN_IDLE_TTL', 'ACCESS_TOKEN_TTL'].map(setting);
  const life = (1 - assumed.abandoned) * ttl + assumed.abandoned * idle;
  const issued = assumed.grants / life;
  const services = assumed.serviceShare * assumed.tokenRequests;
  const refreshes = assumed.tokenRequests - services - issued;
  const ended = issued * assumed.endedShare;
  const signIns = assumed.users * assumed.signInsADay / DAY;
  return {
    ...assumed, access, life, issued, services, refreshes, ended, signIns,
    inUse: refreshes * access,
    usedEvery: assumed.grants / refreshes,
    revokedAtOnce: ended * access,
    ...lists(assumed, issued, ended),
  };
}

/** Returns the status lists, the batches from the directory, and the requests of offline verifiers. */
function lists({ isolates, verifiers, checks }, issued, ended) {
  const size = constant('LIST_SIZE');
  const batchLife = constant('BATCH_TTL') - constant('BATCH_MARGIN');
  const { used, taken, calls } = taking(issued / isolates * batchLife);
  const handedOut = issued * taken / used;
  // The longest time from an allocation to the next one.
  const busy = constant('BATCH_TTL') + constant('DEVICE_CODE_TTL') + setting('REFRESH_TOKEN_TTL') + constant('MAX_TOKEN_TTL') + constant('ENTRY_REST');
  const count = Math.ceil(handedOut * busy / size);
  const every = constant('STATUS_TTL');
  const met = count * (1 - Math.exp(-checks * every / count));
  const fetches = verifiers * met / every;
  // An isolate responds from memory if it caches the list and checked it a moment ago.
  const recent = fetches / isolates / count * constant('STATUS_REFRESH');
  const fromMemory = Math.min(1, constant('KEPT_LISTS') / count) * recent / (1 + recent);
  return {
    handedOut, lists: count, met, fetches,
    batches: isolates * calls / batchLife,
    listReads: fetches * (1 - fromMemory),
    // Signed again for each span, and when an entry is marked or unmarked.
    changed: 1 - (1 - every / constant('STATUS_SPAN')) * Math.exp(-every * 2 * ended / count),
  };
}

/** Returns what an isolate takes from the directory while it issues that many grants: a new batch, twice as large, when half of one is left. */
function taking(grants) {
  const used = Math.max(1, Math.round(grants));
  let [batch, left, taken, calls] = [0, 0, 0, 0];
  const fetch = () => {
    batch = batch === 0 ? constant('FIRST_BATCH') : Math.min(batch * 2, constant('MAX_BATCH'));
    left += batch;
    taken += batch;
    calls += 1;
  };
  for (let count = 0; count < used; count += 1) {
    if (left === 0) fetch();
    left -= 1;
    if (left < batch / 2) fetch();
  }
  return { used, taken, calls };
}

/** Returns the rate of each operation, per second, by its name in costs.json. */
export function operations(load) {
  const { issued, refreshes, confidential, firstConsent, signIns, newBrowser } = load;
  return {
    'client_credentials': load.services,
    'redeem, with offline_access': issued,
    'refresh, with offline_access': refreshes * (1 - confidential),
    'refresh, a client with a secret': refreshes * confidential,
    'authorize, without a session': signIns,
    'authorize, session and consent remembered': issued * (1 - firstConsent),
    'authorize, to the page that asks for consent': issued * firstConsent,
    'consent, the first of this user to this client': issued * firstConsent,
    'sign-in page': signIns,
    'sign in by password, new browser': signIns * newBrowser,
    'sign in by password, known browser': signIns * (1 - newBrowser),
    'userinfo': issued,
    'introspect, access token with offline_access': load.introspections,
    'revoke, refresh token': load.ended,
    'JWKS': load.verifiers / constant('JWKS_MAX_AGE'),
    'status list': load.fetches - load.listReads,
  };
}
