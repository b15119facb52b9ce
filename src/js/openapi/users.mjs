// Users, their sessions, grants and passkeys: `/admin/users`.
import { CURSOR, NOTHING, count, flag, inPath, inQuery, list, object, operation, orNull, page, reply, schema, text, texts, time } from './parts.mjs';

const TAG = 'Users';
const ID = inPath('id', 'The id of the user, which is the `sub` of its tokens.');

/** Members of a request. */
const DESCRIPTION = {
  username: text('The user name: 1 to 128 ASCII letters, digits and `._@+-`. Required, unless the user has `upstream`.', { maxLength: 128 }),
  password: text('A new password. On replacing, it ends all sessions.'),
  name: text('The display name.', { maxLength: 100 }),
  email: text('The e-mail address.', { maxLength: 254 }),
  email_verified: flag('Whether the e-mail address is verified.'),
  groups: orNull(texts('The groups, of 1 to 100 characters each. `null` clears them.', { maxItems: 100 })),
  scope: orNull(text('The scope that the user may grant to clients. `null` clears it.')),
  upstream: { anyOf: [schema('UpstreamUser'), { type: 'null' }], description: 'The user of the upstream provider. `null` clears it.' },
  enabled: flag('Whether the user is enabled.'),
};

/** Members of a response. */
const RECORD = {
  id: text('The id, which is the `sub` of its tokens.'),
  username: text('The user name; with the host of its provider for a user whose name is from there.'),
  upstream: schema('UpstreamUser'),
  name: text('The display name.'),
  email: text('The e-mail address.'),
  email_verified: flag('Whether the e-mail address is verified.'),
  groups: texts('The groups. Absent if there are none.'),
  scope: text('The scope that the user may grant to clients. Absent: everything but `edgemint:admin`.'),
  created_at: time('When the account was created.'),
  updated_at: time('When the profile was last changed.'),
  enabled: flag('Whether the user is enabled.'),
};
const ALWAYS = ['id', 'username', 'email_verified', 'created_at', 'updated_at', 'enabled'];

