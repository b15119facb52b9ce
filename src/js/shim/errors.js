// The one error of the package. Its message is for developers: it repeats neither the code nor any part of a token.

/** Why a token was refused or could not be checked: `code` is stable, the message is not. */
export class TokenError extends Error {
  constructor(code, message, { claim, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (claim !== undefined) this.claim = claim;
  }
}

// On the prototype, where Error has it: an own property would show in every log line.
Object.defineProperty(TokenError.prototype, 'name', { value: 'TokenError', configurable: true, writable: true });

/** Makes a TokenError of whatever was thrown: the core throws its refusals as JSON text, and a trap is a bug of ours. */
export function toTokenError(thrown) {
  if (thrown instanceof TokenError) return thrown;
  if (typeof thrown === 'string') {
    const { code, sentence, claim } = JSON.parse(thrown);
    return new TokenError(code, sentence, { claim });
  }
  return new TokenError('internal_error', 'a fault in edgemint, please report it', { cause: thrown });
}
