// The guard in an app of real Express, and in a plain server.
import { createVerifier } from 'edgemint';
import { guard, protectedResource, type ProtectedResource } from 'edgemint/express';
import express from 'express';
import { createServer } from 'node:http';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
const verifier = createVerifier({ issuer, audience });

const app = express();
app.use(guard({ issuer, audience, scope: 'read' }));
app.use('/api', guard(verifier));
app.get('/api/:id', guard({ verifier, scope: 'write' }), (request, response) => {
  const sub: string | undefined = request.token?.claims.sub;
  response.json({ sub, id: request.params.id });
});
app.use(guard({ verifier, onError: (error, request) => console.warn(error.code, request.headers.authorization) }));
app.use(guard<express.Request>({ verifier, onError: (error, request) => console.warn(error.code, request.path) }));
express.Router().use(guard(verifier));
createServer((request, response) => void guard(verifier)(request, response, () => response.end('behind it')));
export const own = (request: express.Request) => verifier.verifyRequest(request);

const notes = protectedResource({ resource: audience, authorizationServers: issuer });
app.use(notes).get(notes.metadataPath, notes).use('/notes', guard({ verifier, resourceMetadata: notes, maxAge: 60 }));
createServer((request, response) => notes(request, response, () => response.end('other')));
export const described: ProtectedResource = notes;

// @ts-expect-error the token may not be there
app.get('/', (request, response) => response.json(request.token.claims));
// @ts-expect-error a misspelt option
guard({ verifier, scopes: 'read' });
// @ts-expect-error there is no environment
guard((env) => ({ issuer: env.ISSUER, audience }));
