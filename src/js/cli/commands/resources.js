// Registered resources.
import { confirmed, jsonOf } from '../input.js';
import { WAIT, showRevocation } from './grants.js';

const ID = [['<id>', 'the id of the record']];
const FILE = [['<file>', 'the record as JSON; - is standard input']];

async function* all({ session, signal }) {
  yield* (await session.admin.listResources({ signal })).resources;
}

async function remove(context, { id }, options) {
  await confirmed(options, `Remove the resource ${id} and take it from clients and grants?`);
  await showRevocation(context, await context.session.admin.removeResource(id, { signal: context.signal }), options);
}

export const resources = [
  {
    name: 'resources list',
    summary: 'List the registered resources.',
    run: (context) => context.output.list(all(context), ['id', 'identifier', 'name', ['scopes', ({ scopes }) => scopes.map(({ value }) => value).join(' ')], 'clients']),
  },
  { name: 'resources get', summary: 'Show a resource.', arguments: ID, run: async ({ output, session, signal }, { id }) => output.record(await session.admin.readResource(id, { signal })) },
  { name: 'resources create', summary: 'Register a resource.', arguments: FILE, run: async ({ output, session, signal }, { file }) => output.record(await session.admin.createResource(await jsonOf(file, 'the record'), { signal })) },
  {
    name: 'resources replace',
    summary: 'Replace every member but the identifier.',
    arguments: [...ID, ...FILE],
    run: async ({ output, session, signal }, { id, file }) => output.record(await session.admin.replaceResource(id, await jsonOf(file, 'the record'), { signal })),
  },
  { name: 'resources delete', summary: 'Remove a resource; clients and grants lose it.', arguments: ID, options: [WAIT], destroys: true, run: remove },
];
