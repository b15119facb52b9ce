// Texts for the checks of a token: their questions, results and reasons, and the overall verdict. The package decides.
import { MAX_BYTES, byteLength } from './paste.js';
import { dateWords, isTime } from './times.js';

/** Title and question of each check, in the order in which they run. */
export const CHECKS = {
  format: ['Format', 'Is it a compact signed token with a readable header?'],
  type: ['Type', 'Is it the kind of token that is expected?'],
  algorithm: ['Algorithm', 'Is it signed in a way that is allowed?'],
  key: ['Key', 'Does the issuer publish the key that it names?'],
  signature: ['Signature', 'Did that key sign exactly this text?'],
  claims: ['Claims', 'Are they readable and well formed?'],
  issuer: ['Issuer', 'Does it come from this issuer?'],
  audience: ['Audience', 'Is it meant for the audience that is expected?'],
  expiry: ['Expiry', 'Is it still good?'],
  not_before: ['Not before', 'Is it good already?'],
  age: ['Age', 'Was it issued recently enough?'],
  required_claims: ['Required claims', 'Is everything there that such a token must have?'],
  scope: ['Scope', 'Does it grant what is asked for?'],
};

/** The results if no check could be run. */
export const NONE_RUN = Object.keys(CHECKS).map((name) => ({ name, ok: null }));

/** Codes that say nothing about the token: the check itself could not be done. */
const TROUBLES = {
  algorithm_unavailable: () => 'This browser cannot check signatures of that kind.',
  discovery_failed: keysTrouble,
  insecure_context: () => 'Browsers check signatures only on pages from https, or from localhost. Open this page there.',
  internal_error: () => 'The verifier failed by a fault of its own. Please report it.',
  invalid_option: ({ expected }) => optionTrouble(expected),
  key_unusable: () => 'The browser does not take the issuer’s key.',
  keys_unavailable: keysTrouble,
  package_unavailable: () => 'The verifier’s files under /edgemint/ could not be loaded.',
  wasm_unavailable: () => 'The verifier’s WebAssembly could not be loaded. The connection or the browser’s settings may be in its way.',
};

/** Why a token was refused. Each gets the facts: `{ token, parts, header, claims, expected, authority }`. */
const REFUSALS = {
  algorithm_not_allowed: ({ header }) => header?.alg === 'none'
    ? 'The header says alg “none”: it is not signed, anyone could have written it.'
    : `The header says alg ${quoted(header?.alg)}, which is not allowed.`,
  audience_mismatch: ({ claims, expected }) => `It is for ${quotedList(claims?.aud)}, not for ${quoted(expected.audience)}.`,
  bad_signature: () => 'It was changed after it was signed, or signed with another key.',
  claim_invalid: (_, claim) => `The claim ${quoted(claim)} has a value of the wrong type, or out of range.`,
  claim_missing: (_, claim) => `The claim ${quoted(claim)} is missing.`,
  expired: ({ claims }) => `It expired on ${moment(claims?.exp)}.`,
  issuer_mismatch: ({ claims, authority }) => `It says that ${quoted(claims?.iss)} issued it, not ${quoted(authority.issuer)}.`,
  key_ambiguous: () => 'It does not say which key signed it, and too many of the issuer’s keys would fit.',
  key_mismatch: ({ header }) => `The key that it names is not for the algorithm ${quoted(header?.alg)}.`,
  key_not_found: ({ header, authority }) => header?.kid === undefined
    ? `It names no key, and none that ${quoted(authority.issuer)} publishes fits.`
    : `${quoted(authority.issuer)} publishes no key ${quoted(header.kid)}.`,
  malformed: ({ parts, header }) => malformed(parts, header),
  not_yet_valid: ({ claims }) => `It is not good before ${moment(claims?.nbf ?? claims?.iat)}.`,
  scope_insufficient: () => 'It does not grant every scope that is asked for.',
  too_large: ({ token }) => `It has ${grouped(byteLength(token))} bytes. A verifier reads at most ${grouped(MAX_BYTES)}.`,
  too_old: ({ claims }) => `It was issued too long ago, on ${moment(claims?.iat)}.`,
  type_mismatch: ({ header, expected }) => header?.typ === undefined
    ? `The header names no type; ${quoted(expected.type)} is expected.`
    : `The header says type ${quoted(header.typ)}; ${quoted(expected.type)} is expected.`,
  unsupported: ({ token, parts, header }) => unsupported(token, parts, header),
};

/** The text of each passed check. */
const PASSES = {
  format: () => 'A compact token with a readable header.',
  type: ({ header }) => `It is of the type ${quoted(header?.typ)}.`,
  algorithm: ({ header }) => `${header?.alg} is allowed.`,
  key: ({ header }) => header?.kid === undefined
    ? 'Just one of the issuer’s keys fits.'
    : `The issuer publishes the key ${quoted(header.kid)}.`,
  signature: () => 'That key signed exactly this text.',
  claims: () => 'They are readable and well formed.',
  issuer: ({ claims }) => `It comes from ${quoted(claims?.iss)}.`,
  audience: ({ expected }) => `It is meant for ${quoted(expected.audience)}.`,
  expiry: ({ claims }) => isTime(claims?.exp)
    ? `Good until ${moment(claims.exp)}.`
    : 'It names no end.',
  not_before: ({ claims }) => isTime(claims?.nbf) ? `Good since ${moment(claims.nbf)}.` : 'It names no start.',
  age: () => 'No limit is asked for here.',
  required_claims: () => 'Everything is there.',
  scope: () => 'No scope is asked for here.',
};

