// Audit events.
import { setTimeout as pause } from 'node:timers/promises';
import { timeOf } from '../input.js';
import { LIMIT } from '../options.js';
import { when } from '../output.js';
import { userId } from './users.js';

const FILTERS = [
  ['--event <kind>', 'events of this kind'], ['--severity <word>', 'events of this severity', ['info', 'notice', 'alert']], ['--client <id>', 'of this client'],
  ['--user <user>', 'of this user, by name or id'], ['--grant <id>', 'of this grant'], ['--kid <kid>', 'of this signing key'], ['--jti <id>', 'of this token'],
];
const COLOR = { alert: 'red', notice: 'yellow', info: 'dim' };
const ABOUT = ['client', 'user', 'grant', 'kid', 'jti', 'revocation', 'trusted_issuer', 'resource', 'exchange_rule', 'subject_jti', 'subject_client', 'actor', 'by', 'by_user'];
const COLUMNS = [
  ['time', ({ time }) => when(time).padEnd(19)],
  ['severity', ({ severity }, colors) => colors[COLOR[severity]](severity.padEnd(8))],
  ['event', ({ event }) => event.padEnd(28)],
  ['about', (event) => [event.reason, event.count !== undefined && `count=${event.count}`, ...ABOUT.filter((name) => event[name] !== undefined).map((name) => `${name}=${event[name]}`)].filter(Boolean).join(' ')],
];

async function queryOf(context, { event, severity, client, user, grant, kid, jti }) {
  return { event, severity, client, grant, kid, jti, ...(user !== undefined && { user: await userId(context, user) }) };
}

async function list(context, _, options) {
  const { output, session, signal, limit } = context;
  const query = {
    ...await queryOf(context, options),
    ...(options.since !== undefined && { since: timeOf(options.since) }),
    ...(options.until !== undefined && { until: timeOf(options.until) }),
  };
  await output.list(session.admin.listEvents(query, { signal }), COLUMNS, limit);
}

/** An event is stored some seconds after it happened, in exceptional cases later: so each query reaches back this far. */
const OVERLAP = 60;
const INTERVAL_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * New events, the oldest first, until the signal. Each query begins before the end of the last one, and what was yielded is left out: so
 * nothing is lost to a connection that was lost in between, and nothing comes twice.
 */
export async function* tail({ admin, query, since, signal, lost = () => {}, found = () => {}, interval = INTERVAL_MS, now = () => Math.floor(Date.now() / 1000) }) {
  /** How often each event was yielded, by its text and so also by its time. Two events may be alike. */
  let yielded = new Map();
  let from = since;
  for (let failures = 0; !signal.aborted;) {
    const began = now();
    let events;
    try {
      events = await all(admin.listEvents({ ...query, since: from, limit: 1000 }, { signal }));
    } catch (error) {
      if (!isTemporary(error)) throw error;
      if (failures === 0) lost(error);
      failures += 1;
      await pause(Math.min(interval * 2 ** failures, LONGEST_PAUSE_MS), undefined, { signal });
      continue;
    }
    if (failures > 0) found();
    failures = 0;
    const counts = new Map();
    for (const event of events.reverse()) {
      const text = JSON.stringify(event);
      const count = (counts.get(text) ?? 0) + 1;
      counts.set(text, count);
      if (count > (yielded.get(text) ?? 0)) yield event;
    }
    yielded = counts;
    from = Math.max(from, began - OVERLAP);
    await pause(interval, undefined, { signal });
  }
}

async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

function isTemporary({ code, status }) {
  return code === 'unreachable' || code === 'timeout' || status === 503;
}

async function follow(context, _, options) {
  const { output, session, signal } = context;
  const query = await queryOf(context, options);
  const { admin } = session;
  const since = options.since === undefined ? Math.floor(Date.now() / 1000) : timeOf(options.since);
  // Refused at once where no events are stored.
  await admin.listEvents({ since, limit: 1 }, { signal }).page();
  output.say('following the events; end with Ctrl-C');
  await output.list(tail({
    admin, query, since, signal,
    lost: (error) => output.warn(`the connection is lost: ${error.message}; trying again`),
    found: () => output.say('connected again; nothing was missed'),
  }), COLUMNS, { limit: Infinity, isLive: true });
}

export const events = [
  {
    name: 'events list',
    summary: 'List audit events, the newest first.',
    options: [['--since <time>', 'from this time on, such as 1h, 7d or 2026-11-30'], ['--until <time>', 'before this time'], ...FILTERS, LIMIT],
    examples: ['edgemint events list --severity alert --since 7d'],
    run: list,
  },
  {
    name: 'events tail',
    summary: 'Follow the audit events, the oldest first.',
    options: [['--since <time>', 'begin at this time; now by default'], ...FILTERS],
    run: follow,
  },
];
