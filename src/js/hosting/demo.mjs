// Prepares the demo under www/demo at a local authorization server: its client, and a user. The user's
// password is generated once and kept in git-ignored local state, with the identifiers of what was created.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AdminClient } from '../shim/entries/admin.js';
import { newSecret } from './secrets.mjs';
import { readIfThere } from './files.mjs';

/** The file with the password, relative to the project: beside the Worker's local state. */
export const DEMO_STATE = join('.wrangler', 'demo.json');

const USER = { username: 'demo', name: 'Demo user', email: 'demo@example.com', scope: 'openid profile email offline_access read' };
const TIMEOUT = 20;

/**
 * Creates the missing parts of the demo. `url` is the address and the issuer identifier of the server, `www` the folder with its
 * pages, `file` where the password is kept.
 * Returns `{ url, username, password }`. If the server's state or the password was deleted, both agree again
 * afterwards.
 */
export async function prepareDemo(url, rootSecret, www, file) {
  const { registration } = await import(pathToFileURL(join(www, 'demo', 'registration.js')));
  const admin = new AdminClient({ issuer: url, client: { id: 'root', secret: rootSecret }, timeout: TIMEOUT });
  const wanted = registration(url);
  // The first call shows whether the secret is right, before anything is written.
  const client = await unless('not_found', admin.readClient(wanted.client_id));
  const kept = readState(file);
  const password = kept.password ?? newSecret().slice(0, 16);
  // Stored before it is used: if a later step fails, the password is known.
  if (kept.password === undefined) writeState(file, { password, users: {} });
  const [, id] = await Promise.all([registerClient(admin, client, wanted), createUser(admin, kept.users[url], password)]);
  if (id !== kept.users[url]) writeState(file, { password, users: { ...kept.users, [url]: id } });
  return { url: `${url}/demo/`, username: USER.username, password };
}

async function registerClient(admin, client, wanted) {
  if (client === undefined) return admin.createClient(wanted);
  const differs = Object.entries(wanted).some(([name, value]) => JSON.stringify(client[name]) !== JSON.stringify(value));
  return differs ? admin.replaceClient(wanted.client_id, wanted) : undefined;
}

/** Returns the user's id. `known` is the user that has this password already, if any. */
async function createUser(admin, known, password) {
  if (known !== undefined && await unless('not_found', admin.readUser(known)) !== undefined) return known;
  const made = await unless(409, admin.createUser({ ...USER, password }));
  if (made !== undefined) return made.id;
  // A user with that name exists, but its password is lost: set the current one.
  const { users: [user] } = await admin.listUsers({ username: USER.username }).page();
  if (user === undefined) throw new Error(`the user ${USER.username} is being created by another process; try again in a minute`);
  await admin.replaceUser(user.id, { ...USER, password });
  return user.id;
}

/** The result of a call; undefined if it is refused with this code or status. */
async function unless(refusal, calling) {
  try {
    return await calling;
  } catch (error) {
    if (error.code === refusal || error.status === refusal) return undefined;
    throw error;
  }
}

function readState(file) {
  try {
    const { password, users } = JSON.parse(readIfThere(file) ?? '{}');
    if (typeof password === 'string' && password !== '') return { password, users: users ?? {} };
  } catch {
    // The file is malformed: a new password replaces it.
  }
  return { users: {} };
}

function writeState(file, state) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  // The mode above applies to new files only.
  chmodSync(file, 0o600);
}
