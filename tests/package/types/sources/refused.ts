// Each line under an expectation must not compile, and for the reason that stands beside it.
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
// @ts-expect-error two places for keys
createVerifier({ issuer, audience, key, jwks: { keys: [key] } });
// @ts-expect-error two places for keys
createVerifier({ issuer, audience, jwksUri: 'https://issuer.example', jwks: { keys: [key] } });
// @ts-expect-error nowhere to find keys: no one issuer
createVerifier({ issuer: anyIssuer, audience });
// @ts-expect-error nowhere to find keys: maybe several issuers
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
// @ts-expect-error a status that is neither
createVerifier({ issuer, audience, status: 'yes' });
// @ts-expect-error what is to become of a token is misspelt
createVerifier({ issuer, audience, status: { missing: 'allow' } });
// @ts-expect-error a fetch where nothing is fetched
createVerifier({ issuer, audience, key, status: false, fetch: async () => ({}) as never });
// @ts-expect-error a fetch where nothing is fetched
createVerifier({ issuer, audience, key, fetch: async () => ({}) as never });
// @ts-expect-error no text
verifier.verify(undefined);
// @ts-expect-error the claims come later
verifier.verify('').claims;
// @ts-expect-error claims are not known to be there
async () => (await verifier.verify('')).claims.sub.length;
// @ts-expect-error other claims are unknown
async () => (await verifier.verify('')).claims.role.length;
// @ts-expect-error no such code
error.code === 'invalid_token';
// @ts-expect-error no such code
const code: ErrorCode = 'ERR_JWT_EXPIRED';
// @ts-expect-error a code is not to be changed
error.code = 'expired';
void code;
// @ts-expect-error no bound
createVerifier({ issuer, audience, key, cache: true });
// @ts-expect-error a bound of another name
createVerifier({ issuer, audience, key, cache: { size: 10 } });
// @ts-expect-error what is at once is no promise
verifier.verifySync('').then;
// @ts-expect-error one token is not many
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
// @ts-expect-error keys that nobody has looked at
createJwks([key]);
// @ts-expect-error keys are made by the package
new Key();
