// The metadata of a protected resource (RFC 9728): reads the options, and answers the requests for it. See types/resource.d.ts.
import { isSecure } from '../fetch/discovery.js';
import { invalidOption, isObject } from '../base/readers.js';
import { readValues } from '../base/values.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
/** Only for parsing: the origin of a request does not matter. */
const ANY_ORIGIN = 'http://localhost';

/**
 * Returns a resource that is also a handler. `toHandler` gets a function from a method and a request target to `{ status, headers, body }`,
 * or to undefined for a request that is not for the metadata, and returns the handler for its framework.
 */
export function createResource(options, toHandler) {
  const metadata = readMetadata(options);
  const { resource } = metadata;
  const { origin, pathname, search } = new URL(resource);
  // Section 3.1: a slash that is the whole path is removed; the query follows.
  const metadataPath = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
  const body = JSON.stringify(metadata);
  const place = placeOf(metadataPath);
  // Most requests are for something else.
  const answer = (method, target) => (target?.includes(WELL_KNOWN) && placeOf(target) === place ? answerTo(method, body) : undefined);
  return Object.freeze(Object.assign(toHandler(answer), { resource, metadata, metadataPath, metadataUrl: `${origin}${metadataPath}` }));
}

/** Returns path and query of a request target. A slash at the end of the path does not count: some clients drop it, and some keep it. */
function placeOf(target) {
  if (!URL.canParse(target, ANY_ORIGIN)) return undefined;
  const { pathname, search } = new URL(target, ANY_ORIGIN);
  return `${pathname.replace(/\/$/, '')}${search}`;
}

/** Pages of every origin may read the metadata, which is public, and caches may keep it. */
function answerTo(method, body) {
  const open = { 'Access-Control-Allow-Origin': '*' };
  if (method === 'GET' || method === 'HEAD') {
    const headers = { ...open, 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=3600' };
    return { status: 200, headers, body: method === 'GET' ? body : undefined };
  }
  if (method !== 'OPTIONS') return { status: 405, headers: { ...open, Allow: METHODS }, body: undefined };
  const preflight = {
    'Access-Control-Allow-Methods': METHODS,
    // For browsers that take `*` literally, with the header that MCP clients send.
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, MCP-Protocol-Version, *',
    'Access-Control-Max-Age': '86400',
  };
  return { status: 204, headers: { ...open, ...preflight, Allow: METHODS }, body: undefined };
}

const METHODS = 'GET, HEAD, OPTIONS';

/** Returns the metadata (section 2), frozen. */
function readMetadata(options) {
  if (!isObject(options)) throw invalidOption('the options must be an object');
  const { resource, authorizationServers, scopes, ...others } = options;
  const metadata = { resource: readResource(resource), authorization_servers: readServers(authorizationServers) };
  if (scopes !== undefined) metadata.scopes_supported = readValues('scopes', scopes);
  metadata.bearer_methods_supported = ['header'];
  for (const [name, value] of Object.entries(others)) {
    const member = readMember(name, value);
    if (member !== undefined) metadata[name] = member;
  }
  Object.values(metadata).forEach(Object.freeze);
  return Object.freeze(metadata);
}

/** Clients compare the identifier as text (section 3.3), so that only its normal form is accepted. */
function readResource(value) {
  const url = readUrl(value);
  if (url === undefined || value.includes('#')) throw invalidOption('resource must be an https URL, or http on this machine, without fragment');
  const normal = url.pathname === '/' ? `${url.origin}${url.search}` : url.href;
  if (value !== normal && value !== url.href) throw invalidOption(`resource must be written in its normal form, "${normal}"`);
  return value;
}

/** An issuer has neither query nor fragment (RFC 8414 section 2). */
function readServers(value) {
  const servers = Array.isArray(value) ? [...value] : [value];
  const isIssuer = (server) => readUrl(server) !== undefined && !/[?#]/.test(server);
  if (servers.length === 0 || !servers.every(isIssuer)) {
    throw invalidOption('authorizationServers must be https URLs, or http on this machine, without query or fragment');
  }
  return servers;
}

function readUrl(value) {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && isSecure(url) ? url : undefined;
}

const isText = (value) => typeof value === 'string' && value !== '';
const isListOf = (isItem) => (value) => Array.isArray(value) && value.every(isItem);
/** Section 3.2: a member without values is left out. */
const isFilledListOf = (isItem) => (value) => isListOf(isItem)(value) && value.length > 0;
const isAlgorithm = (value) => isText(value) && value !== 'none';

const TEXT = [isText, 'text that is not empty'];
const PAGE = [(value) => readUrl(value) !== undefined, 'an https URL, or http on this machine'];
const FLAG = [(value) => typeof value === 'boolean', 'true or false'];
const ALGORITHMS = [isFilledListOf(isAlgorithm), 'an array of algorithms other than none'];
const METHODS_OF_BEARERS = ['header', 'body', 'query'];

/** The check of each other member and its description (section 2). */
const MEMBERS = {
  __proto__: null,
  // An empty array says that no bearer token is accepted.
  bearer_methods_supported: [isListOf((value) => METHODS_OF_BEARERS.includes(value)), `an array of ${METHODS_OF_BEARERS.join(', ')}`],
  authorization_details_types_supported: [isFilledListOf(isText), 'an array of texts'],
  dpop_bound_access_tokens_required: FLAG,
  dpop_signing_alg_values_supported: ALGORITHMS,
  jwks_uri: PAGE,
  resource_documentation: PAGE,
  resource_name: TEXT,
  resource_policy_uri: PAGE,
  resource_signing_alg_values_supported: ALGORITHMS,
  resource_tos_uri: PAGE,
  signed_metadata: TEXT,
  tls_client_certificate_bound_access_tokens: FLAG,
};
/** The members with other options. */
const RENAMED = { __proto__: null, authorization_servers: 'authorizationServers', scopes_supported: 'scopes' };
/** A member for readers, with the tag of a language (section 2.1, RFC 5646). */
const TAGGED = /^(resource_(?:name|documentation|policy_uri|tos_uri))#[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/;

function readMember(name, value) {
  const [isValid, description] = MEMBERS[TAGGED.exec(name)?.[1] ?? name] ?? [];
  if (isValid === undefined) throw invalidOption(`unknown option "${name}"${name in RENAMED ? `, use ${RENAMED[name]}` : ''}`);
  if (value === undefined) return undefined;
  if (!isValid(value)) throw invalidOption(`${name} must be ${description}`);
  return Array.isArray(value) ? [...value] : value;
}
