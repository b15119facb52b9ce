// Entry `edgemint/errors`: the list of codes, without any wasm.
export { TokenError, errorCodes, refusalCodes, requestCodes, troubleCodes } from '../base/errors.js';
