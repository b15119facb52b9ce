// Tokens that were verified before: bounded, and found by the end of their signature, which nobody can choose who does not
// hold the key. What it holds was good; whether it still is in time is asked at each hit.

/** Characters of the signature that find a token; two tokens that share them push each other out. */
const TAIL = 22;

export class TokenCache {
  #half;
  #young = new Map();
  #old = new Map();

  constructor(max) {
    this.#half = Math.max(1, Math.floor(max / 2));
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
    return entry.token === token && now >= entry.from && now < entry.until ? entry : undefined;
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

/** From when and until when, in whole seconds, a token with these times passes: as the core's policy has it. */
export function lifetime({ exp, nbf, iat }, { clockTolerance, maxTokenAge }) {
  const ends = Number.isNaN(exp) ? Infinity : exp + clockTolerance;
  const starts = Number.isNaN(nbf) ? -Infinity : nbf - clockTolerance;
  if (maxTokenAge === null) return { from: starts, until: ends };
  return {
    from: Math.max(starts, iat - clockTolerance),
    // The last second that is young enough still passes.
    until: Math.min(ends, Math.floor(iat + maxTokenAge + clockTolerance) + 1),
  };
}
