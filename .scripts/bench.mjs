// `npm run bench`: measures the Worker and, briefly, the package beside named peers, after building what is missing.
// `npm run bench:verify` measures the package thoroughly, in about six minutes; `-- --short` in one; `-- --long` watches its
// memory for ten million tokens, which takes longer. `npm run bench:flows` measures the flows of signed-in users, in about five
// minutes; `-- --short` in one; `-- --memory` with the state in memory instead of on disk, where the machine has such a folder. `npm run bench --
// token` measures the Worker alone, in two minutes and a half, and `-- cold-start` its isolates' first requests, in one. `npm run bench -- revocation` measures how soon offline verifiers see a revocation, and its
// cost, in about six minutes; `-- revocation --short` in two. `npm run bench -- cpu` measures the processor time of each
// operation, in about three minutes, and with `--write` stores the numbers for `npm run scale`. `npm run bench -- sign-in-timing`
// measures whether the time of a refused sign-in reveals that the name exists, in about four minutes; `-- sign-in-timing --short` in one.
// `--smoke` runs each part as briefly as possible, to check that it works; its numbers mean nothing.
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './build-package.mjs';
import { buildWorker } from './build-worker.mjs';
import { setup } from './setup.mjs';
import { Failure, elapsed, main } from './steps.mjs';
import { root } from './toolbox.mjs';

/** Each returns its results as text. Loaded after everything that they import was installed and built. */
const PARTS = {
  // First, before the other part allocates memory in this process.
  async verify(options) {
    await buildPackage();
    const { benchVerification } = await import('../tests/bench/verify.mjs');
    return benchVerification(options);
  },
  async token(options) {
    await buildWorker();
    const { benchTokens } = await import('../tests/bench/token.mjs');
    return benchTokens(options);
  },
  async 'cold-start'(options) {
    await buildWorker();
    const { benchColdStart } = await import('../tests/bench/cold-start.mjs');
    return benchColdStart(options);
  },
  async flows(options) {
    await buildWorker();
    const { benchFlows } = await import('../tests/bench/flows.mjs');
    return benchFlows(options);
  },
  async revocation(options) {
    await buildWorker();
    await buildPackage();
    const { benchRevocation } = await import('../tests/bench/revocation.mjs');
    return benchRevocation(options);
  },
  async 'sign-in-timing'(options) {
    await buildWorker();
    const { benchSignInTiming } = await import('../tests/bench/sign-in-timing.mjs');
    return benchSignInTiming(options);
  },
  async cpu(options) {
    await buildWorker();
    const { benchCpu } = await import('../tests/bench/cpu.mjs');
    return benchCpu(options);
  },
};
// Without a name.
const USUAL = ['verify', 'token'];
const FLAGS = ['--short', '--long', '--memory', '--write', '--smoke'];
// Programs whose versions the results name: always, and for some parts.
const PACKAGES = ['workerd', 'jose'];
const PEERS = {
  verify: ['fast-jwt', 'jsonwebtoken', 'hono', '@tsndr/cloudflare-worker-jwt', 'aws-jwt-verify'],
  flows: ['@cloudflare/workers-oauth-provider', 'oidc-provider'],
};

await main(async () => {
  const started = performance.now();
  const given = process.argv.slice(2);
  const named = given.filter((argument) => !FLAGS.includes(argument));
  const chosen = named.length > 0 ? named : USUAL;
  const options = {
    short: given.includes('--short') || named.length === 0,
    long: given.includes('--long'),
    memory: given.includes('--memory'),
    write: given.includes('--write'),
    smoke: given.includes('--smoke'),
  };
  const unknown = chosen.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0) throw new Failure(`unknown benchmark: ${unknown.join(', ')}`, `choose from ${Object.keys(PARTS).join(', ')}`);
  await setup();
  const shape = machine([...PACKAGES, ...chosen.flatMap((name) => PEERS[name] ?? [])]);
  const results = [];
  for (const name of Object.keys(PARTS)) {
    if (chosen.includes(name)) results.push(await PARTS[name](options));
  }
  console.log(`\n${[shape, ...results].join('\n\n')}\n\nAltogether ${elapsed(started)}.`);
});

function machine(packages) {
  const [{ model }] = cpus();
  const [load] = loadavg();
  const version = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  const versions = packages.map((name) => `${name} ${version(name)}`);
  const parts = [`${cpus().length} cores (${model.trim()})`, `Node.js ${process.versions.node}`, ...versions];
  const busy = load > 0.5 ? `\nThe machine was busy before (load ${load.toFixed(1)}): trust the ratios, not the rates.` : '';
  return parts.join(', ') + busy;
}
