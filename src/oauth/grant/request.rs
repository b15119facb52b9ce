//! Requests to a grant, and what they yield. The token endpoint parses them, the account's command carries them, and the
//! state machine decides them: one shape from end to end.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::gate::{ClientFacts, Permit};
use crate::oauth::grant::handle::SessionId;
use crate::oauth::vocabulary::claims::UserClaim;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::sign_in::SignIn;
use crate::oauth::vocabulary::status_entry::StatusEntry;
use crate::token::UnixTime;

/// Redeems a code (RFC 6749 section 4.1.3).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Redeem {
    /// The client that presents the code.
    pub client: ClientFacts,
    /// The `redirect_uri` of the request; optional in OAuth 2.1.
    pub redirect_uri: Option<String>,
    /// The hash of the PKCE verifier.
    pub challenge: Challenge,
    /// The resources that the access token is limited to (RFC 8707 section 2.2); empty for no limit.
    pub resources: Vec<Resource>,
    /// Whether a refresh token is issued.
    pub refreshable: bool,
}

/// Redeems a device code that the user allowed (RFC 8628 section 3.4).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RedeemDevice {
    /// The client that presents the device code.
    pub client: ClientFacts,
    /// The resources that the access token is limited to; empty for no limit.
    pub resources: Vec<Resource>,
    /// Whether a refresh token is issued.
    pub refreshable: bool,
}

/// Uses a refresh token (RFC 6749 section 6).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Refresh {
    /// The client that presents the token.
    pub client: ClientFacts,
    /// The token's generation.
    pub generation: u64,
    /// Whether each token is used once: for public clients. The others authenticate (RFC 9700 section 2.2.2).
    pub rotate: bool,
    /// The scope that the access token is limited to, if any.
    pub scope: Option<Scope>,
    /// The resources that the access token is limited to; empty for no limit.
    pub resources: Vec<Resource>,
}

/// Revokes a grant at the request of its client (RFC 7009).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Revoke {
    /// The client that presents the refresh token.
    pub client: ClientId,
}

/// Describes a refresh token to its client (RFC 7662).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Describe {
    /// The client that presents the token.
    pub client: ClientFacts,
    /// The token's generation.
    pub generation: u64,
}

/// The contents of the tokens that a request yields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TokenGrant {
    /// The scope and the audience of the access token.
    pub permit: Permit,
    /// The generation of the refresh token; 0 for none.
    pub generation: u64,
    /// Issue time; unchanged when a response is replayed.
    pub at: UnixTime,
    /// The user's sign-in.
    pub sign_in: SignIn,
    /// The session of that sign-in.
    pub session: SessionId,
    /// The `nonce` of the ID token.
    pub nonce: Option<String>,
    /// The claims about the user that the client requested for the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<UserClaim>,
    /// The status list entry of the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// Whether this is a replayed response.
    pub repeated: bool,
    /// When the refresh token expires. Absent in answers of objects of versions that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
}

/// When a refresh token expires (draft-ietf-oauth-refresh-token-expiration).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Expiry {
    /// The end of the refresh token if it is not used.
    pub refresh_token: UnixTime,
    /// The end of the grant, however often it is used.
    pub authorization: UnixTime,
}

/// The description of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Described {
    /// The scope of the grant.
    pub scope: Scope,
    /// The token's issue time.
    pub at: UnixTime,
    /// When the token expires.
    pub ends: UnixTime,
}
