// Operations on the state of a stopped Worker: opens the sealed ring with the key-encryption key, makes it older, and puts it back,
// since no test can wait for the delay of a key. Contains no assertions.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker } from './harness.mjs';
import { KEY_ENCRYPTION_KEY } from '../../src/js/hosting/secrets.mjs';

const OBJECTS = ['do', '-KeyringObject'];
const TIMES = ['publish_at', 'sign_from', 'sign_until', 'drop_at', 'revoked_at'];

/** The ring in KV. */
export async function openRing(server) {
  const bytes = Buffer.from(await (await server.store()).get(name(server)), 'base64url');
  const cipher = createDecipheriv('aes-256-gcm', key(server), bytes.subarray(0, 12));
  cipher.setAAD(Buffer.from(name(server)));
  cipher.setAuthTag(bytes.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]));
}

/**
 * Kills the Worker, lets `change` change its ring, and restarts it. The keyring object loses its storage and adopts the ring of
 * KV. `text` replaces what would be sealed.
 */
export async function restartWithRing(server, change, { vars = {} } = {}) {
  const ring = await openRing(server);
  await server.kill();
  const objects = join(server.persist, ...OBJECTS);
  for (const file of readdirSync(objects)) rmSync(join(objects, file), { recursive: true });
  const { settings } = server;
  const next = await startWorker({ ...settings, vars: { ...settings.vars, ...vars } });
  await (await next.store()).put(name(next), seal(next, change(ring) ?? ring));
  return next;
}

/** The same ring, this many seconds later. */
export function older(seconds) {
  return (ring) => {
    for (const record of [...ring.keys, ...ring.revoked ?? []]) {
      for (const time of TIMES.filter((member) => member in record)) record[time] -= seconds;
    }
  };
}

function seal(server, ring) {
  if (typeof ring === 'string') return ring;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key(server), nonce);
  cipher.setAAD(Buffer.from(name(server)));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(ring)), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

function name(server) {
  return `keyring|${server.issuer}|`;
}

function key(server) {
  return Buffer.from(server.settings.secrets[KEY_ENCRYPTION_KEY], 'base64url');
}
