// The verifier: text in, claims or a TokenError out. Shared by all platforms, which differ in loading and fetching only.
import { begin } from './begin.js';
import { TokenError, toTokenError } from './errors.js';
import { explain } from './explain.js';
import { FetchedKeys } from './fetched_keys.js';
import { GivenKeys } from './given_keys.js';
import { readOptions } from './options.js';

/**
 * Makes `createVerifier` for a platform: `load()` readies the wasm (a promise only if that takes time), `flight` is one
 * of those in flight.js, `requestInit` is what every fetch gets.
 */
export function bindVerifier(platform) {
  return function createVerifier(options) {
    const settings = readOptions(options);
    const { jwksUri, issuer } = settings.keys;
    const areFetched = jwksUri !== undefined || issuer !== undefined;
    const source = areFetched ? new FetchedKeys(settings, platform) : new GivenKeys(settings, platform);
    return Object.freeze({
      verify: (token) => verify(token, source, settings),
      explain: (token) => explain(token, source, settings),
    });
  };
}

async function verify(token, source, settings) {
  try {
    if (typeof token !== 'string') throw new TokenError('malformed', 'the token is not a text');
    // The core says the same of its bytes, but a huge text should not even be copied there.
    if (token.length > settings.maxTokenBytes) throw new TokenError('too_large', 'the token is longer than allowed');
    const { verification, slot, imported } = await begin(token, source, settings);
    if (slot === undefined) return JSON.parse(verification.settleHere());
    let isValid;
    try {
      isValid = await imported.confirm(verification, slot);
    } catch (error) {
      verification.free();
      throw error;
    }
    return JSON.parse(verification.settle(isValid));
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}
