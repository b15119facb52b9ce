// Lets the sign-ins of a Worker grow old without waiting: turns back their times in the storage of its account objects,
// while it is not running.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startWorker } from './harness.mjs';

/** Stops a Worker, makes all sign-ins of its sessions older by so many seconds, and starts it again. */
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
