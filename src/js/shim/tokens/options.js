// Reads the options of a verifier: refuses unknown ones and sets the defaults. Starts no work.
import { algorithmOfCryptoKey, isAlgorithm, isCryptoKey, isHmac, isStrong } from '../engines/algorithms.js';
import { toBase64url } from '../base/base64.js';
import { systemTime } from '../base/clock.js';
import { readUrl } from '../fetch/discovery.js';
import { TokenError } from '../base/errors.js';
import { openKey } from '../keys/key.js';
import { invalidOption, isBytes, isObject, refuseUnknown } from '../base/readers.js';
import { readFunction, readSeconds, readValues } from '../base/values.js';

/** Dangerous: accepts tokens of every issuer. A symbol, so that JSON cannot contain it; so are the two below. */
export const anyIssuer = Symbol('anyIssuer');
/** Dangerous: accepts tokens for every audience. */
export const anyAudience = Symbol('anyAudience');
/** Dangerous: accepts tokens of every type, including ID tokens. */
export const anyType = Symbol('anyType');

/** Dangerous; the name of an option: allows keys and status lists to be fetched over http from other machines. */
export const allowInsecureRequests = Symbol('allowInsecureRequests');

/** The options of a verifier; `issuers` replaces `issuer` and the keys. */
const NAMES = [
  'algorithms', 'audience', 'cache', 'clockTolerance', 'fetch', 'issuer', 'jwks', 'jwksUri', 'key', 'maxKeyAge', 'maxTokenAge',
  'maxTokenBytes', 'now', 'requiredClaims', 'scope', 'status', 'type',
];
/** The options that each of several `issuers` may have. */
const NAMES_FOR_ONE = [
  'algorithms', 'audience', 'clockTolerance', 'fetch', 'jwks', 'jwksUri', 'key', 'maxKeyAge', 'maxTokenAge', 'requiredClaims', 'type',
];
const DEFAULT_MAX_TOKEN_BYTES = 16 * 1024;
/** Seconds. */
const DEFAULT_MAX_STALE = 30;
const DEFAULT_MAX_LISTS = 256;
/** Seconds: the shortest time for which a fetched key set is fresh. */
const LEAST_MAX_KEY_AGE = 60;
const LARGEST_MAX_TOKEN_BYTES = 1024 * 1024;
/** RFC 9068 section 2.2, without `iss` and `aud`, which other options require. */
const ACCESS_TOKEN_CLAIMS = ['exp', 'sub', 'client_id', 'iat', 'jti'];

/** Reads the options: `policy` is JSON for the core, `keys` says where the keys come from. */
export function readOptions(options) {
  if (!isObject(options)) throw invalidOption('the options must be an object');
  refuseUnknown(options, NAMES);

  const { type = 'at+jwt', maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES, now = systemTime } = options;
  const issuers = readExpected('issuer', options.issuer, anyIssuer);
  const algorithms = readAlgorithms(options.algorithms);
  const types = readExpected('type', type, anyType);
  if (!(Number.isInteger(maxTokenBytes) && maxTokenBytes > 0 && maxTokenBytes <= LARGEST_MAX_TOKEN_BYTES)) {
    throw invalidOption(`maxTokenBytes must be a whole number from 1 to ${LARGEST_MAX_TOKEN_BYTES}`);
  }
  const clockTolerance = readSeconds('clockTolerance', options.clockTolerance) ?? 0;
  const maxTokenAge = readSeconds('maxTokenAge', options.maxTokenAge) ?? null;
  const scopes = readValues('scope', options.scope);
  const { [allowInsecureRequests]: allowHttp = false } = options;
  if (typeof allowHttp !== 'boolean') throw invalidOption('allowInsecureRequests must be true or false');
  return {
    policy: JSON.stringify({
      issuers,
      audiences: readExpected('audience', options.audience, anyAudience),
      types,
      algorithms,
      clockTolerance,
      maxTokenAge,
      requiredClaims: readRequiredClaims(options.requiredClaims, types),
      scopes,
      maxTokenBytes,
    }),
    keys: readKeys(options, issuers, algorithms, allowHttp),
    allowHttp,
    maxKeyAge: readMaxKeyAge(options.maxKeyAge),
    cache: readCache(options.cache),
    status: readStatus(options.status),
    clockTolerance,
    maxTokenAge,
    maxTokenBytes,
    scopes,
    now: readFunction('now', now),
    // Looked up at each call, so that a replaced global is used; called without `this`.
    fetch: options.fetch === undefined ? (...args) => fetch(...args) : readFunction('fetch', options.fetch),
  };
}

