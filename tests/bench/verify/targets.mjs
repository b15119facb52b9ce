// The targets, and whether they were reached. Fails nothing: it is for readers.
import { median, middleHalf, middleRatio, ratios, table } from '../rounds.mjs';
import { growth } from './memory.mjs';
import { ourMatches } from './report.mjs';

const NODE = 'Node.js';
const WORKERD = 'workerd';
const MANY = 'jose, 16 in flight';
const LIMIT = 'limit: subtle.verify';

/** The factor by which ours should be faster than a contender. */
const FASTER = [
  { place: NODE, what: 'verify', algorithm: 'HS256', than: { 'fast-jwt': 1.7, jose: 22, [MANY]: 7 } },
  { place: NODE, what: 'verify', algorithm: 'ES256', than: { 'fast-jwt': 1, jose: 1.9, [MANY]: 1.05 } },
  { place: NODE, what: 'verify', algorithm: 'EdDSA', than: { 'fast-jwt': 1.8, jose: 2.8, [MANY]: 1.1 } },
  { place: NODE, what: 'verify', algorithm: 'RS256', than: { 'fast-jwt': 1.05, jose: 5, [MANY]: 1.1 } },
  { place: NODE, what: 'mint', algorithm: 'HS256', than: { 'fast-jwt': 1.4, jose: 25 } },
  { place: NODE, what: 'mint', algorithm: 'ES256', than: { 'fast-jwt': 1.02, jose: 4 } },
  { place: NODE, what: 'seen before', algorithm: 'HS256', than: { 'fast-jwt': 1.6 } },
  { place: NODE, what: 'seen before', algorithm: 'ES256', than: { 'fast-jwt': 1.6 } },
  { place: WORKERD, what: 'verify', algorithm: 'HS256', than: { jose: 2.2 } },
  { place: WORKERD, what: 'verify', algorithm: 'ES256', than: { jose: 1.12, [LIMIT]: 0.9 } },
  { place: WORKERD, what: 'verify', algorithm: 'EdDSA', than: { jose: 1.15, [LIMIT]: 0.9 } },
  { place: WORKERD, what: 'verify', algorithm: 'RS256', than: { jose: 1.22 } },
  { place: WORKERD, what: 'mint', algorithm: 'HS256', than: { jose: 3 } },
  { place: WORKERD, what: 'mint', algorithm: 'ES256', than: { jose: 1.2 } },
  { place: WORKERD, what: 'seen before', algorithm: 'HS256', than: { jose: 8 } },
  { place: WORKERD, what: 'seen before', algorithm: 'ES256', than: { jose: 40 } },
];
/** The wasm that is needed where the platform verifies asymmetric signatures. */
const WASM = { file: 'edgemint.wasm', kilobytes: 60 };
/** The tolerance for measuring noise. */
const SAME = 0.95;
/** The middle half of the rounds of a quiet machine is closer together. */
const QUIET = 1.2;
const FLAT_MEGABYTES = { heap: 1, wasm: 0, rss: 16 };

/** The table of targets. Each of the arguments may be missing if it was not measured. */
export function targetTable({ measured, scale, weight, memory }) {
  const rows = [
    ...FASTER.flatMap((target) => faster(target, measured)),
    ...scale.map(({ what, small, large }) => asFast(what, large, small)).filter(([what]) => !what.includes('jose')),
    ...memory.flatMap(flat),
    ...weight.filter(({ what }) => what === WASM.file).map(light),
  ];
  const shaken = measured.flatMap(({ rates }) => [...rates.values()]).filter(isShaken).length;
  const note = shaken === 0 ? '' : `
${shaken} of the rates differ by more than a fifth even in the middle half of their rounds: other work has used the machine.`;
  return `Targets, and what was measured: how many times as fast as the other ours is, by the faster of its two ways.${note}

${table([['', 'target', 'measured', 'by', 'met'], ...rows])}`;
}

function faster({ place, what, algorithm, than }, measured) {
  const result = measured.find((one) => one.place === place && one.what === what && one.algorithm === algorithm);
  return Object.entries(than).map(([label, target]) => {
    const name = `${place}: ${what}, ${algorithm}, beside ${label}`;
    const theirs = result?.rates.get(label);
    const [best] = (theirs === undefined ? [] : ourMatches(result, label))
      .map((match) => ({ match, ours: result.rates.get(match) }))
      .toSorted((a, b) => median(ratios(b.ours, theirs)) - median(ratios(a.ours, theirs)));
    if (best === undefined) return [name, `>= ${target}`, 'not measured', '', ''];
    const isMet = median(ratios(best.ours, theirs)) >= target;
    return [name, `>= ${target}`, middleRatio(best.ours, theirs), best.match.replace('edgemint ', ''), yesOrNo(isMet)];
  });
}

function isShaken(rates) {
  const [least, most] = middleHalf(rates);
  return most / least > QUIET;
}

function asFast(what, large, small) {
  return [`growing ${what}`, `>= ${SAME}`, middleRatio(large, small), '', yesOrNo(median(ratios(large, small)) >= SAME)];
}

function flat(load) {
  return Object.entries(FLAT_MEGABYTES).map(([member, most]) => {
    const megabytes = growth(load, member) / 1e6;
    const name = `memory, ${member}: ${load.what}`;
    return [name, `<= ${most} MB more`, `${megabytes.toFixed(2)} MB`, '', yesOrNo(megabytes <= most)];
  });
}

function light({ what, brotli }) {
  const kilobytes = brotli / 1000;
  const isMet = kilobytes <= WASM.kilobytes;
  return [`weight of ${what}, brotli`, `<= ${WASM.kilobytes} KB`, `${kilobytes.toFixed(1)} KB`, '', yesOrNo(isMet)];
}

function yesOrNo(isMet) {
  return isMet ? 'yes' : 'NO';
}
