// The processor time of each operation: user and system time of the workerd process, which runs the Worker and its Durable
// Objects, over many consecutive requests. The state is in memory if the machine has such a file system. A request without work is
// measured beside them and subtracted; an ES256 signature by WebCrypto is the yardstick. These rounds are those of a young isolate: V8 has
// not optimised all of its code. A token by client_credentials is measured once more, in a warm isolate.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { constant } from '../../.scripts/constants.mjs';
import { step } from '../../.scripts/steps.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { registerClient } from '../workerd/admin.mjs';
import { newGrant, registerConfidentialClient, revoke } from '../workerd/grants.mjs';
import { freePort } from '../workerd/harness.mjs';
import { Browser, REDIRECT_URI, createUser, pkce } from '../workerd/people.mjs';
import { basic } from '../workerd/request.mjs';
import { fetchList, entryOf } from '../workerd/status-lists.mjs';
import { grants, ourPeople, startOurs } from './flow-state.mjs';
import { authorizationPath, hostOf, refreshing, tokenRequest } from './flow-talks.mjs';
import { bodyOf, load, requestBytes } from './load.mjs';
import { processorTimeOf } from './processor.mjs';
import { median, middleHalf, table } from './rounds.mjs';
import { bytesOfGrant, storedAccounts } from './stored.mjs';
import { yardstickWorker } from './workers.mjs';

const SCOPE = 'read offline_access';
const CONNECTIONS = 4;
const ROUNDS = 13;
const SIGNATURES = 500;
const SIGN_INS = 5;
/** Enough requests for V8 to optimise what they run. */
const WARM = { rounds: 12, inARound: 3200, connections: 16 };
const FULL = {
  rounds: ROUNDS,
  warm: WARM,
  // Together they revoke one entry in a hundred of a status list; the first round is a warm-up.
  inARound: Math.ceil(constant('LIST_SIZE') / 100 / (ROUNDS + 1) / CONNECTIONS) * CONNECTIONS,
  publishedAnew: 9,
  // For the storage only: more than any other account has.
  manyGrants: 101,
};
const SMOKE = { rounds: 1, warm: { rounds: 2, inARound: 8, connections: 4 }, inARound: CONNECTIONS, publishedAnew: 1, manyGrants: 31 };

const RESULTS = join(root, 'tests', 'bench', 'cpu.json');

/** Returns the results as text; `write` stores them for `npm run scale`; `smoke` only checks that it works. */
export async function benchCpu({ write = false, smoke = false } = {}) {
  const size = smoke ? SMOKE : FULL;
  const yardstickPort = await freePort();
  const server = await startOurs({ inMemory: true, beside: [await yardstickWorker(yardstickPort)] });
  let measured;
  let warm;
  try {
    const work = await step('people, clients and grants', '10 s', () => prepare(server, yardstickPort, size));
    measured = await step(`${size.rounds + 1} rounds`, '1 minute', () => inRounds(server, work));
    warm = await step('a warm isolate', '30 s', () => whenWarm(server, work));
    measured['status list, published again'] = await step('a status list that changes', '1 minute', () => publishedAnew(server, work));
  } finally {
    // The state is kept until this process ends.
    await server.kill();
  }
  const results = summary(size, measured, warm, bytesOfGrant(storedAccounts(server.persist), size.manyGrants));
  if (write && !smoke) writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  return describe(results);
}

/** The users, clients and tokens that the operations need; each round creates what it consumes. */
async function prepare(server, yardstickPort, size) {
  const client = await server.client();
  const cookies = await ourPeople(server, client, SCOPE, CONNECTIONS);
  const user = await createUser(server);
  const browser = new Browser(server);
  await browser.signIn(user);
  const backend = await registerConfidentialClient(server);
  const [service, resource] = [await registerClient(server), await registerClient(server)];
  const renewable = [];
  for (let made = 0; made < CONNECTIONS; made += 1) {
    renewable.push(await newGrant(server, browser, user, backend, { scope: SCOPE, redirect_uri: REDIRECT_URI }));
  }
  const spare = await grants(client, cookies, SCOPE, 1);
  // The remembered consent keeps one grant per user.
  await ourPeople(server, client, SCOPE, 1);
  await grants(client, await ourPeople(server, client, SCOPE, 1), SCOPE, size.manyGrants - 1);
  return { size, yardstickPort, client, cookies, user, browser, backend, service, resource, renewable, spare };
}

/** Measures every operation in each round, after a warm-up; returns the times of each, by name. */
async function inRounds(server, work) {
  const times = {};
  for (let round = 0; round <= work.size.rounds; round += 1) {
    const measure = async (name, count, run) => {
      const time = await processorTimeOf(server.pid, count, run);
      if (round > 0) (times[name] ??= []).push(time);
    };
    await aRound(server, work, measure);
  }
  return times;
}

