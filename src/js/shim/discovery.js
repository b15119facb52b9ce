// Finds an issuer's key set through its metadata (RFC 8414, OpenID Connect Discovery 1.0). Trusts the metadata only
// where it names the issuer that was asked for.
import { TokenError } from './errors.js';
import { download } from './download.js';

const CODE = 'discovery_failed';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Is the URL safe to fetch keys from: https, or http where the wire does not leave the machine? */
export function isSecure(url) {
  const plain = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
  return (url.protocol === 'https:' || plain) && url.username === '' && url.password === '';
}

/** The URL of the key set that the issuer names. */
export async function discoverJwksUri(issuer, request) {
  const [oauth, openid] = metadataUrls(issuer);
  const optional = { ...request, code: CODE, optional: true };
  const { bytes } = (await download(oauth, optional)) ?? (await download(openid, { ...request, code: CODE }));
  const metadata = readObject(bytes);
  if (metadata.issuer !== issuer) throw new TokenError(CODE, 'the metadata is that of another issuer');
  return readJwksUri(metadata.jwks_uri, new URL(issuer));
}

/** RFC 8414 section 3.1 puts the well-known path before the issuer's own path; OpenID Connect section 4 after it. */
export function metadataUrls(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    new URL(`${origin}/.well-known/oauth-authorization-server${path}`),
    new URL(`${origin}${path}/.well-known/openid-configuration`),
  ];
}

function readObject(bytes) {
  let metadata;
  try {
    metadata = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TokenError(CODE, 'the metadata is not JSON', { cause });
  }
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw new TokenError(CODE, 'the metadata is not a JSON object');
  }
  return metadata;
}

function readJwksUri(text, issuer) {
  if (typeof text !== 'string' || !URL.canParse(text)) throw new TokenError(CODE, 'the metadata has no jwks_uri');
  const url = new URL(text);
  // An issuer on the network has no say about addresses on this machine.
  if (!isSecure(url) || (issuer.protocol === 'https:' && url.protocol !== 'https:')) {
    throw new TokenError(CODE, 'the jwks_uri in the metadata is not an https URL');
  }
  return url;
}
