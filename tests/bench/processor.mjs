// The processor time of a process: Linux reports it, in nanoseconds, for each of its threads.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** User and system time of all threads of a process so far, in microseconds. */
export function processorTime(pid) {
  const tasks = join('/proc', `${pid}`, 'task');
  const times = readdirSync(tasks).map((task) => Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]));
  return times.reduce((sum, time) => sum + time, 0) / 1000;
}

/** The cost of `work` for the process, in microseconds for each of this many repetitions. */
export async function processorTimeOf(pid, count, work) {
  const before = processorTime(pid);
  await work();
  return (processorTime(pid) - before) / count;
}
