// A verifier in wasm, and what the shim keeps of it: which headers were met, and the key that goes with each.
import { refusal } from '../base/errors.js';
import { Verifier } from './glue.js';
import { currentBytes, encode } from './memory.js';
import {
  DEFERRED, EXP, GOOD, IAT, KNOWN, NBF, PAYLOAD, PAYLOAD_LENGTH, REASONS, ROW_LENGTH, SIGNATURE, SIGNATURE_LENGTH, SIGNED_LENGTH,
} from './row.js';

/** How many keys are tried for a token that does not say which one signed it, as by the wasm. */
const CANDIDATES = 4;

/** More headers than this, or more characters of them, are forgotten, as by the wasm. */
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

  /** Hands over keys: `take(wasm)` does. What was kept for the keys so far is dropped. */
  takeKeys(take) {
    const result = take(this.#wasm);
    this.#forget();
    this.#uses = new Map();
    return result;
  }

  /**
   * Checks a text. Throws the reason if it is refused; if not GOOD, the platform has to check the signature: see below. `turn` is how
   * many of the keys that fit are passed over, since the platform has found that they have not signed it.
   */
  check(token, now, turn) {
    const answer = this.#wasm.check(this.#write(token), now, turn);
    if (answer >= REASONS) throw this.#reason(answer);
    return answer;
  }

  /** The header and the key of the text that was checked last. */
  get known() {
    const number = this.#numbers[KNOWN];
    // Most tokens have the header of the one before.
    if (number !== this.#lastNumber) {
      this.#last = this.#known.get(number) ?? this.#learn(number);
      this.#lastNumber = number;
    }
    return this.#last;
  }

  /** Which of the keys that fit is that key. */
  get turn() {
    return this.#numbers[KNOWN] % CANDIDATES;
  }

  /** What is wrong with the claims, to be told only when the signature has been found right; or undefined. */
  get deferred() {
    const answer = this.#numbers[DEFERRED];
    return answer === GOOD ? undefined : this.#reason(answer);
  }

  /** The claims as JSON text. */
  get json() {
    const numbers = this.#numbers;
    return this.#texts.read(currentBytes(this.#texts), numbers[PAYLOAD], numbers[PAYLOAD_LENGTH]);
  }

  /** A view that holds until the next call into wasm. */
  get signature() {
    const numbers = this.#numbers;
    return currentBytes(this.#texts).subarray(numbers[SIGNATURE], numbers[SIGNATURE] + numbers[SIGNATURE_LENGTH]);
  }

  /** A view that holds until the next call into wasm. */
  get signingInput() {
    return currentBytes(this.#texts).subarray(this.#input, this.#input + this.#numbers[SIGNED_LENGTH]);
  }

  /** The claims `exp`, `nbf` and `iat`, each NaN if there is none. */
  get times() {
    const numbers = this.#numbers;
    return { exp: numbers[EXP], nbf: numbers[NBF], iat: numbers[IAT] };
  }

  /** Every check for people to read. */
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
   * What the wasm has set in `check`; to be read by index, since V8 gives up on taking it apart by pattern. Any call into wasm
   * may move its memory: so never kept.
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
    // As many bytes as characters, so that all of it is there. A token has no other characters; what has is refused by the
    // wasm, which must see it whole.
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
      /** The key in the platform's hands, shared by all headers that name it; set by whoever imports it. */
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

/** What `verify` gives: every part an object of its own. */
export function verified(json, { header, isFlat, key }) {
  return {
    claims: JSON.parse(json),
    header: isFlat ? { ...header } : structuredClone(header),
    key: { ...key },
  };
}
