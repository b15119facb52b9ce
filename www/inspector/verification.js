// Checks a token by the npm package, with its WebAssembly, in this page. Shows nothing.

let edgemint;
let verifier;
let verifierFor;

/**
 * Returns every check of the token from the package's `explain`. Rejects with `{ code, message }` if no check
 * could be run.
 */
export async function examine(token, { issuer, audience, type, jwksUri }) {
  // On insecure pages browsers have no WebCrypto, and the package fetches no keys.
  if (!isSecureContext) throw trouble('insecure_context');
  // Not at the top of the file: a missing package must be reported, not break the page.
  edgemint ??= await import('../edgemint/web.js').catch(() => { throw trouble('package_unavailable'); });
  const wanted = JSON.stringify([issuer, audience, type, jwksUri]);
  if (verifierFor !== wanted) {
    verifier = edgemint.createVerifier({ issuer, audience, type, jwksUri });
    verifierFor = wanted;
  }
  return verifier.explain(token);
}

/** Makes the next check fetch everything again. */
export function startOver() {
  verifierFor = undefined;
}

function trouble(code) {
  return Object.assign(new Error(code), { code });
}
