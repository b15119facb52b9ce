// Verifications a second in Node: the built package beside jose, with the same token, the same keys and the same checks.
import assert from 'node:assert/strict';
import { createVerifier } from 'edgemint';
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { step } from '../../.scripts/steps.mjs';
import { interleave, perSecond, ratio, table } from './rounds.mjs';

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'HS256'];
const IN_FLIGHT = [1, 16];
const ROUNDS = 5;
const MILLISECONDS = 400;
const WARM_UP_MILLISECONDS = 500;

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://api.example';
const TYPE = 'at+jwt';
// What the package requires of an access token by default (RFC 9068 section 2.2).
const REQUIRED = ['exp', 'sub', 'client_id', 'iat', 'jti'];

/** Measures, and gives the results as a text. */
export async function benchVerification() {
  const rows = [['algorithm', ...IN_FLIGHT.flatMap((count) => [`edgemint, ${count} in flight`, 'jose', 'edgemint / jose'])]];
  let length;
  for (const algorithm of ALGORITHMS) {
    const { token, contenders } = await contest(algorithm);
    length = token.length;
    const row = [algorithm];
    const expected = `${contenders.length * IN_FLIGHT.length * (ROUNDS * MILLISECONDS + WARM_UP_MILLISECONDS) / 1000} s`;
    await step(`verifications, ${algorithm}`, expected, async () => {
      for (const count of IN_FLIGHT) {
        for (const verify of contenders) await rate(verify, count, WARM_UP_MILLISECONDS);
        const [ours, jose] = await interleave(contenders, ROUNDS, (verify) => rate(verify, count, MILLISECONDS));
        row.push(perSecond(ours), perSecond(jose), ratio(ours, jose));
      }
    });
    rows.push(row);
  }
  return `Verifications a second: a token of 12 claims, ${length} bytes with ${ALGORITHMS.at(-1)}; signature, type, issuer, audience,
times and required claims. Medians of ${ROUNDS} rounds of ${MILLISECONDS} ms; ratios are the median of the rounds', and their range.

${table(rows)}`;
}

/** A token, and the two ways to verify it, both of which have been seen to take it and to refuse another. */
async function contest(algorithm) {
  const { signing, ours, theirs } = await keys(algorithm);
  const token = await sign(signing, algorithm);
  const foreign = await sign(signing, algorithm, 'https://other.example');
  const forged = token.slice(0, token.lastIndexOf('.')) + foreign.slice(foreign.lastIndexOf('.'));
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], ...ours });
  const options = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, algorithms: [algorithm], requiredClaims: REQUIRED };
  const verify = (text) => verifier.verify(text);
  const joseVerify = (text) => jwtVerify(text, theirs, options);
  const [{ claims }, { payload }] = [await verify(token), await joseVerify(token)];
  assert.deepEqual(claims, payload);
  assert.equal(Object.keys(claims).length, 12);
  await assert.rejects(verify(forged), { code: 'bad_signature' });
  await assert.rejects(joseVerify(forged), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  await assert.rejects(verify(foreign), { code: 'audience_mismatch' });
  await assert.rejects(joseVerify(foreign), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'aud' });
  return { token, contenders: [() => verify(token), () => joseVerify(token)] };
}

/** Keys as each library likes them best: a JWK Set, and for HMAC, which jose takes from none, an imported key. */
async function keys(algorithm) {
  if (algorithm.startsWith('HS')) {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const use = { name: 'HMAC', hash: `SHA-${algorithm.slice(2)}` };
    const imported = await crypto.subtle.importKey('raw', secret, use, false, ['sign', 'verify']);
    return { signing: imported, ours: { key: secret }, theirs: imported };
  }
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const jwks = { keys: [{ ...await exportJWK(publicKey), kid: 'key', alg: algorithm, use: 'sig' }] };
  return { signing: privateKey, ours: { jwks }, theirs: createLocalJWKSet(jwks) };
}

function sign(key, algorithm, audience = AUDIENCE) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: ISSUER,
    sub: '248289761001',
    aud: audience,
    client_id: 's6BhdRkqt3',
    scope: 'openid profile reademail',
    iat: now,
    nbf: now,
    exp: now + 3600,
    jti: crypto.randomUUID(),
    auth_time: now - 60,
    acr: 'urn:example:acr:phr',
    groups: ['reader', 'editor'],
  }).setProtectedHeader({ alg: algorithm, kid: 'key', typ: TYPE }).sign(key);
}

async function rate(verify, inFlight, milliseconds) {
  const started = performance.now();
  const until = started + milliseconds;
  let count = 0;
  const repeat = async () => {
    do {
      await verify();
      count += 1;
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: inFlight }, repeat));
  return count / ((performance.now() - started) / 1000);
}
