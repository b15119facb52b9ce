// Values of a browser's own types must fit.
import { createVerifier } from 'edgemint';

const issuer = 'https://issuer.example';
const audience = 'https://api.example';
declare const cryptoKey: CryptoKey;
declare const exported: JsonWebKey;

createVerifier({ issuer, audience, key: cryptoKey });
createVerifier({ issuer, audience, key: exported });
createVerifier({ issuer, audience, jwksUri: new URL('https://issuer.example/jwks.json'), fetch });
createVerifier({ issuer, audience, fetch: (url, init) => fetch(url, { ...init, headers: { accept: 'application/json' } }) });
createVerifier({ issuer, audience, key: new Uint8Array(new ArrayBuffer(32)), algorithms: ['HS256'] });
