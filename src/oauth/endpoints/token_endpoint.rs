//! The token endpoint (RFC 6749 section 3.2): the request, the decision, and the claims of the access token.

use std::slice;

use serde::Serialize;

use crate::token::{Algorithm, UnixTime, base64url};
use crate::wire::{Form, Reply};

use crate::oauth::endpoints::id_token;
use crate::oauth::grant::device_code::DeviceCode;
use crate::oauth::grant::gate::{self, ClientFacts, Facts, Granted, Permit, Requested, resources_of_client};
use crate::oauth::grant::handle::{AccountId, GrantId, Kind, MacKey};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{Acr, Expiry, Redeem, RedeemDevice, Refresh, TokenGrant};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::actor::{Actor, Delegation};
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, Client, ClientId, GrantType};
use crate::oauth::vocabulary::compatibility::Item;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::sign_in::SignIn;
use crate::oauth::vocabulary::status_entry::{StatusClaim, StatusEntry};

/// A parsed token request.
#[derive(Debug)]
pub enum TokenRequest {
    /// A client requests a token for itself (RFC 6749 section 4.4).
    ClientCredentials {
        /// The client.
        client: ClientFacts,
        /// The requested scope.
        scope: Option<Scope>,
        /// The requested resources.
        resources: Vec<Resource>,
    },
    /// A client redeems a code (RFC 6749 section 4.1.3).
    Redeem {
        /// The account of the grant.
        account: AccountId,
        /// The grant.
        grant: GrantId,
        /// The request to the grant.
        redeem: Redeem,
    },
    /// A device polls (RFC 8628 section 3.4).
    RedeemDevice {
        /// The device code.
        code: DeviceCode,
        /// The request to the grant, once the user has allowed it.
        redeem: RedeemDevice,
    },
    /// A client uses a refresh token (RFC 6749 section 6).
    Refresh {
        /// The account of the grant.
        account: AccountId,
        /// The grant.
        grant: GrantId,
        /// The request to the grant.
        refresh: Refresh,
    },
}

impl TokenRequest {
    /// Parses the form. `by` is the method by which the client has authenticated. Requests that the client's record refuses, and
    /// codes, device codes and refresh tokens that this server did not issue, are refused here, so they wake no object.
    ///
    /// # Errors
    /// A missing or unknown `grant_type`, a client that does not pass the gate, a missing, malformed or forged
    /// code, device code, verifier or refresh token, a malformed `scope` or `resource`.
    pub fn parse(
        authority: &Authority,
        catalogue: &Catalogue,
        key: &MacKey,
        client: &Client,
        by: AuthMethod,
        form: &Form,
    ) -> Result<Self, Refusal> {
        let name = form.get("grant_type").ok_or(Refusal::MissingParameter)?;
        let (grant_type, device_code) = grant_type_of(authority, name)?;
        let facts = ClientFacts::of(authority, catalogue, client, Some(by));
        gate::admit(grant_type, &facts)?;
        let parameter = |name| form.get(name).ok_or(Refusal::MissingParameter);
        let read = |kind, text| {
            let handle = key.read(kind, text).ok_or(Refusal::HandleForged)?;
            let grant = handle.grant().ok_or(Refusal::HandleForged)?;
            Ok::<_, Refusal>((handle.account, grant, handle.generation))
        };
        let scope_and_resources = || {
            let scope = form.get("scope").map(|text| Scope::parse(text).ok_or(Refusal::ScopeMalformed)).transpose()?;
            Ok::<_, Refusal>((scope, resources_of(form)?))
        };
        Ok(match grant_type {
            GrantType::ClientCredentials => {
                let (scope, resources) = scope_and_resources()?;
                Self::ClientCredentials { client: facts, scope, resources }
            }
            // Authorized by the assertion or by another token: see `jwt_bearer` and `token_exchange`.
            GrantType::JwtBearer | GrantType::TokenExchange => return Err(Refusal::GrantUnsupported),
            GrantType::AuthorizationCode => {
                let (account, grant, _) = read(Kind::Code, parameter("code")?)?;
                let challenge = challenge(authority, client, form)?;
                let (_, resources) = scope_and_resources()?;
                let redeem = Redeem {
                    client: facts,
                    redirect_uri: form.get("redirect_uri").map(str::to_owned),
                    challenge,
                    resources,
                    refreshable: client.may_use(GrantType::RefreshToken),
                };
                Self::Redeem { account, grant, redeem }
            }
            GrantType::DeviceCode => {
                let code = DeviceCode::read(key, parameter(device_code)?).ok_or(Refusal::HandleForged)?;
                let (_, resources) = scope_and_resources()?;
                let refreshable = client.may_use(GrantType::RefreshToken);
                let redeem = RedeemDevice { client: facts, resources, refreshable };
                Self::RedeemDevice { code, redeem }
            }
            GrantType::RefreshToken => {
                let (account, grant, generation) = read(Kind::Refresh, parameter("refresh_token")?)?;
                let (scope, resources) = scope_and_resources()?;
                let refresh = Refresh { client: facts, generation, rotate: client.is_public(), scope, resources };
                Self::Refresh { account, grant, refresh }
            }
        })
    }
}

