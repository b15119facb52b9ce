// Types of `edgemint/errors`: the codes of every `TokenError`, without any WebAssembly.
import type { ErrorCode, RefusalCode, RequestCode, TroubleCode } from './index.js';

export { TokenError } from './index.js';
export type { ErrorCode, RefusalCode, RequestCode, TroubleCode };

/** The codes of refused tokens. */
export const refusalCodes: readonly RefusalCode[];
/** The codes of refused requests. */
export const requestCodes: readonly RequestCode[];
/** The codes that say nothing about the token. */
export const troubleCodes: readonly TroubleCode[];
/** The default message of each code, for developers. */
export const errorCodes: Readonly<Record<ErrorCode, string>>;
