// Tables of the results: rates compared with ours.
import { median, middleRatio, perSecond, table } from '../rounds.mjs';

/** The names of ours: the synchronous one, and the asynchronous one. */
export const OURS = {
  verify: ['edgemint verifySync', 'edgemint verify'],
  'seen before': ['edgemint verifySync', 'edgemint verify'],
  mint: ['edgemint mintSync', 'edgemint mint'],
};

/** One result, `{ place, what, algorithm, rates }`: every rate, and how much faster ours is, synchronous and asynchronous. */
export function rateTable({ place, what, algorithm, rates }) {
  const columns = OURS[what].filter((name) => rates.has(name));
  const rows = [...rates].map(([label, theirs]) => [
    label,
    perSecond(theirs),
    microseconds(theirs),
    ...columns.map((name) => compared(rates.get(asMany(name, label, rates)), theirs)),
  ]);
  const heading = [`${place}: ${what}, ${algorithm}`, 'a second', 'µs', ...columns.map((name) => `${name} / it`)];
  return table([heading, ...rows]);
}

/** Those of ours that are compared with a contender: with as many in flight, where waiting makes a difference. */
export function ourMatches({ what, rates }, label) {
  return OURS[what].filter((name) => rates.has(name)).map((name) => asMany(name, label, rates));
}

function asMany(name, label, rates) {
  const [, flights = ''] = label.match(/(, \d+ in flight)$/) ?? [];
  return rates.has(name + flights) ? name + flights : name;
}

function compared(ours, theirs) {
  return ours === theirs ? '' : middleRatio(ours, theirs);
}

function microseconds(rates) {
  return (1e6 / median(rates)).toFixed(2);
}
