// A key of any origin in one form. Its secret parts are shown only by the methods that return them.
import { fromBase64url, toPem } from '../base/base64.js';
import { toDer } from './convert.js';
import { TokenError } from '../base/errors.js';

/** Known in this module only: `makeKey` alone can construct keys. */
const MAKING = Symbol('making');
let insideOf;

/** See index.d.ts. */
export class Key {
  #inside;

  static {
    insideOf = (value) => (value !== null && typeof value === 'object' && #inside in value ? value.#inside : undefined);
  }

  constructor(making, parts) {
    if (making !== MAKING) throw new TokenError('invalid_option', 'a Key can only be created by generateKey or importKey');
    const { type, alg, kid, ...inside } = parts;
    this.type = type;
    this.alg = alg;
    if (kid !== undefined) this.kid = kid;
    this.#inside = inside;
    Object.freeze(this);
  }

  toJwk() {
    return { ...this.#numbers(), ...(this.kid !== undefined && { kid: this.kid }), alg: this.alg, use: 'sig' };
  }

  async toPem() {
    if (this.type === 'secret') throw formless('a shared secret has no PEM form');
    const der = await toDer(this.#numbers(), this.alg);
    return toPem(this.type === 'private' ? 'PRIVATE KEY' : 'PUBLIC KEY', der);
  }

  toRaw() {
    const { kty, k, x, y } = this.#numbers();
    if (this.type === 'private') throw formless('a private key has no raw form; use toJwk or toPem');
    if (kty === 'oct') return fromBase64url(k);
    if (kty === 'OKP') return fromBase64url(x);
    if (kty === 'EC') return Uint8Array.from([4, ...fromBase64url(x), ...fromBase64url(y)]);
    throw formless('an RSA key has no raw form; use toJwk or toPem');
  }

  toPublic() {
    if (this.type === 'public') return this;
    if (this.type === 'secret') throw formless('a shared secret has no public half');
    const { kty, crv, x, y, n, e } = this.#numbers();
    const jwk = { EC: { crv, kty, x, y }, OKP: { crv, kty, x }, RSA: { e, kty, n } }[kty];
    return makeKey({ ...this.#inside, type: 'public', alg: this.alg, kid: this.kid, jwk });
  }

  get [Symbol.toStringTag]() {
    return 'Key';
  }

  #numbers() {
    const { jwk } = this.#inside;
    if (jwk === undefined) throw formless('the CryptoKey is not extractable');
    return jwk;
  }
}

/**
 * Returns a Key with `type`, `alg` and `kid`; with `jwk`, only the members that make up the key, or the CryptoKey `handle`; `isNamed` if
 * the caller or the JWK gave the `kid`; and the `thumbprint` of RFC 7638.
 */
export function makeKey(parts) {
  return new Key(MAKING, parts);
}

/** Returns the content of a Key: `{ jwk, handle, isNamed, thumbprint }`; undefined for any other value. */
export function openKey(value) {
  return insideOf(value);
}

function formless(message) {
  return new TokenError('key_unusable', message, { reason: 'no_such_form' });
}
