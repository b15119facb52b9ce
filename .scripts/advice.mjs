// Advice after a failed tool, by the cause that its output shows.

export const CARGO_ADVICE = 'see the log above';

const NETWORK = 'the network or the registry could not be reached: check the connection and the proxy settings, then run this again '
  + '(what has been downloaded is kept)';
const COMPILER = 'a C compiler, pkg-config and the headers of OpenSSL must be there '
  + '(Debian, Ubuntu: apt-get install build-essential pkg-config libssl-dev)';
const DISK = 'the disk is full: make room, then run this again';

const UNREACHABLE = [
  /could(?: not|n't) resolve host/i, /failed to resolve address/i, /temporary failure in name resolution/i, /name or service not known/i,
  /failed to connect|could(?: not|n't) connect to server|connection (?:refused|reset|timed out)|network is unreachable/i,
  /spurious network error/i, /failed to (?:download|fetch)|download of .* failed|unable to update registry/i, /operation timed out|timeout was reached/i,
  /you may be offline|\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/,
];
const UNCOMPILED = [
  /linker `[^`]*` not found/, /failed to find tool/, /could not find (?:system library|native static library|directory of OpenSSL)/i,
  /pkg-config`?(?: command)? could not be|pkg-config has not been configured|is `cc` installed/i, /openssl\/\w+\.h: No such file/,
];
const FULL = [/no space left on device/i, /\bENOSPC\b/];

const says = (output, patterns) => patterns.some((pattern) => pattern.test(output));

/** Returns advice after a failure of cargo. */
export function cargoAdvice(output) {
  if (says(output, FULL)) return DISK;
  if (says(output, UNREACHABLE)) return NETWORK;
  if (says(output, UNCOMPILED)) return `see the log above; ${COMPILER}`;
  return CARGO_ADVICE;
}

/** Returns advice after a failure of npm. */
export function npmAdvice(output) {
  if (says(output, FULL)) return DISK;
  if (says(output, UNREACHABLE)) return NETWORK;
  return 'see the log above; `npm ping` tells whether the npm registry can be reached';
}
