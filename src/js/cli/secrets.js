// Secrets in output and in arguments: masked there, refused here.
import { usage } from './failures.js';

const NAMES = /^(access_token|refresh_token|id_token|client_secret|password|d|p|q|dp|dq|qi|k|key|token|device_code)$/;
const MASK = '********';

/** Returns the value with every secret in it masked. */
export function masked(value) {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) =>
    [name, typeof member === 'string' && NAMES.test(name) && member !== '' && isSecretHere(name, value) ? MASK : masked(member)]));
}

/** Short names are secret in a JWK alone; in an event or in re-encryption, `key` is an identifier. */
function isSecretHere(name, owner) {
  if (name === 'key') return typeof owner.use === 'string';
  return name.length > 2 || typeof owner.kty === 'string';
}

const SECRET_OPTION = /^--?(client-?secret|secret|password|passwd|access-token|refresh-token|token|private-key)(=|$)/;
const ENCODED = /^(eyJ[\w-]+\.[\w-]*\.[\w-]*|em[a-z]+_[\w-]+\.[\w.-]+|-----BEGIN [^]*)$/;
const INSTEAD = 'give it on standard input (`-`, or --secret-stdin and the like), or in a file (--secret-file and the like)';

/** Refuses secrets among the arguments, which other users of the machine and the shell's history can read. The message does not repeat them. */
export function refuseSecrets(argv) {
  for (const argument of argv) {
    const [, option] = SECRET_OPTION.exec(argument) ?? [];
    if (option !== undefined) throw usage(`a secret does not belong on the command line (--${option})`, INSTEAD);
    if (ENCODED.test(argument.replace(/^--[\w-]+=/, ''))) throw usage('a token or a key does not belong on the command line', 'give it on standard input (`-`) or as a file');
  }
}
