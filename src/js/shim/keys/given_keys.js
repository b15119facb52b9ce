// Keys from the options: a JWK Set, one key, or a shared secret. They never change.
import { Core } from '../wasm/core.js';

export class GivenKeys {
  /** The verifier in wasm with the keys in it, once it is ready. */
  core;
  /** The CryptoKey, if that is what was given. */
  handle;
  /** The first key set is the only one. */
  generation = 1;
  #settings;
  #platform;

  constructor(settings, platform) {
    this.#settings = settings;
    this.#platform = platform;
    this.handle = settings.keys.handle;
  }

  /** Readies `core` with the keys; returns a promise only if there is something to wait for. */
  ready() {
    return this.core === undefined ? this.load() : undefined;
  }

  load() {
    const waiting = this.#platform.load();
    if (waiting !== undefined) return waiting.then(() => this.#fill());
    return this.#fill();
  }

  /** Gives the keys to a verifier in wasm. */
  fill(core) {
    const { jwks, algorithm } = this.#settings.keys;
    core.takeKeys((wasm) => {
      if (jwks !== undefined) wasm.takeGiven(jwks);
      else wasm.takeHandle(algorithm);
    });
  }

  /** Given keys have no age and cannot fail to be renewed. */
  get state() {
    return { age: undefined, maxAge: undefined, error: undefined };
  }

  /** There are no other keys. */
  mayRenew() {
    return false;
  }

  async renew() {
    return false;
  }

  #fill() {
    if (this.core !== undefined) return;
    const core = new Core(this.#settings, this.#platform);
    try {
      this.fill(core);
    } catch (reason) {
      core.free();
      throw reason;
    }
    this.core = core;
  }
}
