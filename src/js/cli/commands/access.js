// Signing in and out, and profiles.
import { CliFailure, failureOf, refused, usage } from '../failures.js';
import { secretOf } from '../input.js';
import { ADMIN_SCOPE, CLI_CLIENT, clientToken, issuerOf, revoked, signInByBrowser, signInByDevice } from '../oauth.js';
import { cell, when } from '../output.js';

const SECRET = [
  ['--secret-stdin', 'read the secret of the client from standard input'],
  ['--secret-file <file>', 'read the secret of the client from a file'],
];

async function login({ output, profiles, signal }, _, options) {
  const issuer = issuerOf(options.issuer ?? process.env.EDGEMINT_ISSUER ?? profiles.find(options.profile)?.issuer ?? missingIssuer());
  if (options.client !== undefined && options.device) throw usage('--client and --device exclude each other');
  if (options.keepSecret && options.client === undefined) throw usage('--keep-secret belongs to --client');
  const name = options.profile ?? nameFor(issuer, profiles.read().profiles);
  const clientId = options.client ?? options.clientId ?? CLI_CLIENT;
  let profile = { name, issuer, client_id: clientId };
  if (options.client !== undefined) {
    const secret = await secretOf(options, 'secret', { label: `secret of the client ${clientId}` });
    profile = { ...profile, ...await clientToken({ issuer, clientId, secret, scope: ADMIN_SCOPE, signal }), ...(options.keepSecret && { client_secret: secret }) };
  } else {
    const signIn = options.device ? signInByDevice : signInByBrowser;
    profile = { ...profile, ...await signIn({ issuer, clientId, output, signal }) };
  }
  if (!(profile.scope ?? ADMIN_SCOPE).split(' ').includes(ADMIN_SCOPE)) throw refused(`the token lacks the scope ${ADMIN_SCOPE}`, 'sign in as a user with that scope');
  profiles.save(profile);
  const isRenewable = profile.refresh_token !== undefined || profile.client_secret !== undefined;
  output.say(`Signed in at ${issuer}, profile ${name}. ${isRenewable ? 'The token is renewed when it expires.' : `The token expires at ${when(profile.expires_at)}.`}`);
}

/** The profile of this issuer, or a new one: a sign-in replaces no profile of another issuer. */
function nameFor(issuer, profiles) {
  const [known] = Object.entries(profiles).find(([, profile]) => profile.issuer === issuer) ?? [];
  return known ?? (profiles.default === undefined ? 'default' : new URL(issuer).host.replaceAll(/[^\w.-]/g, '-'));
}

function missingIssuer() {
  throw usage('there is no issuer', 'add --issuer URL, or set EDGEMINT_ISSUER');
}

async function logout({ output, profiles, signal }, _, options) {
  const profile = profiles.find(options.profile);
  if (profile === undefined) throw usage('there is no profile', 'you are not signed in');
  if (!options.local) {
    try {
      await revoked(profile, signal);
    } catch (error) {
      // A token that the server does not know any more is as good as revoked; a server that cannot be reached has not revoked it.
      if (error.error === undefined) throw new CliFailure(failureOf(error).exit, `the token could not be revoked at ${profile.issuer}`, 'try again, or forget it here alone: edgemint logout --local');
      output.warn(`the server did not revoke the token: ${error.error}`);
    }
  }
  profiles.remove(profile.name);
  output.say(`Signed out at ${profile.issuer}, profile ${profile.name} removed.`);
}

async function status({ output, session }) {
  const { issuer } = session;
  const fromEnvironment = Boolean(process.env.EDGEMINT_TOKEN);
  const profile = fromEnvironment ? undefined : session.profile;
  // One call shows that the token is accepted.
  const { keys } = await session.admin.listKeys();
  await output.record({
    issuer,
    credentials: fromEnvironment ? 'EDGEMINT_TOKEN' : `profile ${profile?.name}`,
    ...(profile && { client: profile.client_id, expires_at: session.profile.expires_at, renewable: profile.refresh_token !== undefined || profile.client_secret !== undefined }),
    signing_keys: keys.filter(({ stage }) => stage === 'active').map(({ kid, alg }) => `${alg} ${kid}`),
  });
}

const described = (current, [name, { issuer, client_id, expires_at, refresh_token, client_secret }]) =>
  ({ name, current: name === current, issuer, client: client_id, expires_at, renewable: refresh_token !== undefined || client_secret !== undefined });

async function* allProfiles({ profiles }) {
  const { current, profiles: all } = profiles.read();
  for (const entry of Object.entries(all)) yield described(current, entry);
}

async function showProfile({ output, profiles }, { name }) {
  const found = profiles.find(name);
  if (found === undefined) throw usage('there is no profile', 'edgemint login --issuer URL');
  const { name: own, ...profile } = found;
  await output.record({ name: own, file: profiles.file, ...profile });
}

export const access = [
  {
    name: 'login',
    summary: 'Sign in: in a browser, on another device, or as a client.',
    options: [
      ['--device', 'sign in with a code on any device'],
      ['--client <id>', 'sign in as a client with a secret, such as root'],
      ['--client-id <id>', `the public client of the sign-in; ${CLI_CLIENT} by default`],
      ...SECRET,
      ['--keep-secret', 'keep the secret of the client in the profile, to renew the token'],
      ['--issuer <url>', 'the authorization server; EDGEMINT_ISSUER by default'],
      ['--profile <name>', 'the profile to write; that of the issuer by default'],
    ],
    examples: ['edgemint login --issuer https://auth.example.com', 'edgemint login --issuer https://auth.example.com --client root --secret-file root.txt'],
    isOffline: true,
    run: login,
  },
  {
    name: 'logout',
    summary: 'Revoke the token of a profile and remove the profile.',
    options: [['--local', 'remove the profile alone; the token stays valid'], ['--profile <name>', 'the profile; the current one by default']],
    isOffline: true,
    run: logout,
  },
  { name: 'status', summary: 'Show where you are signed in, and check the token there.', run: status },
  {
    name: 'profile list',
    summary: 'List the profiles.',
    isOffline: true,
    run: (context) => context.output.list(allProfiles(context), [['', ({ current }) => (current ? '*' : '')], 'name', 'issuer', 'client', ['expires', ({ expires_at, renewable }) => (renewable ? 'renewed' : cell('expires_at', expires_at))]]),
  },
  { name: 'profile show', summary: 'Show a profile.', arguments: [['[name]', 'the profile; the current one by default']], isOffline: true, run: showProfile },
  {
    name: 'profile use',
    summary: 'Make a profile the current one.',
    arguments: [['<name>', 'the profile']],
    isOffline: true,
    run: ({ profiles }, { name }) => profiles.use(name),
  },
  {
    name: 'profile remove',
    summary: 'Remove a profile without revoking its token.',
    arguments: [['<name>', 'the profile']],
    isOffline: true,
    run: ({ profiles }, { name }) => profiles.remove(name),
  },
];
