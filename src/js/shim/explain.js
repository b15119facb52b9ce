// Every check of a token for people to read. Never for access control: it tells all, of forged tokens too.
import { begin, readClock } from './begin.js';
import { toTokenError } from './errors.js';

/** Which check fails for a reason that only the shim knows. */
const CHECK_OF = {
  algorithm_unavailable: 'signature',
  discovery_failed: 'key',
  key_unusable: 'signature',
  keys_unavailable: 'key',
};

/** The header, the claims and the checks. Rejects only where no check can be run at all. */
export async function explain(token, source, settings) {
  // One character too many is enough to be told so.
  const text = typeof token === 'string' ? token.slice(0, settings.maxTokenBytes + 1) : '';
  try {
    await source.load();
    const { isValid, trouble } = await askForSignature(text, source, settings);
    const explanation = JSON.parse(source.core.explain(text, readClock(settings), isValid));
    if (trouble !== undefined) tell(explanation.checks, trouble);
    return explanation;
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

/** Whether the signature is valid, or what kept us from finding out. */
async function askForSignature(text, source, settings) {
  let begun;
  try {
    begun = await begin(text, source, settings);
    const { verification, slot, imported } = begun;
    return { isValid: slot === undefined ? verification.confirmHere() : await imported.confirm(verification, slot) };
  } catch (thrown) {
    return { trouble: toTokenError(thrown) };
  } finally {
    begun?.verification.free();
  }
}

function tell(checks, { code, message }) {
  const check = checks.find(({ name }) => name === CHECK_OF[code]);
  // What the core has found wrong with the token itself comes first.
  if (check !== undefined && (check.ok === null || check.code === 'key_not_found')) {
    Object.assign(check, { ok: false, code, sentence: message });
  }
}
