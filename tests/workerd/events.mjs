// The events that a running Worker leaves: in its log, and in the store that operators ask.
import assert from 'node:assert/strict';
import { token } from './harness.mjs';
import { bearer, send, until } from './request.mjs';

const doors = new WeakMap();

/** Asks for events as root, with one token for all questions, so that asking leaves none. */
export async function askForEvents(server, query = {}) {
  if (!doors.has(server)) doors.set(server, (await token(server)).access_token);
  return send(server, `/admin/events?${new URLSearchParams(query)}`, { headers: bearer(doors.get(server)) });
}

/** All events of the store that a question finds, the oldest first. */
export async function storedEvents(server, query) {
  return (await storedPages(server, query)).events;
}

/** The same, with how many events each page had. */
export async function storedPages(server, query = {}) {
  const [events, pages] = [[], []];
  // Not further back than any test: each hour that is asked costs a call.
  for (let page = { since: Math.floor(Date.now() / 1000) - 3600, ...query }; page;) {
    const { status, text, json } = await askForEvents(server, page);
    if (status !== 200) throw new Error(`no events: ${status} ${text}`);
    events.push(...json.events);
    pages.push(json.events.length);
    page = json.cursor === undefined ? undefined : { ...page, cursor: json.cursor };
    assert.ok(pages.length < 10_000, 'the pages come to an end');
  }
  return { events: events.reverse(), pages };
}

/** The events in the log from this line on. */
export function loggedEvents(server, from = 0) {
  return server.logs.slice(from).map(parse).filter((line) => line?.severity !== undefined);
}

/**
 * The events that some work leaves, in their order: waits until there are `count` in the log, and all of them in the
 * store. Tokens that root gets for itself are left out, and the time of each, once it has been looked at.
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

/** An event as a text that does not depend on the order of its members. */
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
