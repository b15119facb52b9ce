// An authenticator without a browser: creates passkeys and signs challenges, for tests that send more of them than a browser
// would. Also reads the options of the pages. Contains no assertions.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { answer } from '../browser/authenticators.mjs';
import { csrfOf, post } from './people.mjs';

const PRESENT = 0x01;
const VERIFIED = 0x04;
const ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED = 0x40;

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** The options that a page passes to `create()` or `get()`. */
export function optionsOf(page) {
  const text = page.html.match(/data-options="([^"]*)"/)?.[1];
  if (text === undefined) throw new Error(`no options at ${page.url} (${page.status})`);
  return JSON.parse(text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
}

/**
 * Creates a passkey for the options of `create()`; returns `{ passkey, response }`: the passkey as Chromium's virtual
 * authenticators describe theirs, and RegistrationResponseJSON.
 */
export function createPasskey({ challenge, rp, user }, { origin, synced = false, count = 1 }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(16);
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'), Buffer.from(x, 'base64url'), Buffer.from('225820', 'hex'), Buffer.from(y, 'base64url'),
  ]);
  const fixed = Buffer.alloc(5);
  fixed.writeUInt8(PRESENT | VERIFIED | ATTESTED | (synced ? ELIGIBLE | BACKED_UP : 0));
  fixed.writeUInt32BE(count, 1);
  const idLength = Buffer.from([0, id.length]);
  const authenticatorData = Buffer.concat([sha256(rp.id), fixed, Buffer.alloc(16), idLength, id, cose]);
  const attestation = Buffer.concat([
    Buffer.from('a363', 'hex'), Buffer.from('fmt'), Buffer.from('64', 'hex'), Buffer.from('none'),
    Buffer.from('67', 'hex'), Buffer.from('attStmt'), Buffer.from('a068', 'hex'), Buffer.from('authData'),
    Buffer.from([0x58, authenticatorData.length]), authenticatorData,
  ]);
  const response = {
    id: base64url(id), rawId: base64url(id), type: 'public-key', clientExtensionResults: { credProps: { rk: true } },
    response: {
      clientDataJSON: base64url(JSON.stringify({ type: 'webauthn.create', challenge, origin, crossOrigin: false })),
      attestationObject: base64url(attestation), transports: ['internal'],
    },
  };
  const passkey = {
    id: base64url(id), credentialId: id.toString('base64'), rpId: rp.id, userHandle: Buffer.from(user.id, 'base64url').toString('base64'),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'), signCount: count,
    backupEligibility: synced, backupState: synced,
  };
  return { passkey, response };
}

/** Adds a passkey on the account page; returns it with the `page` of the response. */
export async function addPasskey(browser, { name = 'A passkey', ...options } = {}) {
  const page = await browser.open('/account');
  const { passkey, response } = createPasskey(optionsOf(page), { origin: browser.server.issuer, ...options });
  const fields = { csrf: csrfOf(page), action: 'add_passkey', name, credential: JSON.stringify(response) };
  return { passkey, page: await post(browser, '/account', fields) };
}

/** Signs in by a passkey with this signature counter; returns the page that follows. */
export async function signInByPasskey(browser, passkey, count, path = '/account/sign-in') {
  return usePasskey(browser, await browser.open(path), passkey, count);
}

/** Signs in by a passkey at a sign-in page that is open; returns the page that follows. */
export function usePasskey(browser, page, passkey, count) {
  const { challenge } = optionsOf(page);
  const credential = JSON.stringify(answer(passkey, { origin: browser.server.issuer, challenge, count }));
  return browser.submit(page, { credential }, { action: '/account/sign-in/passkey' });
}
