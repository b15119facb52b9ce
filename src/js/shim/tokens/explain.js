// Runs every check of a token, for display. Never for access control: it shows the content of forged tokens too.
import { readClock } from '../base/clock.js';
import { GOOD } from '../wasm/row.js';
import { importVerify, keyOf } from '../engines/engines.js';
import { toTokenError } from '../base/errors.js';

/** The check that fails for a code that only the shim reports. */
const CHECK_OF = {
  algorithm_unavailable: 'signature',
  bad_signature: 'signature',
  discovery_failed: 'key',
  key_unusable: 'signature',
  keys_unavailable: 'key',
};

/** Returns the header, the claims and the checks. Rejects only if no check can be run at all. */
export async function explain(token, state) {
  const { source, settings, status } = state;
  // One character more than allowed is enough to report the length.
  const text = typeof token === 'string' ? token.slice(0, settings.maxTokenBytes + 1) : '';
  try {
    await source.load();
    const { isValid, trouble } = await askPlatform(text, state);
    const explanation = source.core.explain(text, readClock(settings), isValid);
    if (trouble !== undefined) tell(explanation.checks, trouble);
    if (status !== undefined) explanation.checks.push(await checkStatus(explanation, status));
    return explanation;
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

/** Returns `{ isValid: true }` if the platform verified the signature, `{}` if the core decides, or `{ trouble }`. */
async function askPlatform(text, { source, settings, platform }) {
  try {
    const { generation } = source;
    await source.ready();
    const { core } = source;
    let answer = await checkOrRenew(text, source, generation, settings);
    while (answer !== GOOD) {
      const { known, turn } = core;
      // Copied: the views do not survive the wait.
      const [input, signature] = [core.signingInput.slice(), core.signature.slice()];
      const use = await importVerify(platform, keyOf(known, source), known.algorithm);
      if (await use.check(input, signature)) return { isValid: true };
      answer = core.check(text, readClock(settings), turn + 1);
    }
    return {};
  } catch (thrown) {
    // The core reports again what is wrong with the token itself.
    return { trouble: toTokenError(thrown) };
  }
}

async function checkOrRenew(text, source, generation, settings) {
  try {
    return source.core.check(text, readClock(settings), 0);
  } catch (refusal) {
    if (refusal.code !== 'key_not_found' || !(await source.renew(generation))) throw refusal;
    return source.core.check(text, readClock(settings), 0);
  }
}

/** Like `verify`, checks the status only of a valid token: a forged one must not choose a URL to fetch. */
async function checkStatus({ claims, checks }, status) {
  const name = 'status';
  if (!checks.every(({ ok }) => ok === true)) return { name, ok: null };
  try {
    await status.admit({ claims });
    return { name, ok: true };
  } catch (thrown) {
    const { code, message } = toTokenError(thrown);
    return { name, ok: false, code, claim: 'status', sentence: message };
  }
}

function tell(checks, { code, message: sentence }) {
  const name = CHECK_OF[code];
  const place = checks.findIndex((check) => check.name === name);
  // An error that the core found in the token itself comes first.
  if (place < 0 || (checks[place].ok === false && checks[place].code !== 'key_not_found')) return;
  checks[place] = { name, ok: false, code, sentence };
  // Without usable keys, the signature counts as unchecked.
  if (name === 'key') checks[place + 1] = { name: 'signature', ok: null };
}
