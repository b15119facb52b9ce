// From a new isolate to its first token, beside a minimal Worker with jose: elapsed time, and processor time of workerd. Each start is a
// new workerd. The state, with a key and a client, is that of an earlier run, as after a deployment.
import { newSecret } from '../../src/js/hosting/secrets.mjs';
import { step } from '../../.scripts/steps.mjs';
import { freePort, startWorker } from '../workerd/harness.mjs';
import { wranglerOptions } from '../workerd/wrangler-options.mjs';
import { load, requestBytes } from './load.mjs';
import { processorTime } from './processor.mjs';
import { median, table } from './rounds.mjs';
import { register, tokenRequest } from './token.mjs';
import { joseWorker } from './workers.mjs';

const FULL = 11;
const SMOKE = 1;

/** Returns the results as text. `smoke` only checks that it works. */
export async function benchColdStart({ smoke = false } = {}) {
  const count = smoke ? SMOKE : FULL;
  const client = { id: 'benchmark', secret: newSecret() };
  const { settings, issuer, port } = await prepared(client);
  const josePort = await freePort();
  const jose = await joseWorker(josePort, { issuer, client, scope: 'read write' });
  const around = await withoutCode();
  const token = tokenRequest(client);
  const contenders = {
    neither: { options: { around }, requests: {} },
    jose: { options: { around, beside: [jose.worker] }, port: josePort, requests: { 'first token': token, 'second token': token } },
    edgemint: { options: {}, port, requests: { 'first token': token, 'second token': token } },
    stages: { options: {}, port, requests: stages(token) },
  };
  const measured = await step(`${count} starts of each`, `${4 * count} s`, () => starts(count, settings, contenders));
  return describe(count, measured);
}

/** Requests that each need more than the one before. */
function stages(token) {
  return {
    'metadata: the instance of the module, the settings': requestBytes({ method: 'GET', path: '/.well-known/oauth-authorization-server' }),
    'the JWK Set: the ring of keys, read and opened': requestBytes({ method: 'GET', path: '/.well-known/jwks.json' }),
    'a token: the client, the signing key, a signature': token,
    'another token': token,
  };
}

/** Makes state with a key and a client. Returns the settings to start with it again. */
async function prepared(client) {
  const server = await startWorker({ assets: false, logsToFile: true });
  await register(server, client, 'read write');
  await load({ port: server.settings.port, request: tokenRequest(client), connections: 1, answers: 1 });
  await server.kill();
  return { settings: server.settings, issuer: server.issuer, port: server.settings.port };
}

/** Stands for our Worker: the classes of its Durable Objects, without its code. */
async function withoutCode() {
  const { workerOptions: { durableObjects } } = await wranglerOptions();
  const classes = Object.values(durableObjects).map(({ className }) => `export class ${className} extends DurableObject {}`);
  return `import { DurableObject } from 'cloudflare:workers';\n${classes.join('\n')}\nexport default { fetch: () => new Response('') };`;
}

/** Starts each this many times. Returns, by contender and request, the milliseconds of processor time and of elapsed time. */
async function starts(count, settings, contenders) {
  const measured = Object.fromEntries(Object.keys(contenders).map((name) => [name, {}]));
  const note = (name, what, processor, elapsed) => {
    const own = measured[name][what] ??= { processor: [], elapsed: [] };
    own.processor.push(processor);
    own.elapsed.push(elapsed);
  };
  for (let start = 0; start < count; start += 1) {
    for (const [name, { options, port, requests }] of Object.entries(contenders)) {
      const server = await startWorker({ ...settings, ...options });
      note(name, 'ready', processorTime(server.pid) / 1000, 0);
      for (const [what, request] of Object.entries(requests)) {
        const before = processorTime(server.pid);
        const latencies = [];
        await load({ port, request, connections: 1, answers: 1, latencies });
        note(name, what, (processorTime(server.pid) - before) / 1000, latencies[0]);
      }
      await server.kill();
    }
  }
  return measured;
}

function describe(count, { neither, jose, edgemint, stages: staged }) {
  const at = ({ processor, elapsed }) => `${median(processor).toFixed(1)}, ${median(elapsed).toFixed(1)}`;
  const ready = ({ ready: { processor } }) => `${(median(processor) - median(neither.ready.processor)).toFixed(1)}`;
  const rows = [
    ['', 'edgemint', 'jose Worker'],
    ['until workerd is ready (processor time alone)', ready(edgemint), ready(jose)],
    ...['first token', 'second token'].map((what) => [what, at(edgemint[what]), at(jose[what])]),
  ];
  const parts = Object.entries(staged).filter(([what]) => what !== 'ready').map(([what, times]) => [what, at(times)]);
  return `A new isolate, in milliseconds of processor time and of elapsed time; medians of ${count} starts of workerd.
"Until ready" is what a workerd without either takes less.

${table(rows)}

In stages, in another isolate of edgemint:

${table([['', 'edgemint'], ...parts])}`;
}