export const users = {
  schemas: {
    UserDescription: object('A user, as an operator describes it. Unknown members are ignored; `null` counts as omitted, except where it clears a member.', DESCRIPTION),
    UserReplacement: object('A user, as an operator replaces it. `password`, `groups`, `scope`, `upstream` and `enabled` are kept unless the body has them.', {
      ...DESCRIPTION,
      end_grants: flag('Whether all grants of the user are revoked as well.'),
    }),
    UpstreamUser: object('The user of the upstream provider who signs in to the account.', {
      issuer: text('The issuer identifier of the provider.', { minLength: 1, maxLength: 255 }),
      sub: text('The subject at the provider.', { minLength: 1, maxLength: 255 }),
    }, ['issuer', 'sub']),
    User: object('A user. Never with the password.', RECORD, ALWAYS),
    ReplacedUser: object('A user that was replaced.', {
      ...RECORD,
      sessions_ended: count('How many sessions a new password ended.'),
      grants_ended: count('How many grants `end_grants` revoked.'),
    }, ALWAYS),
    UserPage: page('A page of users.', 'users', schema('User')),
    Sessions: object('The sessions of a user.', { sessions: list(schema('Session'), 'The sessions.') }, ['sessions']),
    Session: object('A session in a browser.', {
      id: text('The identifier.'),
      browser: text('What the browser calls itself.'),
      opened_at: time('When it began.'),
      seen_at: time('When it was last used.'),
      ends_at: time('When it expires.'),
      amr: texts('The methods of the sign-in (RFC 8176).'),
    }, ['id', 'browser', 'opened_at', 'seen_at', 'ends_at', 'amr']),
    Grants: object('The grants of a user.', { grants: list(schema('Grant'), 'The grants.') }, ['grants']),
    Ended: object('How many items were ended.', { ended: count('The number.') }, ['ended']),
    Passkeys: object('The passkeys of a user.', { passkeys: list(schema('Passkey'), 'The oldest first.') }, ['passkeys']),
    Passkey: object('A passkey.', {
      id: text('The identifier of the credential.'),
      name: text('The name that its user gave it.'),
      created_at: time('When it was added.'),
      last_used: { type: ['integer', 'null'], minimum: 0, description: 'When it was last used. Seconds since 1970.' },
      backup_eligible: flag('Whether it may be synced.'),
      backed_up: flag('Whether it is synced.'),
      aaguid: text("The authenticator's model, as it claims: a UUID."),
    }, ['id', 'name', 'created_at', 'backup_eligible', 'backed_up', 'aaguid']),
    RemovedPasskeys: object('How many passkeys were removed.', {
      removed: count('The number of removed passkeys.'),
      sessions_ended: count('The number of sessions that they had opened, and that were ended.'),
    }, ['removed', 'sessions_ended']),
  },
  paths: {
    '/admin/users': {
      get: operation('listUsers', TAG, 'Lists the users, 50 a page, or the one of a name.', {
        parameters: [CURSOR, inQuery('username', 'Returns the user of this name alone, if there is one.')], replies: { 200: reply('A page of users.', schema('UserPage')) },
      }),
      post: operation('createUser', TAG, 'Creates a user.', {
        body: schema('UserDescription'), replies: { 201: reply('The user.', schema('User'), { at: true }) }, refusals: [409],
      }),
    },
    '/admin/users/{id}': {
      parameters: [ID],
      get: operation('readUser', TAG, 'Returns a user.', { replies: { 200: reply('The user.', schema('User')) }, refusals: [404] }),
      put: operation('replaceUser', TAG, 'Replaces a user.', {
        body: schema('UserReplacement'), replies: { 200: reply('The user, with the numbers of what was ended.', schema('ReplacedUser')) }, refusals: [404, 409],
      }),
      delete: operation('removeUser', TAG, 'Removes a user. Sessions, grants and tokens are inactive at once.', { replies: { 204: NOTHING }, refusals: [404] }),
    },
    '/admin/users/{id}/sessions': {
      parameters: [ID],
      get: operation('listSessions', TAG, 'Lists the sessions of a user.', { replies: { 200: reply('The sessions.', schema('Sessions')) }, refusals: [404] }),
      delete: operation('endSessions', TAG, 'Ends all sessions of a user, and the grants that end with them.', { replies: { 200: reply('The number of sessions.', schema('Ended')) }, refusals: [404] }),
    },
    '/admin/users/{id}/grants': {
      parameters: [ID],
      get: operation('listUserGrants', TAG, 'Lists the grants of a user.', { replies: { 200: reply('The grants.', schema('Grants')) }, refusals: [404] }),
      delete: operation('endUserGrants', TAG, 'Revokes all grants of a user.', { replies: { 200: reply('The number of grants.', schema('Ended')) }, refusals: [404] }),
    },
    '/admin/users/{id}/grants/{grant}': {
      parameters: [ID, inPath('grant', 'The id of the grant.')],
      delete: operation('endUserGrant', TAG, 'Revokes one grant.', { replies: { 204: NOTHING }, refusals: [404] }),
    },
    '/admin/users/{id}/passkeys': {
      parameters: [ID],
      get: operation('listPasskeys', TAG, 'Lists the passkeys of a user.', { replies: { 200: reply('The passkeys.', schema('Passkeys')) }, refusals: [404] }),
      delete: operation('removePasskeys', TAG, 'Removes all passkeys of a user and ends the sessions that they opened.', {
        replies: { 200: reply('The numbers.', schema('RemovedPasskeys')) }, refusals: [404],
      }),
    },
    '/admin/users/{id}/passkeys/{passkey}': {
      parameters: [ID, inPath('passkey', 'The identifier of the passkey.')],
      delete: operation('removePasskey', TAG, 'Removes one passkey, even if it is the last way to sign in.', {
        replies: { 200: reply('The numbers.', schema('RemovedPasskeys')) }, refusals: [404],
      }),
    },
  },
};
