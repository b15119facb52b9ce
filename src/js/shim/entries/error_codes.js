// Entry `edgemint/errors`: the lists of codes, without wasm.
export { TokenError, errorCodes, refusalCodes, requestCodes, troubleCodes } from '../base/errors.js';
