// Advice after a failed tool, by the cause that its output shows.

const NETWORK = 'the network or the registry could not be reached: check the connection and the proxy settings, then run this again '
  + '(what has been downloaded is kept)';
const DISK = 'the disk is full: make room, then run this again';

const UNREACHABLE = [
  /could(?: not|n't) resolve host/i, /failed to resolve address/i, /temporary failure in name resolution/i, /name or service not known/i,
  /failed to connect|could(?: not|n't) connect to server|connection (?:refused|reset|timed out)|network is unreachable/i,
  /spurious network error/i, /failed to (?:download|fetch)|download of .* failed|unable to update registry/i, /operation timed out|timeout was reached/i,
  /you may be offline|\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/,
];
const FULL = [/no space left on device/i, /\bENOSPC\b/];

export const says = (output, patterns) => patterns.some((pattern) => pattern.test(output));

/** Returns advice about a cause that every tool may meet, or undefined. */
export function commonAdvice(output) {
  if (says(output, FULL)) return DISK;
  if (says(output, UNREACHABLE)) return NETWORK;
  return undefined;
}

/** Returns advice after a failure of npm. */
export function npmAdvice(output) {
  return commonAdvice(output) ?? 'see the log above; `npm ping` tells whether the npm registry can be reached';
}
