// The error class of `edgemint/admin`.

/** Why a call of the admin API failed: `code` is stable, the message is a sentence for the operator. It contains no secret. */
export class AdminError extends Error {
  constructor(code, message, { status, retryAfter, call, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (status !== undefined) this.status = status;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    if (call !== undefined) this.call = call;
  }
}

// On the prototype, where Error has it: an own property would show in every log line.
Object.defineProperty(AdminError.prototype, 'name', { value: 'AdminError', configurable: true, writable: true });

/** Returns the error of a response that is no success. `text` is its body. */
export function refusedWith(response, text, call) {
  const { status } = response;
  const more = { status, retryAfter: secondsOf(response.headers.get('retry-after')), call };
  const { error, error_description: sentence } = objectOf(text);
  if (typeof error === 'string') return new AdminError(error, typeof sentence === 'string' ? sentence : `the server refused with ${error}`, more);
  return new AdminError('invalid_response', `the server responded with status ${status} and no error code`, more);
}

function secondsOf(header) {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

function objectOf(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
