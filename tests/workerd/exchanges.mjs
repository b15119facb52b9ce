// Token exchange (RFC 8693) at a running Worker: rules, clients and requests. Contains no assertions of tests.
import { admin, registerClient } from './admin.mjs';
import { registerConfidentialClient } from './grants.mjs';
import { basic, postForm } from './request.mjs';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
/** The resource whose server exchanges the tokens that it receives, and those that it calls. */
export const API = 'https://api.example';
export const BACKEND = 'https://backend.example';
export const AUDIT = 'https://audit.example';

/** Registers the client that exchanges: the server of API, by default. */
export function registerGateway(server, metadata = {}) {
  return registerClient(server, {
    client_name: 'Gateway', grant_types: ['client_credentials', TOKEN_EXCHANGE], scope: 'read write openid', resources: [API, BACKEND, AUDIT], ...metadata,
  });
}

/** Registers a client that signs users in to call API. */
export function registerApp(server, metadata = {}) {
  return registerConfidentialClient(server, { resources: [API], ...metadata });
}

/** Creates a rule; returns it as the admin API shows it, or throws. */
export async function allowExchange(server, client, members = {}) {
  const rule = { client: client.id, sources: [API], targets: [BACKEND], scope: 'read write', mode: 'delegation', ...members };
  const { status, text, json } = await admin(server, 'POST', '/admin/exchange-rules', rule);
  if (status !== 201) throw new Error(`no rule: ${status} ${text}`);
  return json;
}

/** Exchanges a token. Undefined parameters are left out, and a list is a parameter for each member. */
export function exchange(server, client, subject_token, parameters = {}) {
  const all = { grant_type: TOKEN_EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN, ...parameters };
  const pairs = Object.entries(all).flatMap(([name, value]) => [value].flat().filter((one) => one !== undefined).map((one) => [name, one]));
  return postForm(server, '/oauth/token', pairs, client.secret === undefined ? {} : basic(client));
}
