// What every entry exports beside createVerifier, which each binds to its platform.
export { decodeUnverified } from './decode.js';
export { TokenError } from './errors.js';
export { anyAudience, anyIssuer, anyType } from './options.js';
