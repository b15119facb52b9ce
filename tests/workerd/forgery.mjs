// Forged tokens, and the parts of a token without checking it. None of the forgeries may verify.
import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';

/** The parts of a token: `{ header, claims }`. */
export function decode(token) {
  return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
}

/** A compact token of these parts; `sign` takes the signing input and returns the signature's bytes. */
export function forge(header, claims, sign = () => '') {
  const input = [header, claims].map((part) => encode(JSON.stringify(part))).join('.');
  return `${input}.${encode(sign(input))}`;
}

/** The token with `alg` none and no signature. */
export function unsigned(token) {
  const { header, claims } = decode(token);
  return forge({ ...header, alg: 'none' }, claims);
}

/** The token with HS256, for a verifier that would use the public key's text as a shared secret. */
export function signedWithPublicKey(token, publicKeyText) {
  const { header, claims } = decode(token);
  return forge({ ...header, alg: 'HS256' }, claims, (input) => createHmac('sha256', publicKeyText).update(input).digest());
}

/** The token with other claims under the original signature. */
export function withClaims(token, changes) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return [header, encode(JSON.stringify({ ...claims, ...changes })), signature].join('.');
}

/** The token with one bit of its signature flipped. */
export function withOtherSignature(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[10] ^= 1;
  return [header, payload, encode(bytes)].join('.');
}

function encode(bytes) {
  return Buffer.from(bytes).toString('base64url');
}
