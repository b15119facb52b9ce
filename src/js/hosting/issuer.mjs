// Checks an issuer identifier before a build, instead of a Worker that responds with 503.
import { Failure } from './steps.mjs';

/** Refuses an issuer that names the default port of its scheme. */
export function checkPort(issuer, advice) {
  const [, origin, port] = /^((?:https|http):\/\/.*):(\d+)$/.exec(issuer) ?? [];
  const isDefault = (issuer.startsWith('https:') && port === '443') || (issuer.startsWith('http:') && port === '80');
  if (!isDefault) return;
  throw new Failure(`ISSUER names the default port, which browsers leave out of the origin: write ${origin} without :${port}`, advice);
}
