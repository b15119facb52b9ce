// Keys that the options hold: a JWK Set, one key, or a secret. They stay the same for ever.
import { Verifier } from './glue.js';
import { ImportedKeys } from './signature.js';

export class GivenKeys {
  /** The verifier in wasm with the keys in it, once it is ready. */
  core;
  imported;
  /** Counts the key sets so far. There is no other to come. */
  generation = 1;
  #keys;
  #policy;
  #platform;

  constructor({ keys, policy }, platform) {
    this.#keys = keys;
    this.#policy = policy;
    this.#platform = platform;
    this.imported = new ImportedKeys(keys.handle);
  }

  /** Readies `core` with the keys; a promise only where there is something to wait for. */
  prepare() {
    return this.core === undefined ? this.load() : undefined;
  }

  async load() {
    await this.#platform.load();
    if (this.core !== undefined) return;
    const core = new Verifier(this.#policy);
    try {
      this.#handOver(core);
    } catch (refusal) {
      core.free();
      throw refusal;
    }
    this.core = core;
  }

  /** No other keys can be had. */
  async renew() {
    return false;
  }

  #handOver(core) {
    const { jwks, secret, algorithm } = this.#keys;
    if (jwks !== undefined) core.takeGiven(jwks);
    else if (secret !== undefined) core.takeSecret(secret, algorithm);
    else core.takeHandle(algorithm);
  }
}
