// The set-up that the tests of third-party client libraries share: clients are registered here, then passed to the library.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before } from 'node:test';
import * as oauth from 'oauth4webapi';
import { keyMetadata, newClientKey } from './client-key.mjs';
import { decode } from './forgery.mjs';
import { registerResourceServer } from './grants.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser, registerPublicClient } from './people.mjs';
import { visit } from './visit.mjs';

export const METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];
export const INSECURE = { [oauth.allowInsecureRequests]: true };

/**
 * A Worker with one user, for one test file and one library. Its replay window is 0: sending a refresh token twice is reuse.
 *
 * `connect(server, registered)` sets up the library, and returns its operations for a client:
 *
 * - `request(parameters)`: an authorization request; returns its `url` and the `checks` for its response
 * - `redeem(answer, checks, parameters)`: checks the response and redeems the code; returns `{ tokens, claims }`, the
 *   claims of an ID token whose signature was checked too
 * - `refresh(token, parameters)`, `userinfo(access_token, sub)`, `introspect(token)`, `revoke(token)`
 * - `logoutUrl(parameters)`
 *
 * All reject with the errors of the library.
 */
export class World {
  constructor(connect) {
    this.connect = connect;
    before(() => this.start());
    after(() => this.server?.stop());
  }

  async start() {
    this.server = await startWorker({
      vars: { SIGNING_ALGORITHMS: 'ES256 RS256 EdDSA', REFRESH_REPLAY_WINDOW: '0' },
    });
    this.user = await createUser(this.server, { name: 'Demo', email: 'demo@example.com' });
    const resourceServer = await registerResourceServer(this.server);
    this.inspector = await this.connect(this.server, { ...resourceServer, method: 'client_secret_basic' });
  }

  /** Registers a client that authenticates by `method`, and passes it to the library. */
  async relyingParty(metadata = {}, { method = 'none', discovery = 'oidc' } = {}) {
    const key = method === 'private_key_jwt' ? await newClientKey('ES256') : undefined;
    const own = key ? keyMetadata(key) : { token_endpoint_auth_method: method };
    const client = await registerPublicClient(this.server, { ...metadata, ...own });
    const algorithm = metadata.id_token_signed_response_alg;
    const party = await this.connect(this.server, { ...client, method, key, algorithm, discovery });
    return Object.assign(party, { client });
  }

  newBrowser() {
    return new Browser(this.server);
  }

  /** A user's way from the request to the response; returns `{ answer, shown, page, checks }`. */
  async ask(party, parameters = {}, { browser = this.newBrowser(), decision } = {}) {
    const { url, checks } = await party.request(parameters);
    return { ...await visit(browser, this.user, url, decision), checks };
  }

  /** The same, and the tokens; returns `{ tokens, claims, browser, shown, answer, checks }`. */
  async signIn(party, parameters = {}, { browser = this.newBrowser() } = {}) {
    const asked = await this.ask(party, parameters, { browser });
    return { ...asked, browser, ...await party.redeem(asked.answer, asked.checks) };
  }

  /** Asserts that an access token is active or not: at userinfo, and at introspection by another client. */
  async assertStanding(party, access_token, stands) {
    const { active } = await this.inspector.introspect(access_token);
    assert.equal(active, stands);
    if (stands) {
      assert.equal((await party.userinfo(access_token, this.user.id)).sub, this.user.id);
    } else {
      const error = await rejection(party.userinfo(access_token, this.user.id));
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
      assert.deepEqual([error.status, error.cause[0].parameters.error], [401, 'invalid_token']);
    }
  }

  /** Asserts that a resource server which uses oauth4webapi accepts an access token; returns the claims. */
  async accessTokenClaims(access_token, audience) {
    const issuer = new URL(this.server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
    const headers = { authorization: `Bearer ${access_token}` };
    return oauth.validateJwtAccessToken(as, new Request('https://api.example/', { headers }), audience, INSECURE);
  }
}

/** The hash of an access token in its ID token (OpenID Connect Core section 3.1.3.6); no library here checks it. */
export function accessTokenHash({ access_token, id_token }) {
  const digest = createHash(decode(id_token).header.alg === 'EdDSA' ? 'sha512' : 'sha256').update(access_token).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** The error that a promise rejects with. */
export async function rejection(promise) {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error, 'it was accepted');
  return error;
}

/** Asserts that the library reports this error of the authorization endpoint. */
export async function assertAnswer(redeeming, error) {
  const thrown = await rejection(redeeming);
  assert.ok(thrown instanceof oauth.AuthorizationResponseError, thrown);
  assert.equal(thrown.error, error);
}

/** Asserts that the library reports this error of the token endpoint. */
export async function assertTokenError(asking, error, status = 400) {
  const thrown = await rejection(asking);
  assert.ok(thrown instanceof oauth.ResponseBodyError, thrown);
  assert.deepEqual([thrown.status, thrown.error], [status, error]);
}
