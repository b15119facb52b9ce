// The error class of the package and its codes. Messages are for developers; they contain neither the code nor any part of a token.

/** Codes for refused tokens, in the order of `VerifyError::number` in the core, which returns only the number. */
const REFUSALS = [
  ['algorithm_not_allowed', 'the algorithm in the header is not allowed'],
  ['audience_mismatch', 'the token is for another audience'],
  ['bad_signature', 'the signature does not verify'],
  ['claim_invalid', 'a claim has a value of the wrong type or out of range'],
  ['claim_missing', 'a required claim is missing'],
  ['expired', 'the token has expired'],
  ['issuer_mismatch', 'the token is from another issuer'],
  ['key_ambiguous', 'the token has no kid, and too many keys match'],
  ['key_mismatch', 'the key with this kid is for another algorithm'],
  ['key_not_found', 'no key of the issuer matches this token'],
  ['malformed', 'not a well-formed signed JWT'],
  ['not_yet_valid', 'the token is not valid yet'],
  ['scope_insufficient', 'the token lacks a required scope'],
  ['too_large', 'the token is longer than allowed'],
  ['too_old', 'the token was issued too long ago'],
  ['type_mismatch', 'the token has another type'],
  ['unsupported', 'the token uses an unsupported JOSE feature'],
];

/** Codes for valid tokens that were refused because of their status list. */
const STATUSES = [
  ['revoked', 'the token has been revoked'],
  ['status_missing', 'the token has no status list entry'],
  ['suspended', 'the token is suspended'],
];

/** Codes for requests that were refused before the token was verified, or for lack of a proof or of an authentication. */
const REQUESTS = [
  ['authentication_insufficient', 'the user authentication is too old or too weak'],
  ['proof_missing', 'the token is bound to a key, and the request has no proof of possession'],
  ['request_invalid', 'the Authorization header is malformed'],
  ['token_missing', 'the request has no bearer token'],
];

/** Codes for verifications and operations that could not be carried out. */
const TROUBLES = [
  ['algorithm_unavailable', 'this runtime does not support the algorithm'],
  ['async_required', 'this operation is only possible asynchronously here'],
  ['discovery_failed', 'the metadata of the issuer could not be fetched or is invalid'],
  ['internal_error', 'a fault in edgemint'],
  ['invalid_option', 'an option is missing, unknown or invalid'],
  ['key_unusable', 'the key cannot be used'],
  ['keys_unavailable', 'the JWK Set could not be fetched or is invalid'],
  ['mint_invalid', 'the claims cannot become a token'],
  ['status_unavailable', 'the status list of the token could not be fetched or is invalid'],
  ['wasm_unavailable', 'the WebAssembly module could not be loaded'],
];

const codesOf = (list) => Object.freeze(list.map(([code]) => code));

/** The codes of refused tokens. */
export const refusalCodes = codesOf([...REFUSALS, ...STATUSES]);
/** The codes of refused requests. */
export const requestCodes = codesOf(REQUESTS);
/** The codes that say nothing about the token. */
export const troubleCodes = codesOf(TROUBLES);
/** The default message of each code. */
export const errorCodes = Object.freeze(Object.fromEntries([...REFUSALS, ...STATUSES, ...REQUESTS, ...TROUBLES]));

/** Why a token was refused or could not be checked: `code` is stable, the message is not. */
export class TokenError extends Error {
  constructor(code, message = errorCodes[code], { claim, reason, cause, status, wwwAuthenticate } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (claim !== undefined) this.claim = claim;
    if (reason !== undefined) this.reason = reason;
    if (status !== undefined) this.status = status;
    if (wwwAuthenticate !== undefined) this.wwwAuthenticate = wwwAuthenticate;
  }
}

// On the prototype, where Error has it: an own property would show in every log line.
Object.defineProperty(TokenError.prototype, 'name', { value: 'TokenError', configurable: true, writable: true });

/** Returns the error for a reason of the core by its number. */
export function refusal(number, claim) {
  const [code, sentence] = REFUSALS[number];
  return new TokenError(code, sentence, { claim });
}

/** Converts a thrown value to a TokenError. The core throws JSON text for errors that are not about a token; a trap is a bug. */
export function toTokenError(thrown) {
  if (thrown instanceof TokenError) return thrown;
  const told = typeof thrown === 'string' ? readReason(thrown) : undefined;
  if (told !== undefined) {
    const { code, sentence, reason } = told;
    return new TokenError(code, sentence, { reason: reason === '' ? undefined : reason });
  }
  return new TokenError('internal_error', 'a fault in edgemint, please report it', { cause: thrown });
}

/** Parses a text thrown by the core; undefined for any other text. */
function readReason(text) {
  try {
    const reason = JSON.parse(text);
    return Object.hasOwn(errorCodes, reason.code) ? reason : undefined;
  } catch {
    return undefined;
  }
}
