// Comparison by rounds: each round measures every contender once, so that a slow machine slows all of them alike.
// Independent of what is measured.

/** Measures each contender once a round, starting with another one each time. Returns each one's results, in the rounds' order. */
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
 * Measures a rate. Each of `doing` is a function that does its work this many times, and may return a promise. The number that
 * fills `seconds` is determined first, which warms it up; then it is done as often in each round, with no clock in
 * between. Returns each one's rates, in the rounds' order.
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
  // The first round is a warm-up: each contender meets the caches and the optimised code that the others leave.
  const results = await interleave(contenders, rounds + 1, rate);
  return results.map((rates) => rates.slice(1));
}

/** The median of an odd number of values. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The ratios round by round. */
export function ratios(ours, theirs) {
  return ours.map((value, round) => value / theirs[round]);
}

/** The median of the ratios round by round, and their range: "1.05 (0.98 to 1.10)". */
export function ratio(ours, theirs) {
  const all = ratios(ours, theirs);
  return `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
}

/** The range of the middle half of many values. */
export function middleHalf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const quarter = sorted.length >> 2;
  return [sorted[quarter], sorted.at(-1 - quarter)];
}

/** The median of the ratios round by round, and the range of their middle half: "1.05 (0.98 to 1.10)". */
export function middleRatio(ours, theirs) {
  const all = ratios(ours, theirs);
  const [least, most] = middleHalf(all);
  return `${median(all).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** A rate for readers. */
export function perSecond(values) {
  return Math.round(median(values)).toLocaleString('en');
}

/** Rows of texts in columns, the first one left-aligned. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column])));
  return rows.map((row) => line(row).join('   ').trimEnd()).join('\n');
}