async function aRound(server, work, measure) {
  const { client, cookies, backend, service, resource, renewable, yardstickPort, size: { inARound } } = work;
  const each = inARound / CONNECTIONS;
  const fixed = (name, port, request, count = inARound) =>
    measure(name, count, () => load({ port, request, connections: CONNECTIONS, answers: count / CONNECTIONS }));
  const talks = (name, conversations, count = inARound) =>
    measure(name, count, () => load({ port: server.port, conversations, answers: count / CONNECTIONS }));

  await fixed('hello', yardstickPort, get('/'));
  await measure('signature', SIGNATURES, () =>
    load({ port: yardstickPort, request: get(`/?sign=${SIGNATURES}`), connections: 1, answers: 1 }));
  await fixed('client_credentials', server.port, form('/oauth/token', { grant_type: 'client_credentials' }, basic(service)));

  const codes = cookies.map((cookie) => asking(client, cookie));
  await talks('authorize, session and consent remembered', codes);
  const redeemed = codes.map(({ found }) => listed(found.map(({ code, verifier }) => tokenRequest(client, {
    grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier,
  }))));
  await talks('redeem, with offline_access', redeemed);
  const tokens = redeemed.map(({ answers }) => answers.map((body) => JSON.parse(body)));
  assert.ok(tokens.every((list) => list.length === each));

  const refreshed = tokens.map((list) => refreshing(client, list.at(-1)));
  await talks('refresh, with offline_access', refreshed);
  await talks('refresh, a client with a secret', renewable.map(({ refresh_token }) =>
    repeated(form('/oauth/token', { grant_type: 'refresh_token', refresh_token }, basic(backend)))));

  const access = refreshed.map((talk) => talk.tokens.access_token);
  await talks('introspect, access token with offline_access', access.map((token) =>
    repeated(form('/oauth/introspect', { token }, basic(resource)), (body) => JSON.parse(body).active === true)));
  await talks('whoami', access.map((token) => repeated(get('/api/whoami', { Host: hostOf(server), Authorization: `Bearer ${token}` }))));

  await fixed('JWKS', server.port, get('/.well-known/jwks.json'));
  const { pathname } = new URL(entryOf(access[0]).uri);
  await fetchList(server, entryOf(access[0]).uri);
  await fixed('status list', server.port, get(pathname, { Accept: 'application/statuslist+jwt' }));

  // The last one of each list has been replaced by its successor.
  const latest = tokens.map((list, connection) => [...list.slice(0, -1), refreshed[connection].tokens]);
  await talks('revoke, refresh token', latest.map((list) => listed(list.map(({ refresh_token }) =>
    form('/oauth/revoke', { client_id: client.client, token: refresh_token })))));
  await signIns(work, measure);
}

/**
 * The processor time of a token by client_credentials in a warm isolate, and of a request that does nothing: the second lowest of the rounds,
 * since what else the machine does only adds to a round.
 */
async function whenWarm(server, { service, yardstickPort, size: { warm } }) {
  const contenders = {
    hello: { port: yardstickPort, request: get('/') },
    client_credentials: { port: server.port, request: form('/oauth/token', { grant_type: 'client_credentials' }, basic(service)) },
  };
  const times = { hello: [], client_credentials: [] };
  for (let round = 0; round < warm.rounds; round += 1) {
    for (const [name, { port, request }] of Object.entries(contenders)) {
      times[name].push(await processorTimeOf(server.pid, warm.inARound, () =>
        load({ port, request, connections: warm.connections, answers: warm.inARound / warm.connections })));
    }
  }
  const secondLowest = (all) => all.toSorted((one, other) => one - other)[1];
  return { baseline: secondLowest(times.hello), client_credentials: secondLowest(times.client_credentials) };
}

async function signIns({ browser, user }, measure) {
  const pages = [];
  for (let made = 0; made < SIGN_INS; made += 1) {
    const known = new Browser(browser.server);
    for (const [name, value] of browser.cookies) known.cookies.set(name, value);
    known.cookies.delete('edgemint-session');
    pages.push([known, await known.open('/account/sign-in')]);
  }
  await measure('sign in by password, known browser', SIGN_INS, async () => {
    for (const [known, page] of pages) {
      const { status, location } = await known.submit(page, { username: user.username, password: user.password }, { stop: true });
      assert.ok(location !== null, `signed in: ${status}`);
    }
  });
}

