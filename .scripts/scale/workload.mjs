// The load that the page reckons with: what is assumed, and what follows.
import { constant, setting } from '../constants.mjs';

export const DAY = 86_400;
export const MONTH = 30 * DAY;

/** What is assumed. Shares are of one. */
export const ASSUMED = {
  users: 1_000_000,
  grants: 100_000_000,
  /** A second, whatever their kind. */
  tokenRequests: 10_000,
  /** Each user has one grant for each. */
  clients: 100,
  /** Of the token requests: services with a secret and no person. */
  serviceShare: 0.1,
  /** Of the refreshes: by clients with a secret. The others rotate. */
  confidential: 0.25,
  /** Of the grants: never used again. The others are used until `REFRESH_TOKEN_TTL`. */
  abandoned: 0.5,
  /** Of the grants: a person's first to this client, with a consent page. */
  firstConsent: 0.1,
  /** Of the grants: ended by somebody before their time. */
  endedShare: 0.2,
  signInsADay: 1,
  /** Of the sign-ins: in a browser that has signed nobody in yet. */
  newBrowser: 0.1,
  /** A second: introspections. */
  introspections: 2000,
  /** APIs that check offline: processes with a memory of their own, and tokens that each checks a second, of grants anywhere. */
  verifiers: 100,
  checks: 100,
  /** That answer at one time. The platform decides how many there are. */
  isolates: 1000,
  /** How long a call keeps an object in memory that is billed, ms. */
  objectMs: 10,
};

/** What follows from it, each second unless said otherwise. */
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

/** Status lists, what isolates take from the directory, and what offline verifiers ask. */
function lists({ isolates, verifiers, checks }, issued, ended) {
  const size = constant('LIST_SIZE');
  const batchLife = constant('BATCH_TTL') - constant('MARGIN');
  const { used, taken, calls } = taking(issued / isolates * batchLife);
  const handedOut = issued * taken / used;
  // From being handed out to being handed out again, at the longest.
  const busy = constant('BATCH_TTL') + constant('CODE_TTL') + setting('REFRESH_TOKEN_TTL') + 2 * setting('ACCESS_TOKEN_TTL') + constant('REST');
  const count = Math.ceil(handedOut * busy / size);
  const every = constant('STATUS_TTL');
  const met = count * (1 - Math.exp(-checks * every / count));
  const fetches = verifiers * met / every;
  // An isolate answers from memory if it keeps the list and has looked at it a moment ago.
  const recent = fetches / isolates / count * constant('STATUS_REFRESH');
  const fromMemory = Math.min(1, constant('KEEP_AT_MOST') / count) * recent / (1 + recent);
  return {
    handedOut, lists: count, met, fetches,
    batches: isolates * calls / batchLife,
    listReads: fetches * (1 - fromMemory),
    // Signed anew for each span, and when an entry is marked or the mark goes.
    changed: 1 - (1 - every / constant('STATUS_SPAN')) * Math.exp(-every * 2 * ended / count),
  };
}

/** What an isolate takes from the directory while it issues so many grants: a new batch, twice as large, when half of one is left. */
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

/** How often a second each operation is asked for: by its name in costs.json. */
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
    'consent, the first of this person to this client': issued * firstConsent,
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