/** Returns `[issuer, options]` for each of several `issuers`: the shared options and its own. Undefined if there are none. */
export function readIssuers(options) {
  if (options?.issuers === undefined) return undefined;
  const { issuers, ...shared } = options;
  if (!isObject(issuers) || Object.keys(issuers).length === 0) throw invalidOption('issuers must be an object with the keys of each issuer');
  // With shared keys, each could sign for any other (RFC 8725 section 3.8).
  const common = ['issuer', 'jwks', 'jwksUri', 'key'].find((name) => shared[name] !== undefined);
  if (common !== undefined) throw invalidOption(`${common} cannot be combined with issuers`);
  return Object.entries(issuers).map(([issuer, keys]) => {
    if (!isObject(keys)) throw invalidOption('each of issuers must be a JWK Set, or an object of options');
    const own = Array.isArray(keys.keys) ? { jwks: keys } : keys;
    refuseUnknown(own, NAMES_FOR_ONE);
    return [issuer, { ...shared, ...own, issuer }];
  });
}

/** Returns the claims that tokens of these types must have by default. */
export function requiredClaimsFor(types) {
  return types?.every(isAccessToken) ? ACCESS_TOKEN_CLAIMS : ['exp'];
}

/** Returns whether it is the media type of an access token (RFC 9068 section 2.1). */
export function isAccessToken(type) {
  return /^(application\/)?at\+jwt$/i.test(type);
}

/** Reads the source of the keys: one option at most; with none, the issuer's metadata names the key set. */
function readKeys(options, issuers, algorithms, allowHttp) {
  const given = ['jwks', 'jwksUri', 'key'].filter((name) => options[name] !== undefined);
  if (given.length > 1) throw invalidOption(`${given.join(' and ')} cannot be combined`);
  switch (given[0]) {
    case 'jwks': return { jwks: readJwks(options.jwks) };
    case 'jwksUri': return { jwksUri: readUrl('jwksUri', options.jwksUri, allowHttp) };
    case 'key': return readKey(options.key, algorithms);
    default: return { issuer: readDiscoverable(issuers, allowHttp) };
  }
}

function readJwks(jwks) {
  if (!isObject(jwks) || !Array.isArray(jwks.keys) || jwks.keys.length === 0) {
    throw invalidOption('jwks must be a JWK Set with at least one key');
  }
  return toJson('jwks', { keys: jwks.keys });
}

function readKey(key, algorithms) {
  if (isBytes(key)) {
    const [algorithm, ...others] = algorithms ?? ['HS256'];
    if (others.length > 0 || !isHmac(algorithm)) {
      throw invalidOption('a key of bytes requires one of HS256, HS384 and HS512 in algorithms; HS256 by default');
    }
    return { jwks: JSON.stringify({ keys: [{ kty: 'oct', k: toBase64url(key), alg: algorithm }] }) };
  }
  if (isCryptoKey(key)) return { handle: key, algorithm: readCryptoKey(key) };
  const inside = openKey(key);
  if (inside !== undefined) return readOwnKey(key, inside);
  if (isObject(key) && typeof key.kty === 'string') return { jwks: toJson('key', { keys: [key] }) };
  throw invalidOption('key must be a Key, a JWK, a CryptoKey or, for HMAC, a Uint8Array');
}

