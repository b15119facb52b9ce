// Explanations of parameter names and of errors.

/** Parameters of requests and members of answers, by their names in RFC 6749, RFC 7636, RFC 9207 and OpenID Connect. */
const MEANINGS = {
  access_token: 'Gives access to the API, which can verify its signature by itself.',
  client_id: 'The identifier under which this page is registered.',
  code: 'Valid once, for one minute, and only with the code_verifier.',
  code_challenge: 'The SHA-256 of the code_verifier: shown now, so that the verifier can prove itself later (PKCE).',
  code_challenge_method: 'How the challenge is derived from the verifier.',
  code_verifier: 'A random secret of this page. It goes out once, with the code, and proves who began.',
  error: 'Why there is no code.',
  error_description: 'The same, for developers.',
  expires_in: 'Seconds until the access token expires.',
  grant_type: 'The kind of grant that is exchanged for tokens.',
  id_token: 'Says who signed in, when and how: for this app, never for an API.',
  id_token_hint: 'Whose session is meant: the ID token from before.',
  iss: 'Which authority answers, so that an app with several cannot mix them up.',
  nonce: 'A random value that must come back inside the ID token.',
  post_logout_redirect_uri: 'Where to send you afterwards. Must be registered, letter by letter.',
  prompt: 'Whether to show a screen.',
  redirect_uri: 'Where to send you back to. Must be registered, letter by letter.',
  refresh_token: 'Gets new tokens without you. Good once: each use brings its successor.',
  response_type: 'An authorization code, never a token in the address.',
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
  access_denied: ['You, or the authority, denied access.', 'Nothing has happened: the app gets no code and no tokens. Ask again, and allow it, to see the rest.'],
  account_selection_required: ['The authority needs you to choose an account.', 'Ask again.'],
  consent_required: ['The authority needs your consent first.', 'Ask again, and allow it.'],
  interaction_required: ['The authority needs to show you something first.', 'Ask again.'],
  invalid_request: ['The authority does not understand the request.', 'Ask again; if it stays so, compare the parameters with the client’s registration.'],
  invalid_scope: ['The authority does not grant what was asked for.', 'Register the client `demo` with the scope that is shown in step 2.'],
  login_required: ['The authority needs you to sign in first.', 'Ask again, and sign in.'],
  server_error: ['Something went wrong inside the authority.', 'Look into its log, then ask again.'],
  temporarily_unavailable: ['The authority is too busy.', 'Wait a little, then ask again.'],
  unauthorized_client: ['This client may not use the authorization code grant.', 'Register the client `demo` with the grant types authorization_code and refresh_token.'],
  unsupported_response_type: ['The authority gives no codes.', 'Look at response_types_supported in step 1.'],
};

/** Errors of the token and revocation endpoints (RFC 6749 section 5.2). */
const BODY_ERRORS = {
  invalid_client: ['The authority does not know this client.', 'Register the client `demo`, then begin again at step 2.'],
  invalid_grant: ['The code or token is no longer valid: used before, expired, revoked, or issued to another client.', 'Begin again at step 2; codes and refresh tokens are good once.'],
  invalid_scope: ['More was asked for than was granted.', 'Begin again at step 2.'],
  unauthorized_client: ['This client may not use that grant.', 'Register the client `demo` with the grant types authorization_code and refresh_token.'],
};

/** Trouble that the app itself finds: thrown by a step, with what to do about it. */
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
 * What went wrong in a step and what to do, to be shown: `{ what, advice, code, isFinal }`. `code` is the error as the
 * specification names it, where it has a name; `isFinal`, whether there is no use in trying the same again.
 */
export function describeTrouble(error) {
  switch (error.code) {
    case 'OAUTH_AUTHORIZATION_RESPONSE_ERROR': return { ...named(RESPONSE_ERRORS, error, 'Ask again.'), isFinal: true };
    case 'OAUTH_RESPONSE_BODY_ERROR': return { ...named(BODY_ERRORS, error, 'Begin again at step 2.'), isFinal: true };
    case 'OAUTH_WWW_AUTHENTICATE_CHALLENGE': return challenge(error);
    default: break;
  }
  if (error instanceof Trouble) return { what: error.message, advice: error.advice };
  if (error.name === 'TokenError') {
    return { what: `The package refuses the token: ${error.message}.`, code: error.code, advice: 'Begin again at step 2.' };
  }
  if (error.name === 'QuotaExceededError' || error.name === 'SecurityError') {
    return { what: 'The browser keeps nothing for this page, so it cannot remember its request.', advice: 'Allow this page to store data, then start over.' };
  }
  // What fetch throws when there is no answer at all; a TypeError with a code is the library's own.
  if (error instanceof TypeError && error.code === undefined) {
    return { what: 'The authority did not answer.', advice: 'See whether it still runs (npm start), then try again.' };
  }
  return { what: `The answer is not what the specification says: ${error.message}.`, advice: 'Try again, or start over.' };
}

function named(table, { error, error_description: description }, usual) {
  const [what, advice] = Object.hasOwn(table, error) ? table[error] : ['The authority refuses.', usual];
  return { what: description ? `${what} In its own words: “${description}”` : what, advice, code: error };
}

function challenge({ status, cause }) {
  const { error } = cause[0].parameters;
  const what = status === 403 ? 'The token is good, but does not grant this.' : 'The token, or the client, is refused.';
  return { what, advice: 'An access token lives for minutes: begin again at step 2.', code: error };
}
