// The ten steps of an app in the browser: a public client with the authorization code grant and PKCE (RFC 6749, RFC 7636,
// OpenID Connect Core). The library oauth4webapi speaks the protocol, the package edgemint checks the tokens.
// Shows nothing.
import * as oauth from '../edgemint/oauth4webapi.js';
import { registration } from './registration.js';
import { Trouble } from './words.js';

const ORIGIN = location.origin;
const CLIENT = registration(ORIGIN);
const [HERE] = CLIENT.redirect_uris;
const TIMEOUT_MS = 20_000;

/**
 * The steps in order. Each has `name`, `title`, `who` (sender and receiver), `why` in a sentence, the text of its `button`, and
 * `run(facts, wire)`, which does it through `wire.fetch`, adds to the facts, and returns the blocks to show beside what went
 * over the wire. `leave` is the text of the link to the authorization server.
 */
export const STEPS = [
  {
    name: 'discovery',
    title: 'Discovery',
    who: 'App → server',
    why: 'An app needs only the issuer URL in advance: the metadata of the authorization server names everything else.',
    button: 'Get the metadata',
    run: discover,
  },
  {
    name: 'request',
    title: 'Authorization request',
    who: 'App → you → server',
    why: 'The app never sees your password: it redirects this tab to the authorization server, with its request in the URL.',
    button: 'Build the request',
    leave: 'Sign in at the server',
    run: buildRequest,
  },
  {
    name: 'callback',
    title: 'Callback',
    who: 'Server → you → app',
    why: 'You are back, with the response in the URL; before the app uses it, it checks that it belongs to the request of this tab.',
    button: 'Check the response',
    run: checkAnswer,
  },
  {
    name: 'tokens',
    title: 'Code for tokens',
    who: 'App → server',
    why: 'The code alone is not enough: it yields tokens only together with the code_verifier, and only once.',
    button: 'Redeem the code',
    run: tradeCode,
  },
  {
    name: 'verification',
    title: 'Verification',
    who: 'Within the app or API',
    why: 'Anyone with the server’s public keys can verify its tokens without a request to it. Here the package edgemint does so, as an API would.',
    button: 'Verify both tokens',
    run: verifyTokens,
  },
  {
    name: 'api',
    title: 'API calls',
    who: 'App → API',
    why: 'The access token is sent in a header; one API returns the claims of the token, the other the server’s claims about you.',
    button: 'Call both APIs',
    run: callApis,
  },
  {
    name: 'refresh',
    title: 'Refresh',
    who: 'App → server',
    why: 'Access tokens expire within minutes; the refresh token gets the next one without you.',
    button: 'Refresh',
    run: refresh,
  },
  {
    name: 'revocation',
    title: 'Revocation',
    who: 'App → server',
    why: 'The app no longer needs its tokens: revoking the refresh token revokes the grant with all its tokens.',
    button: 'Revoke the grant',
    run: revoke,
  },
  {
    name: 'refused',
    title: 'API call, refused',
    who: 'App → API',
    why: 'The access token has not expired, but its grant is revoked: an API that checks this with the server refuses it at once.',
    button: 'Call the API again',
    run: callRefused,
  },
  {
    name: 'sign-out',
    title: 'Sign-out',
    who: 'App → you → server',
    why: 'The app has no tokens any more, but you are still signed in at the server; the app can request a logout there too.',
    button: 'Build the request',
    leave: 'Sign out at the server',
    run: buildSignOut,
  },
];

export const NAMES = STEPS.map(({ name }) => name);

async function discover(facts, wire) {
  if (!isSecureContext) {
    throw new Trouble('Browsers provide the required cryptography only over https, or on localhost.', 'Open this page there.');
  }
  wire.about('The metadata of the authorization server.');
  const response = await oauth.discoveryRequest(new URL(ORIGIN), options(wire));
  if (response.status === 200) {
    const { issuer } = await response.clone().json().catch(() => ({}));
    if (typeof issuer === 'string' && issuer !== ORIGIN && URL.canParse(issuer)) {
      throw new Trouble(`The issuer is ${issuer}, but this page was opened at ${ORIGIN}.`, `Open ${new URL('/demo/', issuer)} instead.`);
    }
  }
  facts.authority = await oauth.processDiscoveryResponse(new URL(ORIGIN), response);
  if (!facts.authority.authorization_endpoint) {
    throw new Trouble('This server does not sign users in: its metadata has no authorization_endpoint.', 'Update it, then try again.');
  }
  await checkRegistration(facts.authority, wire);
  return [];
}

/**
 * Checks whether this page is registered. The server never redirects to an unregistered URI: to a request with
 * `prompt=none` and without cookies, it responds with a redirect for a registered client, else with an error page.
 */
