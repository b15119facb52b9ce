// Numbers of the sources, for scripts that calculate with them, so that none has a second copy.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolbox.mjs';

/** Returns a number of src/limits.rs by its name. */
export function constant(name) {
  const definition = limits.match(new RegExp(`\\bconst ${name}: \\w+ = ([\\d_]+)(?: (\\*|<<) ([\\d_]+))?;`));
  if (definition === null) throw new Error(`src/limits.rs has no number ${name}`);
  const [, first, operator, second = '1'] = definition;
  const [left, right] = [first, second].map((digits) => Number(digits.replaceAll('_', '')));
  return operator === '<<' ? left * 2 ** right : left * right;
}

/** Returns a number under `[vars]` of wrangler.toml. */
export function setting(name) {
  const value = readFileSync(join(root, 'wrangler.toml'), 'utf8').match(new RegExp(`^${name} = "(\\d+)"$`, 'm'))?.[1];
  if (value === undefined) throw new Error(`wrangler.toml has no number ${name}`);
  return Number(value);
}

const limits = readFileSync(join(root, 'src', 'limits.rs'), 'utf8');
