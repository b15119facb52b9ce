// Sees that a contender does what it is measured at, and has it do that again and again. In Node.js and inside the Worker.
import { importJWK, jwtVerify } from 'jose';
import { AUDIENCE, ISSUER, TYPE, newClaims } from './claims.mjs';

/** Does it `count` times, on these inputs in turn; so many at once, unless it is synchronous. */
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

/** What `work` takes for these tokens. */
export function inputsOf({ prepare }, tokens) {
  return prepare === undefined ? tokens : tokens.map(prepare);
}

/** False if it says of itself that it cannot work here without waiting; every other error will show when it is checked. */
export async function isAble({ work }, token) {
  try {
    await work(token);
    return true;
  } catch (error) {
    return error.code !== 'async_required';
  }
}

/** Throws unless it takes the good tokens with all their claims, and refuses the bad ones but for what it `cannot`. */
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

/** Whether whoever gets a token's claims may change them without changing them for the next. */
export async function givesFreshClaims({ work, claims }, token) {
  const [first, second] = [claims(await work(token)), claims(await work(token))];
  return first !== second && first.groups !== second.groups;
}

/** Throws unless it mints tokens of the twelve claims, with a header like those of the others but for what it `cannot`. */
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
