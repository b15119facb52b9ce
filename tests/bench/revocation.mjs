// The cost of revocation without introspection: how long until an offline verifier refuses, the size of the lists, and how many
// tokens a second are checked, compared with introspection of each.
import { step } from '../../.scripts/steps.mjs';
import { createVerifier } from '../../dist/node.js';
import { admin, clientPath } from '../workerd/admin.mjs';
import { OFFLINE, newGrant, registerResourceServer, revoke } from '../workerd/grants.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { Browser, createUser, registerPublicClient } from '../workerd/people.mjs';
import { basic } from '../workerd/request.mjs';
import { fetchList, entryOf } from '../workerd/status-lists.mjs';
import { load, requestBytes } from './load.mjs';
import { interleave, perSecond, race, ratio, table } from './rounds.mjs';

const LIST_SIZE = 131_072;
const LIVE_GRANTS = 1_000_000;
const TTL_SECONDS = 20;
const SPAN_SECONDS = 120;
const PROMISE_SECONDS = 60;
const FULL = { revocations: 60, verifiers: 6, marked: LIST_SIZE / 100, publishings: 10, rounds: 9, seconds: 0.6 };
const SHORT = { revocations: 12, verifiers: 3, marked: 200, publishings: 4, rounds: 3, seconds: 0.4 };
const SMOKE = { revocations: 1, verifiers: 1, marked: 1, publishings: 1, rounds: 1, seconds: 0.02, settle: 0 };

/** Returns the results as text. `smoke` only checks that it works. */
export async function benchRevocation({ short = false, smoke = false } = {}) {
  const size = smoke ? SMOKE : short ? SHORT : FULL;
  const server = await startWorker({ assets: false });
  try {
    const app = await registerPublicClient(server);
    const grants = (count, label) => step(`${count} grants ${label}`, `${Math.ceil(count / 40)} s`, () => someGrants(server, app, count));
    const first = await grants(size.revocations + 1, 'to end one by one');
    const parts = [await propagation(server, app, first, size)];
    parts.push(await lookUps(server, first.at(-1), size));
    await grants(Math.round(size.marked), 'to end all at once');
    parts.push(await weights(server, app, first[0], size));
    parts.push(await publishing(server, app, size));
    return parts.join('\n\n');
  } finally {
    await server.stop();
  }
}

const verifierOf = (server, options = {}) =>
  createVerifier({ issuer: server.issuer, audience: server.issuer, status: 'check', ...options });

async function someGrants(server, app, count) {
  const people = await Promise.all(Array.from({ length: Math.min(10, count) }, async () => {
    const user = await createUser(server);
    const browser = new Browser(server);
    await browser.signIn(user);
    return { user, browser };
  }));
  const tokens = [];
  await Promise.all(people.map(async ({ user, browser }, index) => {
    for (let number = index; number < count; number += people.length) tokens.push(await newGrant(server, browser, user, app, OFFLINE));
  }));
  return tokens;
}

/** From the response to a revocation to the first refusal, at verifiers that are in use all the time. */
async function propagation(server, app, grants, { revocations, verifiers, settle = TTL_SECONDS }) {
  const kept = grants.at(-1).access_token;
  const delays = [];
  const work = Array.from({ length: verifiers }, async (_, index) => {
    // Each has fetched the list at another time.
    await pause(index * 1_000 * TTL_SECONDS / verifiers);
    const verifier = verifierOf(server);
    let pending = [...grants.slice(0, revocations)];
    while (pending.length > 0) {
      await verifier.verify(kept);
      const left = [];
      for (const grant of pending) {
        if (grant.endedAt === undefined || !(await isRevoked(verifier, grant.access_token))) left.push(grant);
        else delays.push((performance.now() - grant.endedAt) / 1_000);
      }
      pending = left;
      await pause(50);
    }
  });
  const ending = step(`${revocations} revocations, seen by ${verifiers} verifiers`, `${revocations + 60} s`, async () => {
    await pause(1_000 * settle);
    for (const grant of grants.slice(0, revocations)) {
      await revoke(server, app, grant.refresh_token);
      grant.endedAt = performance.now();
      // Not synchronised with anything.
      await pause(200 + Math.random() * 1_500);
    }
    await Promise.all(work);
  });
  await Promise.all([ending, ...work]);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share) => `${sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1)} s`;
  const verdict = sorted.at(-1) <= PROMISE_SECONDS ? 'held' : 'BROKEN';
  return `From the answer to a revocation to the refusal at an offline verifier, ${sorted.length} times (${revocations} revocations, ${verifiers} verifiers):
median ${at(0.5)}, 90 % within ${at(0.9)}, 99 % within ${at(0.99)}, longest ${at(1)}; promised: ${PROMISE_SECONDS} s, ${verdict}.`;
}