/** How one check went, for a reader: `{ status, title, text }`, status being `passed`, `failed`, `not-run`. */
export function describeCheck(check, facts) {
  const [title, question] = Object.hasOwn(CHECKS, check.name) ? CHECKS[check.name] : [check.name, ''];
  switch (check.ok) {
    case true: return { status: 'passed', title, text: PASSES[check.name]?.(facts) ?? '' };
    // What could not be checked has not failed, nor passed.
    case false: return { status: isTrouble(check) ? 'not-run' : 'failed', title, text: reason(check, facts) };
    default: return { status: 'not-run', title, text: question };
  }
}

/** The verdict over all checks: `{ state, word, why }`. */
export function describeVerdict(checks, facts) {
  const failed = checks.filter(({ ok }) => ok === false);
  const refusals = failed.filter((check) => !isTrouble(check));
  if (refusals.length > 0) {
    const first = rootCause(refusals);
    const others = refusals.length - 1;
    const more = others > 0 ? ` ${others === 1 ? 'One more check' : `${others} more checks`} failed.` : '';
    return { state: 'refused', word: 'Refused', why: reason(first, facts) + more };
  }
  if (failed.length > 0) return describeTrouble(failed[0], facts);
  // A check that was not run is none that was passed.
  if (checks.length === 0 || !checks.every(({ ok }) => ok === true)) return describeTrouble({ code: 'internal_error' }, facts);
  return { state: 'accepted', word: 'Accepted', why: acceptedWords(facts) };
}

/** The verdict where the fault is not the token's: of a failed check, or of an error that kept all of them from running. */
export function describeTrouble(trouble, facts) {
  const code = isTrouble(trouble) ? trouble.code : 'internal_error';
  return { state: 'unknown', word: 'Not checked', why: TROUBLES[code](facts, trouble.sentence ?? trouble.message) };
}

function isTrouble({ code }) {
  return Object.hasOwn(TROUBLES, code);
}

function reason({ code, claim, sentence = '' }, facts) {
  if (Object.hasOwn(REFUSALS, code)) return REFUSALS[code](facts, claim);
  if (Object.hasOwn(TROUBLES, code)) return TROUBLES[code](facts, sentence);
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

/** The first failure, but for a token of someone else: of course its key is not among ours. */
function rootCause(refusals) {
  const [first] = refusals;
  const foreign = refusals.find(({ code }) => code === 'issuer_mismatch');
  return first.code === 'key_not_found' && foreign !== undefined ? foreign : first;
}

function acceptedWords({ claims, authority, expected }) {
  const until = isTime(claims?.exp) ? `, good until ${moment(claims.exp)}` : '';
  return `Signed by ${quoted(authority.issuer)} for ${quoted(expected.audience)}${until}.`;
}

function malformed(parts, header) {
  if (parts.length !== 3) {
    const count = parts.length === 1 ? 'it has no dot' : `this text has ${parts.length}`;
    return `It is no signed token: that has three parts, joined by dots; ${count}.`;
  }
  return header === undefined
    ? 'Its header is not a JSON object in base64url.'
    : 'One of its parts is not strict base64url, is not a JSON object, or names a member twice.';
}

function unsupported(token, parts, header) {
  if (token.startsWith('{')) return 'It is JSON. Access tokens are compact: three parts, joined by dots.';
  if (parts.length === 5) return 'It is encrypted (a JWE): only its recipient can read it, so it cannot be checked here.';
  const named = ['enc', 'crit', 'b64', 'zip'].find((name) => Object.hasOwn(header ?? {}, name));
  return named === undefined
    ? 'It needs an extension that no verifier here understands.'
    : `Its header asks for ${quoted(named)}, an extension that is always refused here.`;
}

function keysTrouble(_, sentence) {
  return `The issuer’s keys could not be fetched: ${sentence}.`;
}

function optionTrouble({ audience, type }) {
  if (audience === '') return 'Say below which audience is expected.';
  if (type === '') return 'Say below which type is expected.';
  return 'The verifier does not take these expectations.';
}

function moment(seconds) {
  return isTime(seconds) ? dateWords(seconds) : 'no readable date';
}

function grouped(number) {
  return number.toLocaleString('en');
}

function quotedList(value) {
  if (!Array.isArray(value)) return quoted(value);
  return value.length === 0 ? 'no one' : value.map(quoted).join(', ');
}

/** A value of the token between marks that it cannot hold itself, so that it never passes for our own words. */
function quoted(value) {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `“${text.replace(/[“”]/g, '"')}”`;
}
