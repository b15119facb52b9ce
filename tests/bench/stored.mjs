// The bytes of a state of Durable Objects: reads the SQLite files of a stopped workerd.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The accounts in a state: `{ grants, bytes, rows }` of each, `bytes` those of the file and `rows` all its records. */
export function storedAccounts(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => /AccountObject.*\.sqlite$/.test(name));
  return files.map((name) => accountIn(join(folder, name))).filter((account) => account !== undefined);
}

/** What one grant adds to an account's file: from an account with few grants to one with many. */
export function bytesOfGrant(accounts, many) {
  const [large, ...others] = accounts.filter(({ grants }) => grants === many);
  const small = accounts.find(({ grants }) => grants === 1);
  assert.ok(large && small && others.length === 0, `one account with ${many} grants and some with one`);
  return { account: small.bytes, grant: (large.bytes - small.bytes) / (many - 1), rows: large.rows - many };
}

function accountIn(file) {
  const database = new DatabaseSync(file);
  try {
    const [table] = database.prepare("SELECT count(*) AS there FROM sqlite_master WHERE name = 'record'").all();
    if (table.there === 0) return undefined;
    const kinds = new Map(database.prepare('SELECT kind, count(*) AS count FROM record GROUP BY kind').all()
      .map(({ kind, count }) => [kind, count]));
    if (!kinds.has('account')) return undefined;
    const [{ page_count }] = database.prepare('PRAGMA page_count').all();
    const [{ page_size }] = database.prepare('PRAGMA page_size').all();
    const rows = [...kinds.values()].reduce((sum, count) => sum + count, 0);
    return { grants: kinds.get('grant') ?? 0, bytes: page_count * page_size, rows };
  } finally {
    database.close();
  }
}
