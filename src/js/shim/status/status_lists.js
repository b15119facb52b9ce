// Checks whether a valid token was revoked, by the status lists of its issuer (draft-ietf-oauth-status-list). A token whose status is
// unavailable is refused, unless the options accept it.
import { readClock } from '../base/clock.js';
import { isSecureFor } from '../fetch/discovery.js';
import { TokenError } from '../base/errors.js';
import { isObject } from '../base/readers.js';
import { SharedKeys } from '../keys/shared_keys.js';
import { StatusList, settingsForLists } from './status_list.js';

/** The bytes of all lists together: what an isolate of a Worker can spare. */
const MAX_BYTES = 32 * 1024 * 1024;

export class StatusLists {
  #settings;
  #make;
  #byUri = new Map();
  #uses = 0;

  /** `verify` is that of verifier.js. */
  constructor(settings, platform, source, verify) {
    this.#settings = settings;
    const own = settingsForLists(settings);
    const keys = new SharedKeys(source, own, platform);
    const state = { source: keys, settings: own, platform };
    const needs = { settings, platform, keys, verify: (text) => verify(text, state), onTaken: () => this.#shrink(0) };
    this.#make = (uri, url) => new StatusList(uri, url, needs);
  }

  /** Returns the token if its status is valid, or a promise of it if a list must be fetched. */
  admit(token) {
    const found = this.#find(token);
    if (found === undefined) return token;
    const { list, index } = found;
    const status = list.at(index, readClock(this.#settings));
    return status === undefined ? this.#admitLater(token, list, index) : this.#judge(token, list, status);
  }

  /** The same synchronously. */
  admitSync(token) {
    const found = this.#find(token);
    if (found === undefined) return token;
    const { list, index } = found;
    const status = list.at(index, readClock(this.#settings));
    if (status !== undefined) return this.#judge(token, list, status);
    // The fetch is under way; a later call uses the list.
    list.start();
    throw new TokenError('async_required', 'the status list must be fetched');
  }

  /** Makes all lists stale. */
  doubt() {
    for (const list of this.#byUri.values()) list.doubt();
  }

  get state() {
    const states = Array.from(this.#byUri.values(), ({ state }) => state);
    const ages = states.flatMap(({ age }) => age ?? []);
    const last = states.reduce((latest, state) => (state.failedAt > latest.failedAt ? state : latest), { failedAt: -Infinity });
    return { lists: ages.length, age: ages.length > 0 ? Math.max(...ages) : undefined, error: last.error };
  }

  async #admitLater(token, list, index) {
    await list.renew();
    const status = list.at(index, readClock(this.#settings));
    return status === undefined ? this.#unknown(token, list.trouble(index)) : this.#judge(token, list, status);
  }

  #judge(token, { issuer }, status) {
    if (issuer !== undefined && issuer !== token.claims.iss) {
      return this.#unknown(token, new TokenError('status_unavailable', 'the status list belongs to another issuer', { claim: 'status' }));
    }
    if (status === 0) return token;
    throw new TokenError(status === 1 ? 'revoked' : 'suspended', undefined, { claim: 'status' });
  }

  #unknown(token, error) {
    if (this.#settings.status.unavailable === 'accept') return token;
    throw error;
  }

  /** Returns the list and the index that the token names; undefined if it names none and need not. */
  #find({ claims: { status, iss } }) {
    if (status === undefined) {
      if (this.#settings.status.missing === 'accept') return undefined;
      throw new TokenError('status_missing', undefined, { claim: 'status' });
    }
    const reference = isObject(status) ? status.status_list : undefined;
    if (!isObject(reference)) throw invalid('the claim status must contain a status_list');
    const { idx, uri } = reference;
    if (!(Number.isSafeInteger(idx) && idx >= 0)) throw invalid('the idx of the status list must be a non-negative integer');
    const list = this.#byUri.get(uri) ?? this.#add(uri, iss);
    this.#uses += 1;
    list.lastUse = this.#uses;
    return { list, index: idx };
  }

  #add(uri, issuer) {
    const url = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri) : undefined;
    if (url === undefined || !isSecureFor(issuer, url, this.#settings.allowHttp)) {
      throw invalid('the uri of the status list must be an https URL');
    }
    this.#shrink(1);
    const list = this.#make(uri, url);
    this.#byUri.set(uri, list);
    return list;
  }

  /** Removes the least recently used lists until there is room for `more`. */
  #shrink(more) {
    const byUse = [...this.#byUri].sort(([, a], [, b]) => a.lastUse - b.lastUse);
    let weight = byUse.reduce((sum, [, list]) => sum + list.weight, 0);
    for (const [uri, list] of byUse) {
      if (this.#byUri.size + more <= this.#settings.status.maxLists && weight <= MAX_BYTES) return;
      this.#byUri.delete(uri);
      weight -= list.weight;
    }
  }
}

function invalid(message) {
  return new TokenError('claim_invalid', message, { claim: 'status' });
}
