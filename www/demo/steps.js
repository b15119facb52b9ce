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
 * The steps in order. Each has `name`, `title`, `who` talks to whom, `why` in a sentence, the words of its `button`, and
 * `run(facts, wire)`, which does it through `wire.fetch`, adds to the facts, and gives the blocks to show beside what went
 * over the wire. `leave` are the words of the link with which the newcomer leaves for the authority.
 */
export const STEPS = [
  {
    name: 'discovery',
    title: 'Discovery',
    who: 'App → authority',
    why: 'All that an app needs to know in advance is the authority’s address: one public document there names the rest.',
    button: 'Get the metadata',
    run: discover,
  },
  {
    name: 'request',
    title: 'Authorization request',
    who: 'App → you → authority',
    why: 'The app never sees your password: it sends you, in this tab, to the authority, and the address says what it asks for.',
    button: 'Build the request',
    leave: 'Sign in at the authority',
    run: buildRequest,
  },
  {
    name: 'callback',
    title: 'Callback',
    who: 'Authority → you → app',
    why: 'You are back, with an answer in the address; before the app uses it, it checks that it belongs to the request of this tab.',
    button: 'Check the answer',
    run: checkAnswer,
  },
  {
    name: 'tokens',
    title: 'Code for tokens',
    who: 'App → authority',
    why: 'The code alone is worth nothing: only who knows the code_verifier gets tokens for it, and only once.',
    button: 'Trade the code for tokens',
    run: tradeCode,
  },
  {
    name: 'verification',
    title: 'Verification',
    who: 'Within the app or API',
    why: 'Anyone with the authority’s public keys can check its tokens without asking it. Here the package edgemint does it, as an API would.',
    button: 'Verify both tokens',
    run: verifyTokens,
  },
  {
    name: 'api',
    title: 'API calls',
    who: 'App → API',
    why: 'The access token goes along in a header; one API tells what the token says, the other what the authority knows of you.',
    button: 'Call both APIs',
    run: callApis,
  },
  {
    name: 'refresh',
    title: 'Refresh',
    who: 'App → authority',
    why: 'Access tokens live for minutes; the refresh token gets the next one without you.',
    button: 'Refresh',
    run: refresh,
  },
  {
    name: 'revocation',
    title: 'Revocation',
    who: 'App → authority',
    why: 'What the app no longer needs it gives back: revoking the refresh token ends the grant, and all that came of it.',
    button: 'Revoke the grant',
    run: revoke,
  },
  {
    name: 'refused',
    title: 'API call, refused',
    who: 'App → API',
    why: 'The access token has not expired, yet its grant has ended: an API that asks the authority refuses it at once.',
    button: 'Call the API again',
    run: callRefused,
  },
  {
    name: 'sign-out',
    title: 'Sign-out',
    who: 'App → you → authority',
    why: 'The app has no tokens any more, but you are still signed in at the authority; the app can ask it to end that too.',
    button: 'Build the request',
    leave: 'Sign out at the authority',
    run: buildSignOut,
  },
];

export const NAMES = STEPS.map(({ name }) => name);

async function discover(facts, wire) {
  if (!isSecureContext) {
    throw new Trouble('Browsers give a page the cryptography it needs only over https, or on localhost.', 'Open this page there.');
  }
  wire.about('The metadata of the authority.');
  const response = await oauth.discoveryRequest(new URL(ORIGIN), options(wire));
  if (response.status === 200) {
    const { issuer } = await response.clone().json().catch(() => ({}));
    if (typeof issuer === 'string' && issuer !== ORIGIN && URL.canParse(issuer)) {
      throw new Trouble(`The authority calls itself ${issuer}, and this page was opened at ${ORIGIN}.`, `Open ${new URL('/demo/', issuer)} instead.`);
    }
  }
  facts.authority = await oauth.processDiscoveryResponse(new URL(ORIGIN), response);
  if (!facts.authority.authorization_endpoint) {
    throw new Trouble('This authority does not sign users in: its metadata has no authorization_endpoint.', 'Update it, then try again.');
  }
  await checkRegistration(facts.authority, wire);
  return [];
}

/**
 * Is this page registered? Only the authority knows, and it never redirects to an unregistered address: asked with
 * `prompt=none` and without cookies, it answers a registered client with a redirect, and any other with an error page.
 */
async function checkRegistration(authority, wire) {
  const url = withParameters(authority.authorization_endpoint, {
    client_id: CLIENT.client_id, redirect_uri: HERE, response_type: 'code', prompt: 'none',
  });
  wire.about('Is this page registered as a client? Asked without cookies and without a screen.');
  const response = await wire.fetch(url, { redirect: 'manual', credentials: 'omit' });
  if (response.type === 'opaqueredirect' || response.status !== 400) return;
  const trouble = new Trouble(
    `The authority does not know this page: no client “${CLIENT.client_id}” with the redirect URI ${HERE} is registered.`,
    '`npm start` registers it by itself. At an authority of your own, register it as shown below, if you want the demo there, then try again.',
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
    { kind: 'address', caption: 'Where you are going', url: facts.leave },
    { kind: 'members', caption: 'What stays here, to compare with later', members: transaction },
    {
      kind: 'note',
      text: 'At the authority, sign in as the user `demo`, with the password that `npm start` has printed, and allow the access. Or do not, to see what becomes of that.',
    },
  ];
}

