// The step runner with the environment of this repository's tools.
import { run as runAnywhere } from '../src/js/hosting/steps.mjs';
import { root, toolEnv } from './toolbox.mjs';

export { Failure, elapsed, isScript, main, report, step } from '../src/js/hosting/steps.mjs';

/** Runs a command like `run` of `src/js/hosting/steps.mjs`, in the project's folder; `env` is added to the tools' environment. */
export function run(command, args = [], options = {}) {
  return runAnywhere(command, args, { cwd: root, ...options, env: toolEnv(options.env) });
}
