// Chromium's virtual authenticators (Web Authentication section 11.3, through the DevTools protocol), and responses made by hand
// with the keys of their passkeys. Contains no assertions.
import { createHash, createPrivateKey, sign } from 'node:crypto';

/** The authenticators that a page may have. */
export class Authenticators {
  #cdp;

  static async of(page) {
    const own = new Authenticators();
    own.#cdp = await page.context().newCDPSession(page);
    await own.#cdp.send('WebAuthn.enable', { enableUI: false });
    return own;
  }

  /** Adds one that verifies its user and consents to everything; returns its identifier. */
  async add(options = {}) {
    const all = {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'usb', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, ...options,
    };
    return (await this.#cdp.send('WebAuthn.addVirtualAuthenticator', { options: all })).authenticatorId;
  }

  /** A password manager, which syncs its passkeys to all devices. */
  addSynced() {
    return this.add({ transport: 'internal', defaultBackupEligibility: true, defaultBackupState: true });
  }

  /** Sets whether a user is present and confirms. */
  setPresent(authenticatorId, enabled) {
    return this.#cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  }

  /** Sets whether user verification succeeds. */
  setVerified(authenticatorId, isUserVerified) {
    return this.#cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  }

  unplug(authenticatorId) {
    return this.#cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
  }

  /** The passkeys on it, with their private keys. */
  async passkeys(authenticatorId) {
    return (await this.#cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  }

  /** Adds a passkey to it, in place of one with the same identifier. */
  async put(authenticatorId, credential) {
    const { credentialId } = credential;
    const isThere = (await this.passkeys(authenticatorId)).some((own) => own.credentialId === credentialId);
    if (isThere) await this.#cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
    await this.#cdp.send('WebAuthn.addCredential', { authenticatorId, credential });
  }
}

/** AuthenticationResponseJSON of a passkey for a challenge, with this signature counter, user verified or not. */
export function answer(passkey, { origin, challenge, count, isVerified = true }) {
  const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
  const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
  const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge, origin, crossOrigin: false }));
  const flags = 0x01 | (isVerified ? 0x04 : 0) | (passkey.backupEligibility ? 0x08 : 0) | (passkey.backupState ? 0x10 : 0);
  const rest = Buffer.alloc(5);
  rest.writeUInt8(flags);
  rest.writeUInt32BE(count, 1);
  const authenticatorData = Buffer.concat([sha256(passkey.rpId), rest]);
  const key = createPrivateKey({ key: Buffer.from(passkey.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const id = base64url(Buffer.from(passkey.credentialId, 'base64'));
  return {
    id, rawId: id, type: 'public-key', clientExtensionResults: {},
    response: {
      clientDataJSON: base64url(clientData),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(sign(hash, Buffer.concat([authenticatorData, sha256(clientData)]), key)),
      userHandle: base64url(Buffer.from(passkey.userHandle, 'base64')),
    },
  };
}
