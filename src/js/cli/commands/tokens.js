// Tokens and keys: most of it without an authorization server, by the package itself.
import { readFileSync, writeFileSync } from 'node:fs';
import { refused, usage } from '../failures.js';
import { jsonOf, secretOf, textOf } from '../input.js';
import { clientToken, introspected } from '../oauth.js';
import { cell } from '../output.js';

const TOKEN = ['[file]', 'the file with the token; - or nothing is standard input'];
const CLIENT = [
  ['--client <id>', 'the client'],
  ['--secret-stdin', 'read the secret of the client from standard input'],
  ['--secret-file <file>', 'read the secret of the client from a file'],
];
const CHECKS = [
  ['--issuer <url>', 'the issuer of the token; EDGEMINT_ISSUER by default, else that of the profile'],
  ['--audience <text>', 'the audience; that of the issuer itself by default'],
  ['--jwks <file>', 'the public keys, a JWK Set; those of the issuer by default'],
  ['--key <file>', 'one public key, PEM or JWK'],
  ['--alg <name>', 'the algorithm of an RSA key'],
  ['--type <name>', 'the type of the token; at+jwt by default'],
  ['--scope <values>', 'required scope values'],
  ['--status', 'check the status list, too'],
];

async function tokenOf(file = '-') {
  const token = (await textOf(file, 'the token')).trim();
  if (token === '') throw usage('the token is missing', 'give it on standard input, or name a file');
  return token;
}

async function verifierOf({ profiles }, options) {
  const { createVerifier, importKey } = await import('edgemint');
  // Any issuer, not only an authorization server of this project.
  const issuer = options.issuer ?? (process.env.EDGEMINT_ISSUER || profiles.find()?.issuer);
  if (!issuer) throw usage('there is no issuer', 'add --issuer URL');
  if (options.jwks !== undefined && options.key !== undefined) throw usage('--jwks and --key exclude each other');
  return createVerifier({
    issuer,
    audience: options.audience ?? issuer,
    ...(options.jwks !== undefined && { jwks: await jsonOf(options.jwks, 'the JWK Set') }),
    ...(options.key !== undefined && { key: (await importKey(readFileSync(options.key, 'utf8').trim(), options.alg === undefined ? {} : { alg: options.alg })) }),
    ...(options.type !== undefined && { type: options.type }),
    ...(options.scope !== undefined && { scope: options.scope }),
    ...(options.status && { status: 'check' }),
  });
}

const UNCHECKED = 'The signature was not checked: any program can write such a token.';

async function decode({ output }, { file }) {
  const { decodeUnverified } = await import('edgemint');
  const { header, claims } = decodeUnverified(await tokenOf(file));
  output.warn(UNCHECKED);
  await output.record(output.isTable ? { verified: false, ...prefixed('header', header), ...claims } : { verified: false, header, claims });
}

const prefixed = (prefix, members) => Object.fromEntries(Object.entries(members).map(([name, value]) => [`${prefix}.${name}`, value]));

async function verify(context, { file }, options) {
  const { output } = context;
  const verifier = await verifierOf(context, options);
  const { header, claims, key } = await verifier.verify(await tokenOf(file));
  output.say('The token is valid.');
  await output.record(output.isTable ? { verified: true, ...prefixed('header', header), ...claims } : { verified: true, header, claims, key });
}

async function explain(context, { file }, options) {
  const { output } = context;
  const verifier = await verifierOf(context, options);
  const { header, claims, checks } = await verifier.explain(await tokenOf(file));
  const wrong = checks.find(({ ok }) => ok === false);
  if (output.isTable) {
    const words = (colors, ok) => (ok ? colors.green('passed') : ok === null ? colors.dim('not run') : colors.red('failed'));
    await output.list((async function* () { yield* checks; })(), ['name', ['result', ({ ok }, colors) => words(colors, ok)], ['sentence', (check) => check.sentence ?? '']]);
    if (claims !== null) {
      if (wrong !== undefined) output.warn('The claims are those of a token that was refused.');
      await output.record(Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, cell(name, value)])));
    }
  } else await output.record({ verified: wrong === undefined, header, claims, checks });
  if (wrong !== undefined) throw refused(`the token is refused: ${wrong.sentence}`);
}

async function mint({ output }, _, options) {
  if (options.key === undefined) throw usage('--key FILE is missing', 'a private key, PEM or JWK; edgemint keygen makes one');
  if (options.issuer === undefined) throw usage('--issuer URL is missing');
  const { createIssuer, importKey } = await import('edgemint');
  const key = await importKey((await textOf(options.key, 'the key')).trim(), options.alg === undefined ? {} : { alg: options.alg });
  const claims = options.claims === undefined ? {} : await jsonOf(options.claims, 'the claims');
  for (const pair of options.claim ?? []) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined) throw usage('--claim must be NAME=VALUE');
    claims[name] = value;
  }
  const issuer = createIssuer({
    issuer: options.issuer, key, ...(options.type !== undefined && { type: options.type }), ...(options.ttl !== undefined && { ttl: Number(options.ttl) }),
  });
  await printToken(output, options, await issuer.mint(claims));
}

