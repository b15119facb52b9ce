// Texts for the checks of a token: their questions, results and reasons, and the overall verdict. The package decides.
import { MAX_BYTES, byteLength } from './paste.js';
import { dateWords, isTime } from './times.js';

/** Title and question of each check, in the order in which they run. */
export const CHECKS = {
  format: ['Format', 'Is it a compact signed token with a readable header?'],
  type: ['Type', 'Is it of the expected type?'],
  algorithm: ['Algorithm', 'Is its signature algorithm allowed?'],
  key: ['Key', 'Does the issuer publish the key that it names?'],
  signature: ['Signature', 'Did that key sign exactly this text?'],
  claims: ['Claims', 'Are they readable and well formed?'],
  issuer: ['Issuer', 'Does it come from this issuer?'],
  audience: ['Audience', 'Is it for the expected audience?'],
  expiry: ['Expiry', 'Is it still valid?'],
  not_before: ['Not before', 'Is it valid already?'],
  age: ['Age', 'Was it issued recently enough?'],
  required_claims: ['Required claims', 'Does it have every required claim?'],
  scope: ['Scope', 'Does it have the required scope?'],
};

/** The results if no check could be run. */
export const NONE_RUN = Object.keys(CHECKS).map((name) => ({ name, ok: null }));

/** Codes that say nothing about the token: the check itself could not be done. */
const TROUBLES = {
  algorithm_unavailable: () => 'This browser does not support the signature algorithm.',
  discovery_failed: keysTrouble,
  insecure_context: () => 'Browsers check signatures only on pages from https, or from localhost. Open this page there.',
  internal_error: () => 'The verifier has a fault. Please report it.',
  invalid_option: ({ expected }) => optionTrouble(expected),
  key_unusable: () => 'The browser refuses the issuer’s key.',
  keys_unavailable: keysTrouble,
  package_unavailable: () => 'The verifier’s files under /edgemint/ could not be loaded.',
  wasm_unavailable: () => 'The verifier’s WebAssembly could not be loaded. The connection or the browser’s settings may prevent it.',
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
  key_ambiguous: () => 'It has no key identifier, and too many of the issuer’s keys match.',
  key_mismatch: ({ header }) => `The key that it names is not for the algorithm ${quoted(header?.alg)}.`,
  key_not_found: ({ header, authority }) => header?.kid === undefined
    ? `It names no key, and none that ${quoted(authority.issuer)} publishes matches.`
    : `${quoted(authority.issuer)} publishes no key ${quoted(header.kid)}.`,
  malformed: ({ parts, header }) => malformed(parts, header),
  not_yet_valid: ({ claims }) => `It is not valid before ${moment(claims?.nbf ?? claims?.iat)}.`,
  scope_insufficient: () => 'It lacks a required scope.',
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
    ? 'Exactly one of the issuer’s keys matches.'
    : `The issuer publishes the key ${quoted(header.kid)}.`,
  signature: () => 'That key signed exactly this text.',
  claims: () => 'They are readable and well formed.',
  issuer: ({ claims }) => `It comes from ${quoted(claims?.iss)}.`,
  audience: ({ expected }) => `It is for ${quoted(expected.audience)}.`,
  expiry: ({ claims }) => isTime(claims?.exp)
    ? `Valid until ${moment(claims.exp)}.`
    : 'It has no expiry.',
  not_before: ({ claims }) => isTime(claims?.nbf) ? `Valid since ${moment(claims.nbf)}.` : 'It has no start.',
  age: () => 'No maximum age is required here.',
  required_claims: () => 'All required claims are present.',
  scope: () => 'No scope is required here.',
};

/** How one check went, for a reader: `{ status, title, text }`, status being `passed`, `failed`, `not-run`. */
export function describeCheck(check, facts) {
  const [title, question] = Object.hasOwn(CHECKS, check.name) ? CHECKS[check.name] : [check.name, ''];
  switch (check.ok) {
    case true: return { status: 'passed', title, text: PASSES[check.name]?.(facts) ?? '' };
    // An unavailable check has neither failed nor passed.
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
  // A check that was not run has not passed.
  if (checks.length === 0 || !checks.every(({ ok }) => ok === true)) return describeTrouble({ code: 'internal_error' }, facts);
  return { state: 'accepted', word: 'Accepted', why: acceptedWords(facts) };
}

/** The verdict for an error that is not the token's fault: of a failed check, or one that prevented all checks. */
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

/** The first failure; but for a token of another issuer its issuer, because its key cannot be among ours. */
function rootCause(refusals) {
  const [first] = refusals;
  const foreign = refusals.find(({ code }) => code === 'issuer_mismatch');
  return first.code === 'key_not_found' && foreign !== undefined ? foreign : first;
}

function acceptedWords({ claims, authority, expected }) {
  const until = isTime(claims?.exp) ? `, valid until ${moment(claims.exp)}` : '';
  return `Signed by ${quoted(authority.issuer)} for ${quoted(expected.audience)}${until}.`;
}

function malformed(parts, header) {
  if (parts.length !== 3) {
    const count = parts.length === 1 ? 'it has no dot' : `this text has ${parts.length}`;
    return `It is no signed token: that has three parts, joined by dots; ${count}.`;
  }
  return header === undefined
    ? 'Its header is not a JSON object in base64url.'
    : 'One of its parts is not strict base64url, is not a JSON object, or repeats a member.';
}

function unsupported(token, parts, header) {
  if (token.startsWith('{')) return 'It is JSON. Access tokens are compact: three parts, joined by dots.';
  if (parts.length === 5) return 'It is encrypted (a JWE): only its recipient can read it, so it cannot be checked here.';
  const named = ['enc', 'crit', 'b64', 'zip'].find((name) => Object.hasOwn(header ?? {}, name));
  return named === undefined
    ? 'It requires an extension that the verifier does not support.'
    : `Its header asks for ${quoted(named)}, an extension that is always refused here.`;
}

function keysTrouble(_, sentence) {
  return `The issuer’s keys could not be fetched: ${sentence}.`;
}

function optionTrouble({ audience, type }) {
  if (audience === '') return 'Enter the expected audience below.';
  if (type === '') return 'Enter the expected type below.';
  return 'The verifier refuses these expectations.';
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

/** A value of the token in quotation marks that it cannot contain, so that it cannot pass for the page's own text. */
function quoted(value) {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `“${text.replace(/[“”]/g, '"')}”`;
}
