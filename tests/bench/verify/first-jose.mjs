// The first token of a program with jose, to measure the time from the import.
import { createLocalJWKSet, jwtVerify } from 'jose';

export function first({ token, jwks, issuer, audience }) {
  return jwtVerify(token, createLocalJWKSet(jwks), { issuer, audience, typ: 'at+jwt' });
}
