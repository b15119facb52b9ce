// The cache of verified tokens. Bounded; looked up by the end of the signature, which only the holder of the key can choose. Its entries
// passed every check; their times are checked again at each hit.

/** How many characters of the signature are the cache key; two tokens that share them replace each other. */
const TAIL = 22;

export class TokenCache {
  #half;
  #settings;
  #young = new Map();
  #old = new Map();

  constructor(settings) {
    this.#settings = settings;
    this.#half = Math.floor(settings.cache / 2);
  }

  /** Returns the entry of exactly this token, if its times allow it now. */
  get(token, now) {
    const tail = token.slice(-TAIL);
    let entry = this.#young.get(tail);
    if (entry === undefined) {
      entry = this.#old.get(tail);
      // Moved before the token is compared: the comparison below decides.
      if (entry === undefined) return undefined;
      this.#put(tail, entry);
    }
    return entry.token === token && isInTime(entry.times, now, this.#settings) ? entry : undefined;
  }

  set(token, entry) {
    this.#put(token.slice(-TAIL), entry);
  }

  clear() {
    this.#young = new Map();
    this.#old = new Map();
  }

  // Two generations: an entry that is not used while the young one fills up is dropped, without a list ordered by use.
  #put(tail, entry) {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(tail, entry);
  }
}

/** Returns whether the core would accept these times now, by the same arithmetic. A missing time is NaN, for which every comparison is false. */
function isInTime({ exp, nbf, iat }, now, { clockTolerance, maxTokenAge }) {
  if (now >= exp + clockTolerance || now + clockTolerance < nbf) return false;
  return maxTokenAge === null || !(now - iat > maxTokenAge + clockTolerance || now - iat < -clockTolerance);
}
