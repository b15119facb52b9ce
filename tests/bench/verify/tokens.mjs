// The keys and the tokens of the benchmark, valid and invalid. Created with node:crypto, so that no contender reads what another
// one wrote.
import { createHmac, createSecretKey, generateKeyPairSync, randomBytes, sign as signBytes } from 'node:crypto';
import { LIFETIME, TYPE, newClaims } from './claims.mjs';

export const ALGORITHMS = ['HS256', 'ES256', 'EdDSA', 'RS256'];

const PAIRS = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519'],
  RS256: ['rsa', { modulusLength: 2048 }],
};

/** `{ algorithm, kid, privateKey, publicKey, privateJwk, publicJwk }`: KeyObjects and JWKs; of a secret, both are the same. */
export function newKeys(algorithm, kid = 'key') {
  const { privateKey, publicKey } = algorithm === 'HS256' ? newSecret() : generateKeyPairSync(...PAIRS[algorithm]);
  const jwk = (key) => ({ ...key.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' });
  return { algorithm, kid, privateKey, publicKey, privateJwk: jwk(privateKey), publicJwk: jwk(publicKey) };
}

/** A token of these claims. */
export function sign({ algorithm, kid, privateKey }, claims = newClaims(), typ = TYPE) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: algorithm, kid, typ })}.${part(claims)}`;
  return `${input}.${signatureOf(algorithm, privateKey, input).toString('base64url')}`;
}

/** This many different tokens. */
export function newTokens(keys, count) {
  return Array.from({ length: count }, () => sign(keys));
}

/** A token with one fault, for each check by its name. */
export function badTokens(keys) {
  const now = Math.floor(Date.now() / 1000);
  const but = (claims) => sign(keys, { ...newClaims(now), ...claims });
  return {
    signature: sign(newKeys(keys.algorithm, keys.kid)),
    type: sign(keys, newClaims(now), 'JWT'),
    issuer: but({ iss: 'https://other.example' }),
    audience: but({ aud: 'https://other.example' }),
    exp: but({ exp: now - LIFETIME }),
    nbf: but({ nbf: now + LIFETIME }),
    'required claims': but({ jti: undefined }),
  };
}

function newSecret() {
  const key = createSecretKey(randomBytes(32));
  return { privateKey: key, publicKey: key };
}

function signatureOf(algorithm, key, input) {
  if (algorithm === 'HS256') return createHmac('sha256', key).update(input).digest();
  return signBytes(algorithm === 'EdDSA' ? null : 'sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
}
