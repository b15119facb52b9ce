// The paths of the project and its tools, and their environment. Starts nothing, prints nothing.
import { delimiter, join } from 'node:path';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { wranglerEnv } from '../src/js/hosting/wrangler.mjs';

/** The project's folder, without a slash at the end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/** The tools that cargo installs for this project, separate from the user's own. */
export const toolsDir = join(root, '.tools');

const nodeBin = join(root, 'node_modules', '.bin');

/** Returns the environment for a tool: the project's tools come first, and telemetry is off. */
export function toolEnv(extra = {}) {
  const path = [nodeBin, join(toolsDir, 'bin'), ...systemPath()];
  return {
    ...process.env,
    ...wranglerEnv(root),
    // wasm-bindgen's macros then need no `wasm-bindgen-futures`.
    WASM_BINDGEN_USE_JS_SYS: '1',
    PATH: path.join(delimiter),
    ...extra,
  };
}

/** PATH without the project's own tools: for the step that replaces them. */
export function systemPath() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '' && folder !== nodeBin);
  // A shell that was open while rustup was installed lacks this folder.
  return [...path, join(homedir(), '.cargo', 'bin')];
}
