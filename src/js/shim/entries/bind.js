// The package, bound to a platform.
import { bindGuard } from '../guard/guard.js';
import { bindIssuer } from '../tokens/issuer.js';
import { bindKeys } from '../keys/keys.js';
import { bindVerifier } from '../tokens/verifier.js';

/** What every entry exports beside api.js; see verifier.js for what a platform is. */
export function bindApi(platform) {
  const createVerifier = bindVerifier(platform);
  return { createVerifier, createIssuer: bindIssuer(platform), guard: bindGuard(createVerifier), ...bindKeys(platform) };
}
