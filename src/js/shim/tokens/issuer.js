// The issuer: claims in, a signed token or a TokenError out. It mints no token that a verifier with default options would refuse.
import { algorithmOfCryptoKey, isAlgorithm, isCryptoKey, isHmac, isStrong, plainName } from '../engines/algorithms.js';
import { fromBase64url, toBase64url } from '../base/base64.js';
import { readClock, systemTime } from '../base/clock.js';
import { areRsaNumbers, mismatched } from '../keys/convert.js';
import { importSign, importVerify } from '../engines/engines.js';
import { TokenError, refusal, toTokenError } from '../base/errors.js';
import { Issuer, readKey as readCoreKey } from '../wasm/glue.js';
import { openKey } from '../keys/key.js';
import { currentBytes, encode } from '../wasm/memory.js';
import { REASONS } from '../wasm/row.js';
import { isAccessToken, requiredClaimsFor } from './options.js';
import { invalidOption, isBytes, refuseUnknown } from '../base/readers.js';
import { readFunction } from '../base/values.js';

const NAMES = ['algorithm', 'issuer', 'key', 'kid', 'now', 'ttl', 'type'];
/** Seconds. Short, because verifiers that do not check the status accept a revoked token until it expires. */
const DEFAULT_TTL = 600;
const LONGEST_TTL = 366 * 86_400;

/** Returns `createIssuer` for a platform; verifier.js describes one. */
export function bindIssuer(platform) {
  return function createIssuer(options) {
    const settings = readOptions(options);
    const state = { settings, platform, core: undefined, use: undefined };
    return Object.freeze({
      mint: (claims) => mint(claims, state),
      mintSync: (claims) => mintSync(claims, state),
    });
  };
}

async function mint(claims, state) {
  try {
    const { platform } = state;
    const waiting = platform.load();
    if (waiting !== undefined) await waiting;
    ready(state);
    if (state.isMac) {
      draft(claims, state);
      return readText(state);
    }
    state.use ??= await proven(await importSign(platform, state.key, state.algorithm), state);
    draft(claims, state);
    const text = readText(state);
    const { core, use } = state;
    const signature = use.sign(currentBytes(platform.texts).subarray(core.text, core.text + core.len));
    return seal(text, typeof signature.then === 'function' ? await signature : signature);
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

function mintSync(claims, state) {
  try {
    const { platform } = state;
    const waiting = platform.load();
    if (waiting !== undefined) {
      waiting.catch(() => {});
      throw new TokenError('async_required', 'the WebAssembly module is not loaded yet');
    }
    ready(state);
    if (state.isMac) {
      draft(claims, state);
      return readText(state);
    }
    if (state.use === undefined && platform.isSync) {
      state.use = provenNow(importSign(platform, state.key, state.algorithm), state);
    }
    if (state.use?.signSync === undefined) {
      throw new TokenError('async_required', 'this runtime creates such signatures only asynchronously');
    }
    draft(claims, state);
    const { core, use } = state;
    const signature = use.signSync(currentBytes(platform.texts).subarray(core.text, core.text + core.len));
    return seal(readText(state), signature);
  } catch (thrown) {
    throw toTokenError(thrown);
  }
}

/** Sets up the core when first needed, and checks the key. */
function ready(state) {
  if (state.core !== undefined) return;
  const { settings } = state;
  const { key, algorithm, kid, secret } = readSigningKey(settings);
  const { type } = settings;
  const requiredClaims = ['iss', ...(isAccessToken(type) ? ['aud'] : []), ...requiredClaimsFor([type])];
  state.core = new Issuer(JSON.stringify({ algorithm, kid, type, requiredClaims, secret: secret && toBase64url(secret) }));
  // A Key was checked when it was imported, and a CryptoKey cannot be.
  const isProven = isCryptoKey(key) || openKey(settings.key) !== undefined;
  Object.assign(state, { key, algorithm, isMac: secret !== undefined, isProven });
}

/** Returns the key as an engine takes it, or the bytes of a secret, with its algorithm and its `kid`. */
function readSigningKey(settings) {
  const algorithm = settings.algorithm === undefined ? undefined : plainName(settings.algorithm);
  const given = materialOf(settings.key);
  const { kid: own, alg: ownAlgorithm } = settings.key;
  const name = settings.kid ?? own;
  if (isBytes(given)) return { secret: given, algorithm: algorithm ?? 'HS256', kid: name };
  if (isCryptoKey(given)) return { key: given, algorithm: algorithmOfCryptoKey(given), kid: name };
  const { type, alg, jwk } = JSON.parse(readCoreKey(toText(given), algorithm ?? ownAlgorithm ?? ''));
  if (type === 'public') throw new TokenError('key_unusable', 'the key must be private, or a shared secret');
  if (type === 'secret') return { secret: fromBase64url(jwk.k), algorithm: alg, kid: name };
  if (jwk.kty === 'RSA' && !areRsaNumbers(jwk)) throw mismatched();
  return { key: jwk, algorithm: alg, kid: name };
}

function toText(jwk) {
  try {
    return JSON.stringify(jwk);
  } catch (cause) {
    throw new TokenError('key_unusable', 'the JWK does not serialise to JSON', { cause });
  }
}

/** Returns the content of a Key; any other value as it is. */
function materialOf(key) {
  const inside = openKey(key);
  return inside === undefined ? key : inside.handle ?? inside.jwk;
}

/** Has the core write the signing input or, for a shared secret, the whole token. */
function draft(claims, { core, settings, platform }) {
  const json = completed(claims, settings);
  const room = json.length * 3;
  const start = core.input(room);
  const written = platform.texts.write(currentBytes(platform.texts), json, start, room);
  const answer = core.mint(written);
  if (answer < REASONS) return;
  const { code, message } = refusal(answer - REASONS);
  // Here it is the claims that are malformed.
  if (code === 'malformed') throw new TokenError('mint_invalid', 'the claims are nested too deeply, or contain invalid Unicode');
  throw new TokenError(code, message, { claim: core.claim });
}

/** Returns the claims with those that the issuer adds, as JSON. */
function completed(claims, settings) {
  if (claims === null || typeof claims !== 'object' || Array.isArray(claims)) {
    throw new TokenError('mint_invalid', 'the claims must be an object');
  }
  // JSON.stringify would call it after the claims were checked.
  if (typeof claims.toJSON === 'function') throw new TokenError('mint_invalid', 'the claims must be an object without toJSON');
  const { issuer, ttl } = settings;
  const now = Math.floor(readClock(settings));
  const whole = { iss: issuer, iat: now, exp: now + ttl, jti: undefined, ...claims };
  if (whole.iss !== issuer) throw new TokenError('claim_invalid', 'iss must be the issuer', { claim: 'iss' });
  whole.jti ??= randomId();
  let json;
  try {
    json = JSON.stringify(whole);
  } catch (cause) {
    throw new TokenError('mint_invalid', 'the claims do not serialise to JSON', { cause });
  }
  if (json.length > LONGEST) throw new TokenError('mint_invalid', 'the token would be longer than verifiers accept');
  return json;
}

/** The longest token, in bytes, and so a bound for its claims: the default of `maxTokenBytes`. */
const LONGEST = 16 * 1024;

/** Returns an identifier with at least 122 random bits. */
function randomId() {
  // Insecure pages have no `randomUUID`.
  return crypto.randomUUID?.() ?? toBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

function readText({ core, platform }) {
  return bounded(platform.texts.read(currentBytes(platform.texts), core.text, core.len));
}

function seal(text, signature) {
  return bounded(`${text}.${toBase64url(signature)}`);
}

function bounded(token) {
  if (token.length > LONGEST) throw new TokenError('mint_invalid', 'the token would be longer than verifiers accept');
  return token;
}

const PROBE = encode('edgemint');

/** Signs a probe and verifies it: not every runtime notices that a private key does not belong to its public key. */
async function proven(use, { key, algorithm, platform, isProven }) {
  if (isProven) return use;
  const { check } = await importVerify(platform, publicHalf(key), algorithm);
  if (!(await check(PROBE, await use.sign(PROBE)))) throw mismatched();
  return use;
}

function provenNow(use, { key, algorithm, platform, isProven }) {
  if (isProven || use.signSync === undefined) return use;
  const { checkSync } = importVerify(platform, publicHalf(key), algorithm);
  if (!checkSync(PROBE, use.signSync(PROBE))) throw mismatched();
  return use;
}

function publicHalf({ kty, crv, x, y, n, e }) {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }));
}

