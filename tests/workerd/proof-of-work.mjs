// Computes the proof of work of a sign-in page, by Node's own SHA-256. Contains no assertions.
import { createHmac, hash, randomBytes } from 'node:crypto';
import { KEY_ENCRYPTION_KEY } from '../../src/js/hosting/secrets.mjs';
import { formOf } from './people.mjs';

const PARTS = 32;

/** The challenge of a page; `undefined` if it has none. */
export function challengeOf(page) {
  const { challenge } = formOf(page, '/account/sign-in').fields;
  if (challenge === undefined) return undefined;
  const [nonce, until, bits, tag] = challenge.split('.');
  return { text: challenge, nonce, until: Number(until), bits: Number(bits), tag };
}

/** A challenge as the server itself writes it, which expires at `until`: only the holder of its key can create one. */
export function forgeChallenge(server, { username, address, until, bits }) {
  const nonce = randomBytes(16).toString('base64url');
  const day = Math.floor(Date.now() / 86_400_000);
  const name = hash('sha256', username, 'base64url');
  // HKDF-Expand, its first block (RFC 5869 section 2.3).
  const secret = Buffer.from(server.settings.secrets[KEY_ENCRYPTION_KEY], 'base64url');
  const key = createHmac('sha256', secret).update(`form|${server.issuer}\u0001`).digest();
  const tag = createHmac('sha256', key).update(['proof', name, address, day, nonce, until, bits].join('|')).digest('base64url');
  return { text: [nonce, until, bits, tag].join('.'), bits, tag };
}

/** The form fields that solve a challenge. */
export function answerTo({ text, bits, tag }) {
  const message = Buffer.alloc(40);
  message.set(Buffer.from(tag, 'base64url'));
  const numbers = [];
  for (let part = 0; part < PARTS; part += 1) {
    message.writeUInt32BE(part, 32);
    let number = -1;
    do message.writeUInt32BE(number += 1, 36); while (Math.clz32(hash('sha256', message, 'buffer').readUInt32BE(0)) < bits);
    numbers.push(number);
  }
  return { challenge: text, proof: numbers.join('.') };
}
