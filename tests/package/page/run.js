// What both pages do: the test calls `verifyAll` in the page with what is to be verified.
export function start({ createVerifier, anyIssuer, TokenError }) {
  globalThis.verifyAll = (cases) => Promise.all(cases.map(async ({ options, token }) => {
    try {
      const verifier = createVerifier({ ...options, issuer: options.issuer ?? anyIssuer });
      return { verified: await verifier.verify(token) };
    } catch (error) {
      return { code: error.code, message: error.message, isTokenError: error instanceof TokenError };
    }
  }));
}
