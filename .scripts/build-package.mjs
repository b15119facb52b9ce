// Builds the npm package into dist/: the crate with the feature `js`, its glue, and the hand-written shim of src/js/shim.
// Copies what pages run to www/edgemint/, and beside it the OAuth client library of the demo. Does nothing when all is up
// to date.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PROFILE, compile } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const dist = join(root, 'dist');
const page = join(root, 'www', 'edgemint');
const shim = join(root, 'src', 'js', 'shim');
/** What the demo needs of others, and its name there: one module as it was published, and the licence that goes with it. */
const library = join(root, 'node_modules', 'oauth4webapi');
const CLIENT_LIBRARY = [['build/index.js', 'oauth4webapi.js'], ['LICENSE.md', 'oauth4webapi.LICENSE.md']];
// A target folder of its own: building the Worker and the package in turns never rebuilds what the other has built.
const target = join(root, 'target', 'js');
/** What a page that is served from www/ never loads. */
const NOT_FOR_PAGES = /^(cjs|hex.*|inline.*)$/;
/** The entries that find their wasm by `import`: they have no form in CommonJS. */
const MODULES_ONLY = ['edge.js', 'node.js', 'web.js', 'workerd.js'];

/** Brings dist/ and www/edgemint/ up to date. */
export async function buildPackage() {
  // Not in dist/, all of which is published.
  const stamp = join(target, '.inputs');
  // The lock file pins the client library, which may not be installed yet.
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', '.scripts/build-package.mjs', '.scripts/compile.mjs'];
  const print = PROFILE + fingerprint(inputs, { except: ['src/worker', 'src/manual'] });
  const outputs = [dist, ...CLIENT_LIBRARY.map(([, name]) => join(page, name))];
  if (isFresh(stamp, print) && outputs.every((path) => existsSync(path))) return;
  const [, module] = await Promise.all([setup(), compile('js', target)]);
  await step('npm package: dist/', '10 s', () => stamped(stamp, print, () => assemble(module)));
  console.log(`    dist/edgemint.wasm: ${sizes(readFileSync(join(dist, 'edgemint.wasm')), { brotli: true })}`);
}

async function assemble(module) {
  const glue = join(target, 'glue');
  rmSync(glue, { recursive: true, force: true });
  // The form for bundlers: it neither looks for the wasm nor asks what a module is, both of which the shim does.
  await run('wasm-bindgen', [module, '--target', 'bundler', '--no-typescript', '--out-name', 'glue', '--out-dir', glue]);
  const staged = join(target, 'dist');
  rmSync(staged, { recursive: true, force: true });
  cpSync(shim, staged, { recursive: true });
  writeFileSync(join(staged, 'glue.js'), completed(readFileSync(join(glue, 'glue_bg.js'), 'utf8')));
  await optimize(join(glue, 'glue_bg.wasm'), join(staged, 'edgemint.wasm'));
  writeFileSync(join(staged, 'inline_wasm.js'), inlined(readFileSync(join(staged, 'edgemint.wasm'))));
  await addCommonJs(staged);
  rmSync(dist, { recursive: true, force: true });
  renameSync(staged, dist);
  rmSync(page, { recursive: true, force: true });
  cpSync(dist, page, { recursive: true, filter: (path) => !NOT_FOR_PAGES.test(relative(dist, path)) });
  for (const [from, name] of CLIENT_LIBRARY) cpSync(join(library, from), join(page, name));
}

function optimize(from, to) {
  // What Rust's wasm32 target turns on, SIMD, and nothing newer: old engines must read the result.
  const features = [
    'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'multivalue', 'reference-types', 'simd',
  ].map((feature) => `--enable-${feature}`);
  return run('wasm-opt', ['-O3', ...features, '--strip-producers', '-o', to, from]);
}

/** What the glue brings that is never run: for runtimes without `encodeInto`, of which none can run this wasm, and for `using`. */
const NEVER_RUN = [
  /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?^\}\n/gm,
  /^    if \(realloc === undefined\) \{\n[^]*?^    \}\n/gm,
  /^if \(Symbol\.dispose\) .*\n/gm,
];

/**
 * The glue with what it takes from the runtime, and with what the wasm imports from it in one value, so that bundlers drop the
 * rest; without what is never run.
 */
function completed(glue) {
  const names = Array.from(glue.matchAll(/^export function (__wb\w+)\(/gm), ([, name]) => name).filter((name) => name !== '__wbg_set_wasm');
  if (names.length === 0 || NEVER_RUN.some((part) => glue.search(part) === -1)) {
    throw new Failure('the glue has another form than expected', 'see `completed` in .scripts/build-package.mjs');
  }
  const lean = NEVER_RUN.reduce((rest, part) => rest.replace(part, ''), glue);
  return `import { TextDecoder, TextEncoder } from './globals.js';
${lean}
export const imports = { './glue_bg.js': { ${names.join(', ')} } };
`;
}

/** The wasm as a script: in hexadecimal, which compresses to a fifth less than base64. */
function inlined(wasm) {
  return `// edgemint.wasm in hexadecimal. Generated.
import { fromHex } from './hex.js';

export function wasmBytes() {
  return fromHex('${wasm.toString('hex')}');
}
`;
}

/**
 * Adds the same modules, one by one, as CommonJS. Not bundled: entries that are used together share what they keep, and a
 * bundler gets only what it needs.
 */
async function addCommonJs(folder) {
  // Not at the top: it may only be installed by now.
  const { transform } = await import('esbuild');
  const commonJs = join(folder, 'cjs');
  mkdirSync(commonJs);
  for (const name of readdirSync(folder)) {
    const [, stem, ending] = /^(\w+)(\.js|\.d\.ts|\.wasm)?$/.exec(name) ?? [];
    const path = join(folder, name);
    if (ending === '.d.ts') {
      writeFileSync(join(commonJs, `${stem}.d.cts`), readFileSync(path, 'utf8').replaceAll(/(from '\.\/\w+)\.js'/g, "$1.cjs'"));
    } else if (ending === '.js' && !MODULES_ONLY.includes(name)) {
      const { code } = await transform(readFileSync(path, 'utf8'), { format: 'cjs', target: 'es2022', platform: 'node' });
      if (/import\.meta|import\(/.test(code)) throw new Failure(`${name} has no form in CommonJS`, 'see MODULES_ONLY');
      writeFileSync(join(commonJs, `${stem}.cjs`), code.replaceAll(/(require\("\.\/\w+)\.js"\)/g, '$1.cjs")'));
    }
  }
}

if (isScript(import.meta.url)) await main(buildPackage);
