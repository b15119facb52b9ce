// No item of COMPATIBILITY weakens a client without a flag: the refusals of other test files hold with all of them switched on.
import { everywhere } from './harness.mjs';

everywhere.vars = { COMPATIBILITY: 'oauth2client' };

await import('./checklist-code.test.mjs');
await import('./client-assertion.test.mjs');
await import('./client-secret.test.mjs');
await import('./forms.test.mjs');
await import('./introspection-revocation.test.mjs');
await import('./jwt-bearer.test.mjs');
await import('./oauth4webapi-code.test.mjs');
await import('./token-endpoint.test.mjs');
