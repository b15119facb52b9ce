// Bulk revocation: `/admin/revocations`, `/admin/restored`.
import { count, flag, inPath, object, operation, reply, schema, text, time } from './parts.mjs';

const TAG = 'Revocation';
const CONDITIONS = {
  user: text('Only grants of this user, by its id.'),
  client: text('Only grants and tokens of this client.'),
  resource: text('Only grants for this resource.'),
  before: time('Only what was allowed before this time, which is not in the future.'),
};

export const revocations = {
  schemas: {
    RevocationRequest: object('What to revoke. One or more members are given, and all of them must match. Unknown members are refused.', CONDITIONS, [], { additionalProperties: false, minProperties: 1 }),
    Revocation: object('The progress of a bulk revocation.', {
      id: text('The identifier.'),
      ended: count('How many grants were revoked.'),
      accounts: count('How many accounts were visited, each once for each client.'),
      unanswered: count('How many accounts did not respond yet, and are retried.'),
      done: flag('Whether it is complete.'),
      ...CONDITIONS,
      removed: flag('Whether it follows the removal of the resource. Absent for others.'),
      started_at: time('When it began.'),
      finished_at: time('When it was complete.'),
    }, ['id', 'ended', 'accounts', 'unanswered', 'done', 'started_at']),
  },
  paths: {
    '/admin/revocations': {
      post: operation('startRevocation', TAG, 'Revokes all grants that match. A large revocation continues in the background.', {
        body: schema('RevocationRequest'),
        replies: { 200: reply('The revocation is complete.', schema('Revocation'), { at: true }), 202: reply('The revocation continues.', schema('Revocation'), { at: true }) },
        refusals: [404],
      }),
    },
    '/admin/revocations/{id}': {
      parameters: [inPath('id', 'The identifier of the revocation.')],
      get: operation('readRevocation', TAG, 'Returns the progress of a revocation, for 30 days.', { replies: { 200: reply('The progress.', schema('Revocation')) }, refusals: [404] }),
    },
    '/admin/restored': {
      post: operation('restored', TAG, 'After a restore from a backup: revokes every signing key, all grants and all sessions.', {
        replies: { 200: reply('The revocation is complete.', schema('Revocation'), { at: true }), 202: reply('The revocation continues.', schema('Revocation'), { at: true }) },
      }),
    },
  },
};
