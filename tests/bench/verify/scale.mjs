// Whether verifying gets slower with more keys in the set, or with a larger cache that is full.
import { createVerifier } from 'edgemint';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { step } from '../../../.scripts/steps.mjs';
import { interleave, middleRatio, perSecond, race, table } from '../rounds.mjs';
import { AUDIENCE, ISSUER, REQUIRED, TYPE } from './claims.mjs';
import { DISTINCT } from './node.mjs';
import { newKeys, newTokens } from './tokens.mjs';
import { repeat } from './work.mjs';

const KEYS = 1000;
const CACHES = [100, 100_000];

/** Returns rows `{ what, small, large }`, each with the rates of the smaller and of the larger. */
export async function measureScale(size) {
  return [
    ...await step(`key sets of 1 and of ${KEYS}`, size.expected, () => measureKeySets(size)),
    ...await step(`caches of ${CACHES.join(' and of ')}`, '10 s', () => measureCaches(size)),
  ];
}

/** Formats the rows as text. */
export function scaleTable(rows) {
  const line = ({ what, small, large }) => [what, perSecond(small), perSecond(large), middleRatio(large, small)];
  return `Verifications a second in Node.js while things grow: RS256 with one key and with ${KEYS}, found by kid, jose for
comparison; HS256 with a full cache of ${CACHES.join(' and of ')} tokens, the larger of which does not fit into the processor's.

${table([['', 'small', 'large', 'large / small'], ...rows.map(line)])}`;
}

/** RS256 is the cheapest to verify of those with public keys, so the look-up is visible. Its key is in the middle. */
async function measureKeySets(size) {
  const keys = newKeys('RS256');
  const tokens = newTokens(keys, DISTINCT);
  const many = Array.from({ length: KEYS }, (_, index) => newKeys('ES256', `other-${index}`).publicJwk);
  many[KEYS / 2] = keys.publicJwk;
  const sets = [[keys.publicJwk], many];
  const ours = sets.map((set) => {
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: set } });
    return { work: (token) => verifier.verifySync(token), isSync: true };
  });
  const theirs = sets.map((set) => {
    const local = createLocalJWKSet({ keys: set });
    const options = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, requiredClaims: REQUIRED };
    return { work: (token) => jwtVerify(token, local, options), isSync: false };
  });
  const doing = [...ours, ...theirs].map((contender) => (count) => repeat(contender, tokens, count));
  const [one, all, joseOne, joseAll] = await race(doing, size);
  return [
    { what: 'keys: edgemint verifySync', small: one, large: all },
    { what: 'keys: jose', small: joseOne, large: joseAll },
  ];
}

async function measureCaches(size) {
  const keys = newKeys('HS256');
  const verifiers = CACHES.map((max) => {
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, key: keys.publicJwk, cache: { max } });
    for (const token of newTokens(keys, max)) verifier.verifySync(token);
    return { work: (token) => verifier.verifySync(token), isSync: true, rounds: 0 };
  });
  // Few enough for the smaller one to keep them all in its younger half.
  const known = newTokens(keys, CACHES[0] / 4);
  const [small, large] = await race(verifiers.map((verifier) => (count) => repeat(verifier, known, count)), size);

  // Each token is new to each of them once.
  const news = Array.from({ length: size.rounds }, () => newTokens(keys, size.newTokens));
  const [smallNew, largeNew] = await interleave(verifiers, size.rounds, (verifier) => {
    const tokens = news[verifier.rounds];
    verifier.rounds += 1;
    const started = performance.now();
    repeat(verifier, tokens, tokens.length);
    return tokens.length / ((performance.now() - started) / 1000);
  });
  return [
    { what: 'cache: tokens seen before', small, large },
    { what: 'cache: new tokens', small: smallNew, large: largeNew },
  ];
}
