// Makes the sign-ins of a Worker older without waiting: moves their times in the storage of the stopped Worker's account objects
// into the past.
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

function age(file, seconds) {
  const database = new DatabaseSync(file);
  try {
    const isThere = database.prepare("SELECT 1 FROM pragma_table_info('record') WHERE name = 'kind'").get();
    if (isThere === undefined) return 0;
    const { changes } = database.prepare(
      "UPDATE record SET state = json_set(state, '$.sign_in.at', json_extract(state, '$.sign_in.at') - CAST(? AS INTEGER)) WHERE kind = 'session'",
    ).run(seconds);
    return Number(changes);
  } finally {
    database.close();
  }
}
