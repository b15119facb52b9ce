// Any call of the admin API.
import { usage } from '../failures.js';
import { jsonOf } from '../input.js';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

async function call({ output, session, signal }, { method, path }, options) {
  const verb = method.toUpperCase();
  if (!METHODS.includes(verb)) throw usage(`${method} is no method of the admin API`, METHODS.join(', '));
  if (!/^\/admin\/[^\s#]*$/.test(path) || path.split(/[/?]/).some((part) => part === '..' || part === '.')) throw usage('the path must begin with /admin/', 'edgemint api GET /admin/openapi.json lists them');
  const query = Object.fromEntries((options.query ?? []).map((pair) => {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (name === undefined) throw usage(`--query must be NAME=VALUE`);
    return [name, value];
  }));
  const body = options.input === undefined ? undefined : await jsonOf(options.input, 'the body');
  const response = await session.admin.request(verb, path, { query, body, signal });
  if (typeof response === 'string') await output.write(response);
  else if (response !== undefined) await output.record(response);
}

export const raw = [
  {
    name: 'api',
    summary: 'Send any request of the admin API.',
    arguments: [['<method>', METHODS.join(', ')], ['<path>', 'the path, with its identifiers percent-encoded']],
    options: [['--query <pair>', 'a parameter, NAME=VALUE; may be repeated'], ['--input <file>', 'the body, as JSON; - is standard input']],
    repeatable: ['--query'],
    examples: ['edgemint api GET /admin/keys', 'edgemint api POST /admin/clients --input client.json'],
    run: call,
  },
];
