// How much of the processor a process has used: Linux says so, to the nanosecond, for each of its threads.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** User and system time of all threads of a process until now, microseconds. */
export function processorTime(pid) {
  const tasks = join('/proc', `${pid}`, 'task');
  const times = readdirSync(tasks).map((task) => Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]));
  return times.reduce((sum, time) => sum + time, 0) / 1000;
}

/** What `work` cost the process, microseconds for each of so many times. */
export async function processorTimeOf(pid, count, work) {
  const before = processorTime(pid);
  await work();
  return (processorTime(pid) - before) / count;
}
