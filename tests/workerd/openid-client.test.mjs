// openid-client, a certified relying party, signs users in, unmodified.
import * as openid from 'openid-client';
import { testRefusals } from './flow-refusals.mjs';
import { testFlows } from './flows.mjs';
import { REDIRECT_URI } from './people.mjs';
import { World } from './relying-party.mjs';

const world = new World(connect);
testFlows(world);
testRefusals(world);

async function connect(server, { id, secret, method, key, algorithm, discovery }) {
  const metadata = { id_token_signed_response_alg: algorithm };
  const options = { algorithm: discovery, execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
  const auth = authentication(method, secret, key);
  return new RelyingParty(await openid.discovery(new URL(server.issuer), id, metadata, auth, options));
}

function authentication(method, secret, key) {
  switch (method) {
    case 'none': return openid.None();
    case 'client_secret_basic': return openid.ClientSecretBasic(secret);
    case 'client_secret_post': return openid.ClientSecretPost(secret);
    case 'private_key_jwt': return openid.PrivateKeyJwt({ key: key.privateKey, kid: key.jwk.kid });
  }
}

class RelyingParty {
  constructor(config) {
    this.config = config;
  }

  async request(parameters = {}) {
    const verifier = openid.randomPKCECodeVerifier();
    const all = {
      redirect_uri: REDIRECT_URI, scope: 'openid read', state: openid.randomState(), nonce: openid.randomNonce(),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    };
    const asked = new URLSearchParams(parameters);
    for (const [name, value] of Object.entries(all)) if (!asked.has(name)) asked.set(name, value);
    const isOpenId = asked.get('scope').split(' ').includes('openid');
    return {
      url: openid.buildAuthorizationUrl(this.config, asked),
      checks: {
        verifier, state: all.state, nonce: isOpenId ? all.nonce : undefined,
        maxAge: asked.has('max_age') ? Number(asked.get('max_age')) : undefined,
      },
    };
  }

  async redeem(answer, { verifier, state, nonce, maxAge }, parameters) {
    const checks = {
      pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge, idTokenExpected: nonce !== undefined,
    };
    return checked(await openid.authorizationCodeGrant(this.config, answer, checks, parameters));
  }

  async refresh(token, parameters) {
    return checked(await openid.refreshTokenGrant(this.config, token, parameters));
  }

  userinfo(token, sub) {
    return openid.fetchUserInfo(this.config, token, sub);
  }

  introspect(token) {
    return openid.tokenIntrospection(this.config, token);
  }

  revoke(token) {
    return openid.tokenRevocation(this.config, token);
  }

  logoutUrl(parameters) {
    return openid.buildEndSessionUrl(this.config, parameters);
  }
}

function checked(tokens) {
  return { tokens, claims: tokens.claims() };
}
