// Clients and their grants.
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { usage } from '../failures.js';
import { confirmed, jsonOf, secretOf } from '../input.js';
import { CLI_METADATA } from '../oauth.js';
import { LIMIT } from '../options.js';
import { endAll, GRANT_COLUMNS } from './ending.js';

const ID = [['<id>', 'the client_id']];
const METADATA = [
  ['--name <text>', 'the name that users see'],
  ['--scope <values>', 'the scope that it may request, separated by spaces'],
  ['--redirect-uri <uri>', 'a redirect URI; may be repeated'],
  ['--post-logout-redirect-uri <uri>', 'a redirect URI after sign-out; may be repeated'],
  ['--resource <uri>', 'a resource that it may request; may be repeated'],
  ['--grant-type <name>', 'a grant type; may be repeated'],
  ['--auth-method <name>', 'how it authenticates', ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']],
  ['--jwks-file <file>', 'its public keys, a JWK Set'],
  ['--jwks-uri <url>', 'the address of its public keys'],
  ['--file <file>', 'metadata as JSON; the other options change it. - is standard input'],
];
const REPEATABLE = ['--redirect-uri', '--post-logout-redirect-uri', '--resource', '--grant-type'];
const SECRET_IN = [['--secret-stdin', 'set this secret, from standard input'], ['--secret-file <file>', 'set this secret, from a file']];
const SECRET_OUT = [['--secret-out <file>', 'write the new secret to a new file that its owner alone can read']];

/** The option of each member of the metadata. */
const MEMBERS = {
  name: 'client_name', scope: 'scope', redirectUri: 'redirect_uris', postLogoutRedirectUri: 'post_logout_redirect_uris', resource: 'resources',
  grantType: 'grant_types', authMethod: 'token_endpoint_auth_method', jwksUri: 'jwks_uri',
};

async function metadataOf(options) {
  const metadata = options.file === undefined ? {} : await jsonOf(options.file, 'the metadata');
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw usage('the metadata must be a JSON object');
  for (const [option, member] of Object.entries(MEMBERS)) if (options[option] !== undefined) metadata[member] = options[option];
  if (options.jwksFile !== undefined) metadata.jwks = await jsonOf(options.jwksFile, 'the JWK Set');
  return metadata;
}

const hasSecret = ({ token_endpoint_auth_method: method }) => method !== 'none' && method !== 'private_key_jwt';

/**
 * Sends a request whose response alone shows a secret. Where the secret goes is settled before: a file is created, or `--reveal` is there.
 * `request` resolves to the client with its secret.
 */
async function withNewSecret(output, { reveal, secretOut }, request) {
  if (!reveal && secretOut === undefined) throw usage('the secret of the client is shown once, and would be lost', 'add --secret-out FILE, or --reveal to print it');
  if (secretOut === undefined) return output.record(await request());
  writeFileSync(secretOut, '', { mode: 0o600, flag: 'wx' });
  try {
    const client = await request();
    writeFileSync(secretOut, `${client.client_secret}\n`);
    output.say(`The secret is in ${secretOut}.`);
    await output.record(client);
  } catch (error) {
    if (statSync(secretOut).size === 0) rmSync(secretOut);
    throw error;
  }
}

async function create({ output, session, signal }, _, options) {
  const metadata = { ...(options.cli && CLI_METADATA), ...await metadataOf(options), ...(options.id !== undefined && { client_id: options.id }) };
  if (options.public) metadata.token_endpoint_auth_method = 'none';
  const secret = await secretOf(options, 'secret', { label: 'secret of the client', isOptional: true });
  const request = () => session.admin.createClient({ ...metadata, ...(secret !== undefined && { client_secret: secret }) }, { signal });
  if (secret === undefined && hasSecret(metadata)) await withNewSecret(output, options, request);
  else await output.record(await request());
}

/** The stored metadata as a request may send it. */
function replaceable({ client_id, client_id_issued_at, client_secret, client_secret_expires_at, ...metadata }) {
  return metadata;
}

async function change({ session, signal }, id, changes) {
  const { admin } = session;
  const stored = replaceable(await admin.readClient(id, { signal }));
  const merged = Object.fromEntries(Object.entries({ ...stored, ...changes }).filter(([, value]) => value !== null));
  return admin.replaceClient(id, merged, { signal });
}

async function update(context, { id }, options) {
  const changes = await metadataOf(options);
  if (Object.keys(changes).length === 0) throw usage('there is nothing to change');
  await context.output.record(await change(context, id, changes));
}

async function setSecret(context, { id }, options) {
  const given = await secretOf(options, 'secret', { label: 'new secret', isOptional: true });
  await confirmed(options, `The present secret of ${id} stops working at once. Set the new one?`);
  if (given !== undefined) return context.output.record(await change(context, id, { client_secret: given }));
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  await withNewSecret(context.output, options, async () => ({ ...await change(context, id, { client_secret: secret }), client_secret: secret }));
}

async function remove({ output, session, signal }, { id }, options) {
  await confirmed(options, `Remove the client ${id} with all of its grants?`);
  const { admin } = session;
  const { ended, cursor } = await admin.removeClient(id, { signal }) ?? {};
  if (cursor !== undefined) await endAll(output, (next) => admin.endClientGrants(id, { cursor: next }, { signal }), { ended, cursor });
  output.say(`Removed the client ${id}.`);
}

async function revokeGrants({ output, session, signal }, { id }, options) {
  await confirmed(options, `Revoke all grants of the client ${id}?`);
  await output.record(await endAll(output, (cursor) => session.admin.endClientGrants(id, { cursor }, { signal })));
}

async function revokeTokens({ output, session, signal }, { id }, options) {
  await confirmed(options, `Revoke the tokens that the client ${id} has for itself?`);
  await output.record(await session.admin.endClientTokens(id, { signal }));
}

const enabling = (word, enabled) => ({
  name: `clients ${word}`,
  summary: enabled ? 'Enable a client that is disabled.' : 'Disable a client: its tokens are inactive until it is enabled.',
  arguments: ID,
  run: async (context, { id }) => context.output.record(await change(context, id, { enabled })),
});

export const clients = [
  {
    name: 'clients list',
    summary: 'List the clients.',
    options: [LIMIT],
    run: ({ output, session, signal, limit }) => output.list(session.admin.listClients({}, { signal }),
      ['client_id', ['name', ({ client_name }) => client_name ?? ''], ['enabled', ({ enabled }, colors) => (enabled ? 'yes' : colors.red('no'))], ['grant types', ({ grant_types }) => grant_types.map((name) => name.split(':').at(-1)).join(' ')], 'scope'], limit),
  },
  { name: 'clients get', summary: 'Show a client.', arguments: ID, run: async ({ output, session, signal }, { id }) => output.record(await session.admin.readClient(id, { signal })) },
  {
    name: 'clients create',
    summary: 'Register a client.',
    options: [
      ['--id <id>', 'the client_id; a random one by default'], ...METADATA, ['--public', 'a public client: an application that can keep no secret'],
      ['--cli', 'the client that this command line signs in with'], ...SECRET_IN, ...SECRET_OUT,
    ],
    repeatable: REPEATABLE,
    examples: ['edgemint clients create --name Reports --scope "read write" --secret-out reports.txt', 'edgemint clients create --name Notes --public --redirect-uri http://localhost:5173/callback --scope "openid read"'],
    run: create,
  },
  { name: 'clients update', summary: 'Change the metadata of a client; what is not given stays.', arguments: ID, options: METADATA, repeatable: REPEATABLE, run: update },
  enabling('enable', true),
  enabling('disable', false),
  { name: 'clients set-secret', summary: 'Give a client another secret; the present one stops working at once.', arguments: ID, options: [...SECRET_IN, ...SECRET_OUT], destroys: true, run: setSecret },
  { name: 'clients delete', summary: 'Remove a client with its grants.', arguments: ID, destroys: true, run: remove },
  { name: 'clients grants', summary: 'List the grants of a client.', arguments: ID, options: [LIMIT], run: ({ output, session, signal, limit }, { id }) => output.list(session.admin.listClientGrants(id, {}, { signal }), GRANT_COLUMNS, limit) },
  { name: 'clients revoke-grants', summary: 'Revoke all grants of a client.', arguments: ID, destroys: true, run: revokeGrants },
  { name: 'clients revoke-tokens', summary: 'Revoke the tokens that a client has for itself.', arguments: ID, destroys: true, run: revokeTokens },
];
