// Advice after a failure of cargo, by the cause that its output shows.
import { commonAdvice, says } from '../src/js/hosting/advice.mjs';

export const CARGO_ADVICE = 'see the log above';

const COMPILER = 'a C compiler, pkg-config and the headers of OpenSSL must be there '
  + '(Debian, Ubuntu: apt-get install build-essential pkg-config libssl-dev)';

const UNCOMPILED = [
  /linker `[^`]*` not found/, /failed to find tool/, /could not find (?:system library|native static library|directory of OpenSSL)/i,
  /pkg-config`?(?: command)? could not be|pkg-config has not been configured|is `cc` installed/i, /openssl\/\w+\.h: No such file/,
];

/** Returns advice after a failure of cargo. */
export function cargoAdvice(output) {
  const common = commonAdvice(output);
  if (common !== undefined) return common;
  return says(output, UNCOMPILED) ? `see the log above; ${COMPILER}` : CARGO_ADVICE;
}
