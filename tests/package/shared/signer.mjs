// Keys and tokens for the tests, signed by jose, or by hand where jose would refuse.
import { createHmac, randomBytes } from 'node:crypto';
import { SignJWT, exportJWK, generateKeyPair, importJWK } from 'jose';

export const HMAC = ['HS256', 'HS384', 'HS512'];
export const ASYMMETRIC = [
  'EdDSA', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512',
];

export const NOW = 1_800_000_000;
export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';
export const CLAIMS = {
  iss: ISSUER, aud: AUDIENCE, sub: 'subject', client_id: 'client', iat: NOW - 10, exp: NOW + 600, jti: 'id', scope: 'read write',
};

/** The options that accept a token with those claims. */
export const options = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };

/** A new key: `alg`, `kid`, `signing` (for jose), `jwk` (public, or `oct`), and `secret` (bytes) for an HMAC. */
export async function newKey(alg, kid = `kid-${alg}`) {
  if (HMAC.includes(alg)) {
    const secret = new Uint8Array(randomBytes(Number(alg.slice(2)) / 8));
    return { alg, kid, signing: secret, secret, jwk: { kty: 'oct', k: base64url(secret), kid, alg } };
  }
  const { publicKey, privateKey } = await keyPair(alg);
  return { alg, kid, signing: await importJWK(privateKey, alg), jwk: { ...publicKey, kid, alg, use: 'sig' } };
}

// All keys share one RSA pair: generating one takes long, and an algorithm is a property of the JWK around it.
let rsaPair;

function keyPair(alg) {
  const isRsa = /^[RP]S/.test(alg);
  if (!isRsa) return newPair(alg);
  rsaPair ??= newPair('RS256');
  return rsaPair;
}

async function newPair(alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { publicKey: await exportJWK(publicKey), privateKey: await exportJWK(privateKey) };
}

/** A token by jose. A claim or a header member that is undefined is left out. */
export function sign(key, { claims = {}, header = {} } = {}) {
  const protectedHeader = present({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header });
  return new SignJWT(present({ ...CLAIMS, ...claims })).setProtectedHeader(protectedHeader).sign(key.signing);
}

/** A token with any header and any payload, as text or as values, with a valid HMAC. */
export function signByHand(key, header, payload) {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${base64url(createHmac(`sha${key.alg.slice(2)}`, key.secret).update(input).digest())}`;
}

/** The token with one bit of its signature changed. */
export function tampered(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[bytes.length >> 1] ^= 1;
  return `${header}.${payload}.${base64url(bytes)}`;
}

export function base64url(bytes) {
  return Buffer.from(bytes).toString('base64url');
}

function encode(part) {
  return base64url(typeof part === 'string' ? part : JSON.stringify(part));
}

function present(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
