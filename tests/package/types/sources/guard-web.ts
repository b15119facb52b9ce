// The global types of a browser, or of a Worker, must fit without annotations.
import { createVerifier, guard } from 'edgemint';
import { protectedResource } from 'edgemint/resource';

const verifier = createVerifier({ issuer: 'https://issuer.example', audience: 'https://api.example' });

const fetchHandler = guard(verifier, (request, env, ctx, token) => {
  const url: string = request.url;
  return Response.json({ url, env, ctx, sub: token.claims.sub });
});
export const answer: Promise<Response> = fetchHandler(new Request('https://api.example'), {}, undefined);
export const streamed = guard({ verifier, scope: 'read' }, async (request) => new Response(request.body));
export const verified = verifier.verifyRequest(new Request('https://api.example'));
const notes = protectedResource({ resource: 'https://api.example', authorizationServers: 'https://issuer.example' });
export const served: (request: Request) => Response | Promise<Response> = (request) => notes(request) ?? fetchHandler(request, {}, undefined);
