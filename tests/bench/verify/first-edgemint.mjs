// The first token of a program that has edgemint. For measuring how long it takes from the import.
import { createVerifier } from 'edgemint';

export function first({ token, jwks, issuer, audience }) {
  return createVerifier({ issuer, audience, jwks }).verify(token);
}
