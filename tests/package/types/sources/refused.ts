// Each line under an expectation must not compile, for the stated reason.
import {
  Key, TokenError, anyAudience, anyIssuer, anyType, createIssuer, createJwks, createVerifier, generateKey, importKey, type ErrorCode, type Issuer,
  type Verifier,
} from 'edgemint';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
declare const verifier: Verifier;
declare const error: TokenError;
declare const issuers: string[];
declare const minting: Issuer;

// @ts-expect-error scope values in an array, which not every verifier understands
minting.mint({ scope: ['read'] });

// @ts-expect-error no options
createVerifier();
// @ts-expect-error no issuer
createVerifier({ audience, key });
// @ts-expect-error no audience
createVerifier({ issuer, key });
// @ts-expect-error issuer undefined
createVerifier({ issuer: undefined, audience, key });
// @ts-expect-error a misspelt option
createVerifier({ issuer, audience, key, clockTolerence: 5 });
// @ts-expect-error the wrong symbol
createVerifier({ issuer: anyAudience, audience, key });
// @ts-expect-error the wrong symbol
createVerifier({ issuer, audience: anyType, key });
// @ts-expect-error a symbol among texts
createVerifier({ issuer: [anyIssuer], audience, key });
// @ts-expect-error two sources of keys
createVerifier({ issuer, audience, key, jwks: { keys: [key] } });
// @ts-expect-error two sources of keys
createVerifier({ issuer, audience, jwksUri: 'https://issuer.example', jwks: { keys: [key] } });
// @ts-expect-error no source of keys: no single issuer
createVerifier({ issuer: anyIssuer, audience });
// @ts-expect-error no source of keys: maybe several issuers
createVerifier({ issuer: issuers, audience });
// @ts-expect-error keys that several issuers share
createVerifier({ issuers: { [issuer]: {} }, audience, jwks: { keys: [key] } });
// @ts-expect-error several issuers beside one
createVerifier({ issuers: { [issuer]: {} }, issuer, audience });
// @ts-expect-error a list of issuers without keys of their own
createVerifier({ issuers, audience });
// @ts-expect-error a misspelt option of one of several issuers
createVerifier({ issuers: { [issuer]: { jwk: { keys: [key] } } }, audience });
// @ts-expect-error the name of a symbol in words
createVerifier({ issuer, audience, allowInsecureRequests: true });
// @ts-expect-error bytes for two algorithms
createVerifier({ issuer, audience, key: new Uint8Array(32), algorithms: ['HS256', 'HS384'] });
// @ts-expect-error bytes for an algorithm that is no HMAC
createVerifier({ issuer, audience, key: new Uint8Array(32), algorithms: ['ES256'] });
// @ts-expect-error a secret as text
createVerifier({ issuer, audience, key: 'secret', algorithms: ['HS256'] });
// @ts-expect-error a private key written out
createVerifier({ issuer, audience, key: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' } });
// @ts-expect-error no algorithm
createVerifier({ issuer, audience, key, algorithms: ['none'] });
// @ts-expect-error milliseconds as a Date
createVerifier({ issuer, audience, key, now: () => new Date() });
// @ts-expect-error seconds as text
createVerifier({ issuer, audience, key, clockTolerance: '5s' });
// @ts-expect-error an unknown status
createVerifier({ issuer, audience, status: 'yes' });
// @ts-expect-error a misspelt value of `missing`
createVerifier({ issuer, audience, status: { missing: 'allow' } });
// @ts-expect-error a fetch where nothing is fetched
createVerifier({ issuer, audience, key, status: false, fetch: async () => ({}) as never });
// @ts-expect-error a fetch where nothing is fetched
createVerifier({ issuer, audience, key, fetch: async () => ({}) as never });
// @ts-expect-error no token
verifier.verify(undefined);
// @ts-expect-error the claims are a promise
verifier.verify('').claims;
// @ts-expect-error the claims may be absent
async () => (await verifier.verify('')).claims.sub.length;
// @ts-expect-error other claims are unknown
async () => (await verifier.verify('')).claims.role.length;
// @ts-expect-error no such code
error.code === 'invalid_token';
// @ts-expect-error no such code
const code: ErrorCode = 'ERR_JWT_EXPIRED';
// @ts-expect-error a code is read-only
error.code = 'expired';
void code;
// @ts-expect-error a cache without a size
createVerifier({ issuer, audience, key, cache: true });
// @ts-expect-error a size under another name
createVerifier({ issuer, audience, key, cache: { size: 10 } });
// @ts-expect-error verifySync returns no promise
verifier.verifySync('').then;
// @ts-expect-error one token instead of several
verifier.verifyAll('');
// @ts-expect-error a result may be an error
async () => (await verifier.verifyAll([]))[0]!.value.claims;
// @ts-expect-error no issuer
createIssuer({ key });
// @ts-expect-error no key
createIssuer({ issuer });
// @ts-expect-error a secret as text
createIssuer({ issuer, key: 'secret' });
// @ts-expect-error a lifetime as text
createIssuer({ issuer, key, ttl: '10m' });
// @ts-expect-error a time as a Date
minting.mint({ exp: new Date() });
// @ts-expect-error no claims
minting.mint();
// @ts-expect-error no algorithm
generateKey('none');
// @ts-expect-error bits for a curve
generateKey('ES256', { modulusLength: 2048 });
// @ts-expect-error another option
importKey(key, { algorithm: 'ES256' });
// @ts-expect-error unchecked keys
createJwks([key]);
// @ts-expect-error only the package creates keys
new Key();