async function checkAnswer(facts) {
  const blocks = [{ kind: 'members', caption: 'What came back in the address', members: Object.fromEntries(new URLSearchParams(facts.callback)) }];
  try {
    validAnswer(facts);
  } catch (error) {
    error.blocks = blocks;
    throw error;
  }
  const checks = ['state is the one that was sent'];
  if (facts.authority.authorization_response_iss_parameter_supported) checks.push('iss is the authority that was asked');
  return [
    ...blocks,
    { kind: 'checks', caption: 'Checked', checks },
    { kind: 'note', text: 'The page has taken the code out of the address bar at once, so that it stays neither in the history nor in a bookmark.' },
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
    throw new Trouble('There is no refresh token in the answer.', 'Allow offline_access at the authority: begin again at step 2.');
  }
  return [];
}

async function verifyTokens(facts, wire) {
  const { authority: { issuer, jwks_uri: jwksUri }, tokens, nonce } = facts;
  const { createVerifier } = await import('../edgemint/web.js');
  wire.about('The authority’s public keys, once. No further request is needed.');
  const response = await wire.fetch(jwksUri, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status !== 200) throw new Trouble('The authority’s keys could not be had.', 'Try again.');
  // An API leaves `jwks` out, and the package gets the keys itself and keeps them fresh.
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
      throw new Trouble('The ID token answers another request: its nonce is not the one that was sent.', 'Begin again at step 2.');
    }
    const { checks } = await verifier.explain(token);
    blocks.push({ kind: 'token', caption, checks: checks.filter(({ ok }) => ok).map(({ name }) => name), claims, header });
  }
  blocks.push({ kind: 'note', text: 'The access token is for the API, the ID token for this app: each has its own audience (aud) and type (typ), and neither passes for the other.' });
  return blocks;
}

async function callApis(facts, wire) {
  const { authority, tokens, subject } = facts;
  wire.about('The sample API: it verifies the token and answers with the claims.');
  const url = new URL('/api/whoami', ORIGIN);
  const { status } = await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, options(wire));
  if (status !== 200) throw new Trouble(`The API answered with status ${status}.`, 'Begin again at step 2.');
  wire.about('The authority’s own API about you: what it tells depends on the scope.');
  const response = await oauth.userInfoRequest(authority, CLIENT, tokens.access_token, options(wire));
  await oauth.processUserInfoResponse(authority, CLIENT, subject, response);
  return [{ kind: 'checks', caption: 'Checked', checks: ['the sub of the answer is the sub of the ID token'] }];
}

async function refresh(facts, wire) {
  const { authority, tokens: old } = facts;
  wire.about('The refresh token for new tokens.');
  const response = await oauth.refreshTokenGrantRequest(authority, CLIENT, oauth.None(), old.refresh_token, options(wire));
  const tokens = await oauth.processRefreshTokenResponse(authority, CLIENT, response);
  // Neither is sent again where it need not change (RFC 6749 section 6, OpenID Connect Core section 12.2).
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
        ? 'The old one is spent. If it is presented again, it was stolen, and the authority revokes the whole grant: that is the purpose of rotation.'
        : 'This authority has not replaced the refresh token.',
    },
  ];
}

async function revoke(facts, wire) {
  wire.about('The refresh token is given back. The answer is empty: all is said by its status.');
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
    // No use keeping what opens nothing; the ID token is still needed to say whose session shall end.
    facts.tokens = { id_token: facts.tokens.id_token };
    return [{
      kind: 'note',
      text: 'Refused, as it should be; the header WWW-Authenticate says why, for programs. An API that verifies tokens without asking, as in step 5, would have gone on taking this one until it expires: that is why access tokens are short-lived.',
    }];
  }
  throw new Trouble('The API still takes the token, although its grant has ended.', 'Wait a moment and call again.');
}

async function buildSignOut(facts) {
  const { authority, tokens } = facts;
  if (!authority.end_session_endpoint) {
    throw new Trouble('This authority offers no sign-out: its metadata names no end_session_endpoint.', 'Sign out at its account page.');
  }
  facts.signOutState = oauth.generateRandomState();
  facts.leave = withParameters(authority.end_session_endpoint, {
    id_token_hint: tokens.id_token,
    client_id: CLIENT.client_id,
    post_logout_redirect_uri: HERE,
    state: facts.signOutState,
  });
  return [
    { kind: 'address', caption: 'Where you are going', url: facts.leave },
    { kind: 'note', text: 'The ID token shows that the app means the session that is yours, so the authority believes it. Without one it would ask you first: otherwise any page could sign people out.' },
  ];
}

/** The answer of the authority, once it is known to belong to our request. */
function validAnswer({ authority, callback, transaction }) {
  if (callback === undefined || transaction === undefined) {
    throw new Trouble('The code has been used.', 'Codes are good once: begin again at step 2.');
  }
  return oauth.validateAuthResponse(authority, CLIENT, new URLSearchParams(callback), transaction.state);
}

/** The library refuses plain http, unless told that it is meant: on this machine nothing travels. */
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
