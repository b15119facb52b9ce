// Runs the tasks of the wasm module. A task is a future of Rust (`tasks.rs`): it is polled, the promises that it parks are awaited
// here, and it is resumed with their results. So a promise costs one call into wasm: no closure, no microtask of wasm-bindgen.
//
// A function of the module that throws has trapped, and has left its memory in an unknown state (errors of Rust are values). Then
// the tasks of the instance fail, and the next one gets a new instance.
import { waitUntil } from 'cloudflare:workers';
import module from 'edgemint.wasm';
import { __wbg_reset_state, initSync, poll, resume } from 'edgemint-bindings';
import { Failure, collect, waiting } from 'edgemint-host';

/** Counts the instances of the module: what belongs to an earlier one is lost. */
export let instance = 0;
let isUsable = false;

/** The error of a task whose instance has trapped. */
export class Trapped extends Error {}

/** Runs a task. `start` calls the module and returns the number of the task. Returns its result, or a promise of it. */
export function run(start) {
  if (!isUsable) instantiate();
  return follow(enter(instance, start).result, instance);
}

let hasBegun = false;

function instantiate() {
  try {
    const isFirst = !hasBegun;
    hasBegun = true;
    // Does nothing after the first time, unless that failed.
    initSync({ module });
    if (!isFirst) __wbg_reset_state();
  } catch (cause) {
    throw trapped(cause);
  }
  instance += 1;
  isUsable = true;
}

/** Logs a trap, and returns the error of the task. */
function trapped(cause) {
  console.error(JSON.stringify({ event: 'fault', reason: 'trapped', cause: String(cause).slice(0, 300) }));
  return new Trapped('this task has trapped');
}

/** Calls a function of the module. Returns its result and its requests. */
function enter(expected, call) {
  if (expected !== instance || !isUsable) throw new Trapped('the instance of this task has trapped');
  try {
    return collect(call);
  } catch (cause) {
    isUsable = false;
    for (const proceed of waiting.values()) queueMicrotask(proceed);
    waiting.clear();
    throw trapped(cause);
  }
}

/** Runs a task of an instance to its end. */
function follow(task, own) {
  let resolve;
  let reject;
  let isDone = false;
  const advance = (call) => {
    if (isDone) return undefined;
    const { result, parked, spawned } = enter(own, call);
    for (const other of spawned) waitUntil((async () => follow(other, own))());
    for (const { operation, promise, block } of parked) {
      // The platform may run a blocking task later, when the instance has been replaced.
      (promise ?? block((other) => follow(other, own))).then(
        (value) => proceed(() => resume(task, operation, true, value)),
        (cause) => proceed(() => resume(task, operation, false, cause)),
      );
    }
    if (result === undefined) return undefined;
    isDone = true;
    waiting.delete(task);
    if (result instanceof Failure) throw new Error(result.message);
    return result;
  };
  const proceed = (call) => {
    try {
      const result = advance(call);
      if (result !== undefined) resolve(result);
    } catch (error) {
      isDone = true;
      waiting.delete(task);
      reject(error);
    }
  };
  const again = () => poll(task);
  const result = advance(again);
  if (result !== undefined) return result;
  waiting.set(task, () => proceed(again));
  return new Promise((...settlers) => {
    [resolve, reject] = settlers;
  });
}
