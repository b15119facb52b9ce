// Strict rules for tokens: every row of tests/vectors/strict-tokens.json, which the native tests read too, through the installed
// package. Each rule is a test; its rows say what breaks it and the expected code.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importFrom, install } from '../shared/consumer.mjs';
import { base64url } from '../shared/signer.mjs';

const { createVerifier, decodeUnverified, TokenError } = await importFrom(await install());
const rows = JSON.parse(readFileSync(new URL('../../vectors/strict-tokens.json', import.meta.url), 'utf8'));

const SECRET = 'a shared secret of 32 bytes, or more';
const key = { kty: 'oct', alg: 'HS256', kid: 'key-1', k: base64url(SECRET) };
const options = { issuer: 'https://as.example', audience: 'https://api.example', key, now: () => 1_800_000_000 };
const HEADER = { alg: '"HS256"', kid: '"key-1"', typ: '"at+jwt"' };
const CLAIMS = {
  iss: '"https://as.example"', aud: '"https://api.example"', sub: '"alice"', client_id: '"app"', scope: '"read write"',
  iat: '1799999940', exp: '1800000540', jti: '"1"',
};

/** The token of a row: tests/vectors/README.md says how to read one. */
function tokenOf(row) {
  const { header = '{$header}', payload = '{$claims}', members, claims, signed = '$h.$p', token = '$s.$m', secret = SECRET } = row;
  const h = base64url(render(header.replaceAll('$header', () => join(HEADER, members))));
  const p = base64url(render(payload.replaceAll('$claims', () => join(CLAIMS, claims))));
  const s = signed.replaceAll('$h', h).replaceAll('$p', p);
  const m = createHmac('sha256', secret).update(s).digest('base64url');
  const parts = { $h: h, $p: p, $s: s, $m: m, $t: stray(m) };
  const text = render(token).toString();
  return Object.entries(parts).reduce((whole, [name, part]) => whole.replaceAll(name, () => part), text);
}

/** Members of an object as JSON text without its braces: the valid ones, changed as the row says. */
function join(good, changes = {}) {
  const kept = Object.entries(good).filter(([name]) => !Object.hasOwn(changes, name));
  const set = Object.entries(changes).filter(([, value]) => value !== null);
  return [...kept, ...set].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',');
}

function render(text) {
  const pieces = text.split(/(\$(?:hex|fill|open|deep)\(\w+\))/);
  return Buffer.concat(pieces.map((piece) => {
    const [, name, argument] = /^\$(hex|fill|open|deep)\((\w+)\)$/.exec(piece) ?? [];
    switch (name) {
      case 'hex': return Buffer.from(argument, 'hex');
      case 'fill': return Buffer.from('x'.repeat(Number(argument)));
      case 'open': return Buffer.from(`{"x":${'['.repeat(Number(argument))}`);
      case 'deep': return Buffer.from(`{"x":${'['.repeat(Number(argument))}${']'.repeat(Number(argument))}}`);
      default: return Buffer.from(piece);
    }
  }));
}

/** The same bytes with one of the unused bits at the end set. */
function stray(mac) {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return mac.slice(0, -1) + ALPHABET[ALPHABET.indexOf(mac.at(-1)) + 1];
}

/** The result for a text: `accepted`, or the code and the claim of its TokenError. */
async function verdict(door, text) {
  try {
    await door(text);
    return { verdict: 'accepted', claim: undefined };
  } catch (error) {
    assert.ok(error instanceof TokenError, error?.stack);
    return { verdict: error.code, claim: error.claim };
  }
}

for (const rule of new Set(rows.map((row) => row.rule))) {
  const broken = rows.filter((row) => row.rule === rule);
  test(`${rule}: ${broken.length} rows`, async () => {
    const verifier = createVerifier(options);
    for (const row of broken) {
      const text = tokenOf(row);
      const { what, verdict: expected, claim, max_bytes: more } = row;
      const judge = more === undefined ? verifier : createVerifier({ ...options, maxTokenBytes: text.length + more });
      for (const door of ['verify', 'verifySync']) {
        // Twice, because a cached token takes a shorter path.
        for (const time of ['first', 'second']) {
          assert.deepEqual(await verdict(judge[door], text), { verdict: expected, claim }, `${what}, ${door}, ${time} time`);
        }
      }
    }
  });
}

/** The rules that apply without a key. decodeUnverified reads JSON as JSON.parse does, and promises no more. */
const OF_FORM = [
  'canonical unpadded base64url only', 'three parts', 'one JSON object', 'no byte order mark',
  'the JSON serialisation is refused by name',
];

test('decodeUnverified enforces the rules of form', async () => {
  const refused = rows.filter(({ rule, verdict: code }) => OF_FORM.includes(rule) && ['malformed', 'unsupported'].includes(code));
  assert.ok(refused.length > 70);
  for (const row of refused) {
    const { verdict: given } = await verdict(decodeUnverified, tokenOf(row));
    assert.equal(given, row.verdict, `${row.rule}: ${row.what}`);
  }
});
