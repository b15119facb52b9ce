// One Token Status List (draft-ietf-oauth-status-list): fetched when first needed, accepted only if the issuer signed it, and renewed in
// the background. An old list is used for a limited time; after that, statuses are unknown.
import { fromBase64url } from '../base/base64.js';
import { readClock } from '../base/clock.js';
import { isBase64url } from '../base/decode.js';
import { download } from '../fetch/download.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { isWithin, secondsFresh, within } from '../fetch/freshness.js';
import { TextDecoder } from '../base/globals.js';
import { inflate } from './inflate.js';
import { isObject } from '../base/readers.js';

/** The header's `typ` is the same, without `application/`. */
const MEDIA_TYPE = 'application/statuslist+jwt';
const CODE = 'status_unavailable';
const TIMEOUT_MS = 5_000;
const FRESH_SECONDS = { least: 5, usual: 60, most: 86_400 };
/** Delay after a failure: short for quick recovery, but enough to prevent a storm of requests. */
const RETRY_MS = 1_000;
/** The same while there is a usable list. */
const STALE_RETRY_MS = 5_000;
/** How far the issuer's clock may be ahead, in seconds: a slow clock would never accept a list that is signed for each response. */
const CLOCK_SKEW = 60;
const MAX_INFLATED = 4 * 1024 * 1024;
/** The limit of `download`, so that no list is too long for the core. */
const MAX_TOKEN_BYTES = 512 * 1024;

/** Returns the settings of a verifier for lists: the same keys and algorithms as for tokens, but another type and other claims. */
export function settingsForLists({ policy, now }) {
  return {
    policy: JSON.stringify({
      ...JSON.parse(policy),
      // The claims that are specific to lists are checked below.
      issuers: null,
      audiences: null,
      types: ['statuslist+jwt'],
      maxTokenAge: null,
      requiredClaims: ['sub', 'iat', 'status_list'],
      scopes: [],
      maxTokenBytes: MAX_TOKEN_BYTES,
    }),
    maxTokenBytes: MAX_TOKEN_BYTES,
    now,
  };
}

export class StatusList {
  /** The count at its last use. */
  lastUse = 0;
  /** The list's `iss`, if any. */
  issuer;
  #uri;
  #url;
  #settings;
  #request;
  #verify;
  #keys;
  #onTaken;
  #flight;
  #bytes = new Uint8Array();
  #bits = 1;
  #size = 0;
  #issuedAt = -Infinity;
  #until = -Infinity;
  #ttl;
  #etag;
  #generation;
  #fetchedAt = -Infinity;
  #freshMs = 0;
  #usableMs = 0;
  #failure;
  #failedAt = -Infinity;
  #triedAt = -Infinity;
  /** The number of fetches begun, and the latest whose response was used: as in fetched_keys.js. */
  #begun = 0;
  #heeded = 0;

  /** `verify` verifies the text of a list by `keys`. `onTaken` is called when a new list was stored. */
  constructor(uri, url, { settings, platform, keys, verify, onTaken }) {
    this.#uri = uri;
    this.#url = url;
    this.#settings = settings;
    this.#request = { fetch: settings.fetch, requestInit: platform.requestInit, accept: MEDIA_TYPE, code: CODE };
    this.#keys = keys;
    this.#verify = verify;
    this.#onTaken = onTaken;
    this.#flight = platform.flight(() => this.#refresh());
  }