async function checkRegistration(authority, wire) {
  const url = withParameters(authority.authorization_endpoint, {
    client_id: CLIENT.client_id, redirect_uri: HERE, response_type: 'code', prompt: 'none',
  });
  wire.about('Is this page registered as a client? A request without cookies and with prompt=none.');
  const response = await wire.fetch(url, { redirect: 'manual', credentials: 'omit' });
  if (response.type === 'opaqueredirect' || response.status !== 400) return;
  const trouble = new Trouble(
    `This page is not registered: the server has no client “${CLIENT.client_id}” with the redirect URI ${HERE}.`,
    '`npm start` registers it. At a server of your own, register it as shown below, if you want the demo there, then try again.',
  );
  trouble.blocks = [{ kind: 'registration', origin: ORIGIN }];
  throw trouble;
}

async function buildRequest(facts) {
  const verifier = oauth.generateRandomCodeVerifier();
  const transaction = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), code_verifier: verifier };
  facts.transaction = transaction;
  facts.leave = withParameters(facts.authority.authorization_endpoint, {
    response_type: 'code',
    client_id: CLIENT.client_id,
    redirect_uri: HERE,
    scope: CLIENT.scope,
    state: transaction.state,
    nonce: transaction.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  return [
    { kind: 'address', caption: 'The authorization request', url: facts.leave },
    { kind: 'members', caption: 'Kept in this tab, to compare with the response', members: transaction },
    {
      kind: 'note',
      text: 'At the server, sign in as the user `demo`, with the password that `npm start` has printed, and allow the access. Or deny it, to see the error response.',
    },
  ];
}

async function checkAnswer(facts) {
  const blocks = [{ kind: 'members', caption: 'The authorization response', members: Object.fromEntries(new URLSearchParams(facts.callback)) }];
  try {
    validAnswer(facts);
  } catch (error) {
    error.blocks = blocks;
    throw error;
  }
  const checks = ['state is the one that was sent'];
  if (facts.authority.authorization_response_iss_parameter_supported) checks.push('iss is the expected issuer');
  return [
    ...blocks,
    { kind: 'checks', caption: 'Checked', checks },
    { kind: 'note', text: 'The page has removed the code from the address bar at once, so that it is neither in the history nor in a bookmark.' },
  ];
}

async function tradeCode(facts, wire) {
  const { authority, transaction: { code_verifier: verifier, nonce } } = facts;
  wire.about('The code and the code_verifier for tokens. No client secret: a page could not keep one.');
  const response = await oauth.authorizationCodeGrantRequest(
    authority, CLIENT, oauth.None(), validAnswer(facts), HERE, verifier, options(wire),
  );
  // Spent, even if the request fails.
  delete facts.callback;
  const tokens = await oauth.processAuthorizationCodeResponse(authority, CLIENT, response, { expectedNonce: nonce, requireIdToken: true });
  facts.tokens = tokens;
  facts.subject = oauth.getValidatedIdTokenClaims(tokens).sub;
  delete facts.transaction;
  facts.nonce = nonce;
  if (tokens.refresh_token === undefined) {
    throw new Trouble('The response has no refresh token.', 'Allow offline_access at the server: begin again at step 2.');
  }
  return [];
}

async function verifyTokens(facts, wire) {
  const { authority: { issuer, jwks_uri: jwksUri }, tokens, nonce } = facts;
  const { createVerifier } = await import('../edgemint/web.js');
  wire.about('The server’s public keys, once. No further request is needed.');
  const response = await wire.fetch(jwksUri, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status !== 200) throw new Trouble('The server’s keys could not be fetched.', 'Try again.');
  // An API omits `jwks`: the package then fetches and renews the keys itself.
  const shared = { issuer, jwks: await response.json() };
  const kinds = [
    ['Access token', tokens.access_token, { ...shared, audience: issuer }],
    ['ID token', tokens.id_token, {
      ...shared, audience: CLIENT.client_id, type: 'JWT', requiredClaims: ['exp', 'iat', 'sub', 'nonce'],
    }],
  ];
  const blocks = [];
  for (const [caption, token, expected] of kinds) {
    const verifier = createVerifier(expected);
    const { claims, header } = await verifier.verify(token);
    if (expected.type === 'JWT' && claims.nonce !== nonce) {
      throw new Trouble('The ID token belongs to another request: its nonce is not the one that was sent.', 'Begin again at step 2.');
    }
    const { checks } = await verifier.explain(token);
    blocks.push({ kind: 'token', caption, checks: checks.filter(({ ok }) => ok).map(({ name }) => name), claims, header });
  }
  blocks.push({ kind: 'note', text: 'The access token is for the API, the ID token for this app: each has its own audience (aud) and type (typ), and neither is accepted in place of the other.' });
  return blocks;
}

async function callApis(facts, wire) {
  const { authority, tokens, subject } = facts;
  wire.about('The sample API: it verifies the token and returns the claims.');
  const url = new URL('/api/whoami', ORIGIN);
  const { status } = await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, options(wire));
  if (status !== 200) throw new Trouble(`The API responded with status ${status}.`, 'Begin again at step 2.');
  wire.about('The userinfo endpoint: its claims about you depend on the scope.');
  const response = await oauth.userInfoRequest(authority, CLIENT, tokens.access_token, options(wire));
  await oauth.processUserInfoResponse(authority, CLIENT, subject, response);
  return [{ kind: 'checks', caption: 'Checked', checks: ['the sub of the response is the sub of the ID token'] }];
}

