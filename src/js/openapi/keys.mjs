// Signing keys and the key-encryption key: `/admin/keys`, `/admin/key-encryption`.
import { count, flag, inPath, list, object, operation, orNull, reply, schema, text, texts, time, word } from './parts.mjs';

const TAG = 'Keys';
const KID = inPath('kid', 'The `kid`, percent-encoded.');

/** Members of a public JWK (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). */
const PUBLIC_JWK = {
  kty: text('The key type.'),
  kid: text('The identifier.'),
  alg: text('The algorithm.'),
  use: text('The use: `sig`.'),
  crv: text('The curve.'),
  x: text('The x coordinate, or the public key of Ed25519.'),
  y: text('The y coordinate.'),
  n: text('The modulus.'),
  e: text('The exponent.'),
};
const KEYS = {
  keys: list(schema('SigningKey'), 'The keys, with their schedules.'),
  revoked: list(schema('RevokedKey'), 'The revoked keys. Absent if there are none.'),
};
const PEM = { 'application/x-pem-file': { schema: { type: 'string' } } };

export const keys = {
  schemas: {
    Jwk: object('A public JWK (RFC 7517).', PUBLIC_JWK, ['kty'], { additionalProperties: true }),
    JwkSet: object('A set of 1 to 20 public keys (RFC 7517 section 5).', { keys: list(schema('Jwk'), 'The keys.', { minItems: 1, maxItems: 20 }) }, ['keys']),
    Keys: object('The ring of signing keys.', KEYS, ['keys']),
    SigningKey: object('A key with its schedule.', {
      kid: text('The identifier.'),
      alg: text('The algorithm.'),
      use: word('`sign`, or `verify` for the key of another issuer.', ['sign', 'verify']),
      stage: word('The stage of its life: published, signing, no longer signing, or of no use any more.', ['next', 'active', 'retiring', 'gone']),
      publish_at: time('When it is published.'),
      sign_from: orNull(time('When it begins to sign.')),
      sign_until: orNull(time('When it stops signing; `null` until it has a successor.')),
      drop_at: orNull(time('When it leaves the published set; `null` until it has a successor.')),
      jwk: schema('Jwk'),
    }, ['kid', 'alg', 'use', 'stage', 'publish_at', 'sign_from', 'sign_until', 'drop_at', 'jwk']),
    RevokedKey: object('A revoked key. It never returns.', {
      kid: text('The identifier.'),
      alg: text('The algorithm.'),
      stage: { type: 'string', const: 'revoked', description: 'Always `revoked`.' },
      revoked_at: time('When it was revoked.'),
    }, ['kid', 'alg', 'stage', 'revoked_at']),
    KeyImport: object('A key to import.', {
      key: { description: 'PEM text, or a JWK.', anyOf: [{ type: 'string' }, { type: 'object' }] },
      use: word('`sign`: a private key, which becomes the next one of its algorithm. `verify`: a public key, whose tokens are accepted until a time.', ['sign', 'verify']),
      kid: text('The identifier. By default that of the JWK, else its thumbprint.', { minLength: 1, maxLength: 200 }),
      alg: text('The algorithm, where the key does not name it: an RSA key fits six.'),
      until: time('With `verify`: when the key leaves the published set, within 400 days.'),
    }, ['key', 'use']),
    KeyRevocation: object('The ring after a revocation, and when the tokens of the revoked key are refused.', {
      ...KEYS,
      kid: text('The revoked key.'),
      revoked_at: time('When it was revoked.'),
      refused_here_from: time('When every isolate of this server refuses its tokens.'),
      refused_by_verifiers_from: time('When verifiers that cache the key set as allowed refuse its tokens.'),
    }, ['keys', 'kid', 'revoked_at', 'refused_here_from', 'refused_by_verifiers_from']),
    KeyEncryption: object('The key-encryption keys, and the progress of re-encryption.', {
      key: text('The identifier of the key-encryption key.'),
      previous: orNull(text('The identifier of the previous one, if it is configured.')),
      records: count('How many records were looked at in this pass.'),
      resealed: count('How many records were re-encrypted.'),
      failed: list(schema('ResealFailure'), 'The first 100 records that could not be re-encrypted.'),
      failures: count('How many records could not be re-encrypted.'),
      pass: count('The number of the pass.'),
      done: flag('Whether the re-encryption is complete.'),
      state: text('What an operator should know or do next.'),
      started_at: time('When it began.'),
      finished_at: orNull(time('When it was complete.')),
      previous_handles_until: orNull(time('When the last refresh token and session of the previous secret expires.')),
    }, ['key', 'previous', 'records', 'resealed', 'failed', 'failures', 'done', 'state']),
    ResealFailure: object('A record that could not be re-encrypted.', { record: text('The record.'), cause: text('The cause: the word of a fault.') }, ['record', 'cause']),
  },
  paths: {
    '/admin/keys': {
      get: operation('listKeys', TAG, 'Lists the signing keys with their stages and times, and the revoked ones.', { replies: { 200: reply('The keys.', schema('Keys')) } }),
      post: operation('importKey', TAG, 'Imports a key of another issuer.', { body: schema('KeyImport'), replies: { 201: reply('The key.', schema('SigningKey'), { at: true }) }, refusals: [409] }),
    },
    '/admin/keys/rotate': {
      post: operation('rotateKeys', TAG, 'Has the next key of every algorithm take over. Repeating it within 25 minutes changes nothing.', { replies: { 200: reply('The keys.', schema('Keys')) } }),
    },
    '/admin/keys/{kid}': {
      parameters: [inPath('kid', 'The `kid`, percent-encoded; followed by `.jwk`, `.pem` or `.crt` for one form.')],
      get: operation('readKey', TAG, 'Returns a published key: as JWK, as PEM (`KID.pem`), or as self-signed certificate (`KID.crt`).', {
        replies: { 200: { description: 'The public key.', content: { 'application/jwk+json': { schema: schema('Jwk') }, ...PEM } } }, refusals: [404],
      }),
    },
    '/admin/keys/{kid}/revoke': {
      parameters: [KID],
      post: operation('revokeKey', TAG, 'Revokes a key. Repeating it changes nothing.', { replies: { 200: reply('The keys, and when its tokens are refused.', schema('KeyRevocation')) }, refusals: [404] }),
    },
    '/admin/key-encryption': {
      get: operation('readKeyEncryption', TAG, 'Names the key-encryption keys and returns the progress of re-encryption.', { replies: { 200: reply('The progress.', schema('KeyEncryption')) } }),
    },
    '/admin/key-encryption/reseal': {
      post: operation('reseal', TAG, 'Starts or continues the re-encryption of all records.', { replies: { 202: reply('The progress.', schema('KeyEncryption'), { at: true }) } }),
    },
  },
};
