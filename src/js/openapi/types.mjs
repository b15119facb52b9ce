// The TypeScript types of the admin API, from its OpenAPI document: an interface for each schema, and `AdminCalls` with a method for each
// operation. The build writes them into the package as `admin_calls.d.ts`.

/** Returns the text of the module. */
export function types(document) {
  const records = Object.entries(document.components.schemas).map(([name, schema]) => interfaceOf(name, schema));
  const calls = Object.values(document.paths).flatMap(({ parameters = [], ...methods }) =>
    Object.values(methods).map((operation) => methodOf(document, operation, parameters)));
  return `// Types of the admin API. Generated from the OpenAPI document.
import type { CallOptions, Pages } from './admin.js';

${records.join('\n')}
/** The calls of the admin API, one method each. */
export interface AdminCalls {
${calls.join('\n')}
}
`;
}

function interfaceOf(name, schema) {
  const [keyword, body] = schema.type === 'object' ? [`interface ${name}`, members(schema, '')] : [`type ${name} =`, `${typeOf(schema)};`];
  return `${comment(schema.description)}export ${keyword} ${body}\n`;
}

function members({ properties = {}, required = [], additionalProperties }, indent) {
  const lines = Object.entries(properties).map(([name, schema]) =>
    `${comment(schema.description, `${indent}  `)}${indent}  ${name}${required.includes(name) ? ': ' : '?: '}${typeOf(schema, `${indent}  `)}${required.includes(name) ? '' : ' | undefined'};`);
  if (additionalProperties === true) lines.push(`${indent}  [member: string]: unknown;`);
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

const SCALARS = { string: 'string', integer: 'number', boolean: 'boolean', null: 'null' };

function typeOf(schema, indent = '') {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, indent)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const).replaceAll('"', "'");
  if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
  return [schema.type].flat().map((type) => {
    if (type === 'array') return /^[\w]+$/.test(typeOf(schema.items)) ? `${typeOf(schema.items)}[]` : `(${typeOf(schema.items)})[]`;
    if (type !== 'object') return SCALARS[type];
    return schema.properties ? members(schema, indent) : `{ [name: string]: ${schema.additionalProperties?.type ? typeOf(schema.additionalProperties) : 'unknown'} }`;
  }).join(' | ');
}

function methodOf(document, { operationId, summary, description, parameters: own = [], requestBody, responses }, shared) {
  const parameters = [...shared, ...own];
  const args = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `${name}: string`);
  if (requestBody) args.push(`body: ${typeOf(requestBody.content['application/json'].schema)}`);
  const query = parameters.filter((parameter) => parameter.in === 'query');
  if (query.length > 0) args.push(`query?: { ${query.map(({ name, schema }) => `${name}?: ${typeOf(schema)} | undefined`).join('; ')} }`);
  args.push('options?: CallOptions');
  const bodies = [...new Set(Object.entries(responses).filter(([status]) => status < 300).flatMap(([, response]) =>
    response.content ? Object.values(response.content).map(({ schema }) => typeOf(schema)) : ['undefined']))];
  const item = pageItem(document, bodies);
  const result = item === undefined ? `Promise<${bodies.join(' | ')}>` : `Pages<${typeOf(item)}, ${bodies[0]}>`;
  return `${comment([summary, description].filter(Boolean).join(' '), '  ')}  ${operationId}(${args.join(', ')}): ${result};`;
}

/** The schema of the items, if the response is a page of a list. */
function pageItem(document, bodies) {
  const { properties = {} } = document.components.schemas[bodies[0]] ?? {};
  return properties.cursor && Object.values(properties).find((schema) => schema.type === 'array')?.items;
}

/** The description as a comment, in lines of at most 140 characters. */
function comment(description, indent = '') {
  if (!description) return '';
  const lines = [''];
  for (const word of description.replaceAll('*/', '*\\/').split(' ')) {
    if (lines.at(-1).length + word.length + indent.length > 132) lines.push('');
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.length === 1 ? `${indent}/**${lines[0]} */\n` : `${indent}/**\n${lines.map((line) => `${indent} *${line}\n`).join('')}${indent} */\n`;
}
