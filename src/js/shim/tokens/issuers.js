// A verifier for several issuers, each with its own keys. A token goes to the verifier of the issuer that it names, which requires that
// name: no issuer can sign for another (RFC 8725 section 3.8).
import { decodeUnverified } from '../base/decode.js';
import { TokenError } from '../base/errors.js';

/**
 * Joins the verifiers of the issuers into one. `none` has no keys: it reports what is wrong with the tokens of all other issuers.
 */
export function joinVerifiers(byIssuer, none, { maxTokenBytes }) {
  const rethrow = (error) => {
    throw error.code === 'key_not_found' ? new TokenError('issuer_mismatch', undefined, { claim: 'iss' }) : error;
  };
  const other = {
    verify: (token) => none.verify(token).catch(rethrow),
    verifySync: (token) => {
      try {
        return none.verifySync(token);
      } catch (error) {
        return rethrow(error);
      }
    },
    explain: none.explain,
  };
  // The unverified name only chooses the verifier, which checks it again after the signature.
  const verifierFor = (token) => {
    if (typeof token !== 'string' || token.length > maxTokenBytes) return other;
    try {
      return byIssuer.get(decodeUnverified(token).claims.iss) ?? other;
    } catch {
      return other;
    }
  };
  const states = (name) => Array.from(byIssuer.values(), (verifier) => verifier[name]);
  return {
    verify: (token) => verifierFor(token).verify(token),
    verifySync: (token) => verifierFor(token).verifySync(token),
    explain: (token) => verifierFor(token).explain(token),
    get keys() { return worst(states('keys')); },
    get status() {
      const all = states('status');
      return { ...worst(all), lists: all.reduce((sum, { lists }) => sum + lists, 0) };
    },
  };
}

/** Returns the state that needs attention first: one with an error, else the oldest. */
function worst(states) {
  return states.find(({ error }) => error !== undefined) ?? states.reduce((oldest, one) => (one.age > (oldest.age ?? -1) ? one : oldest));
}
