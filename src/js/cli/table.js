// The table of commands: one row each. Help, completion, `--help --json`, the manual's test and the parser come from it.
import { access } from './commands/access.js';
import { clients } from './commands/clients.js';
import { doctor } from './commands/doctor.js';
import { events } from './commands/events.js';
import { grants } from './commands/grants.js';
import { issuers } from './commands/issuers.js';
import { keys } from './commands/keys.js';
import { raw } from './commands/raw.js';
import { resources } from './commands/resources.js';
import { tokens } from './commands/tokens.js';
import { users } from './commands/users.js';

/** The first words of commands that have two. */
export const GROUPS = {
  profile: 'The authorization servers that you are signed in to.',
  clients: 'Clients: applications and services.',
  users: 'Users of the authorization server.',
  resources: 'APIs, and who gets tokens for them.',
  'exchange-rules': 'Which client may exchange tokens of which API for which.',
  'trusted-issuers': 'Other servers whose assertions count.',
  grants: 'What users allowed clients.',
  sessions: 'The sessions of a user in browsers.',
  revocations: 'Bulk revocations.',
  keys: 'Signing keys.',
  'key-encryption': 'The key-encryption key.',
  events: 'Audit events.',
  token: 'Tokens: get, check, show and make them.',
};

/**
 * The rows. `name` has the words of the command; `arguments` and `options` are `[form, description]`, in the form of commander; `examples`
 * are command lines; `destroys` adds `--yes`; `isOffline` says that no authorization server is needed; `run` gets the context, the
 * arguments by name, and the options.
 */
export const COMMANDS = [...access, ...doctor, ...clients, ...users, ...resources, ...issuers, ...grants, ...keys, ...events, ...tokens, ...raw];
