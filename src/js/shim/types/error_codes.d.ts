// Types of `edgemint/errors`: the codes of every `TokenError`, without any WebAssembly.
import type { ErrorCode, RefusalCode, RequestCode, TroubleCode } from './index.js';

export { TokenError } from './index.js';
export type { ErrorCode, RefusalCode, RequestCode, TroubleCode };

/** The codes with which a token is refused. */
export const refusalCodes: readonly RefusalCode[];
/** The codes with which a request is refused. */
export const requestCodes: readonly RequestCode[];
/** The codes that say nothing about the token. */
export const troubleCodes: readonly TroubleCode[];
/** What each code means, in a sentence for developers. */
export const errorCodes: Readonly<Record<ErrorCode, string>>;
