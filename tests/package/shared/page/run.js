// Shared by both pages: the test calls `verifyAll` in the page with tokens, and `mintAll` with algorithms.
export function start({ createIssuer, createVerifier, generateKey, anyIssuer, TokenError }) {
  globalThis.verifyAll = (cases) => Promise.all(cases.map(async ({ options, token }) => {
    try {
      const verifier = createVerifier({ ...options, issuer: options.issuer ?? anyIssuer });
      return { verified: await verifier.verify(token) };
    } catch (error) {
      return { code: error.code, message: error.message, isTokenError: error instanceof TokenError };
    }
  }));

  const audience = 'https://api.example';
  const claims = { sub: 'subject', aud: audience, client_id: 'client' };
  globalThis.mintAll = (algorithms) => Promise.all(algorithms.map(async (alg) => {
    const key = await generateKey(alg);
    const issuer = createIssuer({ issuer: audience, key });
    const verifier = createVerifier({ issuer: audience, audience, key: key.type === 'secret' ? key : key.toPublic(), cache: { max: 2 } });
    const token = await issuer.mint(claims);
    const { claims: { sub }, key: { alg: used } } = await verifier.verify(token);
    const atOnce = (act) => { try { return typeof act(); } catch (error) { return error.code; } };
    // First without the cache, then from it.
    return [sub, used, atOnce(() => issuer.mintSync(claims)), atOnce(() => verifier.verifySync(token))];
  }));
}
