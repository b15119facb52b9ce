// The OpenAPI 3.1 document of the admin API: one topic a module. `tests/workerd/openapi.test.mjs` holds it against the table of routes and
// against real responses.
import { clients } from './clients.mjs';
import { events } from './events.mjs';
import { exchangeRules } from './exchange_rules.mjs';
import { issuers } from './issuers.mjs';
import { keys } from './keys.mjs';
import { object, refusalResponses, text } from './parts.mjs';
import { resources } from './resources.mjs';
import { revocations } from './revocations.mjs';
import { users } from './users.mjs';

/** One row a topic: its paths and its schemas. */
const TOPICS = [clients, users, keys, issuers, resources, exchangeRules, revocations, events];

const ADMIN_SCOPE = { 'edgemint:admin': 'Everything that an operator may do.' };

/** Returns the document for a version of the project. */
export function openapi(version) {
  const merged = (member) => Object.assign({}, ...TOPICS.map((topic) => topic[member]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Edgemint admin API',
      version,
      description: 'The administration of an authorization server: clients, users, keys, trusted issuers, revocation and audit events. Times are seconds since 1970. An identifier in a path is percent-encoded. A body is at most 64 KiB of JSON.',
      license: { name: 'MIT OR Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The issuer that serves this document.' }],
    security: [{ operator: Object.keys(ADMIN_SCOPE) }],
    tags: [...new Set(Object.values(merged('paths')).flatMap((path) => Object.values(path).flatMap((item) => item.tags ?? [])))].map((name) => ({ name })),
    paths: merged('paths'),
    components: {
      securitySchemes: {
        operator: {
          type: 'oauth2',
          description: 'An access token of this server for itself (`resource` is the issuer), with the scope `edgemint:admin`.',
          flows: {
            clientCredentials: { tokenUrl: '/oauth/token', scopes: ADMIN_SCOPE },
            authorizationCode: { authorizationUrl: '/oauth/authorize', tokenUrl: '/oauth/token', refreshUrl: '/oauth/token', scopes: ADMIN_SCOPE },
          },
        },
      },
      responses: refusalResponses,
      schemas: {
        Refusal: object('A refusal.', {
          error: text('A stable code, such as `invalid_request`, `invalid_client_metadata`, `not_found`, `invalid_token`, `insufficient_scope` or `temporarily_unavailable`.'),
          error_description: text('A sentence for the developer: which input is wrong, and what is expected.'),
        }, ['error', 'error_description']),
        ...merged('schemas'),
      },
    },
  };
}
