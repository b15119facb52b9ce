// oidc-provider on Node.js: everything in memory, access tokens like ours (JWTs with ES256), users who sign in under any name
// and consent to everything. Run with a port; prints when it listens.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

/** Plain maps. The adapter that comes with it visits all tokens of a grant whenever it stores one. */
class Maps {
  static #byModel = new Map();
  #records;

  constructor(model) {
    this.#records = Maps.#byModel.get(model) ?? new Map();
    Maps.#byModel.set(model, this.#records);
  }

  async upsert(id, payload) {
    this.#records.set(id, payload);
  }

  async find(id) {
    return this.#records.get(id);
  }

  async findByUid(uid) {
    return [...this.#records.values()].find((payload) => payload.uid === uid);
  }

  async consume(id) {
    this.#records.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.#records.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [id, payload] of this.#records) {
      if (payload.grantId === grantId) this.#records.delete(id);
    }
  }
}

const port = Number(process.argv[2]);
const origin = `http://localhost:${port}`;
const resource = `${origin}/api`;

async function privateKey(alg) {
  const { privateKey: key } = await generateKeyPair(alg, { extractable: true });
  return { ...await exportJWK(key), alg, use: 'sig', kid: alg };
}

const provider = new Provider(origin, {
  adapter: Maps,
  jwks: { keys: [await privateKey('ES256'), await privateKey('RS256')] },
  clients: [{
    client_id: 'app',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }],
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  cookies: { keys: ['benchmark'] },
  ttl: { AccessToken: 600, Session: 86400, Grant: 86400, RefreshToken: 86400, AuthorizationCode: 60, Interaction: 600 },
  issueRefreshToken: () => true,
  // As with our offline_access: a refresh does not depend on the session.
  expiresWithSession: () => false,
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
});

const answer = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  return interact(request, response).catch((error) => response.writeHead(500).end(error.message));
});

/** The user of the login hint signs in, and consents to everything. */
async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(resource, 'read');
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

server.listen(port, '127.0.0.1', () => console.log('listening'));
