// @cloudflare/workers-oauth-provider in a minimal Worker: the cookie names the user, who is signed in
// and consents to everything.
import { OAuthProvider } from '@cloudflare/workers-oauth-provider';

const api = {
  fetch(_request, _env, { props }) {
    return Response.json(props);
  },
};

const pages = {
  async fetch(request, env) {
    const { OAUTH_PROVIDER: oauth } = env;
    const asked = await oauth.parseAuthRequest(request);
    const userId = request.headers.get('Cookie');
    const { redirectTo } = await oauth.completeAuthorization({
      request: asked,
      userId,
      metadata: {},
      scope: asked.scope,
      props: { userId },
      // It would look for earlier grants first; none is to be revoked.
      revokeExistingGrants: false,
    });
    return new Response(null, { status: 303, headers: { Location: redirectTo } });
  },
};

let provider;

export default {
  fetch(request, env, context) {
    provider ??= new OAuthProvider({
      apiRoute: '/api',
      apiHandler: api,
      defaultHandler: pages,
      authorizeEndpoint: '/authorize',
      tokenEndpoint: '/token',
      clientRegistrationEndpoint: '/register',
      resourceMetadata: { resource: `${env.ORIGIN}/api`, authorization_servers: [env.ORIGIN] },
      scopesSupported: ['read', 'offline_access'],
    });
    return provider.fetch(request, env, context);
  },
};
