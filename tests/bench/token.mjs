// Tokens a second by client_credentials, compared with two Workers in the same workerd: a hello-world with the same crate, which is
// the upper bound, and a minimal token endpoint in JavaScript with jose.
import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { newSecret } from '../../src/js/hosting/secrets.mjs';
import { step } from '../../.scripts/steps.mjs';
import { operator } from '../workerd/admin.mjs';
import { freePort, startWorker, token } from '../workerd/harness.mjs';
import { load, requestBytes } from './load.mjs';
import { interleave, perSecond, ratio, table } from './rounds.mjs';
import { helloWorker, joseWorker } from './workers.mjs';

const FULL = { connections: [16, 64], timed: [1, 16], rounds: 5, seconds: 3, warmUp: 2 };
const SMOKE = { connections: [2, 4], timed: [1, 2], rounds: 1, seconds: 0.1, warmUp: 0.1 };

/** Returns the results as text. `smoke` only checks that it works. */
export async function benchTokens({ smoke = false } = {}) {
  const [port, helloPort, josePort] = await freePorts(3);
  const issuer = `http://localhost:${port}`;
  const client = { id: 'benchmark', secret: newSecret() };
  const scope = 'read write';
  const hello = await helloWorker(helloPort);
  const jose = await joseWorker(josePort, { issuer, client, scope });
  const server = await startWorker({ port, issuer, assets: false, logsToFile: true, beside: [hello, jose.worker] });
  try {
    await register(server, client, scope);
    await checkHello(helloPort);
    const ourKeys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const ours = await checkedToken(port, client, issuer, ourKeys);
    const theirs = await checkedToken(josePort, client, issuer, jose.publicKey);
    // All contenders must do the same work.
    assert.deepEqual(Object.keys(theirs.payload).sort(), Object.keys(ours.payload).sort());
    assert.deepEqual(Object.keys(theirs.protectedHeader).sort(), Object.keys(ours.protectedHeader).sort());
    return await measure(smoke ? SMOKE : FULL, [
      { port, request: tokenRequest(client) },
      { port: helloPort, request: requestBytes({ method: 'GET', path: '/' }) },
      { port: josePort, request: tokenRequest(client) },
    ]);
  } finally {
    await server.stop();
  }
}

async function measure(size, contenders) {
  const most = Math.max(...size.connections);
  await step('warming up', `${contenders.length * size.warmUp} s`, async () => {
    for (const contender of contenders) await load({ ...contender, connections: most, seconds: size.warmUp });
  });
  const rows = [['requests in flight', 'edgemint', 'hello-world', 'edgemint / hello', 'jose Worker', 'edgemint / jose']];
  for (const connections of size.connections) {
    const expected = `${contenders.length * size.rounds * size.seconds} s`;
    const [ours, hello, jose] = await step(`token requests, ${connections} in flight`, expected, () =>
      interleave(contenders, size.rounds, (contender) => load({ ...contender, connections, seconds: size.seconds })));
    rows.push([`${connections}`, perSecond(ours), perSecond(hello), ratio(ours, hello), perSecond(jose), ratio(ours, jose)]);
  }
  return `Token requests a second: client_credentials, ES256, one workerd without the assets' router.
Medians of ${size.rounds} rounds of ${size.seconds} s; ratios are the median of the rounds', and their range.

${table(rows)}

Milliseconds until a response: the median and the 99th percentile of all of the rounds.

${table(await latencies(size, contenders))}`;
}

async function latencies(size, contenders) {
  const rows = [['requests in flight', 'edgemint', 'hello-world', 'jose Worker']];
  for (const connections of size.timed) {
    const measured = contenders.map(() => []);
    const expected = `${contenders.length * size.rounds * size.seconds} s`;
    await step(`latencies, ${connections} in flight`, expected, () => interleave(contenders.keys().toArray(), size.rounds, (index) =>
      load({ ...contenders[index], connections, seconds: size.seconds, latencies: measured[index] })));
    rows.push([`${connections}`, ...measured.map((all) => `${milliseconds(all, 0.5)}, ${milliseconds(all, 0.99)}`)]);
  }
  return rows;
}

/** The value that this share of the values does not exceed. */
function milliseconds(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(sorted.length * share) - 1].toFixed(2);
}

async function freePorts(count) {
  const ports = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** A registered client, since these are many; the root client is a special case. */
export async function register(server, { id, secret }, scope) {
  await operator(server).createClient({ client_id: id, client_secret: secret, token_endpoint_auth_method: 'client_secret_basic', scope });
}

/** The bytes of a client_credentials request. */
export function tokenRequest({ id, secret }) {
  return requestBytes({
    method: 'POST',
    path: '/oauth/token',
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}`, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
  });
}

async function checkHello(port) {
  const response = await fetch(`http://localhost:${port}/`);
  assert.equal(await response.text(), 'Hello, World!');
}

async function checkedToken(port, client, issuer, key) {
  const { access_token: text } = await token({ url: `http://localhost:${port}` }, {}, client);
  return jwtVerify(text, key, { issuer, audience: issuer, subject: client.id, typ: 'at+jwt', algorithms: ['ES256'] });
}
