// Trusted issuers.
import { LIMIT } from '../options.js';
import { recordCommands, removeCommand } from './records.js';

export const issuers = [
  {
    name: 'trusted-issuers list',
    summary: 'List the trusted issuers.',
    options: [LIMIT],
    run: ({ output, session, signal, limit }) => output.list(session.admin.listTrustedIssuers({}, { signal }), ['id', 'issuer', 'subject', 'clients', 'scope'], limit),
  },
  ...recordCommands('trusted-issuers', { read: 'readTrustedIssuer', create: 'createTrustedIssuer', replace: 'replaceTrustedIssuer' }, {
    get: 'Show a trusted issuer.', create: "Trust another server's assertions.", replace: 'Replace every member but the issuer.',
  }),
  removeCommand('trusted-issuers', 'removeTrustedIssuer', { summary: 'Stop trusting a server.', question: (id) => `Stop trusting ${id}?` }),
];
