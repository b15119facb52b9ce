// Trusted issuers.
import { confirmed, jsonOf } from '../input.js';
import { LIMIT } from '../options.js';

const ID = [['<id>', 'the id of the record']];
const FILE = [['<file>', 'the record as JSON; - is standard input']];

async function remove({ output, session, signal }, { id }, options) {
  await confirmed(options, `Stop trusting ${id}?`);
  await session.admin.removeTrustedIssuer(id, { signal });
  output.say(`Removed the trusted issuer ${id}.`);
}

export const issuers = [
  {
    name: 'trusted-issuers list',
    summary: 'List the trusted issuers.',
    options: [LIMIT],
    run: ({ output, session, signal, limit }) => output.list(session.admin.listTrustedIssuers({}, { signal }), ['id', 'issuer', 'subject', 'clients', 'scope'], limit),
  },
  { name: 'trusted-issuers get', summary: 'Show a trusted issuer.', arguments: ID, run: async ({ output, session, signal }, { id }) => output.record(await session.admin.readTrustedIssuer(id, { signal })) },
  { name: 'trusted-issuers create', summary: "Trust another server's assertions.", arguments: FILE, run: async ({ output, session, signal }, { file }) => output.record(await session.admin.createTrustedIssuer(await jsonOf(file, 'the record'), { signal })) },
  {
    name: 'trusted-issuers replace',
    summary: 'Replace every member but the issuer.',
    arguments: [...ID, ...FILE],
    run: async ({ output, session, signal }, { id, file }) => output.record(await session.admin.replaceTrustedIssuer(id, await jsonOf(file, 'the record'), { signal })),
  },
  { name: 'trusted-issuers delete', summary: 'Stop trusting a server.', arguments: ID, destroys: true, run: remove },
];
