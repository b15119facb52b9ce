// Computes the proof of work of a sign-in page, by Node's own SHA-256. Checks nothing by itself.
import { hash } from 'node:crypto';
import { formOf } from './people.mjs';

const PARTS = 32;

/** The challenge of a page; `undefined` if it has none. */
export function challengeOf(page) {
  const { challenge } = formOf(page, '/account/sign-in').fields;
  if (challenge === undefined) return undefined;
  const [nonce, until, bits, tag] = challenge.split('.');
  return { text: challenge, nonce, until: Number(until), bits: Number(bits), tag };
}

/** The fields that answer a challenge. */
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