/// The grant type of the device flow in draft-ietf-oauth-v2-05, which some libraries still send.
pub const DRAFT_DEVICE_GRANT: &str = "http://oauth.net/grant_type/device/1.0";

/// Returns the grant type of this name, and the parameter that has the code if it is that of a device.
fn grant_type_of(authority: &Authority, name: &str) -> Result<(GrantType, &'static str), Refusal> {
    if name == DRAFT_DEVICE_GRANT && authority.compatibility().permits(Item::DraftDeviceGrant) {
        return Ok((GrantType::DeviceCode, "code"));
    }
    let known = GrantType::ALL.into_iter().find(|known| known.name() == name);
    Ok((known.ok_or(Refusal::GrantUnsupported)?, "device_code"))
}

/// Returns the challenge of the verifier. Where the client may go without, the code decides whether it had to have one.
fn challenge(authority: &Authority, client: &Client, form: &Form) -> Result<Challenge, Refusal> {
    match form.get("code_verifier") {
        Some(verifier) => Challenge::of_verifier(verifier).ok_or(Refusal::PkceVerifier),
        None if client.is_permitted(Item::CodeWithoutPkce, authority) => Ok(Challenge::absent()),
        None => Err(Refusal::MissingParameter),
    }
}

/// The claims of an access token (RFC 9068 section 2.2; `auth_time` and `acr`: RFC 9470 section 6.1).
#[derive(Debug, Serialize)]
pub struct AccessTokenClaims {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    iat: UnixTime,
    exp: UnixTime,
    jti: TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    /// The status list entry (draft-ietf-oauth-status-list section 6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusClaim>,
    #[serde(skip)]
    algorithm: Option<Algorithm>,
    /// Who acts for the subject, and who may (RFC 8693 sections 4.1 and 4.4).
    #[serde(flatten)]
    delegation: Delegation,
}

/// One audience is a string, several are a list (RFC 7519 section 4.1.3).
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The token response (RFC 6749 section 5.1).
#[derive(Debug, Serialize)]
pub struct TokenResponse<'t> {
    access_token: &'t str,
    /// The type of the token (RFC 8693 section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds until the refresh token expires if it is not used (draft-ietf-oauth-refresh-token-expiration-03 section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<u64>,
    /// Seconds until the grant expires, however often it is used (the same).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'t str,
}

impl<'t> TokenResponse<'t> {
    /// Returns the response with an identity assertion, which is no access token (RFC 8693 section 2.2.1).
    pub const fn of_assertion(assertion: &'t str, name: &'static str, scope: &'t str, expires_in: u64) -> Self {
        Self {
            access_token: assertion,
            issued_token_type: Some(name),
            token_type: "N_A",
            expires_in,
            refresh_token: None,
            refresh_token_timeout: None,
            authorization_expires_in: None,
            id_token: None,
            scope,
        }
    }

    /// Adds a refresh token.
    #[must_use]
    pub fn with_refresh_token(self, refresh_token: String, expiry: Option<Expiry>, now: UnixTime) -> Self {
        let left = |end: UnixTime| end.0.saturating_sub(now.0);
        Self {
            refresh_token: Some(refresh_token),
            refresh_token_timeout: expiry.map(|expiry| left(expiry.refresh_token)),
            authorization_expires_in: expiry.map(|expiry| left(expiry.authorization)),
            ..self
        }
    }

    /// Adds the registered name of the type of a token that was issued by an exchange.
    #[must_use]
    pub fn with_issued_type(self, name: &'static str) -> Self {
        Self { issued_token_type: Some(name), ..self }
    }

    /// Returns the reply to the token request.
    pub fn reply(&self) -> Reply {
        Reply::json(200, self).with("Pragma", "no-cache")
    }
}

/// Decides a client credentials request (RFC 6749 section 4.4): the request passes the gate, and the subject of the token is the
/// client itself (RFC 9068 section 2.2). `jti` is a fresh random identifier. The default scope is what the client registered,
/// the default audience the default resource.
///
/// # Errors
/// The refusal of the first check of the gate that fails.
pub fn client_credentials(
    authority: &Authority,
    client: &ClientFacts,
    scope: Option<&Scope>,
    resources: &[Resource],
    status: Option<StatusEntry>,
    jti: TokenId,
    now: UnixTime,
) -> Result<AccessTokenClaims, Refusal> {
    let own = OwnToken { client, granted: &client.scope, requested: Requested { scope, resources }, status };
    of_client_itself(authority, GrantType::ClientCredentials, own, jti, now)
}

