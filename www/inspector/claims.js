// Explains the members of a header and the registered claims. Checks nothing.
import { relativeWords } from './times.js';

/** The names that are shown first, in order; all others follow. */
const CLAIM_ORDER = ['iss', 'sub', 'aud', 'client_id', 'azp', 'scope', 'exp', 'nbf', 'iat', 'auth_time', 'jti'];
const HEADER_ORDER = ['alg', 'typ', 'kid'];

/** Claims that are times: the text before and after that time. */
const TIMES = {
  exp: ['expires', 'expired'],
  nbf: ['becomes valid', 'became valid'],
  iat: ['says it is issued', 'issued'],
  auth_time: ['says the user signs in', 'signed in'],
};

/** IANA registry "JSON Web Token Claims"; sections named in the order RFC 7519, RFC 9068, OpenID Connect Core. */
const CLAIMS = {
  iss: ['Issuer', 'The authorization server that issued this token.'],
  sub: ['Subject', 'The user or client that it is about.'],
  aud: ['Audience', 'The recipients that it is for. All others must refuse it.'],
  exp: ['Expires', 'It must not be accepted at or after this time.'],
  nbf: ['Not before', 'It must not be accepted before this time.'],
  iat: ['Issued at', 'The time at which it was issued.'],
  jti: ['Token id', 'The unique identifier of this token at its issuer; used for revocation.'],
  client_id: ['Client', 'The application that requested it.'],
  scope: ['Scope', 'The permissions that it grants.'],
  auth_time: ['Signed in at', 'The time of the user’s last sign-in.'],
  acr: ['Assurance', 'The strength of the authentication.'],
  amr: ['Methods', 'The methods of the authentication.'],
  azp: ['Authorised party', 'The client that an ID token was issued to.'],
  nonce: ['Nonce', 'Binds an ID token to its authorization request.'],
  at_hash: ['Access token hash', 'Binds an ID token to the access token beside it.'],
  c_hash: ['Code hash', 'Binds an ID token to the authorization code beside it.'],
  sid: ['Session', 'The session at the issuer that it belongs to.'],
  cnf: ['Confirmation', 'The key whose possession its holder must prove (RFC 7800).'],
  act: ['Actor', 'The party that acts for the subject (RFC 8693).'],
  may_act: ['May act', 'The party that may act for the subject (RFC 8693).'],
  status: ['Status', 'The status list that says whether it is revoked.'],
  roles: ['Roles', 'Roles of the subject (RFC 9068).'],
  groups: ['Groups', 'Groups of the subject (RFC 9068).'],
  entitlements: ['Entitlements', 'Entitlements of the subject (RFC 9068).'],
  authorization_details: ['Authorization details', 'The permissions that it grants, in detail (RFC 9396).'],
  events: ['Events', 'The events of a security event token (RFC 8417).'],
};

const UNREGISTERED = 'An unregistered claim: issuer and recipients agree on its meaning.';

/** RFC 7515 section 4.1, RFC 7516 section 4.1, RFC 7797. */
const HEADER = {
  alg: ['Algorithm', 'The algorithm with which it is signed, as the header states it.'],
  typ: ['Type', 'The type of token.'],
  kid: ['Key id', 'The issuer’s key that signed it, as the header states it.'],
  cty: ['Content type', 'The type of the payload.'],
  enc: ['Encryption', 'How the content is encrypted.'],
  zip: ['Compression', 'How the content is compressed.'],
  crit: ['Critical', 'Extensions that a reader must understand, or refuse the token.'],
  b64: ['Plain payload', 'Whether the payload is base64url.'],
};
const EMBEDDED_KEY = ['Embedded key', 'A key, or its URL, in the token itself. It is never used.'];
for (const name of ['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256']) HEADER[name] = EMBEDDED_KEY;

/** What differs in the header of an encrypted token. */
const ENCRYPTED = {
  alg: ['Algorithm', 'How the key of the encryption is protected.'],
  kid: ['Key id', 'Which of the recipient’s keys can open it.'],
};

