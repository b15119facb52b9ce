// Makes the sign-ins and the device codes of a Worker older without waiting: moves their times in the storage of the stopped Worker's
// objects into the past.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startWorker } from './harness.mjs';

/** Stops a Worker, makes all its sign-ins older by this many seconds, and restarts it. */
export async function restartLater(server, seconds) {
  await server.kill();
  let aged = 0;
  for (const name of readdirSync(server.persist, { recursive: true })) {
    if (name.endsWith('.sqlite')) aged += age(join(server.persist, name), seconds);
  }
  if (aged === 0) throw new Error('no session was found in the storage');
  return startWorker(server.settings);
}

/** Stops a Worker, makes all its device codes and the alarms of their objects older by this many seconds, and restarts it. */
export async function restartWithOlderDevices(server, seconds) {
  await server.kill();
  let aged = 0;
  for (const name of readdirSync(server.persist, { recursive: true }).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(server.persist, name));
    try {
      const change = (statement) => Number(database.prepare(statement).run().changes);
      if (hasRecords(database)) {
        const older = (member) => `json_set(state, '${member}', json_extract(state, '${member}') - ${seconds})`;
        aged += change(`UPDATE record SET ends = ends - ${seconds}, state = ${older('$.issued_at')} WHERE kind = 'device'`);
        change(`UPDATE record SET state = ${older('$.stage.device.expires')} WHERE kind = 'grant' AND json_type(state, '$.stage.device') = 'object'`);
      }
      if (name.includes('DeviceObject')) {
        const ticks = `${seconds}000000000`;
        // workerd keeps the time of an alarm in the object and in the list of its namespace.
        if (name.endsWith('metadata.sqlite')) change(`UPDATE _cf_ALARM SET scheduled_time = scheduled_time - ${ticks}`);
        else change(`UPDATE _cf_METADATA SET value = value - ${ticks} WHERE key = 1`);
      }
    } finally {
      database.close();
    }
  }
  if (aged === 0) throw new Error('no device code was found in the storage');
  return startWorker(server.settings);
}

/** Returns the records in the storage of the objects of devices. */
export function storedDevices(server) {
  const folder = join(server.persist, 'do');
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.includes('DeviceObject') && file.endsWith('.sqlite'));
  return files.flatMap((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    try {
      return hasRecords(database) ? database.prepare('SELECT state FROM record').all().map(({ state }) => JSON.parse(state)) : [];
    } finally {
      database.close();
    }
  });
}

function hasRecords(database) {
  return database.prepare("SELECT 1 FROM pragma_table_info('record') WHERE name = 'kind'").get() !== undefined;
}

function age(file, seconds) {
  const database = new DatabaseSync(file);
  try {
    if (!hasRecords(database)) return 0;
    const { changes } = database.prepare(
      "UPDATE record SET state = json_set(state, '$.sign_in.at', json_extract(state, '$.sign_in.at') - CAST(? AS INTEGER)) WHERE kind = 'session'",
    ).run(seconds);
    return Number(changes);
  } finally {
    database.close();
  }
}
