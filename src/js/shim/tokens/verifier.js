// The verifier: a token in, claims or a TokenError out. Shared by all platforms, which differ in loading, fetching and signatures.
import { TokenCache } from './cache.js';
import { readClock } from '../base/clock.js';
import { verified } from '../wasm/core.js';
import { importVerify, keyOf } from '../engines/engines.js';
import { TokenError, toTokenError } from '../base/errors.js';
import { explain } from './explain.js';
import { FetchedKeys } from '../keys/fetched_keys.js';
import { GivenKeys } from '../keys/given_keys.js';
import { joinVerifiers } from './issuers.js';
import { copied } from '../wasm/memory.js';
import { GOOD } from '../wasm/row.js';
import { readIssuers, readOptions } from './options.js';
import { policyFor, verifyRequestBy } from '../guard/request.js';
import { StatusLists } from '../status/status_lists.js';

/**
 * Returns `createVerifier` for a platform: `load()` readies the wasm (a promise only if that takes time), `flight` is one of those in
 * flight.js, `requestInit` is given to every fetch, `texts` writes strings to wasm and reads them, `engines` check and make signatures, and
 * `isSync` says whether they can do so synchronously.
 */
export function bindVerifier(platform) {
  const make = (settings) => {
    const { keys } = settings;
    const cache = settings.cache === undefined ? undefined : new TokenCache(settings);
    const areFetched = keys.jwksUri !== undefined || keys.issuer !== undefined;
    const onChange = () => {
      cache?.clear();
      status?.doubt();
    };
    const source = areFetched ? new FetchedKeys(settings, platform, onChange) : new GivenKeys(settings, platform);
    const status = settings.status === undefined ? undefined : new StatusLists(settings, platform, source, verify);
    const state = { source, settings, platform, cache, status };
    return {
      // The status of every token, cached or not, is checked here alone, after all other checks.
      verify: status === undefined ? (token) => verify(token, state) : (token) => verify(token, state).then((verified) => status.admit(verified)),
      verifySync: status === undefined ? (token) => verifySync(token, state) : (token) => status.admitSync(verifySync(token, state)),
      get keys() { return source.state; },
      get status() { return status === undefined ? NO_LISTS : status.state; },
      explain: (token) => explain(token, state),
    };
  };
  return function createVerifier(options) {
    const issuers = readIssuers(options);
    const settings = readOptions(issuers === undefined ? options : issuers[0][1]);
    const byIssuer = new Map(issuers?.map(([issuer, own]) => [issuer, readOptions(own)]));
    const inner = issuers === undefined ? make(settings) : joinVerifiers(
      new Map(Array.from(byIssuer, ([issuer, own]) => [issuer, make(own)])),
      make({ ...settings, keys: { jwks: '{"keys":[]}' }, cache: undefined, status: undefined }),
      settings,
    );
    const verifier = Object.freeze({
      verify: inner.verify,
      verifySync: inner.verifySync,
      verifyAll: (tokens) => verifyAll(tokens, verifier),
      verifyRequest: (request, challenge) => verifyRequestBy(request, challenge, verifier),
      get keys() { return inner.keys; },
      get status() { return inner.status; },
      explain: inner.explain,
      [policyFor]: ({ iss }) => {
        // Not all settings: they may contain a secret.
        const { scopes, now, clockTolerance } = byIssuer.get(iss) ?? settings;
        return { scopes, now, clockTolerance };
      },
    });
    return verifier;
  };
}

const NO_LISTS = Object.freeze({ lists: 0, age: undefined, error: undefined });

/** Verifies without `await` if nothing must be waited for: each wait costs a third of an HMAC. */
function verify(token, state) {
  const { source } = state;
  // Read before any wait: keys that arrive meanwhile are newer.
  const { generation } = source;
  try {
    requireText(token, state.settings);
    const waiting = source.ready();
    if (waiting !== undefined) return verifyPatiently(token, state, generation, waiting);
    const result = verifyWithKeys(token, state);
    return typeof result.then === 'function' ? result : Promise.resolve(result);
  } catch (thrown) {
    return thrown.code === 'key_not_found' ? verifyPatiently(token, state, generation) : Promise.reject(toTokenError(thrown));
  }
}

