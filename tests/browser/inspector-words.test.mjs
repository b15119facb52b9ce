// The inspector's parsing and text, without a browser: what is extracted from a paste, and how times are shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeClaims, describeHeader, momentWords } from '../../www/inspector/claims.js';
import { indentJson, openToken, readPaste } from '../../www/inspector/paste.js';
import { durationWords, isTime, relativeWords } from '../../www/inspector/times.js';

test('finds the token in the text around it', () => {
  const cases = [
    ['', ''],
    ['  a.b.c\n', 'a.b.c'],
    ['Bearer a.b.c', 'a.b.c', /Bearer/],
    ['authorization: bearer   a.b.c', 'a.b.c', /Bearer/],
    ['"a.b.c"', 'a.b.c', /quotation/],
    ['Bearer "a.b\n.c"', 'a.b.c', /Bearer.*quotation.*Line breaks/],
    ['a.b\r\n  .c', 'a.b.c', /Line breaks/],
    ['{"token_type":"Bearer","access_token":" a.b.c "}', 'a.b.c', /access_token/],
    ['{"id_token":"a.b.c"}', 'a.b.c', /id_token/],
    // Unchanged: neither a token response nor a token.
    ['{"payload":"e30"}', '{"payload":"e30"}'],
    ['{"access_token":1}', '{"access_token":1}'],
    ['{', '{'],
    ['two words', 'two words'],
    ['"a', '"a'],
  ];
  for (const [text, token, note = /^$/] of cases) {
    const found = readPaste(text);
    assert.equal(found.token, token, text);
    assert.match(found.note ?? '', note, text);
  }
});

test('what cannot be decoded of a token stays encoded, and no more than that', () => {
  const encode = (text) => Buffer.from(text).toString('base64url');
  const header = encode('{"alg":"ES256"}');
  assert.deepEqual(openToken(`${header}.${encode('{"é":1}')}.x`).claims.members, { é: 1 });
  for (const claims of ['', 'e30=x', encode('[]'), encode('null'), encode('{'), Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')]) {
    const opened = openToken(`${header}.${claims}.x`);
    assert.equal(opened.claims, undefined, claims);
    assert.equal(opened.header.members.alg, 'ES256');
  }
  assert.equal(openToken(`${header}.a.b.c.d`).header.members.alg, 'ES256');
  assert.equal(openToken(header).header, undefined);
});

test('formats JSON without changing what was signed', () => {
  const json = '{"a":1e3,"a":12345678901234567890,"b":[ ],"c":{},"d":["x, y: {z}\\"",{"e":null}]}';
  assert.equal(indentJson(json), [
    '{', '  "a": 1e3,', '  "a": 12345678901234567890,', '  "b": [ ],', '  "c": {},', '  "d": [', '    "x, y: {z}\\"",',
    '    {', '      "e": null', '    }', '  ]', '}',
  ].join('\n'));
  assert.ok(indentJson('['.repeat(8_000) + ']'.repeat(8_000)).length < 500_000);
});

test('shows durations and distances in time in at most two units', () => {
  for (const [seconds, words] of [
    [0, 'less than a second'], [0.9, 'less than a second'], [1, '1 second'], [59.9, '59 seconds'], [60, '1 minute'],
    [61, '1 minute 1 second'], [3_600, '1 hour'], [3_605, '1 hour'], [86_399, '23 hours 59 minutes'], [90_000, '1 day 1 hour'],
    [31_557_600 * 2, '2 years'], [-120, '2 minutes'],
  ]) assert.equal(durationWords(seconds), words);
  assert.equal(relativeWords(160, 100), 'in 1 minute');
  assert.equal(relativeWords(40, 100), '1 minute ago');
  assert.equal(relativeWords(100.4, 100), 'just now');
  assert.equal(momentWords('exp', 160, 100), 'expires in 1 minute');
  assert.equal(momentWords('exp', 40, 100), 'expired 1 minute ago');
  assert.ok(isTime(0) && !isTime('0') && !isTime(1e300) && !isTime(NaN) && !isTime(undefined));
});

test('shows claims in an order for readers, and omits none', () => {
  const claims = JSON.parse('{"z":1,"exp":"soon","aud":"x","scope":"a  b","constructor":2,"__proto__":3,"iss":"i","nbf":5,"amr":[]}');
  const told = describeClaims(claims);
  assert.deepEqual(told.map(({ name }) => name), ['iss', 'aud', 'scope', 'exp', 'nbf', 'z', 'constructor', '__proto__', 'amr']);
  const kinds = Object.fromEntries(told.map(({ name, kind, value }) => [`${name}.`, [kind, value]]));
  assert.deepEqual(kinds['aud.'], ['list', ['x']]);
  assert.deepEqual(kinds['scope.'], ['list', ['a', 'b']]);
  assert.deepEqual(kinds['exp.'], ['value', 'soon']);
  assert.deepEqual(kinds['nbf.'], ['time', 5]);
  assert.deepEqual(kinds['amr.'], ['value', []]);
  for (const { name, meaning } of told) if (['z', 'constructor', '__proto__'].includes(name)) assert.match(meaning, /^An unregistered claim/);
});

test('does not show the header of an encrypted token as that of a signed one', () => {
  const meaning = (header) => describeHeader(header).find(({ name }) => name === 'alg').meaning;
  assert.match(meaning({ alg: 'RSA-OAEP', enc: 'A256GCM' }), /encryption/);
  assert.match(meaning({ alg: 'XX' }), /signed/);
  assert.match(meaning({ alg: 'none' }), /Not signed at all/);
});
