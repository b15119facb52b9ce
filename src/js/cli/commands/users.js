// Users, their sessions and passkeys.
import { refused, usage } from '../failures.js';
import { confirmed, secretOf } from '../input.js';
import { LIMIT } from '../options.js';

export const USER = ['<user>', 'the user name, or the id'];
const ID_FORM = /^[\w-]{22}$/;

/** The id of a user that is named by id or by user name. */
export async function userId({ session, signal }, text) {
  const { admin } = session;
  const { users: [named] } = await admin.listUsers({ username: text }, { signal }).page();
  if (named !== undefined) return named.id;
  // The server refuses an id that does not exist.
  if (ID_FORM.test(text)) return text;
  throw refused(`there is no user ${text}`, 'edgemint users list');
}

const DESCRIPTION = [
  ['--name <text>', 'the display name'],
  ['--email <address>', 'the e-mail address'],
  ['--email-verified', 'the e-mail address is verified'],
  ['--groups <names>', 'the groups, separated by commas'],
  ['--scope <values>', 'the scope that the user may grant to clients, separated by spaces'],
  ['--upstream-sub <sub>', 'the subject at the upstream provider who signs in to the account'],
  ['--upstream-issuer <url>', 'the issuer of that subject'],
];
const PASSWORD = [['--password-stdin', 'read the password from standard input'], ['--password-file <file>', 'read the password from a file']];

function described({ name, email, emailVerified, groups, scope, upstreamSub: sub, upstreamIssuer: issuer }) {
  if ((sub === undefined) !== (issuer === undefined)) throw usage('--upstream-sub and --upstream-issuer belong together');
  return {
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email }),
    ...(emailVerified && { email_verified: true }),
    ...(groups !== undefined && { groups: groups === '' ? null : groups.split(',').map((group) => group.trim()) }),
    ...(scope !== undefined && { scope }),
    ...(sub !== undefined && { upstream: { issuer, sub } }),
  };
}

async function create({ output, session, signal }, { username }, options) {
  const description = described(options);
  // A user of the upstream provider needs no password.
  const password = await secretOf(options, 'password', { isOptional: description.upstream !== undefined });
  await output.record(await session.admin.createUser({ username, ...(password !== undefined && { password }), ...description }, { signal }));
}

/** Replaces a user by the stored one with these changes. */
async function change(context, user, changes) {
  const { session, signal } = context;
  const { admin } = session;
  const id = await userId(context, user);
  const { username, name, email, email_verified, upstream } = await admin.readUser(id, { signal });
  // A name that the provider gave is shown with the provider's host, and is kept without being sent.
  const isOwn = upstream === undefined || !username.includes(':');
  return admin.replaceUser(id, { ...(isOwn && { username }), name, email, email_verified, ...changes }, { signal });
}

async function update(context, { user }, options) {
  const changes = { ...described(options), ...(options.newUsername !== undefined && { username: options.newUsername }) };
  if (Object.keys(changes).length === 0) throw usage('there is nothing to change');
  await context.output.record(await change(context, user, changes));
}

async function setPassword(context, { user }, options) {
  const password = await secretOf(options, 'password', { label: 'new password' });
  await confirmed(options, `A new password ends all sessions of ${user}. Set it?`);
  await context.output.record(await change(context, user, { password, ...(options.endGrants && { end_grants: true }) }));
}

async function disable(context, { user }, options) {
  await confirmed(options, `Disable ${user} and end all sessions?`);
  await context.output.record(await change(context, user, { enabled: false }));
}

async function remove(context, { user }, options) {
  const { output, session, signal } = context;
  const id = await userId(context, user);
  await confirmed(options, `Remove the user ${user} with sessions, grants and passkeys?`);
  await session.admin.removeUser(id, { signal });
  output.say(`Removed the user ${user}.`);
}

async function* passkeysOf(context, user) {
  const { session, signal } = context;
  yield* (await session.admin.listPasskeys(await userId(context, user), { signal })).passkeys;
}

async function removePasskeys(context, { user, passkey }, options) {
  const { output, session, signal } = context;
  const id = await userId(context, user);
  if ((passkey === undefined) === !options.all) throw usage('name one passkey, or add --all');
  await confirmed(options, `Remove ${options.all ? 'all passkeys' : 'the passkey'} of ${user} and end the sessions that it opened?`);
  await output.record(await (options.all ? session.admin.removePasskeys(id, { signal }) : session.admin.removePasskey(id, passkey, { signal })));
}

async function* sessionsOf(context, user) {
  const { session, signal } = context;
  yield* (await session.admin.listSessions(await userId(context, user), { signal })).sessions;
}

async function endSessions(context, { user }, options) {
  const { output, session, signal } = context;
  const id = await userId(context, user);
  await confirmed(options, `End all sessions of ${user}?`);
  await output.record(await session.admin.endSessions(id, { signal }));
}

export const users = [
  {
    name: 'users list',
    summary: 'List the users.',
    options: [['--username <name>', 'the user of this name alone'], LIMIT],
    run: ({ output, session, signal, limit }, _, { username }) => output.list(session.admin.listUsers({ username }, { signal }),
      ['id', 'username', 'name', 'email', ['enabled', ({ enabled }, colors) => (enabled ? 'yes' : colors.red('no'))], 'created_at'], limit),
  },
  { name: 'users get', summary: 'Show a user.', arguments: [USER], run: async (context, { user }) => context.output.record(await context.session.admin.readUser(await userId(context, user), { signal: context.signal })) },
  {
    name: 'users create',
    summary: 'Create a user.',
    arguments: [['<username>', 'the user name']],
    options: [...DESCRIPTION, ...PASSWORD],
    examples: ['edgemint users create ada --email ada@example.com --scope "openid profile read" --password-file password.txt'],
    run: create,
  },
  { name: 'users update', summary: 'Change a user; what is not given stays.', arguments: [USER], options: [['--new-username <name>', 'another user name'], ...DESCRIPTION], run: update },
  { name: 'users set-password', summary: 'Set a new password and end all sessions.', arguments: [USER], options: [...PASSWORD, ['--end-grants', 'revoke all grants, too']], destroys: true, run: setPassword },
  { name: 'users enable', summary: 'Enable a user that is disabled.', arguments: [USER], run: async (context, { user }) => context.output.record(await change(context, user, { enabled: true })) },
  { name: 'users disable', summary: 'Disable a user and end all sessions.', arguments: [USER], destroys: true, run: disable },
  { name: 'users delete', summary: 'Remove a user with sessions, grants and passkeys.', arguments: [USER], destroys: true, run: remove },
  { name: 'users passkeys', summary: 'List the passkeys of a user.', arguments: [USER], run: (context, { user }) => context.output.list(passkeysOf(context, user), ['id', 'name', 'created_at', 'last_used', 'aaguid']) },
  { name: 'users remove-passkeys', summary: 'Remove one passkey of a user, or all.', arguments: [USER, ['[passkey]', 'the id of the passkey']], options: [['--all', 'all passkeys']], destroys: true, run: removePasskeys },
  { name: 'sessions list', summary: 'List the sessions of a user.', arguments: [USER], run: (context, { user }) => context.output.list(sessionsOf(context, user), ['id', 'browser', 'opened_at', 'seen_at', 'ends_at', 'amr']) },
  { name: 'sessions end', summary: 'End all sessions of a user, and the grants that end with them.', arguments: [USER], destroys: true, run: endSessions },
];
