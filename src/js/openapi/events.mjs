// Audit events: `/admin/events`.
import { CURSOR, count, inQuery, object, operation, page, reply, schema, text, time, word } from './parts.mjs';

/** The kinds, in the order of `src/oauth/vocabulary/event_kind.rs`; a test compares them. */
export const EVENT_KINDS = [
  'admin_refused', 'bulk_revocation_started', 'bulk_revoked', 'client_authentication_failed', 'client_disabled', 'client_enabled',
  'client_registered', 'client_removed', 'client_replaced', 'client_tokens_ended', 'code_issued', 'code_reused', 'code_spent',
  'consent_denied', 'consent_given', 'consent_withdrawn', 'device_code_issued', 'events_dropped', 'exchange_rule_created',
  'exchange_rule_removed', 'exchange_rule_replaced', 'grant_ended', 'grants_ended', 'key_created', 'key_imported', 'key_revoked',
  'keys_rotated', 'passkey_added', 'passkey_counter', 'passkey_counter_restarted', 'passkey_removed', 'password_changed',
  'password_reset', 'records_resealed', 'refresh_repeated', 'refresh_reused', 'refused', 'reseal_started', 'resource_created',
  'resource_removed', 'resource_replaced', 'restored', 'sessions_ended', 'sign_in', 'sign_in_failed', 'sign_in_throttled', 'sign_out',
  'token_issued', 'token_revoked', 'trusted_issuer_created', 'trusted_issuer_removed', 'trusted_issuer_replaced', 'user_created',
  'user_disabled', 'user_enabled', 'user_removed', 'user_replaced',
];
const SEVERITIES = ['info', 'notice', 'alert'];
const seconds = { type: 'integer', minimum: 0 };

export const events = {
  schemas: {
    EventKind: word('The kind of an audit event.', EVENT_KINDS),
    AuditEvent: object('An audit event. It names clients, users, grants, keys and tokens by their identifiers, as far as they exist.', {
      event: schema('EventKind'),
      severity: word('The severity.', SEVERITIES),
      time: time('When it happened.'),
      endpoint: text('The name of the endpoint.'),
      reason: text('The reason of a refusal, the grant type or the kind of a token: a stable word.'),
      count: count('The number of affected items.'),
      client: text('The client.'),
      user: text('The user, by its id.'),
      grant: text('The grant.'),
      kid: text('The signing key.'),
      jti: text('The token.'),
      revocation: text('The bulk revocation.'),
      trusted_issuer: text('The trusted issuer.'),
      resource: text('The registered resource, by the id of its record.'),
      exchange_rule: text('The exchange rule, by its id.'),
      subject_jti: text('The token that a client exchanged.'),
      subject_client: text('The client that this token is about.'),
      actor: text('The subject of the party that acts in the new token.'),
      by: text("The client of the operator's token."),
      by_user: text("The user of the operator's token."),
    }, ['event', 'severity', 'time', 'endpoint']),
    EventPage: page('A page of events, the newest first. It covers at most 24 hours, and may be empty although more follow.', 'events', schema('AuditEvent')),
  },
  paths: {
    '/admin/events': {
      get: operation('listEvents', 'Events', 'Lists audit events, the newest first.', {
        parameters: [
          CURSOR,
          inQuery('since', 'From this second on.', seconds),
          inQuery('until', 'Before this second.', seconds),
          inQuery('event', 'Events of this kind.', schema('EventKind')),
          inQuery('severity', 'Events of this severity.', { type: 'string', enum: SEVERITIES }),
          inQuery('client', 'Events of this client.'),
          inQuery('user', 'Events of this user, by its id.'),
          inQuery('grant', 'Events of this grant.'),
          inQuery('kid', 'Events of this signing key.'),
          inQuery('jti', 'Events of this token.'),
          inQuery('limit', 'Events a page.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
        ],
        replies: { 200: reply('A page of events.', schema('EventPage')) }, refusals: [404],
      }),
    },
  },
};
