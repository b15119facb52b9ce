// Contenders in Node.js and in workerd: each library with the kind of keys that is fastest for it, and with every check that
// it has an option for. Only what both runtimes have is used here.
//
// A contender is `{ name, work, isSync, cannot }`. A verifier's `work` takes a token, throws or rejects if it refuses it,
// and returns a value in which `claims` finds the claims; `cannot` names the checks that it has no option for. A limit, which
// is the bare cryptography, also has `prepare`, which turns a token into the input of `work`. A minter's `work` returns a
// token.
import * as tsndr from '@tsndr/cloudflare-worker-jwt';
import { createIssuer, createVerifier } from 'edgemint';
import * as hono from 'hono/jwt';
import { SignJWT, jwtVerify } from 'jose';
import { AUDIENCE, ISSUER, LIFETIME, REQUIRED, TYPE, givenClaims, newClaims } from './claims.mjs';

/** The checks, by their names in badTokens. */
export const CLAIM_CHECKS = ['type', 'issuer', 'audience', 'exp', 'nbf', 'required claims'];

/** WebCrypto's names of the algorithms, for importing, signing and verifying. */
const WEB_CRYPTO = {
  HS256: { name: 'HMAC', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
};

/** Verifiers of tokens of this algorithm with this key. `cache` is for ours: how many tokens it remembers. */
export async function verifiers({ algorithm, publicJwk, cache = false }) {
  const key = await importKey(algorithm, publicJwk, 'verify');
  const web = WEB_CRYPTO[algorithm];
  const expected = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, algorithms: [algorithm], requiredClaims: REQUIRED };
  const forHono = { alg: algorithm, iss: ISSUER, aud: AUDIENCE, typ: TYPE };
  const contenders = [
    ...ourVerifiers({ algorithm, publicJwk, cache }),
    { name: 'jose', work: (token) => jwtVerify(token, key, expected), claims: ({ payload }) => payload },
    { name: 'hono/jwt', work: (token) => hono.verify(token, key, forHono), cannot: ['required claims'] },
    {
      name: '@tsndr/cloudflare-worker-jwt',
      work: (token) => tsndr.verify(token, key, { algorithm, throwError: true }),
      claims: ({ payload }) => payload,
      cannot: ['type', 'issuer', 'audience', 'required claims'],
    },
    {
      name: 'limit: subtle.verify',
      prepare: parts,
      async work({ input, signature }) {
        if (!await crypto.subtle.verify(web, key, signature, input)) throw new Error('forged');
      },
      claims: () => undefined,
      cannot: CLAIM_CHECKS,
    },
  ];
  return complete(contenders, algorithm);
}

/** Ours: synchronous if the platform can, and asynchronous. */
export function ourVerifiers({ algorithm, publicJwk, cache }) {
  const keys = algorithm.startsWith('HS') ? { key: publicJwk } : { jwks: { keys: [publicJwk] } };
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], cache, ...keys });
  const claims = (result) => result.claims;
  return [
    { name: 'edgemint verifySync', work: (token) => verifier.verifySync(token), claims, isSync: true, cannot: [] },
    { name: 'edgemint verify', work: (token) => verifier.verify(token), claims, isSync: false, cannot: [] },
  ];
}

/** Minters of tokens of this algorithm with this key, each with its own claims. */
export async function minters({ algorithm, privateJwk }) {
  const key = await importKey(algorithm, privateJwk, 'sign');
  const web = WEB_CRYPTO[algorithm];
  const { kid } = privateJwk;
  const header = { alg: algorithm, kid, typ: TYPE };
  const issuer = createIssuer({ issuer: ISSUER, key: privateJwk, ttl: LIFETIME });
  const input = new TextEncoder().encode('x'.repeat(500));
  const contenders = [
    { name: 'edgemint mintSync', work: () => issuer.mintSync(givenClaims()), isSync: true },
    { name: 'edgemint mint', work: () => issuer.mint(givenClaims()) },
    { name: 'jose', work: () => new SignJWT(newClaims()).setProtectedHeader(header).sign(key) },
    { name: 'hono/jwt', work: () => hono.sign(newClaims(), key, algorithm), cannot: ['type', 'kid'] },
    {
      name: '@tsndr/cloudflare-worker-jwt',
      work: () => tsndr.sign(newClaims(), key, { algorithm, header: { kid, typ: TYPE } }),
    },
    { name: 'limit: subtle.sign', work: () => crypto.subtle.sign(web, key, input), isLimit: true },
  ];
  return complete(contenders, algorithm);
}

/** The signing input and the signature of a token, as bytes. */
export function parts(token) {
  const dot = token.lastIndexOf('.');
  const base64 = token.slice(dot + 1).replaceAll('-', '+').replaceAll('_', '/');
  const signature = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return { input: new TextEncoder().encode(token.slice(0, dot)), signature };
}

/** Sets the defaults, and drops contenders without the algorithm. */
export function complete(contenders, algorithm) {
  return contenders
    .map((contender) => ({ claims: (result) => result, isSync: false, cannot: [], ...contender }))
    .filter(({ name }) => !UNKNOWN[name]?.includes(algorithm));
}

const UNKNOWN = {
  '@tsndr/cloudflare-worker-jwt': ['EdDSA'],
  jsonwebtoken: ['EdDSA'],
  'aws-jwt-verify': ['HS256'],
};

function importKey(algorithm, jwk, use) {
  return crypto.subtle.importKey('jwk', jwk, WEB_CRYPTO[algorithm], false, [use]);
}
