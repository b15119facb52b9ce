// The cost of a signed-in user: refreshes, whole code flows, introspections, polls of devices, assertions and token exchanges a second, compared with two peers and with the
// limit, which is one row written by a warm Durable Object; and whether refreshing stays as fast while a state grows.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { step } from '../../.scripts/steps.mjs';
import { registerClient } from '../workerd/admin.mjs';
import { registerAssertionClient, registerServiceAccount, trustIssuer } from '../workerd/assertion-grants.mjs';
import { registerDeviceClient, startDevice } from '../workerd/devices.mjs';
import { ACCESS_TOKEN, BACKEND, TOKEN_EXCHANGE, allowExchange, registerGateway } from '../workerd/exchanges.mjs';
import { freePort } from '../workerd/harness.mjs';
import { createUser } from '../workerd/people.mjs';
import {
  ballast, grants, hasMemory, oauthProviderClient, oidcProviderPeople, ourPeople, startOidcProvider, startOurs,
} from './flow-state.mjs';
import { asserting, authorizing, polling, refreshing } from './flow-talks.mjs';
import { bodyOf, load, requestBytes } from './load.mjs';
import { interleave, perSecond, ratio, table } from './rounds.mjs';
import { oauthProviderWorker, writeWorker } from './workers.mjs';

// Each has a user, and so an account, of its own.
const CONNECTIONS = 10;
const FULL = { rounds: 9, seconds: 0.6, grants: [1, 100, 1000], accounts: [10, 1000, 10_000] };
const SHORT = { rounds: 3, seconds: 0.5, grants: [1, 100], accounts: [10, 500] };
const SMOKE = { rounds: 1, seconds: 0.1, warmUp: 0.1, grants: [1, 2], accounts: [10, 12] };
const WARM_UP_SECONDS = 1;
const SCOPE = 'read offline_access';

/**
 * Returns the results as text. `short` measures less, and on smaller states; `memory` keeps all state in
 * memory, if the machine has such a file system: then the processor is the limit, and not the disk.
 */
export async function benchFlows({ short = false, memory = false, smoke = false } = {}) {
  const size = smoke ? SMOKE : short ? SHORT : FULL;
  const [writePort, peerPort] = [await freePort(), await freePort()];
  const running = [];
  const kept = async (starting) => {
    running.push(await starting);
    return running.at(-1);
  };
  try {
    const beside = [await writeWorker(writePort), await oauthProviderWorker(peerPort)];
    const ours = await kept(startOurs({ beside, inMemory: memory }));
    const oidc = await kept(startOidcProvider());
    // One for the grants, and one for each number of accounts.
    const states = [];
    for (let count = 0; count <= size.accounts.length; count += 1) states.push(await kept(startOurs({ inMemory: true })));

    const work = { size, ours, oidc, writePort, peer: await oauthProviderClient(peerPort) };
    const growing = await step('accounts and grants', short ? '10 s' : '2 minutes', () => grow(size, states));
    return [
      `Requests of signed-in people a second: ${CONNECTIONS} in flight, ${CONNECTIONS} accounts with one client, workerd without the
assets' router, its state ${memory && hasMemory ? 'in memory' : 'on disk'}. Medians of ${size.rounds} rounds of ${size.seconds} s; ratios are the median of the rounds', and
their range.`,
      await benchRefresh(work),
      await benchGrowth(work, growing),
      await benchIdTokens(work),
      await benchCodeFlow(work),
      await benchLookUps(work),
      await benchDevices(work),
      await benchAssertions(work),
      await benchExchanges(work),
    ].join('\n\n');
  } finally {
    for (const server of running) await server.stop();
  }
}

