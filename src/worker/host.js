// What Rust calls in JavaScript. Requests are collected until the function of the module that makes them has returned; `tasks.js`
// reads them then.

let requests = { parked: [], spawned: [] };

/** The functions that continue the tasks in progress, by their numbers. */
export const waiting = new Map();

/** Calls a function of the module. Returns its result and its requests. */
export function collect(call) {
  const outer = requests;
  requests = { result: undefined, parked: [], spawned: [] };
  try {
    requests.result = call();
    return requests;
  } finally {
    requests = outer;
  }
}

/** Settles the operation with the result of the promise. */
export function park(operation, promise) {
  requests.parked.push({ operation, promise });
}

/** Runs a task while the Durable Object receives no other event, and settles the operation when it is complete. */
export function parkBlocking(operation, state, task) {
  requests.parked.push({ operation, block: (run) => state.blockConcurrencyWhile(async () => run(task)) });
}

/** Runs a task that no response waits for. */
export function spawn(task) {
  requests.spawned.push(task);
}

/** Continues a task whose waker was called outside of it: a promise of the `worker` crate has settled. */
export function wake(task) {
  const proceed = waiting.get(task);
  if (proceed !== undefined) queueMicrotask(proceed);
}

/** An error that Rust reports. */
export class Failure {
  constructor(message) {
    this.message = message;
  }
}

/** Makes the result of a task that fails. */
export function failure(message) {
  return new Failure(message);
}

/** Sends a command to the object of this name, and returns a promise of the text that it answers. */
export async function callObject(env, binding, name, command) {
  // The host has no meaning: the binding selects the object. An RPC method costs more than this (workerd, November 2026).
  const response = await env[binding].getByName(name).fetch('https://object/', { method: 'POST', body: command });
  return response.text();
}

const GET = 'SELECT state FROM record WHERE kind = ? AND id = ?';
const PUT = 'INSERT OR REPLACE INTO record (kind, id, ends, state) VALUES (?, ?, ?, ?)';
let lastRows;

/** Reads a record of an object; `undefined` if there is none. Throws if there is no table. */
export function getRecord(sql, kind, id) {
  const cursor = sql.exec(GET, kind, id);
  const [row] = cursor.toArray();
  lastRows = cursor.rowsRead;
  return row?.state;
}

/** Writes a record of an object. `ends` is when it expires. Throws if there is no table. */
export function putRecord(sql, kind, id, ends, state) {
  lastRows = sql.exec(PUT, kind, id, ends ?? null, state).rowsWritten;
}

/** Returns how many rows the last of these read or wrote. */
export function rows() {
  return lastRows;
}

/** The headers of recent heads: most responses have one of few, and making headers costs more than copying them. */
const knownHeaders = new Map();
const KNOWN_AT_MOST = 64;

/** Makes a response. `head` has a line `Name:value` for each header. Only `Set-Cookie` may be repeated. */
export function respond(status, head, body) {
  let headers = knownHeaders.get(head);
  if (headers === undefined) {
    headers = headersOf(head);
    if (knownHeaders.size >= KNOWN_AT_MOST) knownHeaders.clear();
    if (!headers.has('Set-Cookie')) knownHeaders.set(head, headers);
  }
  return new Response(body, { status, headers });
}

function headersOf(head) {
  const headers = new Headers();
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1);
    if (name === 'Set-Cookie') headers.append(name, value);
    else headers.set(name, value);
  }
  return headers;
}
