// Grants of users, and bulk revocation.
import { usage } from '../failures.js';
import { confirmed, timeOf } from '../input.js';
import { when } from '../output.js';
import { GRANT_COLUMNS, waitFor } from './ending.js';
import { USER, userId } from './users.js';

async function* grantsOf(context, user) {
  const { session, signal } = context;
  yield* (await session.admin.listUserGrants(await userId(context, user), { signal })).grants;
}

async function revokeGrant(context, { user, grant }, options) {
  const { output, session, signal } = context;
  if ((grant === undefined) === !options.all) throw usage('name one grant, or add --all');
  const id = await userId(context, user);
  await confirmed(options, options.all ? `Revoke all grants of ${user}?` : `Revoke the grant ${grant}?`);
  if (options.all) await output.record(await session.admin.endUserGrants(id, { signal }));
  else {
    await session.admin.endUserGrant(id, grant, { signal });
    output.say(`Revoked the grant ${grant}.`);
  }
}

const WORDS = {
  user: (user) => `of the user ${user}`,
  client: (client) => `of the client ${client}`,
  resource: (resource) => `for ${resource}`,
  before: (before) => `allowed before ${when(before)}`,
};

async function revoke(context, _, options) {
  const { output, session, signal } = context;
  const { client, resource } = options;
  const conditions = {
    ...(options.user !== undefined && { user: await userId(context, options.user) }),
    ...(client !== undefined && { client }),
    ...(resource !== undefined && { resource }),
    ...(options.before !== undefined && { before: timeOf(options.before) }),
  };
  if (Object.keys(conditions).length === 0) throw usage('there is no condition', 'add one or more of --user, --client, --resource and --before');
  await confirmed(options, `Revoke all grants ${Object.entries(conditions).map(([name, value]) => WORDS[name](value)).join(' ')}?`);
  await showRevocation(context, await session.admin.startRevocation(conditions, { signal }), options);
}

/** Shows a revocation that began; with `--wait` when it is complete. */
export async function showRevocation({ output, session, signal }, revocation, { wait }) {
  const done = wait && !revocation.done ? await waitUntilDone({ output, session, signal }, revocation.id) : revocation;
  if (!done.done) output.say(`The revocation continues: edgemint revocations get ${done.id} --wait`);
  await output.record(done);
}

function waitUntilDone({ output, session, signal }, id) {
  return waitFor(output, () => session.admin.readRevocation(id, { signal }), ({ ended, accounts }) => `${ended} grants of ${accounts} accounts revoked`, signal);
}

async function show(context, { id }, { wait }) {
  const { output, session, signal } = context;
  await output.record(await (wait ? waitUntilDone(context, id) : session.admin.readRevocation(id, { signal })));
}

async function restored(context, _, options) {
  await confirmed(options, 'Revoke every signing key, all grants and all sessions, after a restore from a backup?');
  await showRevocation(context, await context.session.admin.restored({ signal: context.signal }), options);
}

export const WAIT = ['--wait', 'wait until it is complete, with counts'];

export const grants = [
  { name: 'grants list', summary: 'List the grants of a user.', arguments: [USER], run: (context, { user }) => context.output.list(grantsOf(context, user), GRANT_COLUMNS) },
  { name: 'grants revoke', summary: 'Revoke one grant of a user, or all.', arguments: [USER, ['[grant]', 'the id of the grant']], options: [['--all', 'all grants']], destroys: true, run: revokeGrant },
  {
    name: 'revoke',
    summary: 'Revoke all grants that match every condition.',
    options: [
      ['--user <user>', 'of this user, by name or id'], ['--client <id>', 'of this client'], ['--resource <uri>', 'for this resource'],
      ['--before <time>', 'allowed before this time: 2026-11-30, 7d, or seconds since 1970'], WAIT,
    ],
    examples: ['edgemint revoke --client reports --before 7d --wait'],
    destroys: true,
    run: revoke,
  },
  { name: 'revocations get', summary: 'Show the progress of a bulk revocation.', arguments: [['<id>', 'the id of the revocation']], options: [WAIT], run: show },
  { name: 'restored', summary: 'After a restore from a backup: revoke every signing key, all grants and all sessions.', options: [WAIT], destroys: true, run: restored },
];