/** Waits for keys, and looks for newer ones if none matches. */
async function verifyPatiently(token, state, generation, waiting) {
  try {
    await waiting;
    try {
      return await verifyWithKeys(token, state);
    } catch (refusal) {
      if (refusal.code !== 'key_not_found' || !(await state.source.renew(generation))) throw refusal;
      return await verifyWithKeys(token, state);
    }
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

/** Returns a result, or a promise of it. */
function verifyWithKeys(token, state) {
  const { cache, settings } = state;
  const now = readClock(settings);
  const hit = cache?.get(token, now);
  if (hit !== undefined) return verified(hit.json, hit.known);
  return check(token, state, now, 0);
}

/** Checks the token; if several keys match, from number `turn` on. */
function check(token, state, now, turn) {
  const { core } = state.source;
  return core.check(token, now, turn) === GOOD ? finish(token, state, core.known, core.json, timesOf(state)) : confirm(token, state);
}

/**
 * Has the platform check the signature of the token that `core` has just checked. The results of `core` must be read before any wait:
 * another token may be checked meanwhile.
 */
function confirm(token, state) {
  const { source, settings } = state;
  const { core, generation } = source;
  const { known, turn } = core;
  known.use ??= importNow(known, state);
  if (known.use === undefined) return importAndConfirm(token, state, known, turn);
  const { deferred, json } = core;
  const times = timesOf(state);
  const answer = known.use.check(core.signingInput, core.signature);
  const decide = (isValid) => {
    // Tries the next matching key, and refuses the token if there is none; starts again if the keys changed meanwhile.
    if (!isValid) return check(token, state, readClock(settings), source.generation === generation ? turn + 1 : 0);
    if (deferred !== undefined) throw deferred;
    // If the keys changed during the wait, the token was valid when it came, but is not cached.
    return source.generation === generation ? finish(token, state, known, json, times) : verified(json, known);
  };
  return typeof answer === 'boolean' ? decide(answer) : answer.then(decide, rethrow);
}

/** Imports the key, which takes time, and checks the token again. Only the imported key is kept, not the promise: see flight.js. */
async function importAndConfirm(token, state, known, turn) {
  const { source, settings } = state;
  const { generation } = source;
  known.use = await importVerify(state.platform, keyOf(known, source), known.algorithm).catch(rethrow);
  // If the keys changed meanwhile, starts with the first.
  return check(token, state, readClock(settings), source.generation === generation ? turn : 0);
}

function verifySync(token, state) {
  try {
    const { source, cache, settings } = state;
    requireText(token, settings);
    const waiting = source.ready();
    if (waiting !== undefined) {
      // The fetch is under way; a later call uses the keys or reports the failure.
      waiting.catch(() => {});
      throw new TokenError('async_required', 'the keys must be fetched');
    }
    const now = readClock(settings);
    const hit = cache?.get(token, now);
    if (hit !== undefined) return verified(hit.json, hit.known);
    const { core } = source;
    let answer = checkSync(token, now, state);
    while (answer !== GOOD) {
      const { known, turn } = core;
      known.use ??= importNow(known, state);
      if (known.use?.checkSync === undefined) {
        throw new TokenError('async_required', 'this runtime verifies such signatures only asynchronously');
      }
      if (known.use.checkSync(core.signingInput, core.signature)) {
        if (core.deferred !== undefined) throw core.deferred;
        break;
      }
      answer = core.check(token, now, turn + 1);
    }
    return finish(token, state, core.known, core.json, timesOf(state));
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

function checkSync(token, now, { source }) {
  try {
    return source.core.check(token, now, 0);
  } catch (refusal) {
    if (refusal.code !== 'key_not_found' || !source.mayRenew()) throw refusal;
    throw new TokenError('async_required', 'no key matches, and newer keys must be fetched');
  }
}

async function verifyAll(tokens, verifier) {
  if (!Array.isArray(tokens)) throw new TokenError('invalid_option', 'tokens must be an array');
  return Promise.all(Array.from(tokens, async (token) => {
    try {
      return { ok: true, value: await verifier.verify(token) };
    } catch (error) {
      return { ok: false, error };
    }
  }));
}

function rethrow(thrown) {
  throw toTokenError(thrown);
}

/** Needed by the cache only. */
function timesOf({ cache, source: { core } }) {
  return cache === undefined ? undefined : core.times;
}

function finish(token, { cache }, known, json, times) {
  if (cache !== undefined) {
    const own = copied(token);
    cache.set(own, { token: own, json, known, times });
  }
  return verified(json, known);
}

/** Imports the key synchronously, if the platform can. */
function importNow(known, { source, platform }) {
  return platform.isSync ? importVerify(platform, keyOf(known, source), known.algorithm) : undefined;
}

function requireText(token, { maxTokenBytes }) {
  if (typeof token !== 'string') throw new TokenError('malformed', 'the token must be text');
  // The core checks the length too, but a huge text should not be copied there.
  if (token.length > maxTokenBytes) throw new TokenError('too_large');
}