async function refresh(facts, wire) {
  const { authority, tokens: old } = facts;
  wire.about('The refresh token for new tokens.');
  const response = await oauth.refreshTokenGrantRequest(authority, CLIENT, oauth.None(), old.refresh_token, options(wire));
  const tokens = await oauth.processRefreshTokenResponse(authority, CLIENT, response);
  // The response omits each of them if it is unchanged (RFC 6749 section 6, OpenID Connect Core section 12.2).
  facts.tokens = { ...tokens, refresh_token: tokens.refresh_token ?? old.refresh_token, id_token: tokens.id_token ?? old.id_token };
  const isRotated = facts.tokens.refresh_token !== old.refresh_token;
  return [
    {
      kind: 'members',
      caption: 'Before and after',
      members: { 'old refresh_token': old.refresh_token, 'new refresh_token': facts.tokens.refresh_token },
    },
    {
      kind: 'note',
      text: isRotated
        ? 'The old one is spent. If it is used again later, it was stolen, and the server revokes the whole grant: that is the purpose of rotation.'
        : 'This server has not replaced the refresh token.',
    },
  ];
}

async function revoke(facts, wire) {
  wire.about('The refresh token is revoked. The response has a status, and no body.');
  const response = await oauth.revocationRequest(
    facts.authority, CLIENT, oauth.None(), facts.tokens.refresh_token,
    { ...options(wire), additionalParameters: { token_type_hint: 'refresh_token' } },
  );
  await oauth.processRevocationResponse(response);
  return [];
}

async function callRefused(facts, wire) {
  wire.about('The same call as in step 6, with the newest access token.');
  const url = new URL('/api/whoami', ORIGIN);
  try {
    await oauth.protectedResourceRequest(facts.tokens.access_token, 'GET', url, undefined, undefined, options(wire));
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    // The other tokens are revoked; the ID token is still needed to name the session at logout.
    facts.tokens = { id_token: facts.tokens.id_token };
    return [{
      kind: 'note',
      text: 'Refused, as expected; the header WWW-Authenticate has the reason, for programs. An API that only verifies the signature, as in step 5, would accept this token until it expires: that is why access tokens are short-lived.',
    }];
  }
  throw new Trouble('The API still accepts the token, although its grant is revoked.', 'Wait a moment and call again.');
}

async function buildSignOut(facts) {
  const { authority, tokens } = facts;
  if (!authority.end_session_endpoint) {
    throw new Trouble('This server offers no logout: its metadata has no end_session_endpoint.', 'Sign out at its account page.');
  }
  facts.signOutState = oauth.generateRandomState();
  facts.leave = withParameters(authority.end_session_endpoint, {
    id_token_hint: tokens.id_token,
    client_id: CLIENT.client_id,
    post_logout_redirect_uri: HERE,
    state: facts.signOutState,
  });
  return [
    { kind: 'address', caption: 'The logout request', url: facts.leave },
    { kind: 'note', text: 'The ID token names your session, so the server signs you out at once. Without it, the server asks you first: otherwise any page could sign users out.' },
  ];
}

/** Returns the parameters of the authorization response after checking that it belongs to our request. */
function validAnswer({ authority, callback, transaction }) {
  if (callback === undefined || transaction === undefined) {
    throw new Trouble('The code has been used.', 'A code can be redeemed once: begin again at step 2.');
  }
  return oauth.validateAuthResponse(authority, CLIENT, new URLSearchParams(callback), transaction.state);
}

/** The library refuses plain http unless it is allowed: here only for a server on this machine. */
function options(wire) {
  return {
    [oauth.customFetch]: wire.fetch,
    [oauth.allowInsecureRequests]: location.protocol === 'http:',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
}

function withParameters(endpoint, parameters) {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
