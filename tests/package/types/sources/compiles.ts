// Everything in here must compile, with and without the types of a browser.
import {
  TokenError, allowInsecureRequests, anyAudience, anyIssuer, anyType, createIssuer, createJwks, createVerifier, decodeUnverified, generateKey, importKey, thumbprint,
  type AlgorithmName, type Check, type ErrorCode, type Explanation, type JwkSet, type VerifiedToken, type Verifier, type VerifierOptions,
} from 'edgemint';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k', alg: 'ES256', use: 'sig' };
declare const issuers: readonly string[];
declare const setFromJson: { keys: { kty: string; kid: string }[] };

const verifiers: Verifier[] = [
  createVerifier({ issuer, audience }),
  createVerifier({ issuer: [issuer], audience: [audience] }),
  createVerifier({ issuer, audience, fetch: async () => ({ status: 404, type: 'basic', headers: new Map<string, never>() as never, body: null }) }),
  createVerifier({ issuer: issuers, audience, jwks: { keys: [jwk] } }),
  createVerifier({ issuer, audience, jwks: setFromJson }),
  createVerifier({ issuer: anyIssuer, audience: anyAudience, type: anyType, key: jwk }),
  createVerifier({ issuer, audience, jwksUri: 'https://issuer.example/jwks.json', algorithms: ['ES256', 'Ed25519'] }),
  createVerifier({ issuer, audience, key: new Uint8Array(32), algorithms: ['HS256'] }),
  createVerifier({ issuer, audience, key: new Uint8Array(32), cache: { max: 1000 } }),
  createVerifier({ issuer, audience, cache: false }),
  createVerifier({ issuer, audience, maxKeyAge: 3600 }),
  createVerifier({ issuer: 'http://auth.internal', audience, maxKeyAge: Infinity, [allowInsecureRequests]: true }),
  createVerifier({ issuers: { [issuer]: {}, a: { keys: [jwk] }, b: { jwks: setFromJson, type: 'JWT' }, c: { jwksUri: issuer, maxKeyAge: 60 } }, audience }),
  createVerifier({ issuers: { [issuer]: { key: jwk, algorithms: ['ES256'] }, b: { key: new Uint8Array(32) } }, audience, status: 'check', scope: 'read', cache: { max: 9 } }),
  createVerifier({ issuer, audience, status: false }),
  createVerifier({ issuer, audience, status: 'check' }),
  createVerifier({ issuer, audience, key: jwk, status: 'check', fetch: async () => ({}) as never }),
  createVerifier({ issuer, audience, jwks: { keys: [jwk] }, status: { missing: 'accept', unavailable: 'refuse', maxStale: 0, maxLists: 1 } }),
  createVerifier({
    issuer, audience, type: ['at+jwt', 'JWT'], clockTolerance: 5, maxTokenAge: 3600, requiredClaims: ['exp'], scope: ['read'],
    now: () => 0, maxTokenBytes: 8192,
  }),
];

export async function use(token: string): Promise<string | undefined> {
  const { claims, header, key }: VerifiedToken = await verifiers[0]!.verify(token);
  const algorithm: AlgorithmName = key.alg;
  const until: number = claims.exp ?? 0;
  const own: unknown = claims['https://example.com/role'];
  const explanation: Explanation = await verifiers[0]!.explain(token);
  const failed: ErrorCode[] = explanation.checks.flatMap((check: Check) => (check.ok === false ? [check.code] : []));
  const { lists, age, error } = verifiers[0]!.status;
  void [lists.toFixed(), age?.toFixed(), error?.code, verifiers[0]!.keys.maxAge?.toFixed()];
  void (Array.isArray(claims.scope) ? claims.scope : claims.scope?.split(' '))?.includes('read');
  void [header.typ, algorithm, until, own, failed, decodeUnverified(token).header.kid];
  return claims.sub;
}

/** A switch over the codes narrows, and can be exhaustive. */
export function status(error: unknown): 401 | 403 | 503 {
  if (!(error instanceof TokenError)) throw error;
  const { code, claim, cause } = error;
  void [claim?.length, cause, error.message, error.name satisfies 'TokenError'];
  switch (code) {
    case 'scope_insufficient': return 403;
    case 'algorithm_unavailable':
    case 'async_required':
    case 'discovery_failed':
    case 'internal_error':
    case 'invalid_option':
    case 'key_unusable':
    case 'keys_unavailable':
    case 'mint_invalid':
    case 'status_unavailable':
    case 'wasm_unavailable': return 503;
    case 'algorithm_not_allowed':
    case 'audience_mismatch':
    case 'authentication_insufficient':
    case 'bad_signature':
    case 'claim_invalid':
    case 'claim_missing':
    case 'expired':
    case 'issuer_mismatch':
    case 'key_ambiguous':
    case 'key_mismatch':
    case 'key_not_found':
    case 'malformed':
    case 'not_yet_valid':
    case 'proof_missing':
    case 'request_invalid':
    case 'revoked':
    case 'status_missing':
    case 'suspended':
    case 'token_missing':
    case 'too_large':
    case 'too_old':
    case 'type_mismatch':
    case 'unsupported': return 401;
    default: return code satisfies never;
  }
}

export const options: VerifierOptions = { issuer, audience, jwks: {} as JwkSet };

export async function mint(pem: string): Promise<string[]> {
  const [made, imported] = await Promise.all([generateKey('PS256', { modulusLength: 3072 }), importKey(pem, { alg: 'RS256', kid: 'k' })]);
  const byKey = createIssuer({ issuer, key: made, ttl: 60, type: 'JWT', kid: 'other' });
  const byJwk = createIssuer({ issuer, key: { ...jwk, d: 'd' }, algorithm: 'ES256', now: () => 0 });
  const bySecret = createIssuer({ issuer, key: new Uint8Array(32) });
  const [kid, set] = [await thumbprint(imported), createJwks([imported])];
  const verifier = createVerifier({ issuer, audience, key: made.toPublic() });
  void [kid.length, set.keys[0]!.kid.length, made.toJwk().kty, verifier.verifySync('').claims.sub, imported.toRaw().length];
  for (const result of await verifier.verifyAll(['', ''])) void (result.ok ? result.value.claims.sub : result.error.code);
  return [await byKey.mint({ sub: 's', aud: [audience], scope: 'read', role: { any: 'thing' } }), await byJwk.mint({}), bySecret.mintSync({})];
}
