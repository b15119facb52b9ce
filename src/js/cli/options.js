// Options that several commands have, as `[form, description]`.

/** Options of every command. */
export const COMMON_OPTIONS = [
  ['--json', 'JSON, also on a terminal'],
  ['--table', 'tables, also in a pipe'],
  ['--reveal', 'show secrets instead of masking them'],
  ['--quiet', 'say nothing but errors'],
];
/** Options of commands that talk to an authorization server. */
export const SERVER_OPTIONS = [
  ['--issuer <url>', 'the authorization server; EDGEMINT_ISSUER by default, else that of the profile'],
  ['--profile <name>', 'the profile with the credentials; the current one by default'],
];
export const YES = ['--yes', 'do not ask for a confirmation'];
export const LIMIT = ['--limit <number>', 'at most this many; 100 by default on a terminal, all in a pipe'];
