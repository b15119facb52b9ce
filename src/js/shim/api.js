// What every entry exports that needs no platform.
export { decodeUnverified } from './decode.js';
export { TokenError } from './errors.js';
export { Key } from './key.js';
export { allowInsecureRequests, anyAudience, anyIssuer, anyType } from './options.js';