/// A token about the client itself.
#[derive(Clone, Copy, Debug)]
pub struct OwnToken<'o> {
    /// The client.
    pub client: &'o ClientFacts,
    /// The scope that it may obtain by the grant type, and its default.
    pub granted: &'o Scope,
    /// What it requests.
    pub requested: Requested<'o>,
    /// The status list entry of its own tokens.
    pub status: Option<StatusEntry>,
}

/// Decides a request for a token about the client itself: the request passes the gate. `jti` is a fresh random identifier.
///
/// # Errors
/// The refusal of the first check of the gate that fails.
pub fn of_client_itself(
    authority: &Authority,
    grant_type: GrantType,
    own: OwnToken<'_>,
    jti: TokenId,
    now: UnixTime,
) -> Result<AccessTokenClaims, Refusal> {
    let OwnToken { client, granted, requested, status } = own;
    let resources = granted_resources(authority, client, requested.resources)?;
    let granted = Granted { owner: None, scope: granted, resources, offline: false, sign_in: None };
    let facts = Facts { client, user: None, granted, requested };
    let permit = gate::pass_for_client_itself(grant_type, &facts, now)?;
    let bearer = Bearer { status, ..Bearer::of(client.id.as_str(), &client.id) };
    Ok(AccessTokenClaims::permitted(authority, &permit, bearer, jti, now))
}

/// Returns the resources of a request that no earlier grant limits: those that the client may request, or the default one if the
/// request names none.
///
/// # Errors
/// [`Refusal::ResourceNotAllowed`] if the request names none, and the client may not request the default one.
pub fn granted_resources<'g>(
    authority: &'g Authority,
    client: &'g ClientFacts,
    requested: &[Resource],
) -> Result<&'g [Resource], Refusal> {
    let default = authority.default_resource();
    match requested {
        [] if client.resources.contains(default) => Ok(slice::from_ref(default)),
        [] => Err(Refusal::ResourceNotAllowed),
        _ => Ok(&client.resources),
    }
}

/// Returns the access token of an assertion about a user. `random` tells its identifier from others; it names the grant.
pub fn of_assertion(
    authority: &Authority,
    (account, grant): (&AccountId, &GrantId),
    client: &ClientId,
    permit: &Permit,
    status: StatusEntry,
    random: [u8; 12],
    now: UnixTime,
) -> AccessTokenClaims {
    let jti = TokenId::within(grant, &base64url::encode(&random));
    let bearer = Bearer { status: Some(status), ..Bearer::of(account.as_str(), client) };
    AccessTokenClaims::permitted(authority, permit, bearer, jti, now)
}

/// Returns the access token of a grant. A replayed response has the same token: the same times and the same identifier, which
/// names the grant, so that introspection knows which account to ask, and is otherwise random.
pub fn of_grant(
    authority: &Authority,
    key: &MacKey,
    account: &AccountId,
    grant: &GrantId,
    client: &Client,
    tokens: &TokenGrant,
) -> AccessTokenClaims {
    let (scope, resources) = (tokens.permit.scope().to_string(), tokens.permit.resources());
    let audiences = resources.iter().map(Resource::as_str).collect::<Vec<_>>().join(" ");
    let (at, generation) = (tokens.at.0.to_string(), tokens.generation.to_string());
    // Neither scope values nor URIs contain white space, so spaces within a field are unambiguous.
    let scope_field = scope.replace('|', "%7C");
    let audience_field = audiences.replace('|', "%7C");
    let tag = key.tag(&["jti", grant.as_str(), &generation, &at, &scope_field, &audience_field]);
    let jti = TokenId::within(grant, tag.get(..16).unwrap_or_default());
    let sign_in = Some((tokens.sign_in.at, id_token::acr(authority, &tokens.sign_in)));
    let bearer = Bearer { status: tokens.status, sign_in, ..Bearer::of(account.as_str(), &client.id) };
    AccessTokenClaims::permitted(authority, &tokens.permit, bearer, jti, tokens.at)
}

/// The subject and the client of an access token.
struct Bearer<'b> {
    subject: &'b str,
    client: &'b ClientId,
    status: Option<StatusEntry>,
    /// The time and the class of the user's sign-in (RFC 9470 section 6.1).
    sign_in: Option<(UnixTime, Acr)>,
    delegation: Delegation,
    /// The latest end of the token, if it is earlier than its lifetime.
    end: Option<UnixTime>,
}

impl<'b> Bearer<'b> {
    fn of(subject: &'b str, client: &'b ClientId) -> Self {
        Self { subject, client, status: None, sign_in: None, delegation: Delegation::default(), end: None }
    }
}