const TYPES = {
  'at+jwt': 'An access token (RFC 9068).',
  jwt: 'A JWT of no stated type.',
  'logout+jwt': 'A logout token (OpenID Connect).',
  'dpop+jwt': 'A proof that its sender holds a key (RFC 9449).',
  'secevent+jwt': 'A security event token (RFC 8417).',
  'statuslist+jwt': 'A token status list.',
  'token-introspection+jwt': 'A signed introspection response (RFC 9701).',
};

const curve = (name, hash) => `An ECDSA signature on the curve ${name}, with ${hash}.`;
const ALGORITHMS = {
  ES256: curve('P-256', 'SHA-256'),
  ES384: curve('P-384', 'SHA-384'),
  ES512: curve('P-521', 'SHA-512'),
  EdDSA: 'An Ed25519 signature.',
  Ed25519: 'An Ed25519 signature.',
  none: 'Not signed at all.',
};
for (const bits of [256, 384, 512]) {
  ALGORITHMS[`RS${bits}`] = `An RSA signature, PKCS #1 v1.5 with SHA-${bits}.`;
  ALGORITHMS[`PS${bits}`] = `An RSA-PSS signature with SHA-${bits}.`;
  ALGORITHMS[`HS${bits}`] = `An HMAC with SHA-${bits}: issuer and recipient share a secret.`;
}

/** The claims for a reader: `{ name, title, meaning, kind, value }`, kind being `time`, `list` or `value`. */
export function describeClaims(claims) {
  return inOrder(claims, CLAIM_ORDER).map(([name, value]) => {
    const [title, meaning] = own(CLAIMS, name) ?? ['', UNREGISTERED];
    return { name, title, meaning: claimMeaning(name, claims) ?? meaning, ...claimValue(name, value) };
  });
}

/** The header's members for a reader, in the same form. */
export function describeHeader(header) {
  const table = Object.hasOwn(header, 'enc') ? { ...HEADER, ...ENCRYPTED } : HEADER;
  return inOrder(header, HEADER_ORDER).map(([name, value]) => {
    const [title, usual] = own(table, name) ?? ['', 'Not a parameter that this page knows.'];
    return { name, title, meaning: headerMeaning(name, value) ?? usual, kind: 'value', value };
  });
}

/** The relative time of a claim: "expires in 9 minutes". */
export function momentWords(name, seconds, now) {
  const [before, after] = TIMES[name];
  return `${seconds > now ? before : after} ${relativeWords(seconds, now)}`;
}

function claimMeaning(name, claims) {
  // RFC 9068 section 2.2: no resource owner is involved.
  if (name === 'sub' && typeof claims.sub === 'string' && claims.sub === claims.client_id) {
    return 'Whom it is about: the client itself, no user is involved.';
  }
  return undefined;
}

function claimValue(name, value) {
  if (Object.hasOwn(TIMES, name) && typeof value === 'number') return { kind: 'time', value };
  if (name === 'scope' && typeof value === 'string') {
    return { kind: 'list', value: value.split(' ').filter((scope) => scope !== '') };
  }
  // One audience may stand alone or in a list (RFC 7519 section 4.1.3).
  if (name === 'aud' && typeof value === 'string') return { kind: 'list', value: [value] };
  return { kind: Array.isArray(value) && value.length > 0 ? 'list' : 'value', value };
}

function headerMeaning(name, value) {
  if (typeof value !== 'string') return undefined;
  if (name === 'alg') return own(ALGORITHMS, value);
  if (name === 'typ') return own(TYPES, value.toLowerCase().replace(/^application\//, ''));
  return undefined;
}

function inOrder(members, order) {
  const first = order.filter((name) => Object.hasOwn(members, name));
  const others = Object.keys(members).filter((name) => !order.includes(name));
  return [...first, ...others].map((name) => [name, members[name]]);
}

// A token may name its claims `constructor`.
function own(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
