//! A verified access token of this server as a type (RFC 9068 section 2.2).

use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::{Token, UnixTime};

/// The claims of a verified access token that decisions use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The client that it was issued to.
    pub client: ClientId,
    /// The account of its user; `None` for a token about a client.
    pub account: Option<AccountId>,
    /// The client whose registry knows whether it was revoked, for a token without a grant: the one that it is about.
    pub registry: ClientId,
    /// Its identifier (`jti`).
    pub jti: TokenId,
    /// The grant that it belongs to; `None` for a token about a client.
    pub grant: Option<GrantId>,
    /// The resources of its audience (`aud`).
    pub audience: Vec<Resource>,
    /// Its scope.
    pub scope: Scope,
    /// Its time of issue (`iat`), whole seconds.
    pub issued_at: UnixTime,
    /// Its end (`exp`), rounded up to whole seconds.
    pub expires_at: UnixTime,
}

impl AccessToken {
    /// Reads the claims of a verified token. `None` if this server cannot have issued them.
    pub fn read(token: &Token) -> Option<Self> {
        let client = ClientId::parse(token.claims().text("client_id")?)?;
        Self::of_client(token, client)
    }

    /// Reads the claims of a verified ID token, as if it were an access token of its only audience without scope. `None` if this server cannot
    /// have issued them, or if an earlier version did, whose ID tokens name no grant.
    pub fn of_id_token(token: &Token) -> Option<Self> {
        let client = ClientId::parse(token.claims().members().get("aud")?.as_str()?)?;
        let access = Self::of_client(token, client)?;
        (access.grant.is_some() && access.account.is_some()).then(|| Self { scope: Scope::default(), ..access })
    }

    fn of_client(token: &Token, client: ClientId) -> Option<Self> {
        let claims = token.claims();
        let subject = claims.text("sub")?;
        let jti = TokenId::of_verified(claims.text("jti")?);
        // `Claims::time` is within the calendar.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = |time: f64| UnixTime(time as u64);
        let about = jti.client();
        Some(Self {
            account: AccountId::parse(subject).filter(|_| about.is_none() && subject != client.as_str()),
            registry: about.unwrap_or_else(|| client.clone()),
            grant: jti.grant(),
            jti,
            audience: claims.audiences().filter_map(Resource::parse).collect(),
            scope: Scope::parse(claims.text("scope").unwrap_or_default()).unwrap_or_default(),
            issued_at: seconds(claims.time("iat")?),
            expires_at: seconds(claims.time("exp")?.ceil()),
            client,
        })
    }
}
