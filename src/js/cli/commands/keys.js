// Signing keys and the key-encryption key.
import { readFileSync, writeFileSync } from 'node:fs';
import { failed, usage } from '../failures.js';
import { confirmed, timeOf } from '../input.js';
import { when } from '../output.js';
import { waitFor } from './ending.js';

const KID = ['<kid>', 'the identifier of the key'];
const COLUMNS = ['kid', 'alg', 'use', ['stage', ({ stage }, colors) => ({ active: colors.green, revoked: colors.red }[stage] ?? colors.dim)(stage)], 'publish_at', 'sign_from', 'sign_until', 'drop_at'];

async function* allKeys({ session, signal }) {
  const { keys, revoked = [] } = await session.admin.listKeys({ signal });
  yield* keys;
  yield* revoked;
}

const STEPS = [['publish_at', 'is published'], ['sign_from', 'begins to sign'], ['sign_until', 'stops signing'], ['drop_at', 'leaves the published set'], ['revoked_at', 'is revoked']];

/** What happens to which key, in the order of time. */
async function* timeline({ session, signal }) {
  const { keys, revoked = [] } = await session.admin.listKeys({ signal });
  const now = Math.floor(Date.now() / 1000);
  const steps = [...keys, ...revoked].flatMap((key) => STEPS.filter(([member]) => typeof key[member] === 'number' && !(key.use === 'verify' && member.startsWith('sign')))
    .map(([member, what]) => ({ time: key[member], in: key[member] - now, kid: key.kid, alg: key.alg, what })));
  yield* steps.sort((one, other) => one.time - other.time);
}

/** A span in words. */
export function span(seconds) {
  const [size, unit] = [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']].find(([length]) => Math.abs(seconds) >= length) ?? [1, 's'];
  const text = `${Math.floor(Math.abs(seconds) / size)} ${unit}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** The keys of files, each checked before the first is sent. */
async function keysOf(files, { alg }) {
  const { importKey } = await import('edgemint');
  return Promise.all(files.map(async (file) => {
    const text = readFileSync(file, 'utf8').trim();
    try {
      await importKey(text, alg === undefined ? {} : { alg });
    } catch (error) {
      throw failed(`${file}: ${error.message}`, error.reason === 'algorithm_missing' ? 'add --alg NAME' : undefined);
    }
    return { file, key: text.startsWith('{') ? JSON.parse(text) : text };
  }));
}

async function importKeys({ output, session, signal }, { files }, options) {
  if (options.use === undefined) throw usage('--use is missing', 'sign or verify');
  if (options.kid !== undefined && files.length > 1) throw usage('--kid is for one file');
  if ((options.until === undefined) === (options.use === 'verify')) throw usage('--until belongs to --use verify, and to it alone');
  const keys = await keysOf(files, options);
  const members = {
    use: options.use,
    ...(options.kid !== undefined && { kid: options.kid }),
    ...(options.alg !== undefined && { alg: options.alg }),
    ...(options.until !== undefined && { until: timeOf(options.until, { ahead: true }) }),
  };
  const { admin } = session;
  let imported = 0;
  try {
    for (const { file, key } of keys) {
      const { kid, stage } = await admin.importKey({ key, ...members }, { signal });
      imported += 1;
      output.say(`${file}: imported as ${kid}`);
      await (output.isTable ? undefined : output.write(`${JSON.stringify({ file, kid, stage })}\n`));
    }
  } catch (error) {
    if (files.length > 1) output.say(`${imported} of ${files.length} keys are imported; ${files[imported]} and those after it are not${signal.aborted ? ', unless the server was about to: edgemint keys list' : ''}`);
    throw error;
  }
}

async function rotate(context, _, options) {
  const { output, session, signal } = context;
  await confirmed(options, 'Have the next key of every algorithm take over?');
  await session.admin.rotateKeys({ signal });
  await output.list(allKeys(context), COLUMNS);
}

async function revoke({ output, session, signal }, { kid }, options) {
  await confirmed(options, `Revoke the key ${kid}? Every token that it signed is refused.`);
  const { keys, revoked, ...revocation } = await session.admin.revokeKey(kid, { signal });
  await output.record(revocation);
}

async function exportKey({ output, session, signal }, { kid }, { format = 'jwk', out }) {
  const key = await session.admin.readKey(format === 'jwk' ? kid : `${kid}.${format}`, { signal });
  if (out === undefined && typeof key !== 'string') return output.record(key);
  const text = typeof key === 'string' ? key : `${JSON.stringify(key, undefined, 2)}\n`;
  if (out === undefined) return output.write(text);
  writeFileSync(out, text, { flag: 'wx' });
  output.say(`The public key is in ${out}.`);
}

async function keyEncryption({ output, session, signal }) {
  await output.record(await session.admin.readKeyEncryption({ signal }));
}

async function reseal({ output, session, signal }, _, { wait }) {
  const begun = await session.admin.reseal({ signal });
  const words = ({ records, resealed, failures }) => `${records} records read, ${resealed} re-encrypted, ${failures} failed`;
  const state = wait ? await waitFor(output, () => session.admin.readKeyEncryption({ signal }), words, signal) : begun;
  await output.record(state);
  if (state.failures > 0) throw failed(`${state.failures} records could not be re-encrypted`, state.state);
}

export const keys = [
  { name: 'keys list', summary: 'List the signing keys and the revoked ones.', run: (context) => context.output.list(allKeys(context), COLUMNS) },
  {
    name: 'keys timeline',
    summary: 'Show what happens to the signing keys, and when.',
    run: (context) => context.output.list(timeline(context), [['time', ({ time }) => when(time)], ['', (step) => span(step.in)], 'alg', 'kid', 'what']),
  },
  { name: 'keys rotate', summary: 'Have the next key of every algorithm take over.', destroys: true, run: rotate },
  { name: 'keys revoke', summary: 'Revoke a key: every token that it signed is refused.', arguments: [KID], destroys: true, run: revoke },
  {
    name: 'keys import',
    summary: 'Import keys of another issuer, each in a file: PEM or JWK.',
    arguments: [['<files...>', 'the files']],
    options: [
      ['--use <use>', 'sign with a private key in its turn, or verify with a public key for some time', ['sign', 'verify']],
      ['--kid <kid>', 'the identifier'], ['--alg <name>', 'the algorithm of an RSA key'], ['--until <time>', 'with verify: how long, such as 30d or 2027-01-31'],
    ],
    examples: ['edgemint keys import old.pem --use sign --kid 2024-a', 'edgemint keys import old-public.pem --use verify --until 30d'],
    run: importKeys,
  },
  {
    name: 'keys export',
    summary: 'Export a published public key.',
    arguments: [KID],
    options: [['--format <name>', 'jwk by default', ['jwk', 'pem', 'crt']], ['--out <file>', 'write it to a new file']],
    run: exportKey,
  },
  { name: 'key-encryption status', summary: 'Show the key-encryption keys and the progress of re-encryption.', run: keyEncryption },
  { name: 'key-encryption reseal', summary: 'Re-encrypt all records with the present key-encryption key.', options: [['--wait', 'wait until it is complete, with counts']], run: reseal },
];
