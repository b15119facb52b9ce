// The guard of protected resources for Workers, and what it shares with those for Hono and Express. See types/guard.d.ts.
import { invalidOption } from '../base/readers.js';
import { readFunction } from '../base/values.js';
import { readChallenge, refusalOf, verifyRequest } from './request.js';

/** Returns `guard` for a platform's `createVerifier`. */
export function bindGuard(createVerifier) {
  return function guard(options, handler) {
    readFunction('handler', handler);
    const settingsFor = bindSettings(options, (given) => readGuard(given, createVerifier));
    return async function fetch(request, env, ctx) {
      const { verifier, challenge, onError } = await settingsFor(env);
      let token;
      try {
        token = await verifyRequest(request, verifier, challenge);
      } catch (error) {
        await onError?.(error, request, env, ctx);
        return toResponse(error);
      }
      return handler(request, env, ctx, token);
    };
  };
}

/**
 * Returns a function from an `env` to the settings, or to a promise of them. Options are read at once; if they are a function, once for
 * each `env`.
 */
export function bindSettings(options, read) {
  if (typeof options === 'function') return settingsByEnv(options, read);
  const settings = read(asOptions(options));
  return () => settings;
}

/** Reads the options that all guards share; the others are those of the verifier. */
export function readGuard({ verifier, acr, maxAge, scope, realm, resourceMetadata, onError, ...rest }, createVerifier) {
  const challenge = readChallenge({ acr, maxAge, scope, realm, resourceMetadata });
  if (onError !== undefined) readFunction('onError', onError);
  if (verifier === undefined) return { verifier: createVerifier(rest), challenge, onError };
  if (!isVerifier(verifier)) throw invalidOption('verifier must be a verifier of createVerifier');
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalidOption(`the option "${unknown}" cannot be combined with verifier`);
  return { verifier, challenge, onError };
}

/** Returns the options; a verifier alone counts as options. */
export function asOptions(given) {
  if (given === null || typeof given !== 'object') throw invalidOption('the options must be an object');
  return isVerifier(given) ? { verifier: given } : given;
}

export function toResponse(error) {
  const { status, headers, body } = refusalOf(error);
  return new Response(body, { status, headers });
}

function settingsByEnv(options, read) {
  const byEnv = new WeakMap();
  // The key of all values that cannot be keys of a WeakMap.
  const none = {};
  return (env) => {
    const key = Object(env) === env ? env : none;
    const known = byEnv.get(key);
    if (known !== undefined) return known;
    // The first settings are kept if several requests read them at once: each verifier fetches keys of its own.
    const keep = (given) => {
      if (!byEnv.has(key)) byEnv.set(key, read(asOptions(given)));
      return byEnv.get(key);
    };
    // The promise is not kept: in workerd no request may await that of another.
    const given = options(env);
    return typeof given?.then === 'function' ? given.then(keep) : keep(given);
  };
}

function isVerifier(value) {
  return typeof value?.verify === 'function';
}
