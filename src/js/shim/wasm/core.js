// A verifier in wasm, and what the shim remembers for it: the headers seen so far, each with its key.
import { refusal } from '../base/errors.js';
import { Verifier } from './glue.js';
import { currentBytes, encode } from './memory.js';
import {
  DEFERRED, EXP, GOOD, IAT, KNOWN, NBF, PAYLOAD, PAYLOAD_LENGTH, REASONS, ROW_LENGTH, SIGNATURE, SIGNATURE_LENGTH, SIGNED_LENGTH,
} from './row.js';

/** How many keys are tried for a token that does not name its key; the same number as in the wasm. */
const CANDIDATES = 4;

/** Past this many headers, or characters of them, all are forgotten; the same numbers as in the wasm. */
const MAX_KNOWN = 1024;
const MAX_KNOWN_LENGTH = 256 * 1024;

export class Core {
  #wasm;
  #texts;
  #maxTokenBytes;
  #input;
  #rowPlace;
  #row;
  #known = new Map();
  #knownLength = 0;
  #last;
  #lastNumber;
  #uses = new Map();

  constructor({ policy, maxTokenBytes }, { texts }) {
    this.#wasm = new Verifier(policy);
    this.#texts = texts;
    this.#maxTokenBytes = maxTokenBytes;
    this.#input = this.#wasm.input;
    this.#rowPlace = this.#wasm.row;
  }

  /** Replaces the keys by `take(wasm)`, and forgets what was kept for the former ones. */
  takeKeys(take) {
    const result = take(this.#wasm);
    this.#forget();
    this.#uses = new Map();
    return result;
  }

  /**
   * Checks a token. Throws the reason if it is refused. If the result is not GOOD, the platform must check `signature` over `signingInput`.
   * `turn` is how many of the matching keys to skip, because the platform found that they did not sign it.
   */
  check(token, now, turn) {
    const answer = this.#wasm.check(this.#write(token), now, turn);
    if (answer >= REASONS) throw this.#reason(answer);
    return answer;
  }

  /** The header and the key of the token checked last. */
  get known() {
    const number = this.#numbers[KNOWN];
    // Most tokens have the header of the one before.
    if (number !== this.#lastNumber) {
      this.#last = this.#known.get(number) ?? this.#learn(number);
      this.#lastNumber = number;
    }
    return this.#last;
  }

  /** The position of that key among those that match. */
  get turn() {
    return this.#numbers[KNOWN] % CANDIDATES;
  }

  /** The error in the claims, or undefined. Thrown only after the signature was found valid. */
  get deferred() {
    const answer = this.#numbers[DEFERRED];
    return answer === GOOD ? undefined : this.#reason(answer);
  }

  /** The claims as JSON text. */
  get json() {
    const numbers = this.#numbers;
    return this.#texts.read(currentBytes(this.#texts), numbers[PAYLOAD], numbers[PAYLOAD_LENGTH]);
  }

  /** A view, valid until the next call into wasm. */
  get signature() {
    const numbers = this.#numbers;
    return currentBytes(this.#texts).subarray(numbers[SIGNATURE], numbers[SIGNATURE] + numbers[SIGNATURE_LENGTH]);
  }

  /** A view, valid until the next call into wasm. */
  get signingInput() {
    return currentBytes(this.#texts).subarray(this.#input, this.#input + this.#numbers[SIGNED_LENGTH]);
  }

  /** The claims `exp`, `nbf` and `iat`, each NaN if missing. */
  get times() {
    const numbers = this.#numbers;
    return { exp: numbers[EXP], nbf: numbers[NBF], iat: numbers[IAT] };
  }

  /** Returns the result of every check, for display. */
  explain(text, now, isValid) {
    const { header, claims, checks } = JSON.parse(this.#wasm.explain(text, now, isValid));
    const told = checks.map(([name, outcome]) => {
      if (!Array.isArray(outcome)) return { name, ok: outcome };
      const { code, message } = refusal(outcome[0] - REASONS);
      return { name, ok: false, code, sentence: message, ...(outcome[1] !== '' && { claim: outcome[1] }) };
    });
    return { header, claims, checks: told };
  }

  free() {
    this.#wasm.free();
  }

  /**
   * The row of numbers that `check` has filled. Read by index, because V8 does not optimise destructuring it. Any call into wasm may move
   * its memory, so the view is renewed when it was detached.
   */
  get #numbers() {
    if (this.#row === undefined || this.#row.length === 0) {
      this.#row = new Float64Array(currentBytes(this.#texts).buffer, this.#rowPlace, ROW_LENGTH);
    }
    return this.#row;
  }

  #write(token) {
    const room = this.#maxTokenBytes + 1;
    const bytes = currentBytes(this.#texts);
    const written = this.#texts.write(bytes, token, this.#input, room);
    // As many bytes as characters: all of it was written. A valid token is ASCII; other texts are refused by the wasm, which must see
    // all of them.
    if (written === token.length) return written;
    const whole = encode(token).subarray(0, room);
    bytes.set(whole, this.#input);
    return whole.length;
  }

  #reason(answer) {
    return refusal(answer - REASONS, this.#wasm.claim);
  }

  #forget() {
    this.#known = new Map();
    this.#knownLength = 0;
    this.#lastNumber = undefined;
  }

  #learn(number) {
    const text = this.#wasm.known;
    const [header, kid, algorithm, slot, jwk] = JSON.parse(text);
    const isFlat = Object.values(header).every((value) => value === null || typeof value !== 'object');
    const name = `${slot} ${algorithm}`;
    const known = {
      header,
      isFlat,
      key: kid === null ? { alg: algorithm } : { kid, alg: algorithm },
      algorithm,
      jwk,
      /** The key imported by an engine, shared by all headers that name it. */
      get use() { return uses.get(name); },
      set use(use) { uses.set(name, use); },
    };
    const uses = this.#uses;
    if (this.#known.size >= MAX_KNOWN || this.#knownLength >= MAX_KNOWN_LENGTH) this.#forget();
    this.#knownLength += text.length;
    this.#known.set(number, known);
    return known;
  }
}

/** Returns the result of `verify`; every part is a new object. */
export function verified(json, { header, isFlat, key }) {
  return {
    claims: JSON.parse(json),
    header: isFlat ? { ...header } : structuredClone(header),
    key: { ...key },
  };
}
