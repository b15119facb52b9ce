// Builds the npm package into dist/: the crate with the feature `js`, its glue, and the hand-written shim of src/js/shim.
// Copies the files for pages to www/edgemint/, and the OAuth client library of the demo. Does nothing when everything is up
// to date.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { QUICK, acceptable, compile } from './compile.mjs';
import { fingerprint, isFresh, stamped } from './freshness.mjs';
import { types } from '../src/js/openapi/types.mjs';
import { adminDocument } from './openapi.mjs';
import { setup } from './setup.mjs';
import { sizes } from './sizes.mjs';
import { Failure, isScript, main, run, step } from './steps.mjs';
import { root } from './toolbox.mjs';

const dist = join(root, 'dist');
const page = join(root, 'www', 'edgemint');
const shim = join(root, 'src', 'js', 'shim');
/** The third-party module of the demo and its name there, as published, and its licence. */
const library = join(root, 'node_modules', 'oauth4webapi');
const CLIENT_LIBRARY = [['build/index.js', 'oauth4webapi.js'], ['LICENSE.md', 'oauth4webapi.LICENSE.md']];
// A target folder of its own: alternating builds of the Worker and the package never rebuild each other's dependencies.
const target = join(root, 'target', 'js');
/** Files that no page in www/ loads. */
const NOT_FOR_PAGES = /^(cjs|cli.*|hex.*|inline.*)$/;
/** Entries that import their wasm: they have no CommonJS form. */
const MODULES_ONLY = ['edge.js', 'node.js', 'web.js', 'workerd.js'];

/** Updates dist/ and www/edgemint/. */
export async function buildPackage() {
  // Not in dist/, which is published completely.
  const stamp = join(target, '.inputs');
  // The lock file pins the client library, which may not be installed yet.
  const inputs = ['src', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', '.scripts/build-package.mjs', '.scripts/compile.mjs', '.scripts/bindgen'];
  const prints = acceptable('js', fingerprint(inputs, { except: ['src/worker', 'src/js/hosting', 'src/js/create', 'src/manual'] }));
  const outputs = [dist, ...CLIENT_LIBRARY.map(([, name]) => join(page, name))];
  if (prints.some((print) => isFresh(stamp, print)) && outputs.every((path) => existsSync(path))) return;
  const [, module] = await Promise.all([setup(), compile('js', QUICK ? join(root, 'target') : target)]);
  await step('npm package: dist/', '10 s', () => stamped(stamp, prints[0], () => assemble(module)));
  console.log(`    dist/edgemint.wasm: ${sizes(readFileSync(join(dist, 'edgemint.wasm')), { brotli: true })}`);
}

async function assemble(module) {
  const glue = join(target, 'glue');
  rmSync(glue, { recursive: true, force: true });
  // The target for bundlers: it does not load the wasm, which the shim does.
  await run('bindgen', [module, glue, 'glue', 'bundler']);
  const staged = join(target, 'dist');
  rmSync(staged, { recursive: true, force: true });
  flatten(shim, staged);
  writeFileSync(join(staged, 'admin_calls.d.ts'), types(adminDocument()));
  writeFileSync(join(staged, 'glue.js'), completed(readFileSync(join(glue, 'glue_bg.js'), 'utf8')));
  await optimize(join(glue, 'glue_bg.wasm'), join(staged, 'edgemint.wasm'));
  writeFileSync(join(staged, 'inline_wasm.js'), inlined(readFileSync(join(staged, 'edgemint.wasm'))));
  await addCommonJs(staged);
  await addCommandLine(staged);
  rmSync(dist, { recursive: true, force: true });
  renameSync(staged, dist);
  rmSync(page, { recursive: true, force: true });
  cpSync(dist, page, { recursive: true, filter: (path) => !NOT_FOR_PAGES.test(relative(dist, path)) });
  for (const [from, name] of CLIENT_LIBRARY) cpSync(join(library, from), join(page, name));
}

/** Copies the modules of all rooms into one folder, so that the paths of published files never depend on the rooms. */
function flatten(from, to) {
  mkdirSync(to);
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    // Types outside `types` are for this repository: interfaces that the tests hold the modules against.
    if (!entry.isFile() || (entry.name.endsWith('.d.ts') && basename(entry.parentPath) !== 'types')) continue;
    const path = join(to, entry.name);
    if (existsSync(path)) throw new Failure(`two modules of the shim have the name ${entry.name}`, 'rename one: they are published in one folder');
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    writeFileSync(path, text.replaceAll(/((?:from|import) ')(?:\.\.?\/)(?:\w+\/)?(\w+\.js')/g, '$1./$2'));
  }
}

