// Profiles: issuer and credentials of each authorization server, in one file that its owner alone can read.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { failed, usage } from './failures.js';

const NAME = /^[\w.-]{1,64}$/;

/** The file with the profiles, in the configuration folder of the user. */
export function profilesFile(env = process.env) {
  const folder = env.XDG_CONFIG_HOME || (process.platform === 'win32' ? env.APPDATA : undefined) || join(homedir(), '.config');
  return join(folder, 'edgemint', 'profiles.json');
}

export class Profiles {
  #file;
  #warn;

  constructor({ file = profilesFile(), warn = () => {} } = {}) {
    this.#file = file;
    this.#warn = warn;
  }

  get file() {
    return this.#file;
  }

  /** All of them: `{ current, profiles }`. */
  read() {
    let text;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return { current: undefined, profiles: {} };
      throw error;
    }
    this.#restrict();
    try {
      const { current, profiles } = JSON.parse(text);
      if (Object.values(profiles).every((profile) => typeof profile.issuer === 'string')) return { current, profiles };
    } catch {
      // Reported below; the file is left as it is.
    }
    throw failed(`${this.#file} is damaged`, 'repair or delete it; then sign in again');
  }

  /** The profile of this name, or the current one: `{ name, ...profile }`, or undefined. */
  find(name) {
    const { current, profiles } = this.read();
    const chosen = name ?? current;
    if (name !== undefined && profiles[name] === undefined) throw usage(`there is no profile ${name}`, 'edgemint profile list');
    return chosen === undefined || profiles[chosen] === undefined ? undefined : { name: chosen, ...profiles[chosen] };
  }

  /** Stores a profile and makes it the current one, unless told otherwise. */
  save({ name, ...profile }, { makeCurrent = true } = {}) {
    if (!NAME.test(name)) throw usage('the name of a profile has 1 to 64 letters, digits and ._-');
    const { current, profiles } = this.read();
    this.#write({ current: makeCurrent ? name : current, profiles: { ...profiles, [name]: profile } });
  }

  use(name) {
    const { profiles } = this.read();
    if (profiles[name] === undefined) throw usage(`there is no profile ${name}`, 'edgemint profile list');
    this.#write({ current: name, profiles });
  }

  remove(name) {
    const { current, profiles } = this.read();
    const { [name]: removed, ...others } = profiles;
    if (removed === undefined) throw usage(`there is no profile ${name}`, 'edgemint profile list');
    this.#write({ current: current === name ? Object.keys(others)[0] : current, profiles: others });
  }

  // Written aside and renamed, so that an interruption loses nothing.
  #write(value) {
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const next = `${this.#file}.${process.pid}`;
    try {
      writeFileSync(next, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
      chmodSync(next, 0o600);
      renameSync(next, this.#file);
    } finally {
      rmSync(next, { force: true });
    }
  }

  #restrict() {
    if (process.platform === 'win32' || (statSync(this.#file).mode & 0o077) === 0) return;
    chmodSync(this.#file, 0o600);
    this.#warn(`${this.#file} could be read by other users; it is restricted now`);
  }
}
