// Verifying and minting, compared with named peers and with the bare cryptography: in Node.js and in workerd, with growing
// numbers of keys and tokens, in memory, in bytes, and from the import to the first token. Each part has its own file.
import { firstTokenTable, measureFirstTokens } from './verify/first.mjs';
import { measureMemory, memoryTables } from './verify/memory.mjs';
import { CACHE, DISTINCT, measureInNode } from './verify/node.mjs';
import { rateTable } from './verify/report.mjs';
import { measureScale, scaleTable } from './verify/scale.mjs';
import { targetTable } from './verify/targets.mjs';
import { measureWeight, weightTable } from './verify/weight.mjs';
import { measureInWorkerd } from './verify/workerd.mjs';

// Many short rounds: other load on the machine slows neighbouring rounds alike.
const FULL = { rounds: 35, seconds: 0.04, newTokens: 3_000, starts: 9, verifications: 1_000_000, expected: '10 to 25 s' };
const SHORT = { rounds: 7, seconds: 0.03, newTokens: 3_000, starts: 3, verifications: 100_000, expected: '2 to 4 s' };
const SMOKE = { rounds: 1, seconds: 0.003, newTokens: 50, starts: 1, verifications: 1_000, expected: '1 s' };

/** Returns the results as text. `short` measures less; `long` watches the memory ten times as long; `smoke` is a self-test. */
export async function benchVerification({ short = false, long = false, smoke = false } = {}) {
  const size = { ...(smoke ? SMOKE : short ? SHORT : FULL), ...(long ? { verifications: 10_000_000 } : {}) };
  const weight = await measureWeight();
  const first = await measureFirstTokens(size);
  const memory = await measureMemory(size);
  const measured = [...await measureInNode(size), ...await measureInWorkerd(size)];
  const scale = await measureScale(size);
  return [
    introduction(size, measured),
    ...measured.map(rateTable),
    scaleTable(scale),
    memoryTables(memory),
    weightTable(weight),
    firstTokenTable(first),
    targetTable({ measured, scale, weight, memory }),
  ].join('\n\n');
}

function introduction({ rounds, seconds }, measured) {
  const verified = measured.filter(({ bytes }) => bytes !== undefined);
  const bytes = verified.map(({ algorithm, bytes: length }) => `${algorithm} ${length}`);
  const unchecked = [...new Map(verified.flatMap((result) => result.unchecked))];
  return `Verifying access tokens of 12 claims (bytes: ${bytes.join(', ')}), ${DISTINCT} different ones in turn, and minting such
tokens. Signature, type, issuer, audience, exp, nbf and five required claims are checked by everyone, as far as there is an
option for it. Each was seen to take the good tokens, and to refuse one that was wrong for each check, but for these:

${unchecked.map(([name, checks]) => `  ${name} has no option for: ${checks.join(', ')}`).join('\n')}

hono/jwt mints without kid and with the type JWT. The limits are the bare cryptography. "Seen before" is with caches of
${CACHE.toLocaleString('en')} tokens; ours gives fresh claims each time, fast-jwt the same object to everybody. Medians of
${rounds} rounds of ${seconds} s; ratios are the median of the rounds', and where the middle half of them lies. One in flight if
not said otherwise.`;
}
