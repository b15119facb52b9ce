// The first token of a program with edgemint, to measure the time from the import.
import { createVerifier } from 'edgemint';

export function first({ token, jwks, issuer, audience }) {
  return createVerifier({ issuer, audience, jwks }).verify(token);
}
