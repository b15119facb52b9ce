// The events of a running Worker: in its log, and in the store that operators query.
import assert from 'node:assert/strict';
import { token } from './harness.mjs';
import { bearer, send, until } from './request.mjs';

const doors = new WeakMap();

/** Queries events as root, with one token for all queries, so that the queries cause no events. */
export async function askForEvents(server, query = {}) {
  if (!doors.has(server)) doors.set(server, (await token(server)).access_token);
  return send(server, `/admin/events?${new URLSearchParams(query)}`, { headers: bearer(doors.get(server)) });
}

/** All stored events that a query matches, the oldest first. */
export async function storedEvents(server, query) {
  return (await storedPages(server, query)).events;
}

/** The same, with the number of events per page. */
export async function storedPages(server, query = {}) {
  const [events, pages] = [[], []];
  // No further back than any test: each hour of the range costs a call.
  for (let page = { since: Math.floor(Date.now() / 1000) - 3600, ...query }; page;) {
    const { status, text, json } = await askForEvents(server, page);
    if (status !== 200) throw new Error(`no events: ${status} ${text}`);
    events.push(...json.events);
    pages.push(json.events.length);
    page = json.cursor === undefined ? undefined : { ...page, cursor: json.cursor };
    assert.ok(pages.length < 10_000, 'the number of pages is bounded');
  }
  return { events: events.reverse(), pages };
}

/** The events in the log from this line on. */
export function loggedEvents(server, from = 0) {
  return server.logs.slice(from).map(parse).filter((line) => line?.severity !== undefined);
}

/**
 * The events that some work causes, in order: waits until `count` are in the log, and all of them in the store. Tokens that
 * root gets for itself are left out, and so is the time of each, once it has been checked.
 */
export async function left(server, count, work) {
  const from = server.logs.length;
  const before = Math.floor(Date.now() / 1000);
  await work();
  const seen = () => loggedEvents(server, from).filter(notOfRoot);
  await until(() => seen().length >= count, `${count} events in the log`, 60).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(seen(), null, 1)}`);
  });
  const events = seen();
  await until(async () => {
    const stored = (await storedEvents(server)).map((event) => sorted(event));
    return events.every((event) => stored.includes(sorted(event)));
  }, `in the store: ${JSON.stringify(events)}`, 60);
  for (const { time } of events) assert.ok(time >= before - 1 && time <= Date.now() / 1000 + 1, `${time}`);
  return events.map(({ time, ...event }) => event);
}

function notOfRoot({ event, client }) {
  return event !== 'token_issued' || client !== 'root';
}

/** An event as text, independent of the order of its members. */
export function sorted(event) {
  return JSON.stringify(Object.entries(event).sort());
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