function optimize(from, to) {
  if (QUICK) return cpSync(from, to);
  // The features of Rust's wasm32 target and SIMD, and nothing newer: older engines must load the result.
  const features = [
    'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'multivalue', 'reference-types', 'simd',
  ].map((feature) => `--enable-${feature}`);
  return run('wasm-opt', ['-O3', ...features, '--strip-producers', '-o', to, from]);
}

/** Unused parts of the glue: for runtimes without `encodeInto`, none of which can run this wasm, and for `using`. */
const NEVER_RUN = [
  /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?^\}\n/gm,
  /^    if \(realloc === undefined\) \{\n[^]*?^    \}\n/gm,
  /^if \(Symbol\.dispose\) .*\n/gm,
];

/**
 * Returns the glue with the imports of the wasm in one value, so that bundlers drop the
 * rest, and without its unused parts.
 */
function completed(glue) {
  const names = Array.from(glue.matchAll(/^export function (__wb\w+)\(/gm), ([, name]) => name).filter((name) => name !== '__wbg_set_wasm');
  if (names.length === 0 || NEVER_RUN.some((part) => glue.search(part) === -1)) {
    throw new Failure('the glue does not have the expected form', 'see `completed` in .scripts/build-package.mjs');
  }
  const lean = NEVER_RUN.reduce((rest, part) => rest.replace(part, ''), glue);
  return `import { TextDecoder, TextEncoder } from './globals.js';
${lean}
export const imports = { './glue_bg.js': { ${names.join(', ')} } };
`;
}

/** Returns the wasm as a script, in hexadecimal, which compresses to a fifth less than base64. */
function inlined(wasm) {
  return `// edgemint.wasm in hexadecimal. Generated.
import { fromHex } from './hex.js';

export function wasmBytes() {
  return fromHex('${wasm.toString('hex')}');
}
`;
}

/**
 * Adds the same modules, one by one, as CommonJS. Not bundled, so that entries that are used together share their state, and a
 * bundler includes only what is used.
 */
async function addCommonJs(folder) {
  // Not at the top: it may not be installed when this file is loaded.
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
      if (/import\.meta|import\(/.test(code)) throw new Failure(`${name} cannot be converted to CommonJS`, 'see MODULES_ONLY');
      writeFileSync(join(commonJs, `${stem}.cjs`), code.replaceAll(/(require\("\.\/\w+)\.js"\)/g, '$1.cjs")'));
    }
  }
}

/** Licences that allow the libraries of the command line to be part of the package. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

/** Adds the program `edgemint`: one file, with its libraries in it, and their licences beside it. It imports the package itself. */
async function addCommandLine(folder) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: [join(root, 'src', 'js', 'cli', 'main.js')], outfile: join(folder, 'cli.js'), bundle: true, minify: true, format: 'esm',
    platform: 'node', target: 'node20', external: ['edgemint', 'edgemint/admin'], legalComments: 'none', metafile: true, logLevel: 'error',
    // Libraries in CommonJS call `require` for modules of Node.
    banner: { js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  chmodSync(join(folder, 'cli.js'), 0o755);
  const libraries = new Set(Object.keys(metafile.inputs).map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
  writeFileSync(join(folder, 'cli_licenses.txt'), [...libraries].sort().map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`));
}

/** The name, the version and the licence of a library in this folder: its text, or its name and the source where the package lacks the text. */
function licenceOf(path) {
  const { name, version, license, author, repository } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  if (!PERMISSIVE.includes(license)) throw new Failure(`${name} has the licence ${license}`, 'the command line cannot contain it');
  const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
  const source = repository?.url ?? repository;
  if (file === undefined && source === undefined) throw new Failure(`${name} has no text of its licence and no source`, 'the command line cannot contain it');
  const text = file === undefined ? `By ${author?.name ?? author ?? 'its contributors'}: ${source}` : readFileSync(join(path, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
}

if (isScript(import.meta.url)) await main(buildPackage);