async function isRevoked(verifier, token) {
  try {
    await verifier.verify(token);
    return false;
  } catch (error) {
    if (error.code === 'revoked') return true;
    throw error;
  }
}

/** The size of a list with few and with many marks, and the bytes per hour that follow from it. */
async function weights(server, app, { access_token }, { marked }) {
  const { uri } = entryOf(access_token);
  const weigh = async () => {
    const { text, headers } = await fetchList(server, uri);
    return { bytes: text.length, etag: headers.etag };
  };
  const before = await weigh();
  await step('ending them', '10 s', () => admin(server, 'DELETE', `${clientPath(app.id)}/grants`));
  await pause(11_000);
  const after = await weigh();
  const lists = Math.ceil(LIVE_GRANTS / LIST_SIZE);
  const hour = (bytes, seconds) => `${(lists * bytes * 3_600 / seconds / 1e6).toFixed(2)} MB`;
  const rows = [
    ['a list with few marks', before.bytes], [`a list with ${Math.round(marked)} marks (${(100 * marked / LIST_SIZE).toFixed(1)} %)`, after.bytes],
  ];
  return `Bytes of a status list token of ${LIST_SIZE} entries, and of ${lists} such lists (${LIVE_GRANTS} live grants) an hour: at the most, if each
changes every ${TTL_SECONDS} s and its verifier is in use all the time; and if none changes (a new signature every ${SPAN_SECONDS} s).

${table([
    ['', 'bytes', 'an hour, all changing', 'an hour, none changing'],
    ...rows.map(([name, bytes]) => [name, `${bytes}`, hour(bytes, TTL_SECONDS), hour(bytes, SPAN_SECONDS)]),
  ])}`;
}

/** Tokens checked a second, with and without the status, compared with introspection of each. */
async function lookUps(server, { access_token }, { rounds, seconds }) {
  const verifiers = [verifierOf(server, { status: undefined }), verifierOf(server),
    verifierOf(server, { status: undefined, cache: { max: 1_000 } }), verifierOf(server, { cache: { max: 1_000 } })];
  for (const verifier of verifiers) await verifier.verify(access_token);
  const again = ({ verifySync }) => (count) => {
    for (let done = 0; done < count; done += 1) verifySync(access_token);
  };
  const rates = await step('look-ups', `${Math.ceil(rounds * seconds * 8)} s`, () => race(verifiers.map(again), { rounds, seconds }));
  const asker = await registerResourceServer(server);
  const body = `${new URLSearchParams({ token: access_token })}`;
  const headers = { ...basic(asker), 'content-type': 'application/x-www-form-urlencoded' };
  const request = requestBytes({ method: 'POST', path: '/oauth/introspect', headers, body });
  const port = Number(new URL(server.url).port);
  const ask = () => load({ port, request, connections: 16, seconds });
  await ask();
  const [introspection] = await step('introspection', `${Math.ceil(rounds * seconds)} s`, () => interleave([ask], rounds, (work) => work()));
  const [plain, looked, cached, cachedLooked] = rates;
  return `Tokens (ES256) checked a second in one thread of Node, and introspected with 16 in flight. Ratios are medians of the rounds', and their range.

${table([
    ['', 'a second', 'ratio'],
    ['signature and claims', perSecond(plain), ''],
    ['and the status list', perSecond(looked), `${ratio(looked, plain)} of the line above`],
    ['a token seen before', perSecond(cached), ''],
    ['and the status list', perSecond(cachedLooked), `${ratio(cachedLooked, cached)} of the line above`],
    ['introspection', perSecond(introspection), `the status list is ${ratio(looked, introspection)} times as fast, ${ratio(cachedLooked, introspection)} for tokens seen before`],
  ])}`;
}

/** The first request for a list after it has changed, compared with one that finds it in memory. */
async function publishing(server, app, { publishings }) {
  const grants = await someGrants(server, app, publishings);
  const timed = async (uri) => {
    const started = performance.now();
    await fetchList(server, uri);
    return performance.now() - started;
  };
  const [renewed, warm] = [[], []];
  await step('publishing', `${publishings * 11} s`, async () => {
    for (const { access_token, refresh_token } of grants) {
      await revoke(server, app, refresh_token);
      await pause(10_500);
      const { uri } = entryOf(access_token);
      renewed.push(await timed(uri));
      warm.push(await timed(uri));
    }
  });
  const median = (values) => `${values.toSorted((a, b) => a - b)[values.length >> 1].toFixed(1)} ms`;
  return `A list that has changed is encoded, signed and sent in ${median(renewed)} (median of ${publishings}), one in memory is sent in ${median(warm)}.`;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
