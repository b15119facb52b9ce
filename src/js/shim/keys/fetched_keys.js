// Keys that an issuer publishes: fetched when first needed, kept, and renewed. A failed fetch or an unknown key never discards the keys
// at hand.
import { Core } from '../wasm/core.js';
import { discoverJwksUri } from '../fetch/discovery.js';
import { download } from '../fetch/download.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { isWithin, secondsFresh } from '../fetch/freshness.js';
import { TextDecoder } from '../base/globals.js';
import { encode } from '../wasm/memory.js';

const TIMEOUT_MS = 5_000;
/** Delay after a failure without keys: short for quick recovery, but enough to prevent a storm of requests. */
const FIRST_RETRY_MS = 1_000;
/** Delay between fetches for unknown keys, and between failing ones while there are keys. */
const COOL_DOWN_MS = 30_000;
const METADATA_TTL_MS = 24 * 3_600_000;
const TTL_SECONDS = { least: 60, usual: 600, most: 86_400 };
/** How long keys are used after they should have been renewed. */
const MAX_STALE_MS = 86_400_000;
/** RFC 7517 section 8.5.2; most servers know only the second. */
const ACCEPT = 'application/jwk-set+json, application/json';

export class FetchedKeys {
  /** The verifier in wasm with the current keys, once it is ready. */
  core;
  /** Counts the key sets so far. */
  generation = 0;
  #settings;
  #request;
  #platform;
  #flight;
  #location;
  #locatedAt = -Infinity;
  #fetchedAt = -Infinity;
  #ttlMs = 0;
  /** The age at which keys are no longer used. */
  #maxAgeMs = 0;
  #failure;
  #failedAt = -Infinity;
  #missedAt = -Infinity;
  #published;
  /** The number of fetches begun, and the latest whose response was used. */
  #begun = 0;
  #heeded = 0;
  #onChange;

  /** `onChange` is called when the keys have changed. */
  constructor(settings, platform, onChange) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.#request = { fetch: settings.fetch, requestInit: platform.requestInit };
    this.#platform = platform;
    this.#flight = platform.flight(() => this.#refresh());
  }

  /** Readies `core` with keys. Old ones are used up to their maximum age while newer ones are fetched. */
  ready() {
    if (!this.#areUsable) return this.#prepare();
    if (!isWithin(this.#ttlMs, this.#fetchedAt) && !isWithin(COOL_DOWN_MS, this.#failedAt)) void this.#flight.start();
    return undefined;
  }

  /** Readies `core`, with keys or without. */
  async load() {
    await this.#platform.load();
    this.core ??= new Core(this.#settings, this.#platform);
  }

  /** Gives the current keys to another verifier in wasm. */
  fill(core) {
    core.takeKeys((wasm) => wasm.takePublished(encode(this.#published)));
  }

  /** The age of the keys and their maximum age, in seconds, and why the last attempt to renew them failed. */
  get state() {
    const error = this.#failedAt > this.#fetchedAt ? this.#failureAnew() : undefined;
    if (this.generation === 0) return { age: undefined, maxAge: undefined, error };
    return { age: Math.max(0, Date.now() - this.#fetchedAt) / 1_000, maxAge: this.#maxAgeMs / 1_000, error };
  }

  /** Returns whether `renew` would fetch, or wait for a fetch. */
  mayRenew() {
    return this.#flight.isUnderway() || !isWithin(COOL_DOWN_MS, this.#missedAt);
  }

  /** After a miss: fetches, unless that was done recently. True if the keys are newer than `generation`. */
  async renew(generation) {
    if (this.generation === generation) {
      if (!this.#flight.isUnderway()) {
        if (isWithin(COOL_DOWN_MS, this.#missedAt)) return false;
        this.#missedAt = Date.now();
      }
      await this.#flight.join();
    }
    return this.generation !== generation;
  }

  get #areUsable() {
    return this.generation !== 0 && isWithin(this.#maxAgeMs, this.#fetchedAt);
  }

  async #prepare() {
    await this.load();
    if (!this.#areUsable && !isWithin(FIRST_RETRY_MS, this.#failedAt)) await this.#flight.join();
    if (!this.#areUsable) throw this.#failureAnew(this.generation === 0 ? undefined : 'keys_unavailable');
  }

  /** Never rejects: the result is the new keys or `#failure`. */
  async #refresh() {
    this.#begun += 1;
    const turn = this.#begun;
    const request = { ...this.#request, signal: AbortSignal.timeout(TIMEOUT_MS) };
    try {
      const location = await this.#locate(request);
      const { bytes, headers } = await download(location, { ...request, accept: ACCEPT, code: 'keys_unavailable' });
      // Overtaken by a later fetch, it may bring older keys: flight.js says how there can be two.
      if (turn < this.#heeded) return;
      this.#heeded = turn;
      this.#take(bytes);
      this.#fetchedAt = Date.now();
      const ttlMs = secondsFresh(headers.get('cache-control') ?? '', TTL_SECONDS) * 1_000;
      this.#maxAgeMs = (this.#settings.maxKeyAge ?? (ttlMs + MAX_STALE_MS) / 1_000) * 1_000;
      this.#ttlMs = Math.min(ttlMs, this.#maxAgeMs);
    } catch (thrown) {
      if (turn < this.#heeded) return;
      this.#failure = toTokenError(thrown);
      this.#failedAt = Date.now();
      // The key set may have moved.
      this.#locatedAt = -Infinity;
    }
  }

  /** An identical key set is no change: imported keys and cached tokens are kept. */
  #take(bytes) {
    const published = new TextDecoder().decode(bytes);
    if (published === this.#published) return;
    const isKeySet = this.core.takeKeys((wasm) => wasm.takePublished(bytes));
    if (!isKeySet) throw new TokenError('keys_unavailable', 'the key set is not a JWK Set');
    this.#published = published;
    this.generation += 1;
    this.#onChange();
  }

  async #locate(request) {
    const { keys: { jwksUri, issuer }, allowHttp } = this.#settings;
    if (jwksUri !== undefined) return jwksUri;
    if (!isWithin(METADATA_TTL_MS, this.#locatedAt)) {
      this.#location = await discoverJwksUri(issuer, request, allowHttp);
      this.#locatedAt = Date.now();
    }
    return this.#location;
  }

  /** Returns a new error for each caller, with the caller's stack. */
  #failureAnew(code = this.#failure.code) {
    const { message, cause } = this.#failure;
    return new TokenError(code, message, { cause });
  }
}
