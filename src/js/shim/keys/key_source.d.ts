// The interfaces that the sources of keys share. Not published: `tests/package/types/interfaces.test.mjs` holds the modules against them.

/** The verifier in wasm, with the current keys in it: see wasm/core.js. */
interface Core {
  takeKeys(take: (wasm: any) => any): any;
  check(token: string, now: number, turn: number): number;
}

/** What verification needs: `GivenKeys`, `FetchedKeys`, and `SharedKeys` over one of these. */
export interface KeySource {
  /** Ready once `ready` has returned undefined, or its promise was fulfilled. */
  readonly core: Core | undefined;
  /** Counts the key sets so far. Another number means other keys: results for the former ones are void. */
  readonly generation: number;
  /** The CryptoKey, if the option is one: wasm cannot hold it. */
  readonly handle?: unknown;
  /**
   * Readies `core` with usable keys. A promise only if there is something to wait for; it rejects with a TokenError if
   * there are no such keys.
   */
  ready(): Promise<void> | undefined;
  /** After a miss: looks for newer keys, unless that was done recently. True if `generation` has changed. Never rejects. */
  renew(generation: number): Promise<boolean>;
}

/** What a verifier owns: `GivenKeys` and `FetchedKeys`. */
export interface OwnKeySource extends KeySource {
  /** Readies `core`, with keys or without. */
  load(): Promise<void> | undefined;
  /** Gives the current keys to another `core`. */
  fill(core: Core): void;
  /** Whether `renew` would fetch, or wait for a fetch. */
  mayRenew(): boolean;
  /** The age in seconds, and why the last attempt to renew the keys failed. */
  readonly state: { age: number | undefined; maxAge: number | undefined; error: Error | undefined };
}
