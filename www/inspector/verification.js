// Asks the npm package about a token, with its WebAssembly, in this page. Shows nothing.

let edgemint;
let verifier;
let verifierFor;

/**
 * Every check of the token, as the package's `explain` tells them. Rejects with `{ code, message }` where no check
 * could be run.
 */
export async function examine(token, { issuer, audience, type, jwksUri }) {
  // Elsewhere browsers have no WebCrypto, and the package fetches no keys.
  if (!isSecureContext) throw trouble('insecure_context');
  // Not at the top of the file: a package that is missing should be told, not leave a dead page.
  edgemint ??= await import('../edgemint/web.js').catch(() => { throw trouble('package_unavailable'); });
  const wanted = JSON.stringify([issuer, audience, type, jwksUri]);
  if (verifierFor !== wanted) {
    verifier = edgemint.createVerifier({ issuer, audience, type, jwksUri });
    verifierFor = wanted;
  }
  return verifier.explain(token);
}

/** Makes the next examination fetch everything again. */
export function startOver() {
  verifierFor = undefined;
}

function trouble(code) {
  return Object.assign(new Error(code), { code });
}
