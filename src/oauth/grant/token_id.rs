//! The identifiers of access tokens.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::handle::GrantId;
use crate::oauth::vocabulary::client::ClientId;
use crate::token::base64url;

/// The beginning of what follows the grant in the identifier of a token that was obtained by token exchange.
const EXCHANGED: &str = "x.";
/// The beginning of the identifiers that name a client. No grant's identifier is this short.
const OF_CLIENT: &str = "c.";

/// The identifier of a token (`jti`, RFC 7519 section 4.1.7). It names the token's grant, if there is one, and is otherwise
/// random. That of a token about a client that another client obtained names the first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct TokenId(String);

impl TokenId {
    /// Makes the identifier of a client's own token from random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// Makes the identifier of a token of a grant. The suffix tells it from the grant's other tokens.
    pub fn within(grant: &GrantId, suffix: &str) -> Self {
        Self(format!("{grant}.{suffix}"))
    }

    /// Makes the identifier of a token of a grant that is obtained by token exchange.
    pub fn exchanged(grant: &GrantId, random: [u8; 12]) -> Self {
        Self::within(grant, &format!("{EXCHANGED}{}", base64url::encode(&random)))
    }

    /// Makes the identifier of a token about a client that another client obtains by token exchange.
    pub fn about_client(client: &ClientId, random: [u8; 12]) -> Self {
        let client = base64url::encode(client.as_str().as_bytes());
        Self(format!("{OF_CLIENT}{client}.{}", base64url::encode(&random)))
    }

    /// Makes the identifier of the ID token that is issued with the access token of this identifier.
    #[must_use]
    pub fn of_id_token(&self) -> Self {
        Self(format!("{}.id", self.0))
    }

    /// Reads the `jti` of a verified token.
    pub fn of_verified(jti: &str) -> Self {
        Self(jti.to_owned())
    }

    /// Returns the grant that it names. The identifiers of clients' own tokens name none.
    pub fn grant(&self) -> Option<GrantId> {
        self.0.split_once('.').and_then(|(grant, _)| GrantId::parse(grant))
    }

    /// Returns whether it is that of a token that was obtained by token exchange.
    pub fn is_exchanged(&self) -> bool {
        let of_grant = self.0.split_once('.').is_some_and(|(_, rest)| rest.starts_with(EXCHANGED));
        self.client().is_some() || (of_grant && self.grant().is_some())
    }

    /// Returns the client that it names. The identifiers of clients' own tokens name none.
    pub fn client(&self) -> Option<ClientId> {
        let (client, _) = self.0.strip_prefix(OF_CLIENT)?.split_once('.')?;
        ClientId::parse(std::str::from_utf8(&base64url::decode(client.as_bytes())?).ok()?)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_of_a_token_names_its_grant() {
        let grant = GrantId::from_bytes([7; 16]);
        assert_eq!(TokenId::within(&grant, "x.y").as_str(), format!("{grant}.x.y"));
        assert_eq!(TokenId::within(&grant, "x.y").grant(), Some(grant.clone()));
        for nameless in [TokenId::from_random([7; 16]), TokenId::of_verified("short.x"), TokenId::of_verified("")] {
            assert_eq!(nameless.grant(), None, "{nameless:?}");
        }
        assert_eq!(TokenId::within(&grant, "x").of_id_token().grant(), Some(grant.clone()));
        assert_eq!(TokenId::within(&grant, "x").client(), None);
        assert!(!TokenId::within(&grant, "x").is_exchanged() && !TokenId::from_random([7; 16]).is_exchanged());
        let exchanged = TokenId::exchanged(&grant, [7; 12]);
        assert!(exchanged.is_exchanged() && exchanged.grant() == Some(grant));
        assert_eq!(TokenId::from_random([0; 16]).as_str(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(serde_json::to_string(&TokenId::of_verified("j")).unwrap(), "\"j\"");
    }

    #[test]
    fn the_identifier_of_an_exchanged_token_about_a_client_names_it() {
        for name in ["app", "my client/1.x", "AAAAAAAAAAAAAAAAAAAAAA"] {
            let client = ClientId::parse(name).unwrap();
            let id = TokenId::about_client(&client, [7; 12]);
            assert_eq!((id.client(), id.grant(), id.is_exchanged()), (Some(client), None, true), "{}", id.as_str());
        }
        for nameless in ["c.", "c.YXBw", "c.!.x", "c..x", "d.YXBw.x", ""] {
            assert_eq!(TokenId::of_verified(nameless).client(), None, "{nameless}");
        }
        assert_eq!(TokenId::from_random([7; 16]).client(), None);
    }
}
