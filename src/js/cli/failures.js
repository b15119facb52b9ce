// What a command ends with: the exit codes, and which error is of which kind.

export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, signIn: 4, unreachable: 5, interrupted: 130 };

/** A command cannot go on. `hint` says what to do. */
export class CliFailure extends Error {
  constructor(exit, message, hint) {
    super(message);
    this.exit = exit;
    this.hint = hint;
  }
}

export const usage = (message, hint) => new CliFailure(EXIT.usage, message, hint);
export const failed = (message, hint) => new CliFailure(EXIT.failed, message, hint);
export const refused = (message, hint) => new CliFailure(EXIT.refused, message, hint);
export const signInFirst = (message, hint = 'edgemint login') => new CliFailure(EXIT.signIn, message, `sign in: ${hint}`);
export const interrupted = () => new CliFailure(EXIT.interrupted, 'interrupted');

/** Codes of `TokenError` that say nothing about the token: the keys, the metadata or the status list could not be fetched. */
const NOT_FETCHED = ['discovery_failed', 'keys_unavailable', 'status_unavailable'];
/** Codes of `TokenError` about the input of a command. */
const WRONG_INPUT = ['algorithm_unavailable', 'claim_missing', 'internal_error', 'invalid_option', 'key_unusable', 'mint_invalid'];

/** Returns the failure for any error that a command threw. */
export function failureOf(error) {
  if (error instanceof CliFailure) return error;
  const because = (exit, hint) => new CliFailure(exit, sentenceOf(error), hint);
  if (error?.name === 'AdminError') return because(...exitOfAdmin(error));
  if (error?.name === 'TokenError') {
    if (NOT_FETCHED.includes(error.code)) return because(EXIT.unreachable, 'check the issuer: edgemint doctor');
    return because(WRONG_INPUT.includes(error.code) ? EXIT.failed : EXIT.refused);
  }
  if (typeof error?.code === 'string' && error.code.startsWith('OAUTH_')) return because(...exitOfOauth(error));
  if (error?.name === 'TypeError' && error.message === 'fetch failed') return new CliFailure(EXIT.unreachable, 'the server could not be reached', UNREACHABLE);
  if (error?.name === 'TimeoutError') return new CliFailure(EXIT.unreachable, 'the server did not respond in time', UNREACHABLE);
  if (error?.name === 'AbortError') return interrupted();
  if (typeof error?.code === 'string' && error.syscall !== undefined) return new CliFailure(EXIT.failed, fileSentence(error));
  return new CliFailure(EXIT.failed, sentenceOf(error));
}

const UNREACHABLE = 'check the issuer and the network: edgemint doctor';

function exitOfAdmin({ code, status, retryAfter }) {
  if (code === 'invalid_option') return [EXIT.usage];
  if (code === 'unreachable' || code === 'timeout') return [EXIT.unreachable, UNREACHABLE];
  if (status === 503) return [EXIT.unreachable, `try again${retryAfter === undefined ? ' later' : ` in ${retryAfter} s`}`];
  if (status === 401) return [EXIT.signIn, 'sign in: edgemint login'];
  if (status === 403) return [EXIT.refused, 'the token lacks the scope edgemint:admin: sign in as an administrator'];
  return [code === 'invalid_response' ? EXIT.failed : EXIT.refused];
}

/** The errors of oauth4webapi, by their code: their names do not survive the bundler. */
function exitOfOauth({ error, status }) {
  if (status === 401 || error === 'unauthorized_client') return [EXIT.signIn, 'check the client and its secret: edgemint help login'];
  if (error === 'invalid_grant') return [EXIT.signIn, 'sign in: edgemint login'];
  return status >= 500 ? [EXIT.unreachable, UNREACHABLE] : [EXIT.refused];
}

function sentenceOf(error) {
  if (error?.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') return 'client authentication failed';
  if (typeof error?.error_description === 'string') return error.error_description;
  if (typeof error?.error === 'string') return `${error.message}: ${error.error}`;
  return error instanceof Error ? error.message : String(error);
}

const FILE_CODES = { ENOENT: 'there is no file', EACCES: 'no permission for', EISDIR: 'this is a folder:', EEXIST: 'it exists already:' };

function fileSentence(error) {
  return `${FILE_CODES[error.code] ?? error.code} ${error.path ?? ''}`.trim();
}