function readOwnKey({ type, alg, kid }, { handle, jwk, isNamed }) {
  if (type === 'private') throw invalidOption('key must be public; use key.toPublic()');
  if (handle !== undefined) return { handle, algorithm: readCryptoKey(handle) };
  // A `kid` that is only a default must not exclude tokens that name the key differently.
  return { jwks: JSON.stringify({ keys: [{ ...jwk, alg, ...(isNamed && { kid }) }] }) };
}

function readCryptoKey(key) {
  const algorithm = algorithmOfCryptoKey(key);
  if (algorithm === undefined || !key.usages.includes('verify')) {
    throw invalidOption('key must be a CryptoKey that verifies with a supported algorithm');
  }
  if (!isStrong(key)) throw invalidOption('key is too weak');
  return algorithm;
}

function readDiscoverable(issuers, allowHttp) {
  if (issuers?.length !== 1) throw invalidOption('jwks, jwksUri or key is required unless there is exactly one issuer');
  const url = readUrl('issuer', issuers[0], allowHttp);
  if (url.search !== '' || url.hash !== '') throw invalidOption('issuer must not have a query or a fragment');
  return issuers[0];
}

/** Returns texts, or `null` for any value, as the core expects. */
function readExpected(name, value, anything) {
  if (value === anything) return null;
  if (value === undefined) throw invalidOption(`${name} is required`);
  return readTexts(name, value);
}

function readAlgorithms(value) {
  if (value === undefined) return null;
  if (!Array.isArray(value)) throw invalidOption('algorithms must be an array');
  const unknown = readTexts('algorithms', value).find((name) => !isAlgorithm(name));
  if (unknown !== undefined) throw invalidOption(`unknown algorithm "${unknown}"`);
  return value;
}

function readRequiredClaims(value, types) {
  if (value === undefined) return requiredClaimsFor(types);
  if (Array.isArray(value) && value.length === 0) return [];
  if (!Array.isArray(value)) throw invalidOption('requiredClaims must be an array');
  return readTexts('requiredClaims', value);
}

function readCache(cache) {
  if (cache === undefined || cache === false) return undefined;
  const { max, ...others } = isObject(cache) ? cache : {};
  if (!(Number.isSafeInteger(max) && max >= 2) || Object.keys(others).length > 0) {
    throw invalidOption('cache must be false or { max }, a whole number of at least 2 tokens');
  }
  return max;
}

/** The status of a token is checked only on request. A token whose status is unavailable is then refused by default. */
function readStatus(status) {
  if (status === undefined || status === false) return undefined;
  if (status !== 'check' && !isObject(status)) throw invalidOption("status must be false, 'check' or an object");
  const given = status === 'check' ? {} : status;
  refuseUnknown(given, ['maxLists', 'maxStale', 'missing', 'unavailable']);
  const { missing = 'refuse', unavailable = 'refuse', maxLists = DEFAULT_MAX_LISTS } = given;
  for (const [name, value] of Object.entries({ missing, unavailable })) {
    if (value !== 'refuse' && value !== 'accept') throw invalidOption(`status.${name} must be 'refuse' or 'accept'`);
  }
  if (!(Number.isSafeInteger(maxLists) && maxLists >= 1)) throw invalidOption('status.maxLists must be a whole number of at least 1');
  const maxStale = readSeconds('status.maxStale', given.maxStale) ?? DEFAULT_MAX_STALE;
  return { missing, unavailable, maxLists, maxStale };
}

function readTexts(name, value) {
  const texts = Array.isArray(value) ? [...value] : [value];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string' && text !== '')) {
    throw invalidOption(`${name} must be text that is not empty, or an array of such`);
  }
  return texts;
}

/** `Infinity` must be given explicitly. */
function readMaxKeyAge(value) {
  if (value !== undefined && value !== Infinity && !(Number.isSafeInteger(value) && value >= LEAST_MAX_KEY_AGE)) {
    throw invalidOption(`maxKeyAge must be at least ${LEAST_MAX_KEY_AGE}, in whole seconds, or Infinity`);
  }
  return value;
}

function toJson(name, value) {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TokenError('invalid_option', `${name} does not serialise to JSON`, { cause });
  }
}
