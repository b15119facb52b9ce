// The guard and the metadata of a protected resource as middleware for Hono. See types/hono.d.ts.
import { createVerifier } from 'edgemint';
import { bindSettings, readGuard, toResponse } from '../guard/guard.js';
import { createResource } from '../guard/protected_resource.js';
import { invalidOption } from '../base/readers.js';
import { verifyRequest } from '../guard/request.js';

export function guard(options) {
  const settingsFor = bindSettings(options, readHonoGuard);
  return async function guard(c, next) {
    const { verifier, challenge, onError, variable } = await settingsFor(c.env);
    let token;
    try {
      token = await verifyRequest(c.req.raw, verifier, challenge);
    } catch (error) {
      await onError?.(error, c);
      return toResponse(error);
    }
    c.set(variable, token);
    await next();
    return undefined;
  };
}

export function protectedResource(options) {
  return createResource(options, (answer) => async function protectedResource(c, next) {
    const found = answer(c.req.method, c.req.url);
    return found === undefined ? next() : new Response(found.body, found);
  });
}

function readHonoGuard({ variable = 'token', ...rest }) {
  if (typeof variable !== 'string' || variable === '') throw invalidOption('variable must be text that is not empty');
  return { ...readGuard(rest, createVerifier), variable };
}