/** Accounts with more and more grants in one state, and states with more and more accounts; returns a contender for each. */
async function grow(size, [ofGrants, ...ofAccounts]) {
  const byGrants = [];
  const client = await ofGrants.client();
  for (const count of size.grants) {
    const cookies = await ourPeople(ofGrants, client, SCOPE, CONNECTIONS);
    const name = `${count.toLocaleString('en')} ${count === 1 ? 'grant' : 'grants'} in each account`;
    byGrants.push({ name, ...refreshes(client, await grants(client, cookies, SCOPE, count)) });
  }
  const byAccounts = [];
  for (const [index, count] of size.accounts.entries()) {
    const server = ofAccounts[index];
    // Users without a password cost no Argon2; those who refresh need a session.
    await ballast(server, count - CONNECTIONS);
    const own = await server.client();
    const tokens = await grants(own, await ourPeople(server, own, SCOPE, CONNECTIONS), SCOPE, 1);
    byAccounts.push({ name: `${count.toLocaleString('en')} accounts in the state`, ...refreshes(own, tokens) });
  }
  return { byGrants, byAccounts };
}

async function benchRefresh({ size, ours, oidc, peer, writePort }) {
  const client = await ours.client();
  const cookies = await ourPeople(ours, client, SCOPE, CONNECTIONS);
  const [us, limit, workers, node] = await measure(size, 'refreshes', [
    refreshes(client, await grants(client, cookies, SCOPE, 1)),
    { port: writePort, conversations: each((index) => fixed({ method: 'GET', path: `/${index}` })) },
    refreshes(peer, await grants(peer, names(), SCOPE, 1)),
    refreshes(oidc, await grants(oidc, await oidcProviderPeople(oidc, SCOPE, CONNECTIONS), SCOPE, 1)),
  ]);
  return `Refreshes, public clients, every refresh token used once. The limit is one row written by a Durable Object and nothing
else; workers-oauth-provider keeps its state in KV and its access tokens are no JWTs; oidc-provider keeps its in memory, in
Node.js. The JWTs are signed with ES256.

${table([
    ['', 'a second', 'edgemint / it'],
    ['edgemint', perSecond(us), ''],
    ['the limit', perSecond(limit), ratio(us, limit)],
    ['workers-oauth-provider', perSecond(workers), ratio(us, workers)],
    ['oidc-provider', perSecond(node), ratio(us, node)],
  ])}`;
}

async function benchGrowth({ size }, { byGrants, byAccounts }) {
  const contenders = [...byGrants, ...byAccounts];
  const results = await measure(size, 'refreshes in growing states', contenders);
  const first = (index) => results[index < byGrants.length ? 0 : byGrants.length];
  const row = ({ name }, index) => [name, perSecond(results[index]), ratio(results[index], first(index))];
  const where = hasMemory ? ' These states are in memory, where a disk cannot hide anything.' : '';
  return `Refreshes while a state grows. All but ${CONNECTIONS} of the accounts in a state have no password and no grant: they are there, and
that is all.${where}

${table([['', 'a second', 'it / the smallest'], ...contenders.map(row)])}`;
}

async function benchIdTokens({ size, ours, oidc }) {
  const scope = `openid ${SCOPE}`;
  const withAlgorithm = async (alg) => {
    const client = await ours.client({ id_token_signed_response_alg: alg });
    return refreshes(client, await grants(client, await ourPeople(ours, client, scope, CONNECTIONS), scope, 1));
  };
  const node = refreshes(oidc, await grants(oidc, await oidcProviderPeople(oidc, scope, CONNECTIONS), scope, 1));
  const contenders = [await withAlgorithm('ES256'), await withAlgorithm('RS256'), node];
  const [es256, rs256, theirs] = await measure(size, 'refreshes with an ID token', contenders);
  return `Refreshes with an ID token (the scope openid).

${table([
    ['', 'a second', 'edgemint, RS256 / it'],
    ['edgemint, ES256', perSecond(es256), ratio(rs256, es256)],
    ['edgemint, RS256', perSecond(rs256), ''],
    ['oidc-provider, RS256', perSecond(theirs), ratio(rs256, theirs)],
  ])}`;
}