/** A changed list is encoded by its object and signed by the isolate that next reads it: one by one. */
async function publishedAnew(server, { client, cookies, spare, size }) {
  const { uri } = entryOf(spare[0].access_token);
  const more = [];
  while (more.length < size.publishedAnew) more.push(...await grants(client, cookies, SCOPE, 1));
  const times = [];
  let tag = (await fetchList(server, uri)).headers.etag;
  for (const { refresh_token } of more.slice(0, size.publishedAnew)) {
    await revoke(server, { id: client.client }, refresh_token);
    // Until its copy is old enough to be checked again.
    await new Promise((resolve) => setTimeout(resolve, (constant('STATUS_REFRESH') + 1.5) * 1000));
    let answer;
    times.push(await processorTimeOf(server.pid, 1, async () => { answer = await fetchList(server, uri); }));
    assert.notEqual(answer.headers.etag, tag);
    tag = answer.headers.etag;
  }
  return times;
}

function summary(size, { hello, signature, ...operations }, warm, stored) {
  const baseline = median(hello);
  const yardstick = median(signature) - baseline / SIGNATURES;
  const net = (times) => median(times) - baseline;
  const version = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  return {
    measured: {
      on: new Date().toISOString().slice(0, 10),
      with: 'npm run bench -- cpu --write',
      machine: `${cpus().length} cores (${cpus()[0].model.trim()})`,
      workerd: version('workerd'),
      rounds: size.rounds,
      requests: size.inARound,
    },
    yardstick: { what: 'one ES256 signature by WebCrypto in the same workerd', microseconds: round(yardstick) },
    baseline: { what: 'a request that does nothing, taken off all others', microseconds: round(baseline) },
    operations: Object.fromEntries(Object.entries(operations).map(([name, times]) =>
      [name, {
        microseconds: round(net(times)),
        middleHalf: middleHalf(times).map((time) => round(time - baseline)),
        yardsticks: Number((net(times) / yardstick).toFixed(1)),
      }])),
    warm: {
      what: `${size.warm.rounds} rounds of ${size.warm.inARound} requests, ${size.warm.connections} in flight, the second lowest`,
      baseline: { microseconds: round(warm.baseline) },
      client_credentials: { microseconds: round(warm.client_credentials - warm.baseline) },
    },
    bytes: {
      'account with one grant': stored.account,
      'each further grant': Math.round(stored.grant),
      'rows beside the grants': stored.rows,
      'Worker, gzip': gzipSync(readFileSync(join(root, 'build', 'index_bg.wasm')), { level: 9 }).length,
    },
  };
}

function describe({ measured, yardstick, baseline, operations, warm, bytes }) {
  const rows = Object.entries(operations).map(([name, { microseconds, middleHalf: [least, most], yardsticks }]) =>
    [name, microseconds.toLocaleString('en'), `${least} to ${most}`, `${yardsticks}`]);
  return `Processor time of an operation, the Worker's and its objects' together: user and system time of workerd, over ${measured.requests} requests,
median of ${measured.rounds} rounds, and between which their middle half lies. Taken off: ${baseline.microseconds} µs for a request that does nothing. The yardstick is ${yardstick.what}: ${yardstick.microseconds} µs.

${table([['', 'µs', 'middle half', 'yardsticks'], ...rows])}

A warm isolate (${warm.what}). Taken off: ${warm.baseline.microseconds} µs for a request that does nothing.

${table([['', 'µs'], ['client_credentials, warm', `${warm.client_credentials.microseconds}`]])}

${table([['', 'bytes'], ...Object.entries(bytes).map(([name, count]) => [name, count.toLocaleString('en')])])}`;
}

function round(microseconds) {
  return microseconds < 100 ? Number(microseconds.toFixed(1)) : Math.round(microseconds);
}

function get(path, headers = {}) {
  return requestBytes({ method: 'GET', path, headers });
}

function form(path, parameters, headers = {}) {
  const all = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' };
  return requestBytes({ method: 'POST', path, headers: all, body: `${new URLSearchParams(parameters)}` });
}

/** Codes, one after another, for a user with a remembered consent; they are in `found`, with their verifiers. */
function asking(server, cookie) {
  const headers = { Host: hostOf(server), Cookie: cookie };
  let proof;
  const ask = () => {
    proof = pkce();
    return get(authorizationPath(server, proof, SCOPE), headers);
  };
  const talk = {
    found: [],
    request: ask(),
    next(answer) {
      const location = answer.match(/^Location: (.*)\r$/mi)?.[1];
      const code = location && URL.parse(location)?.searchParams.get('code');
      if (!code) throw new Error(`gave no code: ${answer}`);
      talk.found.push({ code, verifier: proof.verifier });
      return ask();
    },
  };
  return talk;
}

/** Sends these requests, one after another; `answers` are the bodies of the responses. */
function listed(requests) {
  const talk = {
    answers: [],
    request: requests[0],
    next(answer) {
      talk.answers.push(bodyOf(answer));
      return requests[talk.answers.length];
    },
  };
  return talk;
}

/** Sends the same request repeatedly. */
function repeated(request, right = () => true) {
  const next = (answer) => {
    assert.ok(right(bodyOf(answer)), answer);
    return request;
  };
  return { request, next };
}
