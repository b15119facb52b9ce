// Prepares the demo under www/demo at a local authorization server: its client, and a user. The user's
// password is generated once and kept in git-ignored local state, with the identifiers of what was created.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { newSecret } from './secrets.mjs';
import { readIfThere } from './files.mjs';

/** The file with the password, relative to the project: beside the Worker's local state. */
export const DEMO_STATE = join('.wrangler', 'demo.json');

const USER = { username: 'demo', name: 'Demo user', email: 'demo@example.com', scope: 'openid profile email offline_access read' };
const TIMEOUT_MS = 20_000;

/**
 * Creates the missing parts of the demo. `url` is the address and the issuer identifier of the server, `www` the folder with its
 * pages, `file` where the password is kept.
 * Returns `{ url, username, password }`. If the server's state or the password was deleted, both agree again
 * afterwards.
 */
export async function prepareDemo(url, rootSecret, www, file) {
  const { registration } = await import(pathToFileURL(join(www, 'demo', 'registration.js')));
  const admin = await administrator(url, rootSecret);
  const kept = readState(file);
  const password = kept.password ?? newSecret().slice(0, 16);
  // Stored before it is used: if a later step fails, the password is known.
  if (kept.password === undefined) writeState(file, { password, users: {} });
  const [, id] = await Promise.all([registerClient(admin, registration(url)), createUser(admin, kept.users[url], password)]);
  if (id !== kept.users[url]) writeState(file, { password, users: { ...kept.users, [url]: id } });
  return { url: `${url}/demo/`, username: USER.username, password };
}

async function registerClient(admin, wanted) {
  const path = `/admin/clients/${wanted.client_id}`;
  const { status, body } = await admin('GET', path, undefined, [200, 404]);
  if (status === 404) return admin('POST', '/admin/clients', wanted, [201]);
  const differs = Object.entries(wanted).some(([name, value]) => JSON.stringify(body[name]) !== JSON.stringify(value));
  return differs ? admin('PUT', path, wanted, [200]) : undefined;
}

/** Returns the user's id. `known` is the user that has this password already, if any. */
async function createUser(admin, known, password) {
  if (known !== undefined) {
    const { status } = await admin('GET', `/admin/users/${known}`, undefined, [200, 404]);
    if (status === 200) return known;
  }
  const made = await admin('POST', '/admin/users', { ...USER, password }, [201, 409]);
  if (made.status === 201) return made.body.id;
  // A user with that name exists, but its password is lost: set the current one.
  const { body: { users: [user] } } = await admin('GET', `/admin/users?username=${USER.username}`, undefined, [200]);
  if (user === undefined) throw new Error(`the user ${USER.username} is being created by another process; try again in a minute`);
  await admin('PUT', `/admin/users/${user.id}`, { ...USER, password }, [200]);
  return user.id;
}

/** Returns a function that calls the admin API as the client root. A status other than the expected ones is an error. */
async function administrator(url, rootSecret) {
  const { body: { access_token: token } } = await call(`${url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`root:${rootSecret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  }, [200]);
  return (method, path, value, expected) => call(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(value && { 'content-type': 'application/json' }) },
    body: value && JSON.stringify(value),
  }, expected);
}

async function call(url, init, expected) {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  const what = `${init.method} ${new URL(url).pathname}: ${response.status}`;
  if (!expected.includes(response.status)) throw new Error(`${what} ${text}`);
  if (text === '') return { status: response.status };
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    throw new Error(`${what}, and no JSON`);
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