async function benchCodeFlow({ size, ours, oidc, peer }) {
  const client = await ours.client();
  const flows = (server, cookies) => ({
    port: server.port,
    conversations: cookies.map((cookie) => authorizing(server, cookie, SCOPE)),
    answers: 2,
  });
  const [us, workers, node] = await measure(size, 'code flows', [
    flows(client, await ourPeople(ours, client, SCOPE, CONNECTIONS)),
    flows(peer, names()),
    flows(oidc, await oidcProviderPeople(oidc, SCOPE, CONNECTIONS)),
  ]);
  return `Code flows: a browser with a session asks for a code that it may have, and the client redeems it; two requests. The Worker
around workers-oauth-provider has no sessions and believes the cookie.

${table([
    ['', 'a second', 'edgemint / it'],
    ['edgemint', perSecond(us), ''],
    ['workers-oauth-provider', perSecond(workers), ratio(us, workers)],
    ['oidc-provider', perSecond(node), ratio(us, node)],
  ])}`;
}

async function benchLookUps({ size, ours, peer }) {
  const client = await ours.client();
  const tokens = await grants(client, await ourPeople(ours, client, SCOPE, CONNECTIONS), SCOPE, 1);
  const theirs = await grants(peer, names(), SCOPE, 1);
  const { id, secret } = await registerClient(ours);
  const introspection = ({ access_token }) => fixed({
    method: 'POST',
    path: '/oauth/introspect',
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}`, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `token=${access_token}`,
  }, (body) => JSON.parse(body).active === true);
  const call = ({ port }, path) => ({ access_token }) => fixed({
    method: 'GET', path, headers: { Host: `localhost:${port}`, Authorization: `Bearer ${access_token}` },
  });
  const [introspected, called, workers] = await measure(size, 'look-ups', [
    { port: ours.port, conversations: tokens.map(introspection) },
    { port: ours.port, conversations: tokens.map(call(ours, '/api/whoami')) },
    { port: peer.port, conversations: theirs.map(call(peer, '/api')) },
  ]);
  return `Look-ups of access tokens: does this one still count? workers-oauth-provider has no introspection; a call of the API that it
guards looks the token up in KV. Ours checks the signature and asks the account.

${table([
    ['', 'a second', 'it / workers-oauth-provider'],
    ['edgemint, introspection', perSecond(introspected), ratio(introspected, workers)],
    ['edgemint, GET /api/whoami', perSecond(called), ratio(called, workers)],
    ['workers-oauth-provider, GET /api', perSecond(workers), ''],
  ])}`;
}

async function benchDevices({ size, ours, writePort }) {
  const client = await registerDeviceClient(ours);
  const devices = await Promise.all(each(() => startDevice(ours, client)));
  const polls = devices.map(({ device_code }) => polling({ port: ours.port, token: '/oauth/token', client: client.id }, device_code));
  const [waiting, limit] = await measure(size, 'polls of devices', [
    { port: ours.port, conversations: polls },
    { port: writePort, conversations: each((index) => fixed({ method: 'GET', path: `/${index}` })) },
  ]);
  return `Polls of devices whose users have not decided: one call of the device's object, and no row once the interval is at its longest.

${table([
    ['', 'a second', 'edgemint / it'],
    ['edgemint, a poll that has to wait', perSecond(waiting), ''],
    ['one row written by a Durable Object', perSecond(limit), ratio(waiting, limit)],
  ])}`;
}

async function benchAssertions({ size, ours, writePort }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
  const service = await registerServiceAccount(ours, { jwk });
  const app = await registerAssertionClient(ours);
  const { issuer } = await trustIssuer(ours, { jwks: { keys: [jwk] }, clients: [app.id] });
  const users = await Promise.all(each(() => createUser(ours)));
  const talk = (claims, parameters) => asserting(ours, privateKey, jwk, claims, parameters);
  const [service_account, trusted_issuer, limit] = await measure(size, 'assertions', [
    { port: ours.port, conversations: each(() => talk({ iss: service.id, sub: service.id })) },
    { port: ours.port, conversations: users.map(({ id }) => talk({ iss: issuer, sub: id }, { client_id: app.id })) },
    { port: writePort, conversations: each((index) => fixed({ method: 'GET', path: `/${index}` })) },
  ]);
  return `Assertions (JWT bearer), each of which is used once: the client's or the issuer's registry stores its \`jti\`. One about a user also costs two more
calls and a grant. The load generator signs them meanwhile.

${table([
    ['', 'a second', 'edgemint / it'],
    ['edgemint, a service account', perSecond(service_account), ''],
    ['edgemint, a trusted issuer about a user', perSecond(trusted_issuer), ratio(service_account, trusted_issuer)],
    ['one row written by a Durable Object', perSecond(limit), ratio(service_account, limit)],
  ])}`;
}

async function benchExchanges({ size, ours }) {
  const client = await ours.client();
  const tokens = await grants(client, await ourPeople(ours, client, SCOPE, CONNECTIONS), SCOPE, 1);
  const gateway = await registerGateway(ours);
  await allowExchange(ours, gateway, { sources: [ours.issuer] });
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const exchanging = ({ access_token }) => fixed({
    method: 'POST',
    path: '/oauth/token',
    headers: { Authorization: `Basic ${btoa(`${gateway.id}:${gateway.secret}`)}`, ...form },
    body: `${new URLSearchParams({ grant_type: TOKEN_EXCHANGE, subject_token: access_token, subject_token_type: ACCESS_TOKEN, resource: BACKEND })}`,
  }, (body) => JSON.parse(body).issued_token_type === ACCESS_TOKEN);
  const own = fixed({
    method: 'POST',
    path: '/oauth/token',
    headers: { Authorization: `Basic ${btoa(`${gateway.id}:${gateway.secret}`)}`, ...form },
    body: 'grant_type=client_credentials',
  }, (body) => JSON.parse(body).token_type === 'Bearer');
  const [exchanged, plain] = await measure(size, 'token exchanges', [
    { port: ours.port, conversations: tokens.map(exchanging) },
    { port: ours.port, conversations: each(() => own) },
  ]);
  return `Token exchanges: the token of a user for one for another resource. One call of the account, and no row. A token of the client's own needs
neither a call nor the check of a signature.

${table([
    ['', 'a second', 'edgemint / it'],
    ['edgemint, token exchange', perSecond(exchanged), ''],
    ['edgemint, client_credentials', perSecond(plain), ratio(exchanged, plain)],
  ])}`;
}

/** Measures contenders side by side: each has a port, its conversations, and how many responses count as one. */
async function measure({ rounds, seconds, warmUp = WARM_UP_SECONDS }, what, contenders) {
  const rate = async ({ port, conversations, answers = 1 }, duration) =>
    await load({ port, conversations, seconds: duration }) / answers;
  const expected = `${Math.ceil(contenders.length * (warmUp + rounds * seconds))} s`;
  return step(what, expected, async () => {
    for (const contender of contenders) await rate(contender, warmUp);
    return interleave(contenders, rounds, (contender) => rate(contender, seconds));
  });
}

function refreshes(server, tokens) {
  for (const { refresh_token } of tokens) assert.ok(refresh_token);
  return { port: server.port, conversations: tokens.map((token) => refreshing(server, token)) };
}

/** Repeats one request; `right` checks the body of each response. */
function fixed(parts, right = () => true) {
  const request = requestBytes(parts);
  const next = (answer) => {
    assert.ok(right(bodyOf(answer)), answer);
    return request;
  };
  return { request, next };
}

function each(make) {
  return Array.from({ length: CONNECTIONS }, (_, index) => make(index));
}

/** The cookies of users at the Worker that trusts them. */
function names() {
  return each((index) => `user-${index}`);
}
