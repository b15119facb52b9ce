// The first token of a program that has jose. For measuring how long it takes from the import.
import { createLocalJWKSet, jwtVerify } from 'jose';

export function first({ token, jwks, issuer, audience }) {
  return jwtVerify(token, createLocalJWKSet(jwks), { issuer, audience, typ: 'at+jwt' });
}
