// Checks that a contender does the measured work, and repeats the work. In Node.js and inside the Worker.
import { importJWK, jwtVerify } from 'jose';
import { AUDIENCE, ISSUER, TYPE, newClaims } from './claims.mjs';

/** Does it `count` times, on these inputs in turn; this many at once, unless it is synchronous. */
export function repeat({ work, isSync }, inputs, count, inFlight = 1) {
  if (isSync) {
    for (let index = 0; index < count; index += 1) work(inputs[index % inputs.length]);
    return undefined;
  }
  const line = async (first) => {
    for (let index = first; index < count; index += inFlight) await work(inputs[index % inputs.length]);
  };
  return Promise.all(Array.from({ length: inFlight }, (_, first) => line(first)));
}

/** The inputs of `work` for these tokens. */
export function inputsOf({ prepare }, tokens) {
  return prepare === undefined ? tokens : tokens.map(prepare);
}

/** False if it reports that it cannot work synchronously here; the checks show every other error. */
export async function isAble({ work }, token) {
  try {
    await work(token);
    return true;
  } catch (error) {
    return error.code !== 'async_required';
  }
}

/** Throws unless it accepts the valid tokens with all claims, and refuses the invalid ones, except for checks in `cannot`. */
export async function checkVerifier(contender, { tokens, bad }) {
  const { name, work, claims, cannot } = contender;
  for (const [index, input] of inputsOf(contender, tokens).entries()) {
    const found = claims(await work(input));
    if (found !== undefined) same(name, JSON.stringify(found), JSON.stringify(payloadOf(tokens[index])));
  }
  for (const [check, token] of Object.entries(bad)) {
    const [input] = inputsOf(contender, [token]);
    if (await takes(contender, input) !== cannot.includes(check)) {
      throw new Error(`${name} ${cannot.includes(check) ? 'refuses' : 'takes'} a token whose ${check} is not right`);
    }
  }
}

/** Whether changing the claims of a token leaves the next result unchanged. */
export async function givesFreshClaims({ work, claims }, token) {
  const [first, second] = [claims(await work(token)), claims(await work(token))];
  return first !== second && first.groups !== second.groups;
}

/** Throws unless it mints tokens of the twelve claims, with a header like the others' except for what it `cannot`. */
export async function checkMinter({ name, work, cannot, isLimit }, { algorithm, publicJwk }) {
  if (isLimit) return;
  const key = await importJWK(publicJwk, algorithm);
  const [first, second] = [await work(), await work()];
  const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm] };
  const { payload, protectedHeader } = await jwtVerify(first, key, options);
  same(name, Object.keys(payload).sort().join(), Object.keys(newClaims()).sort().join());
  same(name, protectedHeader.typ === TYPE, !cannot.includes('type'));
  same(name, protectedHeader.kid === publicJwk.kid, !cannot.includes('kid'));
  same(name, payloadOf(second).jti === payload.jti, false);
}

async function takes({ work }, input) {
  try {
    await work(input);
    return true;
  } catch {
    return false;
  }
}

function payloadOf(token) {
  const [, payload] = token.split('.');
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
}

function same(name, actual, expected) {
  if (actual !== expected) throw new Error(`${name} gives ${actual} instead of ${expected}`);
}
