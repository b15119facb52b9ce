// The log lines of a running Worker, without those of workerd itself.
import { until } from './request.mjs';

/** The reasons of the faults that are logged from line `from` on. */
export function faults(server, from = 0) {
  return server.logs.slice(from).map(parse).filter((line) => line?.event === 'fault').map((line) => line.reason);
}

/** The reasons of the faults that `work` causes, once there are `count`, with the result of `work`. */
export async function withFaults(server, count, work) {
  const from = server.logs.length;
  const result = await work();
  // Log lines are not ordered with responses, and may arrive later.
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
