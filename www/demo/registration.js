// What an authority has to know of the demo: its registration as a client (RFC 7591 section 2). For the page, which shows it,
// and for `npm start`, which does it.

/** The demo's metadata at the authority of this origin. */
export function registration(origin) {
  const page = `${origin}/demo/`;
  return {
    client_id: 'demo',
    client_name: 'Edgemint demo',
    // Nothing to keep secret: a page that anybody can read is told by its redirect URI, and by PKCE.
    token_endpoint_auth_method: 'none',
    redirect_uris: [page],
    post_logout_redirect_uris: [page],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile email offline_access read',
  };
}
