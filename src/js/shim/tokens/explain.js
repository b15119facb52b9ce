// Every check of a token for people to read. Never for access control: it tells all, of forged tokens too.
import { readClock } from '../base/clock.js';
import { GOOD } from '../wasm/row.js';
import { importVerify, keyOf } from '../engines/engines.js';
import { toTokenError } from '../base/errors.js';

/** Which check fails for a reason that only the shim knows. */
const CHECK_OF = {
  algorithm_unavailable: 'signature',
  bad_signature: 'signature',
  discovery_failed: 'key',
  key_unusable: 'signature',
  keys_unavailable: 'key',
};

/** The header, the claims and the checks. Rejects only where no check can be run at all. */
export async function explain(token, state) {
  const { source, settings, status } = state;
  // One character too many is enough to be told so.
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

/** What the platform says of the signature, nothing if wasm is to check it, or what kept us from finding out. */
async function askPlatform(text, { source, settings, platform }) {
  try {
    const { generation } = source;
    await source.ready();
    const { core } = source;
    let answer = await checkOrRenew(text, source, generation, settings);
    while (answer !== GOOD) {
      const { known, turn } = core;
      // The views do not outlast the wait.
      const [input, signature] = [core.signingInput.slice(), core.signature.slice()];
      const use = await importVerify(platform, keyOf(known, source), known.algorithm);
      if (await use.check(input, signature)) return { isValid: true };
      answer = core.check(text, readClock(settings), turn + 1);
    }
    return {};
  } catch (thrown) {
    // What is wrong with the token itself, the core finds again.
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

/** Like `verify`, only of a token that is good in itself: a forged one must not say where to fetch from. */
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
  // What the core has found wrong with the token itself comes first.
  if (place < 0 || (checks[place].ok === false && checks[place].code !== 'key_not_found')) return;
  checks[place] = { name, ok: false, code, sentence };
  // By keys that are too old, nothing counts as checked.
  if (name === 'key') checks[place + 1] = { name: 'signature', ok: null };
}
