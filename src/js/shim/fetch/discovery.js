// Finds an issuer's key set through its metadata (RFC 8414, OpenID Connect Discovery 1.0), which must name that issuer.
import { TokenError } from '../base/errors.js';
import { TextDecoder } from '../base/globals.js';
import { download } from './download.js';
import { invalidOption, isObject } from '../base/readers.js';

const CODE = 'discovery_failed';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Returns whether keys may be fetched from the URL: https, or http on this machine or where the caller allows it. */
export function isSecure(url, allowHttp = false) {
  const plain = url.protocol === 'http:' && (allowHttp || LOOPBACK.has(url.hostname));
  return (url.protocol === 'https:' || plain) && url.username === '' && url.password === '';
}

/** Reads an option that is such a URL: a text, or an object with `href`. */
export function readUrl(name, value, allowHttp) {
  const text = typeof value === 'string' ? value : value?.href;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isSecure(url, allowHttp)) throw invalidOption(`${name} must be an https URL, or http on this machine`);
  return url;
}

/** The same as `isSecure` for a URL that an issuer names. An issuer on the network must not name addresses on this machine. */
export function isSecureFor(issuer, url, allowHttp) {
  const from = URL.canParse(issuer) ? new URL(issuer) : url;
  const isNear = from.protocol === 'http:' && (LOOPBACK.has(from.hostname) || !LOOPBACK.has(url.hostname));
  return isSecure(url, allowHttp) && (url.protocol === 'https:' || isNear);
}

/**
 * Returns the URL of the issuer's key set. An address that redirects, responds with 4xx or sends no JSON has no metadata, so that the
 * other one is requested. The first JSON response counts, and must be valid.
 */
export async function discoverJwksUri(issuer, request, allowHttp) {
  const missing = [];
  const read = async (url) => readJson(url, await download(url, { ...request, code: CODE, missing }), missing);
  const [oauth, openid] = metadataUrls(issuer);
  const first = await read(oauth);
  const metadata = first === undefined ? await read(openid) : first;
  if (metadata === undefined) {
    const { cause } = missing[1];
    throw new TokenError(CODE, missing.map(({ message }) => message).join('; '), { cause });
  }
  if (!isObject(metadata)) throw new TokenError(CODE, 'the metadata is not a JSON object');
  if (metadata.issuer !== issuer) throw new TokenError(CODE, 'the metadata belongs to another issuer');
  return readJwksUri(metadata.jwks_uri, issuer, allowHttp);
}

/** Returns both URLs: RFC 8414 section 3.1 puts the well-known path before the issuer's path, OpenID Connect section 4 after it. */
export function metadataUrls(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    new URL(`${origin}/.well-known/oauth-authorization-server${path}`),
    new URL(`${origin}${path}/.well-known/openid-configuration`),
  ];
}

function readJson(url, answer, missing) {
  if (answer === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes));
  } catch (cause) {
    missing.push(new TokenError(CODE, `${url} sent no JSON`, { cause }));
    return undefined;
  }
}

function readJwksUri(text, issuer, allowHttp) {
  if (typeof text !== 'string' || !URL.canParse(text)) throw new TokenError(CODE, 'the metadata has no jwks_uri');
  const url = new URL(text);
  if (!isSecureFor(issuer, url, allowHttp)) throw new TokenError(CODE, 'the jwks_uri in the metadata must be an https URL');
  return url;
}
