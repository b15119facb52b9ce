// The public documents of the authorization server that serves this page: its metadata and its keys. Only GETs, only
// of its own origin.

const METADATA = '/.well-known/oauth-authorization-server';
const TIMEOUT_MS = 5_000;

/**
 * Returns the metadata of the server (RFC 8414). `keys` are its public JWKs, undefined if they could not be fetched;
 * `trouble` is the error message, for the user.
 */
export async function loadAuthority() {
  const [metadata, trouble] = await attempt(() => getJson(METADATA));
  const issuer = typeof metadata?.issuer === 'string' ? metadata.issuer : location.origin;
  const jwksUri = ownUrl(metadata?.jwks_uri, '/.well-known/jwks.json');
  const [set, keysTrouble] = await attempt(() => getJson(jwksUri));
  const keys = Array.isArray(set?.keys) ? set.keys.filter((key) => key !== null && typeof key === 'object') : undefined;
  return {
    issuer,
    jwksUri,
    tokenEndpoint: ownUrl(metadata?.token_endpoint, '/oauth/token'),
    keys,
    trouble: trouble ?? keysTrouble ?? (keys === undefined ? `${jwksUri} holds no key set.` : undefined),
  };
}

/**
 * Returns the URL on this page's own origin. The issuer may have another host name than the one that it was reached
 * by (localhost and 127.0.0.1, a preview and its domain); it is still the one that serves this page.
 */
function ownUrl(named, usual) {
  const path = URL.canParse(named) ? new URL(named).pathname : usual;
  return new URL(path, location.origin).href;
}

async function getJson(url) {
  const place = new URL(url, location.origin).href;
  let response;
  try {
    response = await fetch(place, {
      cache: 'no-cache', credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Error(`${place} could not be reached.`);
  }
  if (!response.ok) throw new Error(`${place} responded with status ${response.status}.`);
  try {
    return await response.json();
  } catch {
    throw new Error(`${place} did not respond with JSON.`);
  }
}

async function attempt(work) {
  try {
    return [await work(), undefined];
  } catch (error) {
    return [undefined, error.message];
  }
}
