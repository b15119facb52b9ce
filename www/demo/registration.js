// The demo's registration as a client (RFC 7591 section 2). For the page, which shows it,
// and for `npm start`, which registers it.

/** The demo's client metadata at the server of this origin. */
export function registration(origin) {
  const page = `${origin}/demo/`;
  return {
    client_id: 'demo',
    client_name: 'Edgemint demo',
    // A public client: a page cannot keep a secret. Its redirect URI and PKCE identify it.
    token_endpoint_auth_method: 'none',
    redirect_uris: [page],
    post_logout_redirect_uris: [page],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile email offline_access read',
  };
}
