// Registered resources, and the rules by which clients exchange tokens for them.
import { WAIT, showRevocation } from './grants.js';
import { recordCommands, removeCommand } from './records.js';

/** Items of a response that is no page of a list. */
async function* itemsOf({ session, signal }, call, member) {
  yield* (await session.admin[call]({ signal }))[member];
}

export const resources = [
  {
    name: 'resources list',
    summary: 'List the registered resources.',
    run: (context) => context.output.list(itemsOf(context, 'listResources', 'resources'), ['id', 'identifier', 'name', ['scopes', ({ scopes }) => scopes.map(({ value }) => value).join(' ')], ['clients', ({ clients }) => [clients].flat().join(' ')]]),
  },
  ...recordCommands('resources', { read: 'readResource', create: 'createResource', replace: 'replaceResource' }, {
    get: 'Show a resource.', create: 'Register a resource.', replace: 'Replace every member but the identifier.',
  }),
  removeCommand('resources', 'removeResource', {
    summary: 'Remove a resource; clients and grants lose it.', question: (id) => `Remove the resource ${id} and take it from clients and grants?`, options: [WAIT], removed: showRevocation,
  }),
  {
    name: 'exchange-rules list',
    summary: 'List the exchange rules.',
    run: (context) => context.output.list(itemsOf(context, 'listExchangeRules', 'exchange_rules'), ['id', 'client', 'sources', 'targets', 'scope', 'mode'].map((name) => [name, (rule) => [rule[name]].flat().join(' ')])),
  },
  ...recordCommands('exchange-rules', { read: 'readExchangeRule', create: 'createExchangeRule', replace: 'replaceExchangeRule' }, {
    get: 'Show an exchange rule.', create: 'Allow a client to exchange tokens.', replace: 'Replace scope and mode of a rule.',
  }),
  removeCommand('exchange-rules', 'removeExchangeRule', { summary: 'Remove an exchange rule.', question: (id) => `Remove the exchange rule ${id}?` }),
];
