// Tokens as an attacker would make them, and what a token says without checking it. Nothing here may verify.
import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';

/** What a token says: `{ header, claims }`. */
export function decode(token) {
  return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
}

/** A compact token of these parts; `sign` gets the signing input and gives the signature's bytes. */
export function forge(header, claims, sign = () => '') {
  const input = [header, claims].map((part) => encode(JSON.stringify(part))).join('.');
  return `${input}.${encode(sign(input))}`;
}

/** The token with `alg` none and no signature. */
export function unsigned(token) {
  const { header, claims } = decode(token);
  return forge({ ...header, alg: 'none' }, claims);
}

/** The token with HS256, for a verifier that would take the public key's text for a shared secret. */
export function signedWithPublicKey(token, publicKeyText) {
  const { header, claims } = decode(token);
  return forge({ ...header, alg: 'HS256' }, claims, (input) => createHmac('sha256', publicKeyText).update(input).digest());
}

/** The token with other claims under its old signature. */
export function withClaims(token, changes) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return [header, encode(JSON.stringify({ ...claims, ...changes })), signature].join('.');
}

/** The token with one bit of its signature turned over. */
export function withOtherSignature(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[10] ^= 1;
  return [header, payload, encode(bytes)].join('.');
}

function encode(bytes) {
  return Buffer.from(bytes).toString('base64url');
}
