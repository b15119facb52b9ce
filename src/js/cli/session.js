// Which authorization server a command talks to, and with which token.
import { AdminClient } from 'edgemint/admin';
import { failed, signInFirst, usage } from './failures.js';
import { ADMIN_SCOPE, clientToken, issuerOf, refreshed } from './oauth.js';

/** A token is renewed this many seconds before it expires. */
const MARGIN = 30;

/** The session of one run of the program. */
export class Session {
  #options;
  #profiles;
  #env;
  #signal;

  constructor({ options, profiles, env = process.env, signal }) {
    this.#options = options;
    this.#profiles = profiles;
    this.#env = env;
    this.#signal = signal;
  }

  /** The profile whose credentials are used: that of `--profile`, or the current one; never one of another issuer than was asked for. */
  get profile() {
    const { profile: name } = this.#options;
    const profile = this.#profiles.find(name);
    const asked = this.#askedIssuer();
    if (asked === undefined || profile === undefined || profile.issuer === asked) return profile;
    if (name !== undefined) throw usage(`the profile ${name} is for ${profile.issuer}, not for ${asked}`);
    const { profiles } = this.#profiles.read();
    const [other] = Object.entries(profiles).filter(([, { issuer }]) => issuer === asked);
    return other === undefined ? undefined : { name: other[0], ...other[1] };
  }

  #askedIssuer() {
    const { issuer = this.#env.EDGEMINT_ISSUER } = this.#options;
    return issuer ? issuerOf(issuer) : undefined;
  }

  /** The issuer: `--issuer`, `EDGEMINT_ISSUER`, or that of the profile. */
  get issuer() {
    const issuer = this.#askedIssuer() ?? this.profile?.issuer;
    if (issuer === undefined) throw usage('there is no issuer', 'add --issuer URL, set EDGEMINT_ISSUER, or sign in: edgemint login --issuer URL');
    return issuer;
  }

  /** The client of the admin API. */
  get admin() {
    const { issuer } = this;
    return new AdminClient({ issuer, token: (request) => this.token(request), timeout: 60 });
  }

  /** The access token of the operator: `EDGEMINT_TOKEN`, or that of the profile, renewed if that is possible. */
  async token({ renew = false } = {}) {
    const given = this.#env.EDGEMINT_TOKEN;
    if (given) return renew ? undefined : checkedToken(given, this.issuer);
    const { profile } = this;
    if (profile === undefined) throw signInFirst(`you are not signed in at ${this.issuer}`, `edgemint login --issuer ${this.issuer}`);
    if (!renew && profile.expires_at - MARGIN > Date.now() / 1000) return profile.access_token;
    const fresh = await this.#renewed(profile);
    this.#profiles.save(fresh, { makeCurrent: false });
    return fresh.access_token;
  }

  async #renewed(profile) {
    const { name, issuer, client_id: clientId, client_secret: secret } = profile;
    const again = signInFirst(`the token of the profile ${name} has expired or was revoked`, `edgemint login --issuer ${issuer}${name === 'default' ? '' : ` --profile ${name}`}`);
    try {
      if (profile.refresh_token !== undefined) return await refreshed(profile, this.#signal);
      if (secret !== undefined) return { ...profile, ...await clientToken({ issuer, clientId, secret, scope: ADMIN_SCOPE, signal: this.#signal }) };
    } catch (error) {
      if (error.error === 'invalid_grant' || error.status === 401) throw again;
      throw error;
    }
    throw again;
  }
}

/** A token from the environment. One that names another issuer would be shown to a server that it is not for. */
function checkedToken(token, issuer) {
  if (!/^[\w.~+/-]+=*$/.test(token)) throw usage('EDGEMINT_TOKEN is no access token');
  const named = issuerOfToken(token);
  if (named !== undefined && named !== issuer) throw failed(`EDGEMINT_TOKEN is from ${named}, not from ${issuer}`, 'set EDGEMINT_ISSUER to the issuer of the token');
  return token;
}

function issuerOfToken(token) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).iss;
  } catch {
    return undefined;
  }
}
