// The rooms of the shim: which may import from which, no cycles among modules, and the numbers that wasm and JavaScript share.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { test } from 'node:test';
import { root } from '../../.scripts/toolbox.mjs';

const shim = join(root, 'src/js/shim');
/** A room imports only from rooms before it. */
const ROOMS = ['base', 'wasm', 'fetch', 'engines', 'keys', 'guard', 'status', 'tokens', 'platform', 'admin', 'entries'];
/** Modules that the build writes. */
const GENERATED = ['wasm/glue.js', 'wasm/inline_wasm.js'];

const imports = new Map(readdirSync(shim, { recursive: true }).filter((name) => name.endsWith('.js')).map((name) => {
  const text = readFileSync(join(shim, name), 'utf8');
  const specifiers = Array.from(text.matchAll(/(?:from|import) '(\.[^']+\.js)'/g), ([, specifier]) => specifier);
  return [name, specifiers.map((specifier) => relative(shim, join(shim, name, '..', specifier)))];
}));

test('every import names an existing module', () => {
  assert.ok(imports.size > 40);
  for (const [name, targets] of imports) {
    for (const target of targets) assert.ok(imports.has(target) || GENERATED.includes(target), `${name} imports ${target}`);
  }
});

test('a room imports only from rooms before it', () => {
  const place = (name) => ROOMS.indexOf(name.split('/')[0]);
  const wrong = [...imports].flatMap(([name, targets]) => targets.filter((target) => place(target) > place(name)).map((target) => `${name} imports ${target}`));
  assert.deepEqual(wrong, []);
  assert.ok([...imports.keys()].every((name) => place(name) >= 0));
});

test('no module imports itself, directly or through others', () => {
  const done = new Set();
  const visit = (name, path) => {
    assert.ok(!path.includes(name), [...path, name].join(' -> '));
    if (done.has(name)) return;
    for (const target of imports.get(name) ?? []) visit(target, [...path, name]);
    done.add(name);
  };
  for (const name of imports.keys()) visit(name, []);
});

test('no two modules have the same name, since they are published in one folder', () => {
  const names = [...imports.keys()].map((name) => basename(name));
  assert.deepEqual(names.filter((name, place) => names.indexOf(name) !== place), []);
});

test('wasm and JavaScript give the numbers that they share the same names, in the same order', () => {
  const numbersIn = (path, pattern) => Array.from(readFileSync(join(root, path), 'utf8').matchAll(pattern), ([, name, value]) => `${name} = ${value}`);
  const inRust = numbersIn('src/js/row.rs', /\bconst (\w+): \w+ = (\d+);/g);
  const inJavaScript = numbersIn('src/js/shim/wasm/row.js', /\bconst (\w+) = (\d+);/g);
  assert.equal(inRust.length, 14);
  assert.deepEqual(inJavaScript, inRust);
});
