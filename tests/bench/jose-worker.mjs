// The Worker's comparison: a minimal token endpoint in JavaScript, with jose and one key.
// It checks one secret and nothing else.
import { SignJWT, importJWK } from 'jose';

let key;

export default {
  async fetch(request, env) {
    const form = new URLSearchParams(await request.text());
    const [id, secret] = atob(request.headers.get('Authorization').slice('Basic '.length)).split(':');
    if (id !== env.CLIENT_ID || secret !== env.CLIENT_SECRET || form.get('grant_type') !== 'client_credentials') {
      return Response.json({ error: 'invalid_client' }, { status: 401 });
    }
    key ??= await importJWK(env.SIGNING_KEY, 'ES256');
    const now = Math.floor(Date.now() / 1000);
    const token = await new SignJWT({
      iss: env.ISSUER,
      sub: id,
      aud: env.ISSUER,
      client_id: id,
      scope: env.SCOPE,
      iat: now,
      exp: now + 600,
      jti: crypto.randomUUID(),
      // As long as the value in our tokens: no such list is published.
      status: { status_list: { idx: 65_536, uri: `${env.ISSUER}/oauth/status/0` } },
    }).setProtectedHeader({ alg: 'ES256', kid: env.SIGNING_KEY.kid, typ: 'at+jwt' }).sign(key);
    return Response.json(
      { access_token: token, token_type: 'Bearer', expires_in: 600, scope: env.SCOPE },
      { headers: { 'Cache-Control': 'no-store', Pragma: 'no-cache' } },
    );
  },
};
