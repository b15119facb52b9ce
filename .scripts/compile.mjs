// Compiles the crate to wasm with one of its two feature sets. Needs nothing but Rust: tools may still be on their way.
import { copyFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rust } from './setup.mjs';
import { run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

export const TRIPLE = 'wasm32-unknown-unknown';

// Panics then tell no path of this machine.
const REMAPS = [[process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'cargo'], [root, 'edgemint']]
  .map(([path, name]) => `--remap-path-prefix=${path}=${name}`);

/** Whoever compiles for wasm must have these, or everything is compiled again. */
export const compilerEnv = { CARGO_ENCODED_RUSTFLAGS: REMAPS.join('\x1f') };

/**
 * Compiles with `features`, joined by commas, into the target folder `target` and gives the path of the module. SIMD makes an
 * HMAC a fifth quicker; every engine has had it since 2023.
 */
export function compile(features, target) {
  // One after another: two at once would only need twice the memory.
  const result = previous.then(async () => {
    await rust();
    await step(`Rust for wasm, features ${features}`, '10 s; 2 minutes the first time', () =>
      run('cargo', ['build', '--release', '--lib', '--target', TRIPLE, '--features', features, '--target-dir', target], {
        env: { CARGO_ENCODED_RUSTFLAGS: [...REMAPS, '-Ctarget-feature=+simd128'].join('\x1f') },
        advice: 'the compiler\'s messages are above; '
          + `\`cargo check --target ${TRIPLE} --features ${features}\` gives them faster`,
      }));
    // The next one to be compiled lands in the same place.
    const module = join(target, `${features}.wasm`);
    copyFileSync(join(target, TRIPLE, 'release', 'edgemint.wasm'), module);
    return module;
  });
  previous = result.catch(() => {});
  return result;
}

let previous = Promise.resolve();
