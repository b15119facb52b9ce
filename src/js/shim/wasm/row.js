// What `Verifier.check` and `Issuer.mint` of the wasm return, and the positions in the row of doubles that `check` fills. The same names
// and values as in src/js/row.rs; a test compares the two.

/** All checks passed. */
export const GOOD = 0;
/** All but the signature, which the platform must check. */
export const UNSIGNED = 1;
/** From here on, a refusal: this number plus that of the reason. */
export const REASONS = 2;

/** The number of the header and the key: see `Core.known`. */
export const KNOWN = 0;
/** The fault of the claims, which counts if the signature is valid, in the form of a returned value. */
export const DEFERRED = 1;
export const PAYLOAD = 2;
export const PAYLOAD_LENGTH = 3;
export const SIGNATURE = 4;
export const SIGNATURE_LENGTH = 5;
/** The number of signed bytes of the input. */
export const SIGNED_LENGTH = 6;
/** Seconds since 1970, or NaN if the token has no such claim; so are the next two. */
export const EXP = 7;
export const NBF = 8;
export const IAT = 9;
/** The number of doubles. */
export const ROW_LENGTH = 10;
