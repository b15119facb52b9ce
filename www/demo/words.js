// Explanations of parameter names and of errors.

/** Parameters of requests and members of responses, by their names in RFC 6749, RFC 7636, RFC 9207 and OpenID Connect. */
const MEANINGS = {
  access_token: 'Gives access to the API, which can verify its signature by itself.',
  client_id: 'The identifier under which this page is registered.',
  code: 'Valid once, for one minute, and only with the code_verifier.',
  code_challenge: 'The SHA-256 of the code_verifier: shown now, so that the verifier can prove itself later (PKCE).',
  code_challenge_method: 'How the challenge is derived from the verifier.',
  code_verifier: 'A random secret of this page. It is sent once, with the code, and proves that both requests come from this page.',
  error: 'Why there is no code.',
  error_description: 'The same, for developers.',
  expires_in: 'Seconds until the access token expires.',
  grant_type: 'The kind of grant that the client presents.',
  id_token: 'Claims about the sign-in: who, when and how. For this app, never for an API.',
  id_token_hint: 'The session to end: the ID token from its sign-in.',
  iss: 'The issuer of the response, so that an app with several issuers cannot mix them up.',
  nonce: 'A random value that must come back inside the ID token.',
  post_logout_redirect_uri: 'The page to return to afterwards. Must be registered, character by character.',
  prompt: 'Whether to show a page.',
  redirect_uri: 'The page to return to. Must be registered, character by character.',
  refresh_token: 'Gets new tokens without you. Can be used once: each use yields its successor.',
  response_type: 'An authorization code, never a token in the URL.',
  scope: 'The requested permissions.',
  state: 'A random value that must come back unchanged: proof that the response belongs to this tab’s request.',
  token: 'The token to revoke.',
  token_type: 'Anyone who holds the access token may use it (Bearer).',
  token_type_hint: 'Which kind of token it is.',
};

/** Secret values. They are shown shortened until the user reveals them. */
const SECRETS = new Set(['access_token', 'code', 'code_verifier', 'id_token', 'id_token_hint', 'refresh_token', 'token']);

const SCOPES = {
  openid: 'an ID token',
  profile: 'your name',
  email: 'your e-mail address',
  offline_access: 'a refresh token',
  read: 'reading, at the API',
};

/** Errors of the authorization response (RFC 6749 section 4.1.2.1, OpenID Connect Core 3.1.2.6). */
const RESPONSE_ERRORS = {
  access_denied: ['You, or the server, denied access.', 'The app gets no code and no tokens. Send the request again, and allow it, to see the rest.'],
  account_selection_required: ['The server requires you to choose an account.', 'Send the request again.'],
  consent_required: ['The server requires your consent first.', 'Send the request again, and allow it.'],
  interaction_required: ['The server requires your interaction first.', 'Send the request again.'],
  invalid_request: ['The request is invalid.', 'Send it again; if that does not help, compare the parameters with the client’s registration.'],
  invalid_scope: ['The server does not grant the requested scope.', 'Register the client `demo` with the scope that is shown in step 2.'],
  login_required: ['The server requires you to sign in first.', 'Send the request again, and sign in.'],
  server_error: ['The server has a fault.', 'Read its log, then send the request again.'],
  temporarily_unavailable: ['The server is unavailable for now.', 'Wait a little, then send the request again.'],
  unauthorized_client: ['This client may not use the authorization code grant.', 'Register the client `demo` with the grant types authorization_code and refresh_token.'],
  unsupported_response_type: ['The server issues no codes.', 'Look at response_types_supported in step 1.'],
};

/** Errors of the token and revocation endpoints (RFC 6749 section 5.2). */
const BODY_ERRORS = {
  invalid_client: ['The server has no such client.', 'Register the client `demo`, then begin again at step 2.'],
  invalid_grant: ['The code or token is no longer valid: used before, expired, revoked, or issued to another client.', 'Begin again at step 2; codes and refresh tokens can be used once.'],
  invalid_scope: ['The requested scope exceeds the granted one.', 'Begin again at step 2.'],
  unauthorized_client: ['This client may not use that grant.', 'Register the client `demo` with the grant types authorization_code and refresh_token.'],
};

/** An error that the app itself finds: thrown by a step, with advice. */
export class Trouble extends Error {
  constructor(message, advice) {
    super(message);
    this.advice = advice;
  }
}

export function meaningOf(name, value) {
  const meaning = Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : '';
  if (name !== 'scope') return meaning;
  const known = value.split(' ').filter((scope) => Object.hasOwn(SCOPES, scope));
  return `${known.map((scope) => `${scope}: ${SCOPES[scope]}`).join('; ')}.`;
}

export function isSecret(name) {
  return SECRETS.has(name);
}

/**
 * Describes an error of a step and what to do: `{ what, advice, code, isFinal }`. `code` is the error as the
 * specification names it, if it does; `isFinal` says that a retry of the same step cannot help.
 */
export function describeTrouble(error) {
  switch (error.code) {
    case 'OAUTH_AUTHORIZATION_RESPONSE_ERROR': return { ...named(RESPONSE_ERRORS, error, 'Send the request again.'), isFinal: true };
    case 'OAUTH_RESPONSE_BODY_ERROR': return { ...named(BODY_ERRORS, error, 'Begin again at step 2.'), isFinal: true };
    case 'OAUTH_WWW_AUTHENTICATE_CHALLENGE': return challenge(error);
    default: break;
  }
  if (error instanceof Trouble) return { what: error.message, advice: error.advice };
  if (error.name === 'TokenError') {
    return { what: `The package refuses the token: ${error.message}.`, code: error.code, advice: 'Begin again at step 2.' };
  }
  if (error.name === 'QuotaExceededError' || error.name === 'SecurityError') {
    return { what: 'The browser stores no data for this page, so it cannot remember its request.', advice: 'Allow this page to store data, then start over.' };
  }
  // fetch throws this without a response; a TypeError with a code is the library's own.
  if (error instanceof TypeError && error.code === undefined) {
    return { what: 'The server did not respond.', advice: 'Check whether it is running (npm start), then try again.' };
  }
  return { what: `The response is not valid by the specification: ${error.message}.`, advice: 'Try again, or start over.' };
}

function named(table, { error, error_description: description }, usual) {
  const [what, advice] = Object.hasOwn(table, error) ? table[error] : ['The server refuses the request.', usual];
  return { what: description ? `${what} Its description: “${description}”` : what, advice, code: error };
}

function challenge({ status, cause }) {
  const { error } = cause[0].parameters;
  const what = status === 403 ? 'The token is valid, but its scope does not allow this.' : 'The token, or the client, is refused.';
  return { what, advice: 'An access token expires within minutes: begin again at step 2.', code: error };
}
