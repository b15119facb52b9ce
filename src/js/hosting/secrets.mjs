// The Worker's two secrets: generates them, and keeps those for local use in the git-ignored .dev.vars.
// Prints nothing, and passes nothing on a command line, where other users could read it.
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './files.mjs';
import { Failure } from './steps.mjs';

export const KEY_ENCRYPTION_KEY = 'EDGEMINT_KEY_ENCRYPTION_KEY';
export const ROOT_SECRET = 'EDGEMINT_ROOT_SECRET';

/** The file with local secrets, relative to the project. `wrangler dev` reads the file by this name. */
export const LOCAL_SECRETS = '.dev.vars';

/** Returns 32 random bytes in base64url, suitable for both secrets. */
export function newSecret() {
  return randomBytes(32).toString('base64url');
}

/**
 * Returns the root secret of the environment, or undefined. With `strong` it must be one that the Worker accepts where the
 * issuer is not on localhost; the rule is in `src/oauth/vocabulary/secret.rs`.
 */
export function rootSecretFromEnvironment({ strong = false } = {}) {
  const secret = process.env[ROOT_SECRET];
  if (!secret) return undefined;
  if (strong && !isStrong(secret)) {
    throw new Failure(
      `${ROOT_SECRET} must have at least 16 characters, at least 6 of them different, and must not repeat a shorter text`,
      'leave it out to have one made, or take the output of `openssl rand -base64 32`',
    );
  }
  // Visible ASCII without characters that a shell or an .env file interprets.
  if (!/^[!%&()*+,./0-9:;<=>?@A-Z[\]^_a-z{|}~-]+$/.test(secret)) {
    throw new Failure(`${ROOT_SECRET} holds a character other than letters, digits and punctuation without quotes, #, $ and \\`, 'choose another');
  }
  return secret;
}

function isStrong(secret) {
  const repeats = Array.from({ length: secret.length >> 1 }, (_, index) => index + 1)
    .some((period) => secret.slice(period) === secret.slice(0, -period));
  return secret.length >= 16 && new Set(secret).size >= 6 && !repeats;
}

/**
 * Returns the secrets for this run of the project in `folder`. The first run generates and stores them; a root secret in the environment wins.
 * `generated`: a root secret that was just generated. `kept`: whether the stored root secret is in use.
 */
export function localSecrets(folder) {
  const given = rootSecretFromEnvironment();
  const file = join(folder, LOCAL_SECRETS);
  const text = readIfThere(file) ?? '';
  const entries = [...text.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value.trim()]);
  const kept = Object.fromEntries(entries);
  const added = {};
  if (!kept[KEY_ENCRYPTION_KEY]) added[KEY_ENCRYPTION_KEY] = newSecret();
  if (!kept[ROOT_SECRET]) added[ROOT_SECRET] = given ?? newSecret();
  const lines = Object.entries(added).map(([name, value]) => `${name}=${value}\n`);
  if (lines.length > 0) {
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    writeFileSync(file, before + lines.join(''), { mode: 0o600 });
  }
  chmodSync(file, 0o600);
  const all = { ...kept, ...added };
  return {
    [KEY_ENCRYPTION_KEY]: all[KEY_ENCRYPTION_KEY],
    [ROOT_SECRET]: given ?? all[ROOT_SECRET],
    generated: given === undefined ? added[ROOT_SECRET] : undefined,
    kept: given === undefined || given === all[ROOT_SECRET],
  };
}
