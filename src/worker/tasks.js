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
  if (!isUsable) {
    if (instance === 0) initSync({ module });
    else __wbg_reset_state();
    instance += 1;
    isUsable = true;
  }
  return follow(enter(instance, start).result);
}

/** Calls a function of the module. Returns its result and its requests. */
function enter(expected, call) {
  if (expected !== instance || !isUsable) throw new Trapped('the instance of this task has trapped');
  try {
    return collect(call);
  } catch (cause) {
    isUsable = false;
    console.error(JSON.stringify({ event: 'fault', reason: 'trapped', cause: String(cause).slice(0, 300) }));
    for (const proceed of waiting.values()) queueMicrotask(proceed);
    waiting.clear();
    throw new Trapped('this task has trapped');
  }
}

/** Runs a task to its end. */
function follow(task) {
  const own = instance;
  let resolve;
  let reject;
  let isDone = false;
  const advance = (call) => {
    if (isDone) return undefined;
    const { result, parked, spawned } = enter(own, call);
    for (const other of spawned) waitUntil(follow(other));
    for (const [operation, begin] of parked) {
      const settle = (isFulfilled) => (value) => proceed(() => resume(task, operation, isFulfilled, value));
      begin(follow).then(settle(true), settle(false));
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
