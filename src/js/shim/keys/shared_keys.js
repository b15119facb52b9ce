// The keys of another source under another policy: the same keys, fetched once, for another kind of token.
import { Core } from '../wasm/core.js';

export class SharedKeys {
  #source;
  #settings;
  #platform;
  #core;
  #taken;

  constructor(source, settings, platform) {
    this.#source = source;
    this.#settings = settings;
    this.#platform = platform;
  }

  /** Takes over newer keys of the source when it is read. */
  get core() {
    this.#core ??= new Core(this.#settings, this.#platform);
    const { generation } = this.#source;
    if (this.#taken !== generation) {
      this.#source.fill(this.#core);
      this.#taken = generation;
    }
    return this.#core;
  }

  get generation() { return this.#source.generation; }

  get handle() { return this.#source.handle; }

  ready() { return this.#source.ready(); }

  renew(generation) { return this.#source.renew(generation); }
}
