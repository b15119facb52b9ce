// The Worker: its handlers and its Durable Objects, over the wasm module.
import { DurableObject } from 'cloudflare:workers';
import { openObject, scheduled, serve } from 'edgemint-bindings';
import { Trapped, instance, run } from './tasks.js';

/** Stands for a header that the request does not have. */
const ABSENT = '\0';
/** A body of at most this many bytes is read before the module is called. */
const READ_AT_ONCE = 65_536;
const FORM = 'application/x-www-form-urlencoded';

export default {
  async fetch(request, env) {
    const { headers } = request;
    const length = headers.get('Content-Length');
    const type = headers.get('Content-Type') ?? ABSENT;
    // One text, since each costs an allocation in the module. No header value contains a NUL.
    const head = [request.method, request.url, headers.get('Authorization') ?? ABSENT, type, length ?? ABSENT];
    try {
      let body;
      if (length > 0 && length <= READ_AT_ONCE) {
        if (type.startsWith(FORM)) head.push(...await formOf(request));
        else body = await bytesOf(request);
      }
      const lines = head.join('\n');
      return await run(() => serve(request, env, lines, body));
    } catch (error) {
      if (error instanceof Trapped) return unavailable();
      throw error;
    }
  },

  async scheduled(_event, env) {
    await run(() => scheduled(env));
  },
};

/**
 * Reads a form as text, which is faster than bytes; nothing if it is truncated or not UTF-8, which the module finds too when it
 * reads it. A form has its other characters encoded, U+FFFD too: where that appears, it replaces bytes that are not UTF-8.
 */
async function formOf(request) {
  try {
    const text = await request.text();
    return text.includes('\ufffd') ? [] : [text.slice(0, READ_AT_ONCE + 1)];
  } catch {
    return [];
  }
}

/**
 * Reads a body, of one that is longer than it announces (only a caller through a service binding can send that) one byte too
 * many; `undefined` if it is truncated, which the module finds too when it reads it.
 */
async function bytesOf(request) {
  try {
    const body = await request.arrayBuffer();
    return new Uint8Array(body, 0, Math.min(body.byteLength, READ_AT_ONCE + 1));
  } catch {
    return undefined;
  }
}

/** The response of a request whose task has trapped; the same as that of other faults (`report.rs`). */
function unavailable() {
  const body = {
    error: 'temporarily_unavailable',
    error_description: 'The authorization server cannot answer now. Try again later.',
  };
  return Response.json(body, {
    status: 503,
    headers: { 'Cache-Control': 'no-store', 'Retry-After': '5', 'X-Content-Type-Options': 'nosniff' },
  });
}

// Not a string: every string names a method that a stub can call.
const INNER = Symbol('inner');

/** The class of a Durable Object that the module implements under this name. */
function hosted(name) {
  return class extends DurableObject {
    #object;
    #instance = 0;

    async fetch(request) {
      const command = await request.text();
      return new Response(await run(() => this[INNER].answer(command)));
    }

    /** The object in the current instance of the module. */
    get [INNER]() {
      if (this.#instance !== instance) {
        this.#object = openObject(name, this.ctx, this.env);
        this.#instance = instance;
      }
      return this.#object;
    }
  };
}

/** The same, with an alarm. */
function hostedWithAlarm(name) {
  return class extends hosted(name) {
    async alarm() {
      await run(() => this[INNER].alarm());
    }
  };
}

export const AccountObject = hostedWithAlarm('AccountObject');
export const CatalogueObject = hostedWithAlarm('CatalogueObject');
export const DeviceObject = hostedWithAlarm('DeviceObject');
export const EventsObject = hostedWithAlarm('EventsObject');
export const IdentifierObject = hostedWithAlarm('IdentifierObject');
export const KeyringObject = hostedWithAlarm('KeyringObject');
export const MaintenanceObject = hostedWithAlarm('MaintenanceObject');
export const RegistryObject = hostedWithAlarm('RegistryObject');
export const StatusDirectoryObject = hosted('StatusDirectoryObject');
export const StatusListObject = hostedWithAlarm('StatusListObject');
