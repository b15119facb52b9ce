// The demand for a recent or a stronger authentication of the user (RFC 9470).
import { systemTime } from '../base/clock.js';
import { TokenError } from '../base/errors.js';
import { readSeconds, readValues } from '../base/values.js';

/** Reads the options `acr` and `maxAge`. */
export function readStepUp({ acr, maxAge }) {
  // No token could satisfy 0: some time always passes between the authentication and the request.
  return { acrs: readValues('acr', acr), maxAge: readSeconds('maxAge', maxAge, 1) };
}

/** Checks `acr` and `auth_time` (RFC 9470 section 6.1), by the clock of the verifier. A claim that is missing or malformed fails. */
export function checkStepUp({ acr, auth_time: time }, { acrs, maxAge }, { now = systemTime, clockTolerance = 0 } = {}) {
  const isStrong = acrs.length === 0 || acrs.includes(acr);
  if (isStrong && maxAge === undefined) return;
  // The verifier has just checked its clock.
  const age = now() - time;
  // A time in the future would satisfy `maxAge` for too long.
  const isRecent = typeof time === 'number' && age <= maxAge + clockTolerance && age >= -clockTolerance;
  if (!(isStrong && isRecent)) throw new TokenError('authentication_insufficient', undefined, { claim: isStrong ? 'auth_time' : 'acr' });
}