/** The product of the command is the token itself: a pipe gets it, a terminal only with `--reveal`. */
async function printToken(output, { reveal }, token) {
  if (reveal || !output.isTerminal) return output.write(`${token}\n`);
  output.say('The token is not shown on a terminal: pass it on in a pipe, or add --reveal.');
}

async function get({ output, session, signal }, _, options) {
  if (options.client === undefined) {
    if (options.scope !== undefined || options.resource !== undefined) throw usage('--scope and --resource belong to --client');
    return printToken(output, options, await session.token());
  }
  const { issuer } = session;
  const secret = await secretOf(options, 'secret', { label: `secret of the client ${options.client}` });
  const { access_token: token } = await clientToken({ issuer, clientId: options.client, secret, scope: options.scope, resource: options.resource, signal });
  await printToken(output, options, token);
}

async function inspect({ output, session, signal }, { file }, options) {
  if (options.client === undefined) throw usage('--client ID is missing', 'any client with a secret may introspect');
  const { issuer } = session;
  const secret = await secretOf(options, 'secret', { label: `secret of the client ${options.client}` });
  const state = await introspected({ issuer, clientId: options.client, secret, token: await tokenOf(file), signal });
  await output.record(state);
  if (!state.active) throw refused('the token is not active');
}

async function jwks({ output, session, signal }, { files }) {
  if (files.length === 0) {
    const response = await fetch(`${session.issuer}/.well-known/jwks.json`, { signal });
    return output.record(await response.json());
  }
  const { createJwks, importKey } = await import('edgemint');
  const keys = await Promise.all(files.map(async (file) => {
    const key = await importKey(readFileSync(file, 'utf8').trim());
    return key.type === 'private' ? key.toPublic() : key;
  }));
  await output.record(createJwks(keys));
}

async function keygen({ output }, { alg }, options) {
  const { generateKey } = await import('edgemint');
  const key = await generateKey(alg, { ...(options.kid !== undefined && { kid: options.kid }), ...(options.bits !== undefined && { modulusLength: Number(options.bits) }) });
  const textOfKey = async (part) => (options.pem ? part.toPem() : `${JSON.stringify(part.toJwk(), undefined, 2)}\n`);
  if (options.out === undefined && output.isTerminal && !options.reveal) throw usage('a private key does not belong on a terminal', 'add --out FILE, or --reveal to print it');
  const text = await textOfKey(key);
  // The private half first: it is the one that exists nowhere else.
  if (options.out === undefined) await output.write(text);
  else writeFileSync(options.out, text, { mode: 0o600, flag: 'wx' });
  if (options.publicOut !== undefined) writeFileSync(options.publicOut, await textOfKey(key.toPublic()), { flag: 'wx' });
  output.say(`${key.alg} ${key.kid ?? ''}`.trim());
}

export const tokens = [
  { name: 'token get', summary: 'Get an access token: your own, or one for a client with its secret.', options: [...CLIENT, ['--scope <values>', 'the requested scope'], ['--resource <uri>', 'the resource; the issuer itself by default']], run: get },
  { name: 'token decode', summary: 'Show what a token says. Its signature is not checked.', arguments: [TOKEN], isOffline: true, run: decode },
  { name: 'token verify', summary: 'Verify a token, by the keys of its issuer or by given ones.', arguments: [TOKEN], options: CHECKS, isOffline: true, run: verify },
  { name: 'token explain', summary: 'Show the result of every check of a token.', arguments: [TOKEN], options: CHECKS, isOffline: true, run: explain },
  { name: 'token inspect', summary: 'Ask the authorization server about a token (introspection).', arguments: [TOKEN], options: CLIENT, run: inspect },
  {
    name: 'token mint',
    summary: 'Make a token with a key of your own, for tests.',
    options: [
      ['--key <file>', 'the private key, PEM or JWK'], ['--issuer <url>', 'the iss of the token'], ['--claim <pair>', 'a claim, NAME=VALUE; may be repeated'],
      ['--claims <file>', 'claims as JSON'], ['--type <name>', 'the typ of the token; at+jwt by default'], ['--ttl <seconds>', 'the lifetime; 600 by default'], ['--alg <name>', 'the algorithm of an RSA key'],
    ],
    repeatable: ['--claim'],
    isOffline: true,
    examples: ['edgemint token mint --key key.jwk --issuer https://issuer.example --claim sub=u1 --claim aud=https://api.example --claim client_id=app'],
    run: mint,
  },
  { name: 'jwks', summary: 'Show the public keys of the issuer, or those of files, as a JWK Set.', arguments: [['[files...]', 'keys, PEM or JWK']], run: jwks },
  {
    name: 'keygen',
    summary: 'Generate a key.',
    arguments: [['[alg]', 'the algorithm; ES256 by default']],
    options: [
      ['--kid <kid>', 'the identifier; the thumbprint by default'], ['--bits <number>', 'the length of an RSA key; 2048 by default'], ['--pem', 'PEM instead of JWK'],
      ['--out <file>', 'write the key to a new file that its owner alone can read'], ['--public-out <file>', 'write the public half to a new file'],
    ],
    isOffline: true,
    run: (context, { alg = 'ES256' }, options) => keygen(context, { alg }, options),
  },
];
