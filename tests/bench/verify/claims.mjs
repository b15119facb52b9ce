// The claims of the tokens that are verified and minted: an access token of twelve (RFC 9068).

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';
export const TYPE = 'at+jwt';
/** The claims that the package requires by default (RFC 9068 section 2.2), beside the issuer and the audience. */
export const REQUIRED = ['exp', 'sub', 'client_id', 'iat', 'jti'];
export const LIFETIME = 3600;

/** The claims that are passed to our issuer; it adds the others: `iss`, `iat`, `exp` and `jti`. */
export function givenClaims(now = Math.floor(Date.now() / 1000)) {
  return {
    sub: '248289761001',
    aud: AUDIENCE,
    client_id: 's6BhdRkqt3',
    scope: 'openid profile reademail',
    nbf: now,
    auth_time: now - 60,
    acr: 'urn:example:acr:phr',
    groups: ['reader', 'editor'],
  };
}

/** All twelve, different in each token. */
export function newClaims(now = Math.floor(Date.now() / 1000)) {
  return { iss: ISSUER, ...givenClaims(now), iat: now, exp: now + LIFETIME, jti: crypto.randomUUID() };
}
