// The pieces that the OpenAPI document is made of: schemas, parameters, responses and operations (OpenAPI 3.1).

/** A text. `more` has further keywords. */
export const text = (description, more = {}) => ({ type: 'string', description, ...more });
/** One of these words. */
export const word = (description, words) => ({ type: 'string', description, enum: words });
export const flag = (description) => ({ type: 'boolean', description });
export const count = (description) => ({ type: 'integer', minimum: 0, description });
/** Seconds since 1970. */
export const time = (description) => ({ type: 'integer', minimum: 0, description: `${description} Seconds since 1970.` });
export const list = (items, description, more = {}) => ({ type: 'array', items, description, ...more });
export const texts = (description, more = {}) => list({ type: 'string' }, description, more);
/** The same schema, and `null`. */
export const orNull = (schema) => ({ ...schema, type: [schema.type, 'null'] });
export const schema = (name) => ({ $ref: `#/components/schemas/${name}` });

/** An object. `required` names the members that are always there. */
export function object(description, properties, required = [], more = {}) {
  return { type: 'object', description, properties, ...(required.length > 0 && { required }), ...more };
}

/** A page of a list: the items under `member`, and the cursor of the next page. */
export function page(description, member, items) {
  return object(description, {
    [member]: list(items, 'The items of this page.'),
    cursor: text('Where the next page begins. Absent on the last page.'),
  }, [member]);
}

/** A parameter in the path. */
export const inPath = (name, description) => ({ name, in: 'path', required: true, description, schema: { type: 'string', minLength: 1 } });
/** A parameter in the query. */
export const inQuery = (name, description, schemaOf = { type: 'string' }) => ({ name, in: 'query', description, schema: schemaOf });

export const CURSOR = inQuery('cursor', 'Continues a list: the `cursor` of the previous page.');

const LOCATION = { Location: { description: 'The URL of the record.', schema: { type: 'string', format: 'uri' } } };
const json = (of) => ({ 'application/json': { schema: of } });
const refused = (name) => ({ $ref: `#/components/responses/${name}` });

/** A response with JSON. `at` adds the header `Location`. */
export const reply = (description, of, { at = false } = {}) => ({ description, ...(at && { headers: LOCATION }), content: json(of) });
export const NOTHING = { description: 'Done. The response has no body.' };

/**
 * An operation. `operationId` is the name of the endpoint in the table of routes, in camel case, and of the method of `AdminClient`.
 *
 * - `replies`: the responses of success by their status
 * - `body`: the schema of the request's body, which is then required
 * - `refusals`: the statuses beyond those that every operation has: 400, 401, 403 and 503
 */
export function operation(operationId, tag, summary, { parameters, body, replies, refusals = [], description }) {
  const statuses = body === undefined ? [400, ...refusals] : [400, 413, ...refusals];
  const all = [...new Set([...statuses, 401, 403, 503])].sort((one, other) => one - other);
  return {
    operationId, tags: [tag], summary, ...(description && { description }),
    ...(parameters && { parameters }),
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: { ...replies, ...Object.fromEntries(all.map((status) => [status, refused(REFUSALS[status][0])])) },
  };
}

const WAIT = { 'Retry-After': { description: 'Seconds to wait before the request is repeated.', schema: { type: 'integer', minimum: 0 } } };
const CHALLENGE = { 'WWW-Authenticate': { description: 'The challenge (RFC 6750 section 3).', schema: { type: 'string' } } };
const REFUSALS = {
  400: ['Invalid', 'A parameter or a member is missing or wrong. `error_description` names it.'],
  401: ['Unauthorized', 'The access token is missing, malformed, expired, revoked or not meant for this server.', CHALLENGE],
  403: ['Forbidden', 'The access token lacks the scope `edgemint:admin`.', CHALLENGE],
  404: ['NotFound', 'There is no such record.'],
  409: ['Conflict', 'The state of the server does not allow it: a record of that name or key exists.'],
  413: ['TooLarge', 'The body is too large.'],
  503: ['Unavailable', 'The server cannot respond now.', WAIT],
};

/** The responses of refusals, for `components`. */
export const refusalResponses = Object.fromEntries(Object.values(REFUSALS).map(([name, description, headers]) =>
  [name, { description, ...(headers && { headers }), content: json(schema('Refusal')) }]));
