// Third-party clients in Python (tests/clients/python), as processes. Contains no assertions.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pythonPath } from '../../.scripts/python.mjs';
import { root } from '../../.scripts/toolbox.mjs';

/** Why tests with these clients are skipped, or false where they are not. The set-up has said why there is no Python. */
export const skip = pythonPath() === undefined && 'there is no Python with the packages of tests/clients/python/requirements*.txt';

/** Starts a program of tests/clients/python; `input` is its standard input, as JSON; without one it stays open. `env` is added. */
export function startPython(program, args, input, env = {}) {
  const child = spawn(pythonPath(), [join(root, 'tests', 'clients', 'python', program), ...args], { env: { ...process.env, ...env } });
  if (input !== undefined) child.stdin.end(JSON.stringify(input));
  return child;
}

/** Runs such a program to its end; returns the JSON object that it prints, or throws with what it said. */
export async function runPython(program, args, input) {
  const child = startPython(program, args, input);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => { said[name] += chunk; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${said.stderr}`);
  return JSON.parse(said.stdout);
}
