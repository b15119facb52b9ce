// Formats numbers and tables in Markdown.

/** Formats a number to two digits, three if it begins with 1. */
export function about(value) {
  if (value === 0) return '0';
  if (value < 0.01) return 'less than 0.01';
  const digits = `${value.toExponential()}`.startsWith('1') ? 3 : 2;
  const rounded = Number(value.toPrecision(digits));
  const [amount, unit] = rounded >= 1e9 ? [rounded / 1e9, ' billion'] : rounded >= 1e6 ? [rounded / 1e6, ' million'] : [rounded, ''];
  return `${Number(amount.toPrecision(digits)).toLocaleString('en', { maximumFractionDigits: 3 })}${unit}`;
}

/** Formats bytes to two digits, three if they begin with 1. */
export function bytes(value) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let [amount, unit] = [value, 0];
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${about(amount)} ${units[unit]}`;
}

/** Formats a duration in seconds. */
export function span(seconds) {
  for (const [unit, length] of [['days', 86_400], ['hours', 3600], ['minutes', 60]]) {
    if (seconds >= 2 * length) return `${about(seconds / length)} ${unit}`;
  }
  return `${about(seconds)} s`;
}

/** Formats a fraction of one as a percentage. */
export function percent(share) {
  return `${about(share * 100)} %`;
}

/** Formats rows of cells; the first row has the headings. */
export function table([heads, ...rows]) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [row(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(row)].join('\n');
}
