// Times as text: local dates, durations, and relative times.

const UNITS = [['year', 31_557_600], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
/** The maximum of a Date, in seconds. */
const FURTHEST = 8.64e12;

// One language, that of the page; the time zone is the reader's.
const localDate = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'long' });

/** This device's clock, in seconds since 1970. */
export function clock() {
  return Date.now() / 1000;
}

/** Returns whether the value is a NumericDate: seconds since 1970 (RFC 7519 section 2). */
export function isTime(value) {
  return typeof value === 'number' && Math.abs(value) <= FURTHEST;
}

/** The local date and time, to the second, with the time zone. */
export function dateWords(seconds) {
  return localDate.format(seconds * 1000);
}

/** The two largest units: "9 minutes 12 seconds". */
export function durationWords(seconds) {
  let rest = Math.floor(Math.abs(seconds));
  const words = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    else if (words.length > 0) break;
    if (words.length === 2) break;
  }
  return words.join(' ') || 'less than a second';
}

/** "in 9 minutes 12 seconds", "3 hours ago", "just now". */
export function relativeWords(seconds, now) {
  const away = seconds - now;
  if (Math.abs(away) < 1) return 'just now';
  return away > 0 ? `in ${durationWords(away)}` : `${durationWords(away)} ago`;
}
