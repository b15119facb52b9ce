// Tokens that were verified before: bounded, and found by the end of their signature, which nobody can choose who does not
// hold the key. What it holds was good; whether it still is in time is asked at each hit.

/** Characters of the signature that find a token; two tokens that share them push each other out. */
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

  /** What was kept for this very token, if its time is right. */
  get(token, now) {
    const tail = token.slice(-TAIL);
    let entry = this.#young.get(tail);
    if (entry === undefined) {
      entry = this.#old.get(tail);
      // The compare below is the one that counts.
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

  // Two generations: what was not asked for while the younger one filled up goes, without any list to keep in order.
  #put(tail, entry) {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(tail, entry);
  }
}

/** Does a token with these times pass now? As the core's policy has it, by the same sums. A time that it lacks is NaN, for which no comparison holds. */
function isInTime({ exp, nbf, iat }, now, { clockTolerance, maxTokenAge }) {
  if (now >= exp + clockTolerance || now + clockTolerance < nbf) return false;
  return maxTokenAge === null || !(now - iat > maxTokenAge + clockTolerance || now - iat < -clockTolerance);
}
