// What a running Worker has logged of its own accord; workerd's own complaints are left out.
import { until } from './request.mjs';

/** The reasons of the faults that are logged from line `from` on. */
export function faults(server, from = 0) {
  return server.logs.slice(from).map(parse).filter((line) => line?.event === 'fault').map((line) => line.reason);
}

/** The reasons of the faults that `work` has logged, once there are `count`; gives them with what `work` gave. */
export async function withFaults(server, count, work) {
  const from = server.logs.length;
  const result = await work();
  // The line takes another way than the answer, and may come later.
  await until(() => faults(server, from).length >= count, `${count} faults in the log`);
  return [result, faults(server, from)];
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
