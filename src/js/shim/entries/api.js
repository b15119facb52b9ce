// The exports of every entry that need no platform.
export { decodeUnverified } from '../base/decode.js';
export { TokenError } from '../base/errors.js';
export { Key } from '../keys/key.js';
export { allowInsecureRequests, anyAudience, anyIssuer, anyType } from '../tokens/options.js';
