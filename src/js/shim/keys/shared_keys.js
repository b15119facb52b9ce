// The keys of another source under a policy of its own: the same keys for tokens of another kind, fetched only once.
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

  /** Takes what is new among the keys, which nobody has to be told of. */
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