  /** Returns the status at this index; undefined if no usable list has it. Starts the renewal of an old list. */
  at(index, now) {
    const age = Date.now() - this.#fetchedAt;
    // After the clock was set back, the age is unknown.
    if (!(age >= 0 && age < this.#usableMs) || now >= this.#until || index >= this.#size) return undefined;
    if (age >= this.#freshMs && !isWithin(STALE_RETRY_MS, this.#failedAt)) void this.#flight.start();
    const place = index * this.#bits;
    return (this.#bytes[place >> 3] >> (place & 7)) & ((1 << this.#bits) - 1);
  }

  /** Waits for a newer list, unless that was tried recently. Never rejects: `at` returns the result. */
  async renew() {
    if (this.#mayAsk()) await this.#flight.join();
  }

  /** The same without waiting. */
  start() {
    if (this.#mayAsk()) void this.#flight.start();
  }

  /** Makes the list stale: the keys have changed, and its signer may no longer be trusted. */
  doubt() {
    const age = Math.max(0, Date.now() - this.#fetchedAt);
    if (age >= this.#freshMs) return;
    this.#freshMs = age;
    this.#usableMs = age + this.#settings.status.maxStale * 1_000;
  }

  /** The size in bytes. */
  get weight() {
    return this.#bytes.length;
  }

  /** The age in seconds if the list is usable, and why the last attempt to renew it failed. */
  get state() {
    const age = Date.now() - this.#fetchedAt;
    const isFailing = this.#failedAt > this.#fetchedAt;
    return {
      age: age >= 0 && age < this.#usableMs ? age / 1_000 : undefined,
      failedAt: isFailing ? this.#failedAt : -Infinity,
      error: isFailing ? this.trouble(0) : undefined,
    };
  }

  /** Returns why `at` has no status, as a new error for each caller. */
  trouble(index) {
    if (this.#failedAt >= this.#fetchedAt && this.#failure !== undefined) {
      const { message, cause } = this.#failure;
      return new TokenError(CODE, message, { cause, claim: 'status' });
    }
    return new TokenError(CODE, this.#saying(index >= this.#size ? 'ends before the index of the token' : 'has expired'), { claim: 'status' });
  }

  #mayAsk() {
    return this.#flight.isUnderway() || !isWithin(RETRY_MS, this.#triedAt);
  }

  /** Never rejects. */
  async #refresh() {
    this.#begun += 1;
    const turn = this.#begun;
    // The content is at least as old as the request.
    const askedAt = Date.now();
    try {
      const etag = this.#etagToSend();
      const request = { ...this.#request, etag, signal: AbortSignal.timeout(TIMEOUT_MS) };
      const { bytes, headers } = await download(this.#url, request);
      const list = bytes === undefined ? undefined : await this.#open(bytes, headers);
      if (turn < this.#heeded) return;
      this.#heeded = turn;
      this.#take(list, headers, askedAt);
    } catch (thrown) {
      if (turn < this.#heeded) return;
      this.#failure = toTokenError(thrown);
      this.#failedAt = Date.now();
      // The next request fetches the whole list.
      this.#etag = undefined;
    } finally {
      this.#triedAt = Date.now();
    }
  }

  /** Browsers revalidate by themselves, and our own header would need a CORS preflight. After a change of keys, the signature must be checked again. */
  #etagToSend() {
    return this.#request.requestInit.cache === undefined && this.#generation === this.#keys.generation ? this.#etag : undefined;
  }

  /** Verifies and inflates a list. */
  async #open(bytes, headers) {
    const type = headers.get('content-type') ?? '';
    if (type.split(';', 1)[0].trim().toLowerCase() !== MEDIA_TYPE) throw this.#fault('is not served as application/statuslist+jwt');
    let claims;
    const { generation } = this.#keys;
    try {
      ({ claims } = await this.#verify(new TextDecoder().decode(bytes)));
    } catch (cause) {
      throw this.#fault(`is refused: ${cause.message}`, cause);
    }
    const { sub, iss, ttl, status_list: list } = claims;
    if (sub !== this.#uri) throw this.#fault('has another sub');
    if (iss !== undefined && typeof iss !== 'string') throw this.#fault('has an iss that is not text');
    if (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0)) throw this.#fault('has a ttl that is not a positive number');
    if (!isObject(list) || ![1, 2, 4, 8].includes(list.bits)) throw this.#fault('has bits other than 1, 2, 4 or 8');
    if (typeof list.lst !== 'string' || !isBase64url(list.lst)) throw this.#fault('has an lst that is not base64url');
    return { claims, generation, bits: list.bits, bytes: await this.#inflate(fromBase64url(list.lst)) };
  }

  async #inflate(bytes) {
    try {
      return await inflate(bytes, MAX_INFLATED);
    } catch (cause) {
      throw this.#fault(cause?.name === 'RangeError' ? 'inflates to more than 4 MiB' : 'has an lst that cannot be inflated', cause);
    }
  }

  /** Stores a list, or makes the current one fresh again. Synchronous, so that no caller sees half of it. */
  #take(list, headers, askedAt) {
    const now = readClock(this.#settings);
    if (list !== undefined) {
      const { claims: { iat, exp = Infinity, iss, ttl }, generation, bits, bytes } = list;
      if (iat > now + this.#settings.clockTolerance + CLOCK_SKEW) throw this.#fault('was issued in the future');
      if (iat < this.#issuedAt) throw this.#fault('is older than the current one');
      this.issuer = iss;
      this.#issuedAt = iat;
      this.#until = exp + this.#settings.clockTolerance;
      this.#ttl = ttl;
      this.#bits = bits;
      this.#bytes = bytes;
      this.#size = bytes.length * 8 / bits;
      this.#generation = generation;
      this.#etag = headers.get('etag') ?? undefined;
    } else if (now >= this.#until) {
      throw this.#fault('has expired, and the server has no newer one');
    }
    const seconds = this.#ttl === undefined
      ? secondsFresh(headers.get('cache-control') ?? '', FRESH_SECONDS)
      : within(FRESH_SECONDS, this.#ttl);
    this.#fetchedAt = askedAt;
    this.#failedAt = -Infinity;
    // The signing key may have been removed during the fetch: fetch the list again soon.
    this.#freshMs = this.#generation === this.#keys.generation ? seconds * 1_000 : 0;
    this.#usableMs = this.#freshMs + this.#settings.status.maxStale * 1_000;
    if (list !== undefined) this.#onTaken();
  }

  #fault(what, cause) {
    return new TokenError(CODE, this.#saying(what), { cause });
  }

  #saying(what) {
    return `the status list ${this.#url.origin}${this.#url.pathname} ${what}`;
  }
}
