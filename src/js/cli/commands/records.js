// Commands for records that operators write as JSON: resources, exchange rules, trusted issuers.
import { confirmed, jsonOf } from '../input.js';

const ID = [['<id>', 'the id of the record']];
const FILE = [['<file>', 'the record as JSON; - is standard input']];

/** The rows that show, create and replace a record of the group. `calls` names the methods of `AdminClient`; `words` are the summaries. */
export function recordCommands(group, calls, words) {
  const show = (call) => async ({ output, session, signal }, { id, file }) => {
    const values = [...(id === undefined ? [] : [id]), ...(file === undefined ? [] : [await jsonOf(file, 'the record')])];
    await output.record(await session.admin[call](...values, { signal }));
  };
  return [
    { name: `${group} get`, summary: words.get, arguments: ID, run: show(calls.read) },
    { name: `${group} create`, summary: words.create, arguments: FILE, run: show(calls.create) },
    { name: `${group} replace`, summary: words.replace, arguments: [...ID, ...FILE], run: show(calls.replace) },
  ];
}

/** The row that removes a record. `question` makes the question of its id; `removed` shows the response, if it matters. */
export function removeCommand(group, call, { summary, question, options, removed }) {
  return {
    name: `${group} delete`, summary, arguments: ID, options, destroys: true,
    async run(context, { id }, given) {
      await confirmed(given, question(id));
      const response = await context.session.admin[call](id, { signal: context.signal });
      if (removed !== undefined) await removed(context, response, given);
      else context.output.say(`Removed ${id}.`);
    },
  };
}
