// Identity assertions (draft-ietf-oauth-identity-assertion-authz-grant-06) between two running Workers. Contains no assertions of tests.
import { admin } from './admin.mjs';
import { JWT_BEARER, present, registerAssertionClient } from './assertion-grants.mjs';
import { ID_TOKEN, TOKEN_EXCHANGE, exchange, registerApp } from './exchanges.mjs';
import { newGrant } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser } from './people.mjs';
import { basic } from './request.mjs';

export const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
export const REFRESH_TOKEN = 'urn:ietf:params:oauth:token-type:refresh_token';
/** A resource of the resource authorization server. */
export const CHAT = 'https://api.chat.example';

/**
 * Starts two Workers: an identity provider, and a resource authorization server whose users sign in there. `wiki` is a client of both
 * (`atIdp`, `atRas`); `user` has an account at both, and `tokens` are what the user's sign-in gave the client. Stop it with `stop()`.
 */
export async function startOrganisations({ resource = CHAT } = {}) {
  const idp = await startWorker();
  const ras = await startWorker({ vars: { UPSTREAM_ISSUER: idp.issuer, UPSTREAM_CLIENT_ID: 'em' } });
  const [user, atIdp, atRas] = await Promise.all([
    createUser(idp, { email: 'alice@corp.example', email_verified: true }), registerWiki(idp),
    registerAssertionClient(ras, { scope: 'chat.read chat.write', resources: [resource], grant_types: [JWT_BEARER] }),
  ]);
  const local = await linkUser(ras, idp, user.id);
  const rule = await permitAssertions(idp, atIdp, ras, atRas, { resources: [resource] });
  const trusted = await trustProvider(ras, idp, [atRas]);
  const browser = new Browser(idp);
  await browser.signIn(user);
  const tokens = await newGrant(idp, browser, user, atIdp, { scope: 'openid read offline_access' });
  const stop = () => Promise.all([idp.stop(), ras.stop()]);
  return { idp, ras, user, local, atIdp, atRas, rule, trusted, browser, tokens, stop };
}

/** Registers a client that signs users in and exchanges their tokens. It may send its secret either way: the MCP client sends it in the body. */
export function registerWiki(idp, metadata = {}) {
  return registerApp(idp, { client_name: 'Wiki', token_endpoint_auth_method: undefined, grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE], ...metadata });
}

/** Creates the account of a user of the identity provider. */
export function linkUser(ras, idp, sub) {
  return createUser(ras, { username: undefined, password: undefined, upstream: { issuer: idp.issuer, sub } });
}

/** Creates the rule at the identity provider; returns it, or throws. */
export async function permitAssertions(idp, atIdp, ras, atRas, members = {}) {
  const { status, text, json } = await admin(idp, 'POST', '/admin/exchange-rules', {
    client: atIdp.id, sources: [atIdp.id], targets: [ras.issuer], mode: 'id_jag', client_id: atRas.id, scope: 'chat.read chat.write', ...members,
  });
  if (status !== 201) throw new Error(`no rule: ${status} ${text}`);
  return json;
}

/** Has a server trust the identity provider, whose keys it fetches; returns the record, or throws. */
export async function trustProvider(ras, idp, clients, members = {}) {
  const { status, text, json } = await admin(ras, 'POST', '/admin/trusted-issuers', {
    issuer: idp.issuer, jwks_uri: `${idp.issuer}/.well-known/jwks.json`, algorithms: ['ES256'], subject: 'upstream', assertions: 'id_jag',
    clients: clients.map(({ id }) => id), scope: 'chat.read chat.write', ...members,
  });
  if (status !== 201) throw new Error(`no trusted issuer: ${status} ${text}`);
  return json;
}

/** Asks the identity provider for an assertion, by default with an ID token and for CHAT. */
export function requestAssertion(idp, client, ras, subject_token, parameters = {}) {
  return exchange(idp, client, subject_token, {
    subject_token_type: ID_TOKEN, requested_token_type: ID_JAG, audience: ras.issuer, resource: CHAT, ...parameters,
  });
}

/** Presents an assertion as a client of the resource authorization server, which authenticates if it has a secret. */
export function presentAs(ras, client, assertion, parameters = {}) {
  return present(ras, assertion, parameters, client?.secret === undefined ? {} : basic(client));
}
