// Operations of an operator with the key-encryption key: opens a record of KV, changes it, and seals it again, to create one as
// an earlier version wrote it. Contains no assertions.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KEY_ENCRYPTION_KEY } from '../../src/js/hosting/secrets.mjs';

/** Lets `change` change the record of this name. An isolate that caches the record does not see that at once. */
export async function changeRecord(server, name, change) {
  const store = await server.store();
  const record = open(server, name, await store.get(name));
  change(record);
  await store.put(name, seal(server, name, record));
}

/** Opens a sealed record. `name` is the name that it is sealed for. */
export function open(server, name, text) {
  const bytes = Buffer.from(text, 'base64url');
  const cipher = createDecipheriv('aes-256-gcm', key(server), bytes.subarray(0, 12));
  cipher.setAAD(Buffer.from(name));
  cipher.setAuthTag(bytes.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]));
}

/** Seals a record for a name. */
export function seal(server, name, record) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key(server), nonce);
  cipher.setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(record)), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

function key(server) {
  return Buffer.from(server.settings.secrets[KEY_ENCRYPTION_KEY], 'base64url');
}
