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

/** The middle one of an odd number of values. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The median of the ratios round by round, and between which they lie: "1.05 (0.98 to 1.10)". */
export function ratio(ours, theirs) {
  const ratios = ours.map((value, round) => value / theirs[round]);
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
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