function readOptions(options) {
  if (options === null || typeof options !== 'object') throw invalidOption('the options must be an object');
  refuseUnknown(options, NAMES);
  const { algorithm, issuer, key, kid, now = systemTime, ttl = DEFAULT_TTL, type = 'at+jwt' } = options;
  if (typeof issuer !== 'string' || issuer === '') throw invalidOption('issuer must be text that is not empty');
  if (typeof type !== 'string' || type === '') throw invalidOption('type must be text that is not empty');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw invalidOption('kid must be text that is not empty');
  readFunction('now', now);
  if (!(Number.isSafeInteger(ttl) && ttl > 0 && ttl <= LONGEST_TTL)) {
    throw invalidOption(`ttl must be a whole number of seconds from 1 to ${LONGEST_TTL}`);
  }
  if (algorithm !== undefined && !isAlgorithm(algorithm)) throw invalidOption('algorithm is not supported');
  return { algorithm, issuer, key: readKey(key, algorithm), kid, now, ttl, type };
}

function readKey(key, algorithm) {
  if (isBytes(key)) {
    if (algorithm !== undefined && !isHmac(algorithm)) throw invalidOption('a key of bytes requires HS256, HS384 or HS512');
    return Uint8Array.from(key);
  }
  const handle = isCryptoKey(key) ? key : openKey(key)?.handle;
  if (handle !== undefined) {
    const own = algorithmOfCryptoKey(handle);
    if (own === undefined || !handle.usages.includes('sign')) throw invalidOption('key must be a CryptoKey that signs with a supported algorithm');
    if (algorithm !== undefined && plainName(algorithm) !== own) throw invalidOption('key is for another algorithm');
    if (!isStrong(handle)) throw invalidOption('key is too weak');
    return key;
  }
  if (key === null || typeof key !== 'object') {
    throw invalidOption('key must be a Key, a private JWK, a CryptoKey or, for HMAC, a Uint8Array');
  }
  if (openKey(key) !== undefined) {
    if (algorithm !== undefined && plainName(algorithm) !== key.alg) throw invalidOption('key is for another algorithm');
    return key;
  }
  // A copy: later changes have no effect.
  return { ...key };
}
