// Constants of the sources, for scripts that calculate with them, so that no number has a second copy.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolbox.mjs';

/**
 * Returns the value of a constant of the crate, which must have one definition, in `file` if that is given: a number, or a product or power of
 * two of numbers.
 */
export function constant(name, file = '') {
  const definition = new RegExp(`\\bconst ${name}: \\w+ = ([\\d_]+)(?: (\\*|<<) ([\\d_]+))?;`, 'g');
  const found = sources.filter((source) => source.name.endsWith(file)).flatMap(({ text }) => [...text.matchAll(definition)]);
  if (found.length !== 1) throw new Error(`the constant ${name} has ${found.length} definitions that can be read`);
  const [, first, operator, second = '1'] = found[0];
  const [left, right] = [first, second].map((digits) => Number(digits.replaceAll('_', '')));
  return operator === '<<' ? left * 2 ** right : left * right;
}

/** Returns a number under `[vars]` of wrangler.toml. */
export function setting(name) {
  const value = readFileSync(join(root, 'wrangler.toml'), 'utf8').match(new RegExp(`^${name} = "(\\d+)"$`, 'm'))?.[1];
  if (value === undefined) throw new Error(`wrangler.toml has no number ${name}`);
  return Number(value);
}

const sources = readdirSync(join(root, 'src'), { recursive: true }).filter((name) => name.endsWith('.rs'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(root, 'src', name), 'utf8') }));
