// Stored state of a release, for `stored-state.test.mjs`. Run as a script, it makes that of the present version:
// `npx node tests/workerd/stored-state.mjs` writes `stored-state.tar.gz` beside it. Each release does so once (CONTRIBUTING, Releasing).
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isScript, main, run } from '../../.scripts/steps.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { registerClient } from './admin.mjs';
import { decode } from './forgery.mjs';
import { OFFLINE, newGrant } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, registerPublicClient } from './people.mjs';

const FILE = join(import.meta.dirname, 'stored-state.tar.gz');
const NOTES = 'notes.json';
/** The issuer is part of each name in the store. */
const ISSUER = 'http://localhost:8787';
/** The longest that the Worker allows. */
const VARS = {
  KEY_ROTATION_DAYS: '365', ACCESS_TOKEN_TTL: '86400', REFRESH_TOKEN_TTL: '34560000', REFRESH_TOKEN_IDLE_TTL: '34560000', EVENT_RETENTION_DAYS: '400',
};

/** Makes the state and writes it to `file`: a client, a user, a grant with `offline_access`, and the keys that signed for them. */
async function makeState(file) {
  const persist = mkdtempSync(join(tmpdir(), 'edgemint-stored-'));
  try {
    const server = await startWorker({ persist, issuer: ISSUER, vars: VARS });
    const [client, app, user] = await Promise.all([
      registerClient(server, { client_name: 'Reports', scope: 'read' }), registerPublicClient(server), createUser(server),
    ]);
    const browser = new Browser(server);
    await browser.signIn(user);
    const { access_token, refresh_token } = await newGrant(server, browser, user, app, OFFLINE);
    await server.stop();
    for (const name of databases(persist)) settle(join(persist, name));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const notes = {
      version, made_at: decode(access_token).claims.iat, secrets: server.settings.secrets, client, app, user, access_token, refresh_token,
    };
    writeFileSync(join(persist, NOTES), `${JSON.stringify(notes, undefined, 2)}\n`);
    await run('tar', ['-czf', file, '-C', persist, ...readdirSync(persist).sort()]);
  } finally {
    rmSync(persist, { recursive: true, force: true });
  }
}

/**
 * Starts the present Worker on a copy of the state, as if it had been made just now: the times of its grants are moved by its age,
 * since no setting keeps a grant for more than 400 days. Returns the server and what was noted when the state was made.
 */
export async function startStored(t) {
  const persist = mkdtempSync(join(tmpdir(), 'edgemint-stored-'));
  t.after(() => rmSync(persist, { recursive: true, force: true }));
  await run('tar', ['-xzf', FILE, '-C', persist]);
  const notes = JSON.parse(readFileSync(join(persist, NOTES), 'utf8'));
  const age = Math.floor(Date.now() / 1000) - notes.made_at;
  const moved = databases(persist).filter((name) => moveGrants(join(persist, name), age));
  if (moved.length === 0) throw new Error('no grant was found in the state');
  const server = await startWorker({ persist, issuer: ISSUER, vars: VARS, secrets: notes.secrets });
  t.after(() => server.stop());
  return { server, notes, age };
}

function databases(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.sqlite'));
}

/** Writes what is in the log of a database into the database, and removes the log. */
function settle(file) {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** Moves the times of the grants in a database of an account. Returns whether it has any. */
function moveGrants(file, seconds) {
  const database = new DatabaseSync(file);
  try {
    const isAccount = database.prepare("SELECT 1 FROM pragma_table_info('record') WHERE name = 'ends'").get() !== undefined;
    if (!isAccount) return false;
    const grants = database.prepare("SELECT id, state FROM record WHERE kind = 'grant'").all();
    const update = database.prepare("UPDATE record SET state = ?, ends = ends + ? WHERE kind = 'grant' AND id = ?");
    for (const { id, state } of grants) update.run(JSON.stringify(later(JSON.parse(state), seconds)), seconds, id);
    return grants.length > 0;
  } finally {
    database.close();
  }
}

/** Returns the value with every member `…_at` later by this many seconds. */
function later(value, seconds) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((member) => later(member, seconds));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => {
    const isTime = /(^|_)at$/.test(name) && typeof member === 'number';
    return [name, isTime ? member + seconds : later(member, seconds)];
  }));
}

if (isScript(import.meta.url)) await main(() => makeState(FILE));
