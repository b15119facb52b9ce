// Compiles the crate to wasm with one of its two feature sets. Needs only Rust: other tools may still be installing.
import { cpSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { CARGO_ADVICE, cargoAdvice } from './advice.mjs';
import { rust } from './setup.mjs';
import { run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const TRIPLE = 'wasm32-unknown-unknown';

/** Whether EDGEMINT_BUILD=quick: compiled for `npm start` and for work on the code, not for releases or measurements. */
export const QUICK = process.env.EDGEMINT_BUILD === 'quick';

const OPTIMISED = { worker: 'worker', js: 'release' };
/** Cargo's profile for each feature, and the name of its output folder. */
const PROFILES = QUICK ? { worker: 'quick', js: 'quick' } : OPTIMISED;

/** Returns the prints of the builds of these inputs that are good enough: an optimised one for a quick one too. The first one is wanted. */
export function acceptable(feature, print) {
  return [...new Set([PROFILES[feature], OPTIMISED[feature]])].map((profile) => profile + print);
}

// So panic messages contain no path of this machine. A quick build keeps its own folder's name, so that its dependencies are
// the same in every checkout.
const REMAPS = [[process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'cargo'], ...(QUICK ? [] : [[root, 'edgemint']])]
  .map(([path, name]) => `--remap-path-prefix=${path}=${name}`);

/** SIMD makes an HMAC of the package a fifth faster; every engine supports it since 2023. */
const SIMD = [...REMAPS, '-Ctarget-feature=+simd128'];
// Quick builds share the compiled dependencies, so both have the same flags.
const FLAGS = { worker: QUICK ? SIMD : REMAPS, js: SIMD };

/** Compiles with `feature` into the target folder `target` and returns the path of the module. */
export function compile(feature, target) {
  return inTurn(async () => {
    await rust();
    const module = await step(`Rust for wasm, feature ${feature}`, '10 s; 2 minutes the first time', () =>
      compileCrate(root, feature, ['--lib', '--features', feature], target));
    // The next feature may have the same target folder.
    const own = join(target, `${feature}.wasm`);
    cpSync(module, own);
    return own;
  });
}

/** Compiles after what was asked for before: two at once would need twice the memory and no less time. */
export function inTurn(compiling) {
  const result = previous.then(compiling);
  previous = result.catch(() => {});
  return result;
}

let previous = Promise.resolve();

/** Compiles the crate in the folder `crate`, with the profile and the flags of `feature`. Returns the path of its module. */
export async function compileCrate(crate, feature, options, target) {
  const profile = PROFILES[feature];
  await run('cargo', ['build', '--locked', '--profile', profile, '--target', TRIPLE, '--target-dir', target, ...options], {
    cwd: crate,
    // With another environment, cargo compiles everything again.
    env: { CARGO_ENCODED_RUSTFLAGS: FLAGS[feature].join('\x1f') },
    advice: (output) => (cargoAdvice(output) === CARGO_ADVICE
      ? `the compiler's messages are above; \`cargo check --target ${TRIPLE} --features ${feature}\` gives them faster`
      : cargoAdvice(output)),
  });
  return join(target, TRIPLE, profile, `${basename(crate === root ? 'edgemint' : crate)}.wasm`);
}
