// Comparing by rounds: in each, everyone is measured once, so that whatever slows the machine slows all of them.
// Knows nothing of what is measured.

/** Measures each contender once a round, another one first each time. Gives each one's results, in the rounds' order. */
export async function interleave(contenders, rounds, measure) {
  const results = contenders.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const index = (round + turn) % contenders.length;
      results[index].push(await measure(contenders[index]));
    }
  }
  return results;
}

/**
 * Measures how often a second things can be done. Each of `doing` is a function that does its thing so many times, and may
 * give a promise. How many fill `seconds` is found out first, which warms it up; then it is done as often in each round,
 * with no clock in between. Gives each one's rates, in the rounds' order.
 */
export async function race(doing, { rounds, seconds }) {
  const timed = async (work, count) => {
    const started = performance.now();
    await work(count);
    return (performance.now() - started) / 1000;
  };
  const contenders = [];
  for (const work of doing) {
    let count = 16;
    let elapsed = await timed(work, count);
    while (elapsed < seconds / 2) {
      count = Math.ceil(count * Math.min(10, 1.2 * seconds / elapsed));
      elapsed = await timed(work, count);
    }
    contenders.push({ work, count: Math.ceil(count * seconds / elapsed) });
  }
  const rate = async ({ work, count }) => count / await timed(work, count);
  // The first round is for everyone to meet what the others have done to the machine and to the compiler's guesses.
  const results = await interleave(contenders, rounds + 1, rate);
  return results.map((rates) => rates.slice(1));
}

/** The middle one of an odd number of values. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The ratios round by round. */
export function ratios(ours, theirs) {
  return ours.map((value, round) => value / theirs[round]);
}

/** The median of the ratios round by round, and between which they lie: "1.05 (0.98 to 1.10)". */
export function ratio(ours, theirs) {
  const all = ratios(ours, theirs);
  return `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
}

/** Between which the middle half of many values lie: the least and the most. */
export function middleHalf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const quarter = sorted.length >> 2;
  return [sorted[quarter], sorted.at(-1 - quarter)];
}

/** The median of the ratios round by round, and between which the middle half of many rounds lie: "1.05 (0.98 to 1.10)". */
export function middleRatio(ours, theirs) {
  const all = ratios(ours, theirs);
  const [least, most] = middleHalf(all);
  return `${median(all).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** A rate for people. */
export function perSecond(values) {
  return Math.round(median(values)).toLocaleString('en');
}

/** Rows of texts in columns, the first one flush left. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column])));
  return rows.map((row) => line(row).join('   ').trimEnd()).join('\n');
}
