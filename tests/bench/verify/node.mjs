// Verifying and minting in this process, and cached tokens: ours, the peers, and the bare cryptography.
import { step } from '../../../.scripts/steps.mjs';
import { minters, verifiers } from './contenders.mjs';
import { nodeMinters, nodeVerifiers } from './contenders-node.mjs';
import { race } from '../rounds.mjs';
import { ALGORITHMS, badTokens, newKeys, newTokens } from './tokens.mjs';
import { checkMinter, checkVerifier, givesFreshClaims, inputsOf, repeat } from './work.mjs';

/** The number of different tokens that are verified in turn: few enough to stay in the processor's caches, for all contenders. */
export const DISTINCT = 64;
/** The algorithms whose tokens are cached: one that is cheap to verify, and one that is not. */
export const REMEMBERED = ['HS256', 'ES256'];
/** The size of the caches, in tokens. */
export const CACHE = 1000;
const MANY = 16;
/** The contenders with many tokens in flight: ours, the best known, and the limit. */
const ALSO_WITH_MANY = ['edgemint verify', 'jose', 'limit: subtle.verify'];

/**
 * Returns the rates by contender for each measurement, `{ place, what, algorithm, rates }`. For verification also
 * `bytes`, the length of a token, and `unchecked`: the checks that some have no option for, as `[name, checks]`.
 */
export async function measureInNode(size) {
  const measured = [];
  const add = async (what, algorithm, measure) => {
    measured.push(await step(`Node.js: ${what}, ${algorithm}`, size.expected, () => measure(algorithm, size)));
  };
  for (const algorithm of ALGORITHMS) await add('verify', algorithm, measureVerification);
  for (const algorithm of ALGORITHMS) await add('mint', algorithm, measureMinting);
  for (const algorithm of REMEMBERED) await add('seen before', algorithm, measureRemembering);
  return measured;
}

async function measureVerification(algorithm, size) {
  const keys = newKeys(algorithm);
  const tokens = newTokens(keys, DISTINCT);
  const contenders = [...await verifiers(keys), ...nodeVerifiers(keys)];
  for (const contender of contenders) await checkVerifier(contender, { tokens, bad: badTokens(keys) });
  const entries = contenders.flatMap((contender) => {
    const inputs = inputsOf(contender, tokens);
    const entry = (label, inFlight) => [label, (count) => repeat(contender, inputs, count, inFlight)];
    const { name } = contender;
    return ALSO_WITH_MANY.includes(name) ? [entry(name, 1), entry(`${name}, ${MANY} in flight`, MANY)] : [entry(name, 1)];
  });
  const unchecked = contenders
    .filter(({ prepare, cannot }) => prepare === undefined && cannot.length > 0)
    .map(({ name, cannot }) => [name, cannot]);
  const { length: bytes } = tokens[0];
  return { place: 'Node.js', what: 'verify', algorithm, bytes, unchecked, rates: await rates(entries, size) };
}

async function measureMinting(algorithm, size) {
  const keys = newKeys(algorithm);
  const contenders = [...await minters(keys), ...nodeMinters(keys)];
  for (const contender of contenders) await checkMinter(contender, keys);
  const entries = contenders.map((contender) => [contender.name, (count) => repeat(contender, [undefined], count)]);
  return { place: 'Node.js', what: 'mint', algorithm, rates: await rates(entries, size) };
}

async function measureRemembering(algorithm, size) {
  const keys = { ...newKeys(algorithm), cache: { max: CACHE } };
  const tokens = newTokens(keys, DISTINCT);
  const all = [...await verifiers(keys), ...nodeVerifiers({ ...keys, cache: CACHE })];
  const contenders = all.filter(({ name }) => name.startsWith('edgemint') || ['jose', 'fast-jwt'].includes(name));
  // Twice, so that all are cached the second time.
  for (const contender of [...contenders, ...contenders]) await checkVerifier(contender, { tokens, bad: badTokens(keys) });
  for (const contender of contenders) {
    const isFresh = await givesFreshClaims(contender, tokens[0]);
    if (isFresh === (contender.name === 'fast-jwt')) {
      throw new Error(`${contender.name}: the claims are ${isFresh ? '' : 'not '}fresh`);
    }
  }
  const entries = contenders.map((contender) => [contender.name, (count) => repeat(contender, tokens, count)]);
  return { place: 'Node.js', what: 'seen before', algorithm, rates: await rates(entries, size) };
}

async function rates(entries, size) {
  const results = await race(entries.map(([, work]) => work), size);
  return new Map(entries.map(([label], index) => [label, results[index]]));
}
