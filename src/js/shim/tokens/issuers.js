// A verifier for several issuers, each with keys of its own: a token goes to the verifier of the issuer that it names, which insists on
// that name. So no key of one issuer signs for another (RFC 8725 section 3.8).
import { decodeUnverified } from '../base/decode.js';
import { TokenError } from '../base/errors.js';

/**
 * What a verifier has, over those of each issuer; the rest of it is the same for every verifier. `none` has no keys at all: it says what
 * is wrong with the tokens of all others.
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
  // The name only chooses: it is read again once the signature has been found right.
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

/** The state that an operator should look at first: of what failed, else of what is oldest. */
function worst(states) {
  return states.find(({ error }) => error !== undefined) ?? states.reduce((oldest, one) => (one.age > (oldest.age ?? -1) ? one : oldest));
}
