// oauth4webapi, a client that implements only the specifications, signs users in, unmodified.
import * as oauth from 'oauth4webapi';
import { testRefusals } from './flow-refusals.mjs';
import { testFlows } from './flows.mjs';
import { REDIRECT_URI } from './people.mjs';
import { INSECURE, World } from './relying-party.mjs';

const world = new World(connect);
testFlows(world);
testRefusals(world);

async function connect(server, { id, secret, method, key, algorithm, discovery }) {
  const issuer = new URL(server.issuer);
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: discovery, ...INSECURE });
  const as = await oauth.processDiscoveryResponse(issuer, discovered);
  const client = { client_id: id, id_token_signed_response_alg: algorithm };
  return new RelyingParty(as, client, authentication(method, secret, key));
}

function authentication(method, secret, key) {
  switch (method) {
    case 'none': return oauth.None();
    case 'client_secret_basic': return oauth.ClientSecretBasic(secret);
    case 'client_secret_post': return oauth.ClientSecretPost(secret);
    case 'private_key_jwt': return oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.jwk.kid });
  }
}

class RelyingParty {
  constructor(as, client, auth) {
    Object.assign(this, { as, party: client, auth });
  }

  async request(parameters = {}) {
    const verifier = oauth.generateRandomCodeVerifier();
    const all = {
      client_id: this.party.client_id, response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid read',
      state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    };
    const asked = new URLSearchParams(parameters);
    for (const [name, value] of Object.entries(all)) if (!asked.has(name)) asked.set(name, value);
    const isOpenId = asked.get('scope').split(' ').includes('openid');
    return {
      url: new URL(`${this.as.authorization_endpoint}?${asked}`),
      checks: {
        verifier, state: all.state, nonce: isOpenId ? all.nonce : undefined,
        maxAge: asked.has('max_age') ? Number(asked.get('max_age')) : undefined,
      },
    };
  }

  async redeem(answer, { verifier, state, nonce, maxAge }, parameters) {
    const { as, party, auth } = this;
    const isForm = answer instanceof Request;
    const form = isForm ? await oauth.formPostResponse(answer) : answer.searchParams;
    const code = oauth.validateAuthResponse(as, party, new URLSearchParams(form), state);
    const redirectUri = isForm ? answer.url : answer.origin + answer.pathname;
    const options = { additionalParameters: parameters, ...INSECURE };
    const response = await oauth.authorizationCodeGrantRequest(as, party, auth, code, redirectUri, verifier, options);
    const expected = { expectedNonce: nonce, maxAge, requireIdToken: nonce !== undefined };
    return this.checked(response, await oauth.processAuthorizationCodeResponse(as, party, response, expected));
  }

  async refresh(token, additionalParameters) {
    const { as, party, auth } = this;
    const options = { additionalParameters, ...INSECURE };
    const response = await oauth.refreshTokenGrantRequest(as, party, auth, token, options);
    return this.checked(response, await oauth.processRefreshTokenResponse(as, party, response));
  }

  async checked(response, tokens) {
    if (tokens.id_token) await oauth.validateApplicationLevelSignature(this.as, response, INSECURE);
    return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
  }

  async userinfo(token, sub) {
    const response = await oauth.userInfoRequest(this.as, this.party, token, INSECURE);
    return oauth.processUserInfoResponse(this.as, this.party, sub, response);
  }

  async introspect(token) {
    const response = await oauth.introspectionRequest(this.as, this.party, this.auth, token, INSECURE);
    return oauth.processIntrospectionResponse(this.as, this.party, response);
  }

  async revoke(token) {
    const response = await oauth.revocationRequest(this.as, this.party, this.auth, token, INSECURE);
    return oauth.processRevocationResponse(response);
  }

  logoutUrl(parameters) {
    return new URL(`${this.as.end_session_endpoint}?${new URLSearchParams({ client_id: this.party.client_id, ...parameters })}`);
  }
}
