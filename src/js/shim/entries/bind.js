// Binds the package to a platform.
import { bindGuard } from '../guard/guard.js';
import { bindIssuer } from '../tokens/issuer.js';
import { bindKeys } from '../keys/keys.js';
import { bindVerifier } from '../tokens/verifier.js';

/** Returns the exports of an entry that need a platform; verifier.js describes one. */
export function bindApi(platform) {
  const createVerifier = bindVerifier(platform);
  return { createVerifier, createIssuer: bindIssuer(platform), guard: bindGuard(createVerifier), ...bindKeys(platform) };
}