/// A token that an exchange yields.
#[derive(Clone, Debug)]
pub struct ExchangedToken<'e> {
    /// The subject of the subject token.
    pub subject: &'e str,
    /// The client that exchanges.
    pub client: &'e ClientId,
    /// What the gate permitted.
    pub permit: &'e Permit,
    /// The status list entry of the subject token.
    pub status: Option<StatusEntry>,
    /// The sign-in of the user.
    pub sign_in: Option<&'e SignIn>,
    /// Who acts for the subject.
    pub delegation: Delegation,
    /// The end of the subject token.
    pub end: UnixTime,
}

/// Returns the access token of an exchange. `jti` leads to the grant or the client of the subject token.
pub fn of_exchange(authority: &Authority, token: ExchangedToken<'_>, jti: TokenId, now: UnixTime) -> AccessTokenClaims {
    let ExchangedToken { subject, client, permit, status, sign_in, delegation, end } = token;
    let sign_in = sign_in.map(|sign_in| (sign_in.at, id_token::acr(authority, sign_in)));
    let bearer = Bearer { status, sign_in, delegation, end: Some(end), ..Bearer::of(subject, client) };
    AccessTokenClaims::permitted(authority, permit, bearer, jti, now)
}

impl AccessTokenClaims {
    /// Returns the claims of a token that the gate has permitted. No other function makes them.
    fn permitted(authority: &Authority, permit: &Permit, bearer: Bearer<'_>, jti: TokenId, now: UnixTime) -> Self {
        let full = now.plus(permit.lifetime(authority.access_token_ttl()));
        Self {
            iss: authority.issuer().to_owned(),
            sub: bearer.subject.to_owned(),
            aud: audience(permit.resources()),
            client_id: bearer.client.to_string(),
            scope: permit.scope().to_string(),
            iat: now,
            exp: bearer.end.map_or(full, |end| end.min(full)),
            jti,
            auth_time: bearer.sign_in.map(|(at, _)| at),
            acr: bearer.sign_in.map(|(_, class)| class.value()),
            status: bearer.status.map(|entry| entry.claim(authority)),
            delegation: bearer.delegation,
            algorithm: permit.algorithm(),
        }
    }

    /// Returns the same token with a random identifier within its grant. A client that keeps its refresh token can get several
    /// access tokens in one second, and revoking one of them must not revoke the others.
    pub fn with_own_identifier(mut self, random: [u8; 12]) -> Self {
        if let Some(grant) = self.jti.grant() {
            self.jti = TokenId::within(&grant, &base64url::encode(&random));
        }
        self
    }

    /// Returns the algorithm that signs the token: that of its resource, or that of its client. `None` for the default.
    pub fn algorithm(&self, client: &Client) -> Option<Algorithm> {
        self.algorithm.or_else(|| client.access_token_algorithm())
    }

    /// Returns who acts for the subject, if this server knows.
    pub fn actor(&self) -> Option<&Actor> {
        self.delegation.act.as_ref()
    }

    /// Returns the token's identifier.
    pub fn jti(&self) -> &TokenId {
        &self.jti
    }

    /// Returns the response with the token that was minted from these claims.
    pub fn response<'t>(&'t self, access_token: &'t str, id_token: Option<String>, now: UnixTime) -> TokenResponse<'t> {
        let expires_in = self.exp.0.saturating_sub(now.0.max(self.iat.0));
        TokenResponse {
            access_token,
            issued_token_type: None,
            token_type: "Bearer",
            expires_in,
            refresh_token: None,
            refresh_token_timeout: None,
            authorization_expires_in: None,
            id_token,
            scope: &self.scope,
        }
    }
}

/// Returns the resources that a request names (RFC 8707 section 2), each once, or the default one if it names none.
///
/// # Errors
/// [`Refusal::ResourceMalformed`], [`Refusal::ResourceNotAllowed`].
pub fn resources(
    authority: &Authority,
    catalogue: &Catalogue,
    client: &Client,
    form: &Form,
) -> Result<Vec<Resource>, Refusal> {
    let (asked, allowed) = (resources_of(form)?, resources_of_client(authority, catalogue, client));
    let asked = if asked.is_empty() { vec![authority.default_resource().clone()] } else { asked };
    if asked.iter().all(|resource| allowed.contains(resource)) { Ok(asked) } else { Err(Refusal::ResourceNotAllowed) }
}

pub(super) fn resources_of(form: &Form) -> Result<Vec<Resource>, Refusal> {
    let mut resources = Vec::new();
    for text in form.all("resource") {
        let resource = Resource::parse(text).ok_or(Refusal::ResourceMalformed)?;
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    Ok(resources)
}

fn audience(resources: &[Resource]) -> Audience {
    match resources {
        [only] => Audience::One(only.as_str().to_owned()),
        several => Audience::Several(several.iter().map(|resource| resource.as_str().to_owned()).collect()),
    }
}
