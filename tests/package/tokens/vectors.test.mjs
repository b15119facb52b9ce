// Third-party tokens: the examples of the RFCs, and Project Wycheproof's if they are available.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';

const { createVerifier, anyIssuer, anyAudience, anyType } = await importFrom(await install());
const lenient = { issuer: anyIssuer, audience: anyAudience, type: anyType, requiredClaims: [], now: () => 0, maxTokenBytes: 1024 * 1024 };
const TRUST = ['format', 'type', 'algorithm', 'key', 'signature'];

/**
 * Whether the token passes as a JWS: its payload need not be a claims set, so `verify` may still call it malformed. It does so
 * also if the payload is not base64url; that case is distinguished here.
 */
async function isTrusted(token, keyOptions) {
  const verifier = createVerifier({ ...lenient, ...keyOptions });
  const verified = await verifier.verify(token).then(() => true, ({ code }) => code);
  const atOnce = sync(() => verifier.verifySync(token));
  assert.ok(atOnce === verified || atOnce === 'async_required', `at once: ${atOnce}, later: ${verified}`);
  const { checks } = await verifier.explain(token);
  const passed = checks.filter(({ name }) => TRUST.includes(name)).every(({ ok }) => ok === true);
  // Both functions agree.
  assert.ok(passed ? [true, 'malformed'].includes(verified) : verified !== true, `${verified}`);
  return { trusted: passed && isBase64url(token.split('.')[1]), verified };
}

/** The synchronous result. */
function sync(verify) {
  try {
    return Boolean(verify());
  } catch ({ code }) {
    return code;
  }
}

const jws = JSON.parse(readFileSync(new URL('../../vectors/jws.json', import.meta.url), 'utf8'));

for (const { rfc, section, algorithm, key, token, expect, payload } of jws) {
  test(`RFC ${rfc} ${section}: ${algorithm}, ${expect}`, async () => {
    // Where the RFC prints no key, any key will do: the token must be refused before it is used.
    const keyOptions = { key: key ?? { kty: 'oct', k: 'A'.repeat(43) } };
    const { trusted, verified } = await isTrusted(token, keyOptions);
    assert.equal(trusted, expect === 'valid');
    if (expect !== 'valid') {
      assert.equal(verified, expect);
      return;
    }
    const { claims } = await createVerifier({ ...lenient, ...keyOptions }).explain(token);
    assert.deepEqual(claims, parseObject(payload) ?? null);
    assert.equal(verified, claims === null ? 'malformed' : true);
  });
}

// Vectors that this repository refers to and does not copy.
const wycheproof = new URL('../../../../shared/vectors/wycheproof-jws.json', import.meta.url);

test('Project Wycheproof, JSON Web Signature', { skip: !existsSync(wycheproof) && 'ITS VECTORS ARE NOT BESIDE THE REPOSITORY' }, async (t) => {
  const cases = JSON.parse(readFileSync(wycheproof, 'utf8'));
  const counts = { accept: 0, reject: 0, either: 0 };
  for (const { id, key, token, comment, recommended } of cases) {
    const keyOptions = Array.isArray(key?.keys) ? { jwks: key } : { key };
    const trusted = await isTrusted(token, keyOptions).then((result) => result.trusted, (error) => {
      // An unusable key is refused before any token.
      assert.equal(error.code, 'key_unusable', `${id} (${comment}): ${error.stack}`);
      return false;
    });
    counts[recommended] += 1;
    if (recommended !== 'either') assert.equal(trusted, recommended === 'accept', `${id}: ${comment}`);
  }
  t.diagnostic(`${cases.length} cases: ${JSON.stringify(counts)}`);
  assert.ok(counts.accept > 0 && counts.reject > 0);
});

function isBase64url(text) {
  return Buffer.from(text, 'base64url').toString('base64url') === text;
}

function parseObject(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
