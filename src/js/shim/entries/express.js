// The guard and the metadata of a protected resource as middleware for Express and other frameworks that call `(request, response, next)`
// with messages of node:http. See types/express.d.ts.
import { createVerifier } from 'edgemint';
import { asOptions, readGuard } from '../guard/guard.js';
import { createResource } from '../guard/protected_resource.js';
import { refusalOf, verifyRequest, verifyRequestSync } from '../guard/request.js';

export function guard(options) {
  const { verifier, challenge, onError } = readGuard(asOptions(options), createVerifier);
  return function guard(request, response, next) {
    const pass = (token) => {
      request.token = token;
      next();
    };
    const refuse = async (error) => {
      try {
        await onError?.(error, request);
      } catch (thrown) {
        next(thrown);
        return;
      }
      send(response, refusalOf(error));
    };
    let token;
    try {
      token = verifyRequestSync(request, verifier, challenge);
    } catch (error) {
      return refuse(error);
    }
    if (token === undefined) return verifyRequest(request, verifier, challenge).then(pass, refuse);
    return pass(token);
  };
}

export function protectedResource(options) {
  return createResource(options, (answer) => function protectedResource(request, response, next) {
    // Express removes the path of a mounted router from `url`.
    const found = answer(request.method, request.originalUrl ?? request.url);
    if (found === undefined) next();
    else send(response, found);
  });
}

function send(response, { status, headers, body }) {
  // A response was sent meanwhile, for instance by a timeout.
  if (response.headersSent) return;
  response.writeHead(status, headers).end(body);
}
