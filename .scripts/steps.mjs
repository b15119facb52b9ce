// The step runner with the environment of this repository's tools.
import { run as runAnywhere } from './hosting/steps.mjs';
import { root, toolEnv } from './toolbox.mjs';

export { Failure, elapsed, isScript, main, report, step } from './hosting/steps.mjs';

/** Runs a command like `run` of `hosting/steps.mjs`, in the project's folder; `env` is added to the tools' environment. */
export function run(command, args = [], options = {}) {
  return runAnywhere(command, args, { cwd: root, ...options, env: toolEnv(options.env) });
}
